"""The pages of rigs, read as HTML."""

import json
import re
from html import unescape

import pytest

from rcg.api.calibration_schemas import KeepIn
from rcg.api.rig_schemas import RigIn
from rcg.api.services import rig_calibration
from rcg.api.services import rigs as service
from rcg.capture.lights.kinds import WAYS
from rcg.web.capture.fields import settings_of

RING = {"kind": "ring", "radius_mm": 150, "elevation_deg": 40}


@pytest.fixture
def make(container):
    def made(name="Desk ring", driver="manual", **body):
        return service.create(container, RigIn.model_validate({"name": name, "driver": driver, **body}))

    return made


def test_without_a_rig_the_page_says_what_one_is_for(client):
    page = client.get("/capture/rigs").text
    assert "No rig yet" in page
    assert page.count('href="/capture/rigs/new"') == 1


def test_the_list_says_what_is_measured_and_what_is_not(client, make):
    make(lights=RING)
    make("Tablet", "screen", settle_ms=84)
    page = client.get("/capture/rigs").text
    first, second = re.findall(r"<tr><td>.*?</tr>", page, re.DOTALL)
    assert "default" in first
    assert "ring of 8, radius 150\u2009mm, elevation 40\u2009°" in first
    assert "Not measured yet" in first
    assert "RCG waits 300 ms" in first
    assert ("uncalibrated" in first, "uncalibrated" in second) == (False, True)
    assert "84&#8201;ms" in second


def test_a_new_rig_begins_with_the_choice_of_a_driver_and_what_it_needs(client, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    page = client.get("/capture/rigs/new?driver=serial").text
    for way in WAYS.values():
        assert f'href="?driver={way.name}"' in page
        assert way.needs in unescape(page)
    assert "cannot work on this computer yet" in page
    assert "pip install" in page
    assert 'data-config="port"' in page
    assert "--set port=/dev/ttyACM0" in page
    assert 'data-config="port"' not in client.get("/capture/rigs/new").text
    assert client.get("/capture/rigs/new?driver=dmx").status_code == 422


@pytest.mark.parametrize("name", list(WAYS))
def test_every_setting_of_a_driver_has_a_field(name):
    fields = {item.key: item for item in settings_of(WAYS[name], {})}
    assert set(fields) == set(WAYS[name].config.model_fields)
    for key, field in fields.items():
        info = WAYS[name].config.model_fields[key]
        assert field.required == info.is_required()
        assert info.is_required() or field.value == info.default
    for field in fields.values():
        assert field.title != field.key, "a title for people"


def test_kinds_of_fields():
    fields = {item.key: item for item in settings_of(WAYS["screen"], {"turn_deg": 90})}
    assert (fields["turn_deg"].kind, fields["turn_deg"].options, fields["turn_deg"].value) == (
        "choice", (0, 90, 180, 270), 90,
    )  # fmt: skip
    assert (fields["patch"].kind, fields["patch"].low, fields["patch"].high) == ("number", 0.05, 0.6)
    assert fields["mirrored"].kind == "switch"


def test_one_rig_shows_its_values_and_what_only_a_camera_measures(client, make):
    rig = make(driver="wled", config={"url": "http://ring.local", "per_light": 12}, lights=RING)
    page = client.get(f"/capture/rigs/{rig.id}").text
    assert 'value="http://ring.local"' in page
    assert re.search(r'data-config="per_light"[^>]*value="12"', page)
    places = json.loads(unescape(re.search(r'data-places="([^"]*)"', page)[1]))
    assert (places["radius_mm"], places["elevation_deg"], places["height_mm"]) == (150, 40, None)
    assert "only a camera can measure" in page
    assert "rcg rig light &#39;Desk ring&#39; 3" in page
    assert client.get("/capture/rigs/none").status_code == 404


def test_by_hand_there_is_nothing_to_test_from_here(client, make):
    page = client.get(f"/capture/rigs/{make().id}").text
    assert "data-test>" not in page
    assert "your tap" in page
    assert "Relief will be uncalibrated." in page


def test_measured_places_are_listed_as_they_were_given(client, make):
    rows = [[0, 150, 90], [150, 0, 90.5], [0, -150, 90], [-150, 0, 90]]
    rig = make(lights={"kind": "positions", "positions_mm": rows})
    page = client.get(f"/capture/rigs/{rig.id}").text
    assert "0 150 90\n150 0 90.5\n0 -150 90\n-150 0 90</textarea>" in page


def test_the_light_page_belongs_to_screens(client, make):
    screen, hand = make("Tablet", "screen", config={"patch": 0.2}), make()
    page = client.get(f"/capture/light/{screen.id}")
    config = json.loads(unescape(re.search(r'data-config="([^"]*)"', page.text)[1]))
    assert (config["rig"], config["count"], config["patch"]) == (screen.id, 8, 0.2)
    assert "photosensitive epilepsy" in page.text
    refused = client.get(f"/capture/light/{hand.id}")
    assert refused.status_code == 422
    assert "no screen" in refused.text


def test_a_rigs_page_says_how_its_lights_are_known_and_how_old_that_is(client, make, container):
    rig = make(lights={"kind": "ring", "radius_mm": 150, "height_mm": 90, "count": 4})
    page = unescape(client.get(f"/capture/rigs/{rig.id}").text)
    assert "told by hand" in page
    assert "estimated from each card itself" in page
    rows = [{"name": str(n + 1), "vector": [100 - 60 * n, 10 * n * n, 80]} for n in range(4)]
    found = {"what": "lights", "by": "ball", "at": 1_700_000_000_000, "near": True, "lights": rows}
    rig_calibration.keep(container, rig.id, KeepIn(calibration=found))
    page = unescape(client.get(f"/capture/rigs/{rig.id}").text)
    assert "places measured on a ball" in page
    assert "2023-11-14" in page
    assert "older than half a year" in page
    assert 'data-forget="lights"' in page
    measured = json.loads(
        unescape(re.search(r'data-measured="([^"]*)"', client.get(f"/capture/rigs/{rig.id}").text)[1])
    )
    assert measured["positions_mm"][1] == [40, 10, 80]


def test_another_drivers_settings_are_shown_before_they_are_saved(client, make):
    rig = make()
    page = unescape(client.get(f"/capture/rigs/{rig.id}?driver=wled").text)
    assert 'data-driver="wled" data-current="manual"' in page
    assert 'data-config="url"' in page
    assert "Not saved yet." in page
    assert "Not saved yet." not in client.get(f"/capture/rigs/{rig.id}").text


def test_a_screen_is_led_to_its_light_by_a_code(client, make):
    rig = make(driver="screen")
    assert f"/capture/rigs/{rig.id}/light.svg" in client.get(f"/capture/rigs/{rig.id}").text
    code = client.get(f"/capture/rigs/{rig.id}/light.svg")
    assert code.headers["content-type"].startswith("image/svg")
    assert "<path" in code.text

"""Rigs by REST: kept, checked, switched, tested; who may do it."""

import threading
import time

import pytest
from fastapi.testclient import TestClient

from rcg.api.services import rigs as service
from rcg.capture.lights import LightError, y4m
from rcg.capture.lights.sim import SimDriver
from rcg.photometric.lights import LightsSpec, resolve
from rcg.store.repositories import rigs as rows

RING = {"kind": "ring", "radius_mm": 150, "height_mm": 90}


@pytest.fixture
def client(root, parts):
    """In one event loop for the whole test, as a server has it."""
    token = parts.auth.create_token("test", ["capture", "read"]).secret
    headers = {"authorization": f"Bearer {token}"}
    with TestClient(root, base_url="https://rcg.test:8443", headers=headers) as client:
        yield client
        client.portal.call(parts.lights.close)


@pytest.fixture
def make(client):
    def made(name="ring", driver="manual", **body):
        answer = client.post("/api/rigs", json={"name": name, "driver": driver, **body})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return made


@pytest.fixture
def scene(parts):
    folder = parts.settings.data_dir / "sim" / "card"
    folder.mkdir(parents=True)
    for name in ("ambient", *"12345678"):
        luma = 20 if name == "ambient" else 40 + 10 * int(name)
        y4m.write(folder / f"{name}.y4m", 8, 8, bytes([luma]) * 64 + bytes([128]) * 32)
    return folder


def seen(folder):
    return y4m.read(folder / "camera.y4m").planes[0]


def test_a_rig_is_kept_with_its_complete_settings(make, client):
    rig = make(lights=RING)
    assert rig == client.get(f"/api/rigs/{rig['id']}").json() == client.get("/api/rigs/ring").json()
    assert rig["config"] == {"patience_s": 120}
    assert rig["names"] == [str(number) for number in range(1, 9)]
    assert rig["lights"] == {**RING, "count": 8, "elevation_deg": None, "first_deg": 0}
    assert (rig["calibrated"], rig["settle_ms"], rig["wait_ms"], rig["is_default"]) == (True, None, 300, True)


def test_a_rig_whose_places_are_unknown_is_not_calibrated(make):
    assert make()["calibrated"] is False


def test_the_first_is_the_default_and_deleting_it_makes_another_so(make, client):
    first, second, third = make("a"), make("b"), make("c")
    assert [rig["is_default"] for rig in (first, second, third)] == [True, False, False]
    assert client.patch("/api/rigs/b", json={"is_default": True}).json()["is_default"]
    assert [rig["name"] for rig in client.get("/api/rigs").json()["items"]] == ["b", "a", "c"]
    assert client.delete("/api/rigs/b").status_code == 204
    assert [rig["is_default"] for rig in client.get("/api/rigs").json()["items"]] == [True, False]
    assert client.get("/api/rigs/b").status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "x", "driver": "dmx"}, "driver"),
        ({"name": "x", "driver": "wled"}, "config.url"),
        ({"name": "x", "driver": "wled", "config": {"url": "wled.local"}}, "config.url"),
        ({"name": "x", "driver": "serial", "config": {"port": "/etc/passwd"}}, "config.port"),
        ({"name": "x", "driver": "sim", "config": {"scene": "../.."}}, "config.scene"),
        ({"name": "x", "driver": "manual", "config": {"patience": 3}}, "config.patience"),
        ({"name": "x", "driver": "manual", "lights": {"kind": "ring", "radius_mm": 100}}, "height_mm"),
        (
            {
                "name": "x",
                "driver": "manual",
                "lights": {"kind": "positions", "positions_mm": [[0, 1, -9]] * 4},
            },
            "from below",
        ),
        ({"name": " ", "driver": "manual"}, "name"),
        ({"name": "x", "driver": "manual", "settle_ms": -1}, "settle_ms"),
    ],
)
def test_what_is_no_rig_is_refused_with_its_reason(client, body, said):
    answer = client.post("/api/rigs", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert answer.json()["hint"]
    assert client.get("/api/rigs").json()["items"] == []


def test_two_rigs_cannot_have_one_name(make, client):
    make("Ring")
    assert client.post("/api/rigs", json={"name": "ring", "driver": "manual"}).status_code == 409
    make("other")
    assert client.patch("/api/rigs/other", json={"name": "RING"}).status_code == 409
    assert client.patch("/api/rigs/Ring", json={"name": "ring"}).json()["name"] == "ring"


def test_what_was_measured_belongs_to_the_device_it_was_measured_of(make, client):
    make(settle_ms=84.5)
    assert client.patch("/api/rigs/ring", json={"name": "new"}).json()["wait_ms"] == 84.5
    assert client.patch("/api/rigs/new", json={"lights": RING}).json()["settle_ms"] == 84.5
    changed = client.patch("/api/rigs/new", json={"driver": "screen"}).json()
    assert (changed["settle_ms"], changed["wait_ms"], changed["config"]["patch"]) == (None, 150, 0.3)
    assert client.patch("/api/rigs/new", json={"settle_ms": 90}).json()["wait_ms"] == 90
    assert client.patch("/api/rigs/new", json={"settle_ms": None}).json()["wait_ms"] == 150
    assert client.patch("/api/rigs/new", json={"name": None}).status_code == 422


def test_a_capture_of_a_rig_gets_its_lights(make, parts, client):
    make(lights=RING)
    card = client.post("/api/cards", json={"name": "card"}).json()["id"]
    lights = client.get("/api/rigs/ring/lights").json()
    capture = client.post(f"/api/cards/{card}/captures", json={"side": "front", "lights": lights})
    assert capture.json()["lights"] == lights
    with parts.db.read() as session:
        spec = service.lights_of(rows.get(session, "ring"))
    assert isinstance(spec, LightsSpec)
    lights = resolve(spec, [str(number) for number in range(1, 9)])
    assert lights.calibrated
    assert lights.positions_mm[2].tolist() == pytest.approx([150, 0, 90])


def test_drivers_tell_their_settings_and_what_is_missing(client, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    answer = client.get("/api/rigs/drivers").json()
    found = {item["name"]: item for item in answer["items"]}
    assert list(found) == ["manual", "screen", "wled", "serial", "sim"]
    assert "pip install" in found["serial"]["missing"]
    assert found["manual"]["missing"] is None
    assert found["wled"]["config"]["required"] == ["url"]
    assert answer["ports"] == []


def test_lights_are_switched_and_given_back(make, client, scene, parts):
    make(driver="sim")
    y4m.write(scene / "camera.y4m", 8, 8, bytes([99]) * 96)
    for light, luma in [("3", 70), ("8", 120), (None, 20), ("all", 85)]:
        answer = client.post("/api/rigs/ring/light", json={"light": light}).json()
        assert (answer["light"], seen(scene), answer["wait_ms"]) == (light, luma, 250)
    now = client.get("/api/rigs/ring/light").json()
    assert (now["open"], now["light"], now["pending"]) == (True, "all", None)
    assert "scene card, 8 x 8 px" in now["answered"]
    assert client.delete("/api/rigs/ring/light").status_code == 204
    assert seen(scene) == 99
    assert client.get("/api/rigs/ring/light").json()["open"] is False
    lit = [
        data["light"] for kind, data in parts.jobs.published if kind == "capture" and data["type"] == "lit"
    ]
    assert lit == ["3", "8", None, "all"]


def test_a_light_that_fails_says_so_in_the_one_form(make, client):
    make(driver="sim", config={"scene": "lost"})
    answer = client.post("/api/rigs/ring/light", json={"light": "1"})
    assert answer.status_code == 502
    body = answer.json()
    assert body["error"] == "light_failed"
    assert "ambient.y4m" in body["hint"]
    assert body["data"]["device"] == "sim:lost"
    assert client.post("/api/rigs/ring/light", json={"light": "9"}).status_code == 422
    assert client.post("/api/rigs/ring/light", json={}).status_code == 422
    assert client.post("/api/rigs/none/light", json={"light": "1"}).status_code == 404


def test_a_test_measures_each_light_and_is_remembered(make, client, scene):
    make(driver="sim", config={"delay_ms": 5})
    answer = client.post("/api/rigs/ring/test", json={}).json()
    assert [item["light"] for item in answer["lights"]] == [str(number) for number in range(1, 9)]
    assert all(5 <= item["took_ms"] < 500 for item in answer["lights"])
    assert 5 <= answer["median_ms"] <= answer["p95_ms"]
    assert "only a camera" in answer["says"]
    assert answer["settle_ms"] is None
    assert seen(scene) == 20, "the test ends dark"
    trip = client.get("/api/rigs/ring").json()["calibration"]["round_trip"]
    assert (trip["median_ms"], trip["lights"]) == (answer["median_ms"], 8)
    client.patch("/api/rigs/ring", json={"config": {"delay_ms": 0}})
    assert client.get("/api/rigs/ring").json()["calibration"] == {}, "of another device"


def test_a_test_that_fails_names_what_had_worked(make, client, scene, monkeypatch):
    make(driver="sim")
    shown = SimDriver.show

    async def failing(driver, light):
        if light == "4":
            raise LightError("It is gone.", "Plug it in.", device="sim:card")
        return await shown(driver, light)

    monkeypatch.setattr(SimDriver, "show", failing)
    answer = client.post("/api/rigs/ring/test", json={})
    assert answer.status_code == 502
    assert answer.json()["data"]["passed"] == ["1", "2", "3"]
    assert client.get("/api/rigs/ring").json()["calibration"] == {}


def test_a_persons_tap_is_the_acknowledgement(make, client, parts):
    make()
    result = {}
    call = threading.Thread(
        target=lambda: result.update(client.post("/api/rigs/ring/light", json={"light": "3"}).json())
    )
    call.start()
    end = time.monotonic() + 5
    while not (asked := client.get("/api/rigs/ring/light").json()["pending"]) and time.monotonic() < end:
        time.sleep(0.01)
    assert asked["words"] == "Light the card from the right (stop 3)."
    (told,) = [data for kind, data in parts.jobs.published if data["type"] == "light"]
    assert told["seq"] == asked["seq"]
    assert set(told) == {"type", "rig", "driver", "seq", "light", "words", "ack"}
    assert client.post("/api/rigs/ring/ack", json={"seq": asked["seq"] - 1}).status_code == 409
    assert client.post("/api/rigs/ring/ack", json={"seq": asked["seq"]}).status_code == 200
    call.join(5)
    assert result["light"] == "3"
    assert client.post("/api/rigs/ring/ack", json={"seq": asked["seq"]}).status_code == 409


def test_a_person_who_does_not_tap_does_not_hold_up_the_servers_stop(make, client, parts):
    make()
    result = {}
    call = threading.Thread(
        target=lambda: result.update(client.post("/api/rigs/ring/light", json={"light": "3"}).json())
    )
    call.start()
    while not client.get("/api/rigs/ring/light").json()["pending"]:
        time.sleep(0.01)
    client.portal.call(_set, parts.stopping)
    call.join(5)
    assert result["error"] == "unavailable"
    assert client.get("/api/rigs/ring/light").json()["pending"] is None


async def _set(event):
    event.set()


def test_switching_needs_the_scope_capture(script, make):
    make()
    reader = script("read", "label", "train")
    assert reader.get("/api/rigs").status_code == 200
    for method, path in [
        ("POST", "/api/rigs"), ("PATCH", "/api/rigs/ring"), ("DELETE", "/api/rigs/ring"),
        ("POST", "/api/rigs/ring/light"), ("DELETE", "/api/rigs/ring/light"),
        ("POST", "/api/rigs/ring/ack"), ("POST", "/api/rigs/ring/test"),
    ]:  # fmt: skip
        answer = reader.request(method, path, json={})
        assert answer.status_code == 403, (method, path)
        assert "capture" in answer.json()["detail"] + answer.json()["hint"]

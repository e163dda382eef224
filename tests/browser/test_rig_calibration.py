"""A rig's calibration in real Chromium: photographs in, a proposal, kept, taken back; checked by axe."""

import json

import cv2
import numpy as np
import pytest
from accessible import AXE

from rcg.photometric.render.flat_card import FlatScene, render_flat

pytestmark = pytest.mark.browser
ANGLE = np.deg2rad(90 * np.arange(4))
LIGHTS = np.column_stack([150 * np.sin(ANGLE), 150 * np.cos(ANGLE), np.full(4, 90.0)])
RING = {"kind": "ring", "count": 4, "radius_mm": 140, "height_mm": 96}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("white")
    scene = FlatScene(LIGHTS, np.array([1.0, 0.8, 1.1, 0.9]), beam=1.0, px_per_mm=4.0)
    for frame in render_flat(scene):
        cv2.imwrite(str(folder / f"{frame.name}.png"), frame.pixels)
    return sorted(folder.iterdir())


def test_a_flat_field_and_places_are_measured_kept_and_taken_back(open_page, server, photographs):
    rig = server.call("POST", "/api/rigs", {"name": "To be calibrated", "driver": "manual", "lights": RING})
    page = open_page(width=1440, height=900)
    page.goto(f"/capture/rigs/{rig['id']}")
    page.locator("[data-measure]:enabled").wait_for()
    page.get_by_role("button", name="Flat field").click()
    page.get_by_role("button", name="Measure", exact=True).click()
    page.get_by_text("No photograph is chosen.").wait_for()
    page.set_input_files("#rc-files", photographs[:2])
    page.get_by_role("button", name="Measure", exact=True).click()
    page.get_by_text("2 photographs under a light came; the rig has 4 lights.").wait_for()
    page.set_input_files("#rc-files", photographs)
    page.get_by_role("button", name="Measure", exact=True).click()
    page.locator("[data-keep]").wait_for(timeout=90_000)
    assert page.locator("[data-result] canvas").count() == 4
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run('#calibration', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
    assert found["violations"] == [], json.dumps(found["violations"], indent=1)
    page.locator("[data-keep]").click()
    page.get_by_text("measured on a white card, placed by the card's outline").wait_for()
    assert page.locator("[data-fields] canvas").count() == 4

    page.get_by_role("button", name="Places on a card").click()
    page.set_input_files("#rc-files", photographs)
    page.get_by_role("button", name="Measure", exact=True).click()
    page.locator("[data-keep]").wait_for(timeout=90_000)
    assert page.locator("[data-result] .rg-told").count() == 4, "where they were told to be"
    page.locator("[data-keep]").click()
    page.locator("#calibration").get_by_text("places measured on a white card").wait_for()
    kept = server.call("GET", f"/api/rigs/{rig['id']}")
    first = kept["calibration"]["lights"]["lights"][0]["vector"]
    shown = page.locator(".rg-top [data-name='1']").first.get_attribute("transform")
    assert shown == f"translate({first[0] + 0.0:.1f} {-first[1]:.1f})".replace("-0.0 ", "0.0 ")
    page.locator("[data-forget=lights]").click()
    page.locator("#calibration").get_by_text("told by hand").wait_for()
    page.locator("[data-restore=lights]").click()
    page.locator("#calibration").get_by_text("places measured on a white card").wait_for()

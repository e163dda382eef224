"""From a rig's geometry to the lights of a capture."""

import numpy as np
import pytest
from pydantic import ValidationError

from rcg.capture.lights.places import PLACES, check, count_of, is_calibrated, lights_spec, positions_mm
from rcg.photometric.lights import LightsError, remarks, resolve

NAMES = [str(number) for number in range(1, 9)]
HALF = 150 * np.sqrt(0.5)
RING = np.array(
    [(0, 150, 90), (HALF, HALF, 90), (150, 0, 90), (HALF, -HALF, 90),
     (0, -150, 90), (-HALF, -HALF, 90), (-150, 0, 90), (-HALF, HALF, 90)]
)  # fmt: skip


def test_a_ring_is_near_lights_at_their_places():
    ring = PLACES.validate_python({"kind": "ring", "radius_mm": 150, "height_mm": 90})
    lights = resolve(lights_spec(ring), NAMES)
    assert np.allclose(lights.positions_mm, RING, atol=1e-3)
    assert np.allclose(lights.directions, RING / np.linalg.norm(RING, axis=1)[:, None], atol=1e-5)
    assert lights.calibrated
    assert remarks(lights) == []


def test_an_elevation_is_a_height():
    ring = PLACES.validate_python({"kind": "ring", "radius_mm": 120, "elevation_deg": 45, "count": 4})
    assert np.allclose(positions_mm(ring)[:, 2], 120)
    tilted = PLACES.validate_python({"kind": "ring", "radius_mm": 100, "elevation_deg": 30})
    assert np.allclose(positions_mm(tilted)[:, 2], 57.735, atol=1e-3)


def test_light_1_may_be_turned_from_the_top():
    ring = PLACES.validate_python({"kind": "ring", "radius_mm": 100, "height_mm": 50, "first_deg": 90})
    assert np.allclose(positions_mm(ring)[0], [100, 0, 50])
    assert np.allclose(positions_mm(ring)[2], [0, -100, 50]), "clockwise goes on downwards"


def test_frames_find_their_light_by_name_whatever_their_order():
    ring = PLACES.validate_python({"kind": "ring", "radius_mm": 150, "height_mm": 90})
    lights = resolve(lights_spec(ring), NAMES[::-1])
    assert np.allclose(lights.positions_mm, RING[::-1], atol=1e-3)


def test_measured_places_and_directions():
    places = PLACES.validate_python({"kind": "positions", "positions_mm": RING[:5].tolist()})
    assert count_of(places) == 5
    assert np.allclose(resolve(lights_spec(places), NAMES[:5]).positions_mm, RING[:5], atol=1e-3)
    far = PLACES.validate_python({"kind": "directions", "directions": (RING[::2] * 7).tolist()})
    lights = resolve(lights_spec(far), NAMES[:4])
    assert lights.positions_mm is None
    assert lights.calibrated
    assert np.allclose(lights.directions, RING[::2] / np.linalg.norm(RING[::2], axis=1)[:, None], atol=1e-4)
    assert is_calibrated(far)


@pytest.mark.parametrize("count", [4, 6, 8, 16])
def test_named_lights_are_uncalibrated_and_the_report_says_so(count):
    named = PLACES.validate_python({"kind": "named", "count": count, "elevation_deg": 40})
    names = [str(number) for number in range(1, count + 1)]
    lights = resolve(lights_spec(named), names)
    assert not lights.calibrated
    assert not is_calibrated(named)
    assert any("assumed to be 40 degrees" in text for text in remarks(lights))
    angle = np.deg2rad(90 - 360 * np.arange(count) / count)
    expected = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.cos(np.deg2rad(40))
    assert np.allclose(lights.directions[:, :2], expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "ring", "radius_mm": 100},
        {"kind": "ring", "radius_mm": 100, "height_mm": 50, "elevation_deg": 45},
        {"kind": "ring", "radius_mm": 0, "height_mm": 50},
        {"kind": "ring", "radius_mm": 100, "height_mm": 50, "count": 3},
        {"kind": "ring", "radius_mm": 100, "height_mm": 50, "count": 17},
        {"kind": "positions", "positions_mm": [[1, 2, 3]] * 3},
        {"kind": "positions", "positions_mm": [[1, 2, float("nan")]] * 4},
        {"kind": "dome"},
        {},
    ],
)
def test_geometry_that_is_none(wrong):
    with pytest.raises(ValidationError):
        PLACES.validate_python(wrong)


def test_geometry_that_the_engine_cannot_work_with():
    below = PLACES.validate_python({"kind": "positions", "positions_mm": (RING * [1, 1, -1]).tolist()})
    with pytest.raises(LightsError, match="from below"):
        check(below)
    line = PLACES.validate_python(
        {"kind": "positions", "positions_mm": [[x, 0, 80] for x in (-90, -30, 30, 90)]}
    )
    with pytest.raises(LightsError, match="one plane"):
        check(line)

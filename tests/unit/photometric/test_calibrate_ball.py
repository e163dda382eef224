"""Lights from rendered balls whose lights are known, and from a photographed one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rcg.photometric.calibrate import BallOptions, CalibrationError, measure_ball
from rcg.photometric.calibrate.rays import meet
from rcg.photometric.images import decode
from rcg.photometric.render.ball import BallScene, render_ball
from rcg.photometric.types import Frame

PHOTOGRAPHS = Path(__file__).parents[4] / "shared/data/photometric/uw_psm"


def ring(count=8, radius=150.0, height=90.0):
    angle = np.deg2rad(360 * np.arange(count) / count)
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle), np.full(count, height)])


def scene(**values):
    small = {"positions_mm": ring(4), "frame_size": (200, 200), "width_mm": 40.0, "at_mm": (2.0, -1.5)}
    return BallScene(**small | values)


def seen_from(scene):
    """True directions from the places on the ball where each light is mirrored."""
    centre, radius = np.array([*scene.at_mm, scene.ball_mm / 2]), scene.ball_mm / 2
    found = []
    for light in scene.positions_mm:
        normal = np.array([0.0, 0.0, 1.0])
        for _ in range(40):
            point = centre + radius * normal
            toward = (light - point) / np.linalg.norm(light - point)
            eye = np.array([0.0, 0.0, scene.distance_mm or 1e9]) - point
            if scene.distance_mm is None:
                eye = np.array([0.0, 0.0, 1.0])
            normal = toward + eye / np.linalg.norm(eye)
            normal /= np.linalg.norm(normal)
        found.append(toward)
    return np.array(found)


def degrees(one, other):
    cos = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    return np.rad2deg(np.arccos(np.clip(cos, -1, 1)))


@pytest.mark.parametrize("finish", ["chrome", "black"])
@pytest.mark.parametrize("distance", [None, 250.0])
def test_directions_are_those_of_the_reflection(finish, distance):
    made = scene(finish=finish, distance_mm=distance)
    found = measure_ball([render_ball(made)], BallOptions(fov_deg=made.fov_deg))
    off = degrees(np.array([light.direction for light in found.lights]), seen_from(made))
    assert off.max() < 0.5
    assert (off < 4 * np.array([light.se_deg for light in found.lights])).all(), "the errors are honest"
    assert not found.near
    if distance is None:
        x, y, radius = made.circle_px()
        assert found.balls[0].centre_px == pytest.approx((x, y), abs=0.2)
        assert found.balls[0].radius_px == pytest.approx(radius, abs=0.4)


def test_a_ball_at_three_places_tells_positions():
    lights = ring(3, 120.0, 80.0)
    made = [
        BallScene(lights, frame_size=(240, 264), width_mm=80, ball_mm=22, at_mm=at, distance_mm=300.0)
        for at in ((-26.0, -28.0), (26.0, -28.0), (0.0, 30.0))
    ]
    options = BallOptions(ball_mm=22, fov_deg=made[0].fov_deg)
    found = measure_ball([render_ball(each) for each in made], options)
    assert found.near
    off = np.linalg.norm(np.array([light.position_mm for light in found.lights]) - lights, axis=1)
    assert (off / np.linalg.norm(lights, axis=1)).max() < 0.04


def test_one_ball_tells_positions_where_the_distances_are_known():
    made = scene()
    away = tuple(float(each) for each in np.linalg.norm(made.positions_mm, axis=1))
    found = measure_ball([render_ball(made)], BallOptions(ball_mm=25, distances_mm=away))
    places = np.array([light.position_mm for light in found.lights])
    assert np.linalg.norm(places, axis=1) == pytest.approx(away, rel=1e-6)
    assert degrees(places, made.positions_mm).max() < 0.6


def test_rays_meet_with_an_error_that_grows_with_distance():
    origins = np.array([[-30.0, 0, 0], [30, 0, 0], [0, 30, 0]])
    sd = np.full(3, 0.002)
    for place in (np.array([50.0, 20, 100]), np.array([100.0, 40, 400])):
        toward = place - origins
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        met = meet(origins, toward, sd)
        assert met.place == pytest.approx(place, abs=1e-6)
    near = meet(origins, _toward(origins, [50, 20, 100]), sd)
    assert met.range_sd > 2 * near.range_sd
    assert meet(origins, np.tile([0.0, 0.0, 1.0], (3, 1)), sd) is None, "parallel rays never meet"


def _toward(origins, place):
    rays = np.array(place, float) - origins
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def frames():
    return render_ball(scene(finish="black"))


def spoiled(frames, index, paint):
    pixels = frames[index].pixels.copy()
    paint(pixels)
    return [*frames[:index], replace(frames[index], pixels=pixels), *frames[index + 1 :]]


def refused(frames, options=None):
    with pytest.raises(CalibrationError) as error:
        measure_ball([frames], options)
    assert error.value.hint
    return error.value


def test_two_highlights_in_a_frame_are_refused(frames):
    x, y, _ = (round(value) for value in scene().circle_px())

    def another(pixels):
        pixels[y - 9 : y + 10, x - 9 : x + 10] = 255

    error = refused(spoiled(frames, 1, another))
    assert (error.data["reason"], error.data["frame"]) == ("several_highlights", "2")


def test_a_light_that_is_off_is_refused(frames):
    error = refused(spoiled(frames, 2, lambda pixels: pixels.__setitem__(slice(None), 3)))
    assert (error.data["reason"], error.data["frame"]) == ("no_highlight", "3")


def test_a_ball_that_is_clipped_all_over_is_refused(frames):
    circle = scene().circle_px()
    error = refused(
        [replace(f, pixels=np.full_like(f.pixels, 255)) for f in frames], BallOptions(circle=circle)
    )
    assert error.data["reason"] == "clipped"


def test_a_light_at_the_rim_is_refused():
    made = scene(finish="black", positions_mm=np.vstack([ring(3), [[150.0, 0.0, -60.0]]]))
    error = refused(render_ball(made), BallOptions(circle=made.circle_px()))
    assert error.data["reason"] in {"cut_off", "below", "no_highlight"}
    assert error.data.get("frame", "4") == "4"


def test_no_ball_says_how_to_point_at_it():
    blank = [Frame(str(k), f"{k}.png", np.full((120, 120, 3), 90 + k, np.uint8)) for k in range(1, 5)]
    error = refused(blank)
    assert error.data["reason"] == "no_ball"
    assert "--circle" in error.hint


def test_a_told_circle_and_a_mask_do_as_well(frames):
    made = scene(finish="black")
    x, y, radius = made.circle_px()
    rows, cols = np.mgrid[:200, :200]
    mask = np.hypot(cols - x, rows - y) <= radius
    for options in (BallOptions(circle=(x + 1, y, radius)), BallOptions(mask=mask)):
        found = measure_ball([frames], options)
        assert degrees(np.array([light.direction for light in found.lights]), seen_from(made)).max() < 1.0
    assert refused(frames, BallOptions(mask=np.zeros((10, 10), bool))).data["reason"] == "wrong_mask"


@pytest.mark.photographs
@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the photographs of shared/data are not here")
def test_a_photographed_chrome_ball_gives_its_reference_lights():
    frames = [
        decode(PHOTOGRAPHS / f"chrome.{k}.png", name=str(k + 1), file_name=f"chrome.{k}.png")
        for k in range(12)
    ]
    mask = (
        decode(PHOTOGRAPHS / "chrome.mask.png", name="mask", file_name="chrome.mask.png").pixels[..., 0] > 127
    )
    lines = (PHOTOGRAPHS / "lights_reference.txt").read_text().splitlines()[1:]
    truth = np.array([line.split() for line in lines], float)
    found = measure_ball([frames], BallOptions(mask=mask))
    off = degrees(np.array([light.direction for light in found.lights]), truth)
    assert off.max() < 0.6

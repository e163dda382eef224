"""What the grey patches say: exposures, tone curves, and from which side each frame was lit."""

from __future__ import annotations

from dataclasses import replace

import mat_scenes as scenes
import numpy as np
import pytest

from rcg.bench.capture import wrong_orders
from rcg.capture.light_check import NO_MAT, check_frame
from rcg.photometric import lights as lighting
from rcg.photometric.mat import layout
from rcg.photometric.mat.exposure import MAX_DRIFT, fit_linearity, measure_exposure
from rcg.photometric.mat.find import find_mat
from rcg.photometric.mat.light_order import check_order, lit_side_deg
from rcg.photometric.mat.patches import CENTRES, STEPS, read_dark, read_patches
from rcg.photometric.types import Frame


@pytest.fixture(scope="module")
def side():
    return scenes.render(scenes.scene(4, exposure=0.2, balance=0.05))


@pytest.fixture(scope="module")
def poses(side):
    return [find_mat(frame.pixels) for frame in side.frames]


@pytest.fixture(scope="module")
def readings(side, poses):
    return [read_patches(frame, pose) for frame, pose in zip(side.frames, poses, strict=True)]


def evened(reading, gain):
    """A reading whose frame had been exposed ``gain`` times as long."""
    light = reading.light + np.array([np.log(gain), 0, 0, 0, 0, 0])
    return replace(reading, white=reading.white * gain, light=light, values=reading.values * gain)


def test_steps_are_the_printed_tones(readings):
    for reading in readings:
        np.testing.assert_allclose(np.exp(reading.steps), layout.TONES, rtol=0.03)
        assert reading.scatter < 0.03


def test_light_and_tones_are_told_apart_on_a_made_mat(poses):
    """Patches painted with known light: log-linear across the mat, one channel twice as bright."""
    pose = poses[0]
    frame = np.zeros((1000, 750, 3), np.float32)
    for patch in layout.PATCHES:
        left, bottom, right, top = patch.box
        corners = pose.to_px([(left, top), (right, top), (right, bottom), (left, bottom)])
        x, y = patch.centre
        value = 0.3 * layout.TONES[patch.step] * np.exp(0.004 * x - 0.002 * y)
        (x0, y0), (x1, y1) = (
            np.floor(corners.min(axis=0)).astype(int),
            np.ceil(corners.max(axis=0)).astype(int),
        )
        frame[y0 : y1 + 1, x0 : x1 + 1] = value * np.array([1.0, 1.0, 2.0])
    reading = read_patches(Frame("1", "1", frame, "linear"), pose)
    np.testing.assert_allclose(reading.gradient, [0.004, -0.002], rtol=0.02)
    np.testing.assert_allclose(reading.white, [0.3, 0.3, 0.6], rtol=0.01)
    np.testing.assert_allclose(np.exp(reading.steps), layout.TONES, rtol=0.01)


def test_exposures_are_evened_to_two_percent(side, readings):
    true = side.scene.sensor.gains * side.scene.rig.intensities[:, None]
    before = true.mean(axis=1)
    assert before.max() / before.min() > 1.2, "they did drift"
    exposure = measure_exposure(readings, side.lights)
    left = np.log(exposure.gains * true)
    assert np.abs(left - np.median(left)).max() < 0.02
    assert exposure.spread > 0.2
    assert exposure.rejected == {}
    assert exposure.drift.max() < 0.02


def test_white_balance_is_evened_per_channel(side, readings):
    gains = measure_exposure(readings, side.lights).gains
    true = side.scene.sensor.gains
    for channel in (0, 2):
        ratio = gains[:, channel] / gains[:, 1] * true[:, channel] / true[:, 1]
        np.testing.assert_allclose(ratio, 1, atol=0.01)


def test_a_frame_far_darker_is_rejected_with_the_figure(side, readings):
    level = (side.scene.sensor.gains * side.scene.rig.intensities[:, None]).mean(axis=1)
    exposure = measure_exposure([*readings[:7], evened(readings[7], 0.2)])
    assert list(exposure.rejected) == [7]
    assert "times as dark" in exposure.rejected[7]
    assert float(exposure.rejected[7].split()[3]) == pytest.approx(5 * np.median(level) / level[7], rel=0.1)


def test_a_frame_with_another_tone_curve_is_rejected(readings):
    bent = replace(readings[2], steps=readings[2].steps * 1.25)
    exposure = measure_exposure([*readings[:2], bent, *readings[3:]])
    assert list(exposure.rejected) == [2]
    assert exposure.drift[2] > MAX_DRIFT
    assert "which no gain can mend" in exposure.rejected[2]


def test_frames_whose_patches_are_hidden_keep_a_gain_of_one(readings):
    exposure = measure_exposure([readings[0], None, *readings[2:]])
    np.testing.assert_array_equal(exposure.gains[1], 1)
    assert np.isnan(exposure.drift[1])
    nothing = measure_exposure([None] * 3)
    assert nothing.spread == 0
    assert nothing.linearity is None


@pytest.mark.parametrize("curve", [0.8, 1.0, 1.3])
def test_tone_curve_of_the_camera(curve):
    made = scenes.scene(4, n_lights=4, sway=0)
    made = replace(made, sensor=replace(made.sensor, curve=curve))
    frames = scenes.render(made).frames
    read = [read_patches(frame, find_mat(frame.pixels)) for frame in frames]
    found = measure_exposure(read).linearity
    assert found.exponent == pytest.approx(1 / curve, abs=0.06)
    assert found.rms < 0.03


def test_linearity_of_steps_known_by_hand():
    steps = np.log(np.array(layout.TONES)) / 1.5
    found = fit_linearity(steps)
    assert (found.exponent, found.bend, found.rms) == pytest.approx((1.5, 0, 0), abs=1e-9)
    assert fit_linearity(np.array([0, -0.5, np.nan, np.nan, np.nan, np.nan])) is None


def test_the_ambient_frame_is_taken_off(side, poses, readings):
    """Room light of a fifth from the left pulls the lit side over; with the ambient frame it does not."""
    pose, frame = poses[2], side.frames[2]
    x = np.linspace(1, 0, frame.pixels.shape[1], dtype=np.float32)[None, :, None]
    linear = np.where(frame.pixels / 255 <= 0.04045, frame.pixels / 255 / 12.92, 0)
    linear = np.maximum(linear, ((frame.pixels / 255 + 0.055) / 1.055) ** 2.4)
    room = 0.35 * linear * x**2
    lit = Frame("3", "3", (linear + room).astype(np.float32), "linear")
    dark = Frame("ambient", "ambient", room.astype(np.float32), "linear")
    raw = read_patches(lit, pose)
    clean = read_patches(lit, pose, read_dark(dark, pose))
    wanted = readings[2].gradient
    assert np.linalg.norm(clean.gradient - wanted) < 0.2 * np.linalg.norm(raw.gradient - wanted)


def test_too_few_patches_are_no_reading(poses):
    assert read_patches(Frame("1", "1", np.zeros((1000, 750, 3), np.uint8)), poses[0]) is None
    assert read_patches(Frame("1", "1", np.full((1000, 750, 3), 255, np.uint8)), poses[0]) is None
    # The mat half out of the picture.
    assert read_patches(Frame("1", "1", np.full((330, 300, 3), 120, np.uint8)), poses[0]) is None


def test_lit_side_of_each_frame(side, readings):
    for reading, position in zip(readings, side.lights.positions_mm, strict=True):
        true = np.rad2deg(np.arctan2(position[1], position[0]))
        assert (lit_side_deg(reading) - true + 180) % 360 - 180 == pytest.approx(0, abs=8)


def test_an_even_light_has_no_side(readings):
    flat = replace(readings[0], light=np.array([-1.0, 0.001, 0.002, 0, 0, 0]))
    assert lit_side_deg(flat) is None
    order = check_order([flat] * 4, lighting.resolve(None, ["up", "right", "down", "left"]))
    assert order.told == 0
    assert order.right, "what cannot be told is not called wrong"


def test_the_right_order_is_right(side, readings):
    for lights in (side.lights, lighting.resolve(None, [frame.name for frame in side.frames])):
        order = check_order(readings, lights)
        assert order.right
        assert order.told == 8
        assert [frame.looks_like for frame in order.frames] == list(lights.names)


@pytest.mark.parametrize("told", ["rig", "names"])
def test_every_order_error_is_caught(side, readings, told):
    lights = side.lights if told == "rig" else lighting.resolve(None, [frame.name for frame in side.frames])
    missed = [
        name
        for name, order in wrong_orders(8)
        if order != list(range(8)) and check_order([readings[k] for k in order], lights).right
    ]
    assert missed == []


def test_swapped_lights_are_named(side, readings):
    swapped = [readings[k] for k in (0, 1, 3, 2, 4, 5, 6, 7)]
    order = check_order(swapped, side.lights)
    assert [(frame.name, frame.looks_like) for frame in order.wrong] == [("3", "4"), ("4", "3")]
    error = order.error()
    assert "frame 3 was lit from where light 4 stands" in error.detail
    assert error.data == {"frames": {"3": "4", "4": "3"}}


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_mat_turned_against_the_lights_is_one_turn_of_all(side, readings, degrees):
    order = check_order(readings, lighting.rotate(side.lights, -degrees))
    assert order.wrong == ()
    assert (order.turned_deg - degrees + 180) % 360 - 180 == pytest.approx(0, abs=3)


def test_patches_of_the_layout_are_read_in_its_order():
    assert len(CENTRES) == len(STEPS) == len(layout.PATCHES)
    assert STEPS.max() == len(layout.TONES) - 1


def test_each_frame_by_itself_is_told_right_from_wrong(side):
    """What is looked at while the lamp is still in the hand: 8 frames under 8 names."""
    frames = {frame.name: frame for frame in side.frames}
    own = [check_frame(frame, side.lights) for frame in side.frames]
    assert {check.state for check in own} == {"right"}
    for taken, said in (("1", "2"), ("3", "7"), ("8", "1")):
        check = check_frame(replace(frames[taken], name=said), side.lights)
        assert (check.state, check.looks_like) == ("wrong", taken)
        assert check.words == f"This was lit from stop {taken}, not from stop {said}."


def test_a_frame_that_tells_no_side_is_not_called_wrong(side):
    frame = side.frames[2]
    plain = replace(frame, pixels=np.full_like(frame.pixels, 90))
    check = check_frame(plain, side.lights)
    assert (check.state, check.words) == ("unknown", NO_MAT)


def test_a_lamp_that_was_off_is_noticed_beside_the_frame_without_light(side):
    frame = side.frames[4]
    dark = replace(frame, pixels=(frame.pixels * 0.99).astype(frame.pixels.dtype))
    check = check_frame(frame, side.lights, dark)
    assert (check.state, check.looks_like) == ("wrong", None)
    assert "No lamp was on" in check.words
    faint = replace(frame, pixels=(frame.pixels * 0.3).astype(frame.pixels.dtype))
    assert check_frame(frame, side.lights, faint).state == "right"

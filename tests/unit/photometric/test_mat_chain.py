"""The chain on captures with the mat: what it gains, what it refuses, and what stays as it was without."""

from __future__ import annotations

from dataclasses import replace

import cv2
import mat_scenes as scenes
import numpy as np
import pytest

from rcg.bench.capture import corner_error, registration_errors
from rcg.photometric import chain
from rcg.photometric.lights import select
from rcg.photometric.mat import capture as on_mat
from rcg.photometric.mat import layout
from rcg.photometric.mat.capture import ExposureDriftError, read_capture
from rcg.photometric.mat.find import find_mat
from rcg.photometric.mat.light_order import LightOrderError
from rcg.photometric.mat.locate import OffPlaceError, locate_on_mat, see_mat
from rcg.photometric.render import draw_scene, render_scene
from rcg.photometric.render.camera import lights_in_card, project
from rcg.photometric.render.mat_sheet import MatSheet
from rcg.photometric.types import CardSize, Frame

SIZE = CardSize(63.0, 88.0, "default")
ASPECT = 88 / 63


@pytest.fixture(scope="module")
def side():
    return scenes.render(scenes.scene(6))


@pytest.fixture(scope="module")
def maps(side):
    return chain.measure(side.frames, side.lights, SIZE, px_per_mm=10, mat_scale=1.0, threads=2)


def measure(frames, lights, **how):
    return chain.measure(frames, lights, SIZE, px_per_mm=10, threads=2, **how)


def dimmed(frame, share):
    """The frame exposed ``share`` as long."""
    linear = np.where(
        frame.pixels <= 10, frame.pixels / 255 / 12.92, ((frame.pixels / 255 + 0.055) / 1.055) ** 2.4
    )
    linear = linear * share
    stored = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return replace(frame, pixels=np.rint(255 * stored).astype(np.uint8))


def test_registration_and_corners(side):
    poses = see_mat(side.frames)
    outline, registration, pose = locate_on_mat(side.frames, poses, ASPECT)
    errors = registration_errors(side, registration)
    assert np.mean(errors) < 0.15
    assert max(errors) < 0.5
    assert registration.shift_px.max() > 3, "the hand did move"
    assert corner_error(side, registration.reference, outline.corners_px) < 0.003
    assert pose is poses[registration.reference]


def test_the_result_does_not_depend_on_the_threads(side):
    poses = see_mat(side.frames[:2])
    one, two = (locate_on_mat(side.frames[:2], poses, ASPECT, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one[0].corners_px, two[0].corners_px)
    np.testing.assert_array_equal(one[1].homographies, two[1].homographies)


def test_the_mat_gives_size_lights_and_a_note(side, maps):
    assert maps.size.source == "scale"
    assert (maps.size.width_mm, maps.size.height_mm) == pytest.approx((63.0, 88.0), abs=0.12)
    np.testing.assert_allclose(maps.lights.positions_mm, lights_in_card(side.scene), atol=0.5)
    assert "printed mat was in view in 8 of 8 frames" in maps.notes[0]
    assert any("Exposures differed" in note for note in maps.notes)
    assert any("lit from where its light stands" in note for note in maps.notes)


def test_exposures_are_even_in_the_maps(side, maps):
    """The card itself is as bright in every frame as the lights' places say."""
    middle = maps.frames[:, 300:560, 200:430, 1].reshape(8, -1)
    level = np.median(middle, axis=1)
    expected = lights_in_card(side.scene)
    expected = expected[:, 2] / np.linalg.norm(expected, axis=1)
    ratio = np.log(level / expected)
    raw = np.log(side.scene.sensor.gains[:, 1] * side.scene.rig.intensities)
    assert np.ptp(raw) > 0.2
    # Gloss differs from light to light; the drift of the exposures is gone.
    assert np.ptp(ratio) < 0.35 * np.ptp(raw)
    assert maps.frames.max() <= 1.0


def test_a_97_percent_print_is_put_right_by_the_measured_bar():
    made = scenes.scene(6, n_lights=4, mat=MatSheet(scale=0.97))
    side = scenes.render(made)
    known = measure(side.frames, side.lights, mat_scale=0.97)
    assert (known.size.width_mm, known.size.height_mm) == pytest.approx((63.0, 88.0), abs=0.12)
    assert not any("By the mat the card is" in said for said in known.warnings)
    unknown = measure(side.frames, side.lights)
    assert unknown.size == SIZE
    said = next(said for said in unknown.warnings if said.startswith("By the mat the card is"))
    width, height = float(said.split()[6]), float(said.split()[8])
    assert (width, height) == pytest.approx((63 / 0.97, 88 / 0.97), abs=0.15)
    assert "measure the mat's scale bar" in said


@pytest.mark.parametrize("degrees", [90.0, 180.0])
def test_a_camera_turned_over_the_mat_changes_nothing(side, degrees):
    """The card's top and the lights are told from the mat, however the phone is held."""
    turned = scenes.render(scenes.turned(side.scene, degrees))
    found = measure(turned.frames, turned.lights, mat_scale=1.0)
    poses = see_mat(turned.frames)
    reference = found.registration.reference
    assert abs(poses[reference].rotation_deg) == pytest.approx(degrees, abs=6)
    assert corner_error(turned, reference, found.outline.corners_px) < 0.003
    np.testing.assert_allclose(found.lights.positions_mm, lights_in_card(turned.scene), atol=0.6)


def test_a_turned_mat_under_fixed_lights_is_allowed_for(side):
    shifted = [*side.frames[2:], *side.frames[:2]]
    begun_at_three = [replace(f, name=str(k + 1)) for k, f in enumerate(shifted)]
    found = measure(begun_at_three, side.lights)
    assert any(
        "turned by -90°" in said or "turned by -9" in said or "turned by -8" in said
        for said in found.warnings
    )


def test_swapped_lights_stop_the_chain(side):
    frames = list(side.frames)
    frames[4], frames[5] = replace(frames[5], name="5"), replace(frames[4], name="6")
    with pytest.raises(LightOrderError, match="frame 5 was lit from where light 6 stands"):
        measure(frames, side.lights)


def test_a_frame_exposed_too_unlike_is_left_out(side):
    frames = [*side.frames[:3], dimmed(side.frames[3], 0.15), *side.frames[4:]]
    found = measure(frames, side.lights)
    assert found.frame_names == ("1", "2", "3", "5", "6", "7", "8")
    assert any("Left out for their exposure: frame 4: its paper is" in said for said in found.warnings)


def test_too_few_frames_of_like_exposure(side):
    kept = [0, 2, 4, 6]
    frames = [side.frames[k] for k in kept]
    frames[1] = dimmed(frames[1], 0.15)
    with pytest.raises(ExposureDriftError, match="3 would remain"):
        measure(frames, select(side.lights, kept))


def test_a_frame_whose_mat_is_hidden_is_brought_in_by_the_print(side):
    frames = list(side.frames)
    hidden = frames[5].pixels.copy()
    for marker in range(10):
        corners = find_mat(frames[5].pixels).to_px(layout.marker_corners(marker))
        cv2.fillConvexPoly(hidden, np.rint(corners).astype(np.int32), (60, 60, 60))
    frames[5] = replace(frames[5], pixels=hidden)
    poses = see_mat(frames)
    assert [pose is None for pose in poses] == [False] * 5 + [True] + [False] * 2
    _, registration, _ = locate_on_mat(frames, poses, ASPECT)
    assert max(registration_errors(side, registration)) < 0.5
    # Its exposure cannot be told, and the others differ too much to guess it.
    read = read_capture(frames, None, side.lights)
    assert "hidden" in read.rejected([f.name for f in frames])[5]


def test_a_card_that_moved_on_the_mat_is_followed(side):
    """Between the frames somebody pushed the card: the print has the last word."""
    frames = side.frames[:3]
    poses = list(see_mat(frames))
    push = np.array([[1, 0, 4.0], [0, 1, -3.0], [0, 0, 1]])
    poses[2] = replace(poses[2], homography=push @ poses[2].homography)
    _, registration, _ = locate_on_mat(frames, poses, ASPECT)
    assert max(registration_errors(side, registration)) < 0.5


def test_an_empty_mat_is_not_taken_for_a_card():
    sheet = MatSheet().picture(8.0)[..., 0]
    picture = np.repeat(np.rint(220 * sheet).astype(np.uint8)[..., None], 3, axis=2)
    frame = Frame("photo", "photo.jpg", picture)
    with pytest.raises(OffPlaceError, match="no card on it"):
        chain.measure([frame], None, SIZE, px_per_mm=10)


def test_a_card_that_lies_over_the_rim_of_the_field():
    made = scenes.scene(6, n_lights=4, mat=MatSheet(offset_mm=(16.0, 0.0)))
    with pytest.raises(OffPlaceError, match="no whole card lies in its dark field"):
        measure(scenes.render(made).frames[:1], None)


def test_a_handheld_ambient_frame_is_brought_into_line(side):
    """Room light alone, from another place."""
    # The renderer exposes for what light there is; here that is the room's.
    room = replace(side.scene, rig=replace(side.scene.rig, intensities=np.full(8, 1e-6), ambient=1.0))
    dark = replace(scenes.render(room).frames[3], name="ambient", file_name="ambient.jpg")
    read = read_capture(side.frames, dark, side.lights)
    assert read.ambient is not None
    wanted = scenes.corners_in(side, 3)
    np.testing.assert_allclose(
        read.ambient.to_px(project(side.scene.mat.to_mat(), scenes.card_mm(side))), wanted, atol=0.3
    )


def test_a_single_photograph_on_the_mat(side):
    frame = replace(side.frames[0], name="photo")
    found = measure([frame], None, mat_scale=1.0)
    assert found.size.source == "scale"
    assert corner_error(side, 0, found.outline.corners_px) < 0.003
    assert "1 of 1 frames" in found.notes[0]


def test_without_the_mat_all_is_as_before_and_the_note_says_what_is_less_sure():
    bare = render_scene(draw_scene(5, n_lights=4, frame_size=(600, 800)), relief_px_per_mm=10, threads=2)
    assert see_mat(bare.frames) is None
    found = measure(bare.frames, bare.lights, mat_scale=0.97)
    assert found.size == SIZE
    assert found.notes == (on_mat.NO_MAT,)
    single = measure([replace(bare.frames[0], name="photo")], None)
    assert single.notes == (on_mat.NO_MAT_SINGLE,)
    scaled = measure([replace(bare.frames[0], name="photo")], None, camera_px_per_mm=8.0)
    assert scaled.notes == ()

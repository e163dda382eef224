"""The mat in photographs whose geometry is known, and in photographs that do not do."""

from __future__ import annotations

from dataclasses import replace

import cv2
import mat_scenes as scenes
import numpy as np
import pytest

from rcg.photometric.mat import layout
from rcg.photometric.mat.find import SeveralMatsError, find_mat, frame_to_reference
from rcg.photometric.render.camera import project
from rcg.photometric.render.mat_sheet import MatSheet

CARD = np.array([(x, y) for x in (-30, 0, 30) for y in (-42, 0, 42)], np.float64)


@pytest.fixture(scope="module")
def side():
    return scenes.render(scenes.scene(n_lights=4))


def flat_mat(px_per_mm=8.0, border=40):
    """The mat's own picture, evenly lit, seen from straight above."""
    sheet = MatSheet().picture(px_per_mm)[..., 0]
    return cv2.copyMakeBorder(
        np.rint(255 * sheet).astype(np.uint8), *[border] * 4, cv2.BORDER_CONSTANT, value=200
    )


def test_the_layouts_bits_are_those_of_the_dictionary():
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    for marker, bits in enumerate(layout.MARKER_BITS):
        picture = cv2.aruco.generateImageMarker(dictionary, marker, layout.CELLS)
        assert "".join("1" if v else "0" for v in picture[1:-1, 1:-1].ravel()) == bits


def test_nothing_on_the_mat_touches_a_marker_or_a_patch():
    things = [layout.marker_box(k) for k in range(10)] + [patch.box for patch in layout.PATCHES]
    inner_w, inner_h = (side / 2 for side in layout.ACTIVE_MM)
    for n, (left, bottom, right, top) in enumerate(things):
        assert -inner_w < left < right < inner_w
        assert -inner_h < bottom < top < inner_h
        outside_field = max(abs(left), abs(right)) > layout.FIELD_MM[0] / 2
        assert outside_field or max(abs(bottom), abs(top)) > layout.FIELD_MM[1] / 2
        for other in things[:n]:
            apart = max(left - other[2], other[0] - right, bottom - other[3], other[1] - top)
            marker = n < 10 or other in things[:10]
            # A marker needs a white rim of one cell; patches of a wedge share their edges.
            assert apart >= (layout.MARKER_MM / layout.CELLS if marker else -1e-9)


def test_every_tone_is_balanced_about_the_middle():
    for step in range(len(layout.TONES)):
        centres = np.array([patch.centre for patch in layout.PATCHES if patch.step == step])
        np.testing.assert_allclose(centres.mean(axis=0), 0, atol=1e-9)


def test_pose_is_that_of_the_scene(side):
    to_mat = side.scene.mat.to_mat()
    for k, frame in enumerate(side.frames):
        pose = find_mat(frame.pixels)
        assert pose is not None
        assert pose.markers == tuple(range(10))
        off = np.linalg.norm(pose.to_px(project(to_mat, CARD)) - scenes.card_to_frame(side, k, CARD), axis=1)
        assert off.max() < 0.2
        assert pose.residual_px < 0.2
        np.testing.assert_allclose(pose.to_mm(pose.to_px(CARD)), CARD, atol=1e-9)


def test_frames_come_into_line_by_the_mat_alone(side):
    poses = [find_mat(frame.pixels) for frame in side.frames]
    for k in range(1, 4):
        moved = project(frame_to_reference(poses[k], poses[0]), scenes.card_to_frame(side, k, CARD))
        true = scenes.card_to_frame(side, 0, CARD)
        assert np.linalg.norm(moved - true, axis=1).mean() < 0.15
        untouched = scenes.card_to_frame(side, k, CARD) - true
        assert np.linalg.norm(untouched, axis=1).mean() > 1, "the frames do differ"


def test_scale_and_tilt():
    made = scenes.scene(n_lights=4, sway=0)
    made = replace(made, camera=replace(made.camera, tilt_deg=(0.0, 0.0)))
    tilted = replace(made, camera=replace(made.camera, tilt_deg=(12.0, 0.0)))
    straight, leaning = (find_mat(scenes.render(each).frames[0].pixels) for each in (made, tilted))
    assert straight.px_per_mm == pytest.approx(made.camera.px_per_mm, rel=2e-3)
    assert straight.tilt_deg < 2
    assert leaning.tilt_deg == pytest.approx(12, abs=5)


def test_a_sheet_printed_at_97_percent_shows_smaller_millimetres():
    """The markers tell printed millimetres: on a smaller print the same card covers more of them."""
    made = scenes.scene(n_lights=4, sway=0, mat=MatSheet(scale=0.97))
    side = scenes.render(made)
    pose = find_mat(side.frames[0].pixels)
    assert pose.px_per_mm == pytest.approx(0.97 * made.camera.px_per_mm, rel=3e-3)
    tl, tr, _, bl = pose.to_mm(scenes.corners_in(side, 0))
    assert np.linalg.norm(tr - tl) == pytest.approx(63 / 0.97, abs=0.06)
    assert np.linalg.norm(bl - tl) == pytest.approx(88 / 0.97, abs=0.06)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_a_turned_mat_is_found_and_its_turn_told(quarter):
    picture = np.ascontiguousarray(np.rot90(flat_mat(), quarter))
    pose = find_mat(picture)
    assert (pose.rotation_deg - 90 * quarter + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    # Number 1's side, seen from the middle, points where the turn says.
    up = np.diff(pose.to_px([(0, 0), (0, 40)]), axis=0)[0]
    angle = np.radians(90 + 90 * quarter)
    np.testing.assert_allclose(up / np.linalg.norm(up), [np.cos(angle), -np.sin(angle)], atol=2e-3)


def test_half_the_markers_hidden(side):
    whole = find_mat(side.frames[0].pixels)
    picture = side.frames[0].pixels.copy()
    for marker in (0, 2, 4, 6, 8):
        corners = whole.to_px(layout.marker_corners(marker))
        cv2.fillConvexPoly(picture, np.rint(corners).astype(np.int32), (90, 90, 90))
    pose = find_mat(picture)
    assert pose.markers == (1, 3, 5, 7, 9)
    assert np.linalg.norm(pose.to_px(CARD) - whole.to_px(CARD), axis=1).max() < 0.5


def test_all_but_one_side_hidden_tells_no_pose():
    picture = flat_mat()
    picture[: picture.shape[0] * 7 // 10] = 200  # the lower three are left, in one line
    assert find_mat(picture) is None


def test_glare_over_some_markers(side):
    whole = find_mat(side.frames[0].pixels)
    picture = side.frames[0].pixels.astype(np.float32)
    spot = np.zeros(picture.shape[:2], np.float32)
    cv2.circle(spot, tuple(np.rint(whole.to_px([(40, 45)])[0]).astype(int).tolist()), 110, 1.0, -1)
    picture += 400 * cv2.GaussianBlur(spot, (0, 0), 25)[..., None]
    pose = find_mat(np.clip(picture, 0, 255).astype(np.uint8))
    assert 2 not in pose.markers
    assert np.linalg.norm(pose.to_px(CARD) - whole.to_px(CARD), axis=1).max() < 0.4


def test_a_marker_that_was_moved_does_not_pull_the_pose():
    """A loose scrap with a marker on it, a millimetre off its place."""
    picture = flat_mat()
    straight = find_mat(picture)
    corners = np.rint(straight.to_px(layout.marker_corners(4))).astype(int)
    (left, top), (right, bottom) = corners.min(axis=0) - 5, corners.max(axis=0) + 5
    scrap = picture[top:bottom, left:right].copy()
    picture[top + 8 : bottom + 8, left:right] = scrap
    pose = find_mat(picture)
    assert 4 not in pose.markers
    assert np.linalg.norm(pose.to_px(CARD) - straight.to_px(CARD), axis=1).max() < 0.1


def test_two_mats_are_refused():
    one = flat_mat(6.0)
    with pytest.raises(SeveralMatsError, match="Two mats"):
        find_mat(np.hstack([one, one]))


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.full((40, 3000), 255, np.uint8),
        np.full((600, 800, 3), 128, np.uint8),
        np.random.default_rng(1).integers(0, 256, (600, 800), np.uint8),
    ],
    ids=["one pixel", "one pixel in colour", "a strip", "grey", "noise"],
)
def test_no_mat_is_none(picture):
    assert find_mat(picture) is None


def test_a_mirrored_picture_is_no_mat():
    assert find_mat(np.ascontiguousarray(flat_mat()[:, ::-1])) is None


def test_sixteen_bits_and_floats_give_the_same_pose():
    picture = flat_mat()
    wanted = find_mat(picture).homography
    for same in (picture.astype(np.uint16) * 257, picture.astype(np.float32)):
        np.testing.assert_allclose(find_mat(same).homography, wanted, rtol=1e-6)

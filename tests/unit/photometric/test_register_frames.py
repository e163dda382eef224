import cv2
import numpy as np
import pytest

from rcg.photometric.outline_geometry import apply, homography_of_points
from rcg.photometric.register import coarse, register
from rcg.photometric.register_residual import residual

CORNERS = np.array([(150, 60), (580, 75), (570, 690), (140, 670)], float)
BOX = np.array([(0, 0), (799, 0), (799, 799), (0, 799)], float)


def scene(light_deg=None, seed=0):
    """Brightness (800, 800) of printed shapes; ``light_deg`` shades it from one side, with relief that
    moves."""
    rng = np.random.default_rng(seed)
    print_ = np.full((800, 800), 120, np.float32)
    for _ in range(160):
        x, y, w, h = rng.integers(0, 780, 2).tolist() + rng.integers(8, 90, 2).tolist()
        cv2.rectangle(print_, (x, y), (x + w, y + h), float(rng.integers(20, 230)), -1)
    print_ = cv2.GaussianBlur(print_, (0, 0), 1.0)
    if light_deg is None:
        return print_
    height = cv2.GaussianBlur(rng.normal(0, 60, (800, 800)).astype(np.float32), (0, 0), 5)
    turn = np.radians(light_deg)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) * np.cos(turn) + cv2.Sobel(height, cv2.CV_32F, 0, 1) * np.sin(
        turn
    )
    ramp = np.cos(turn) * np.linspace(-1, 1, 800)[None] + np.sin(turn) * np.linspace(-1, 1, 800)[:, None]
    return np.clip(print_ * (0.7 + 0.25 * ramp + 0.02 * slope), 0, 255).astype(np.float32)


def moved(picture, move, seed=5):
    """The picture as a camera sees it that moved so that reference pixel = ``move`` of frame pixel."""
    fine = cv2.warpPerspective(picture, move, (800, 800), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    return np.clip(fine + np.random.default_rng(seed).normal(0, 1.0, fine.shape), 0, 255).astype(np.float32)


def error_px(found, move):
    points = np.array([(x, y) for x in (200, 360, 540) for y in (100, 370, 650)], float)
    return np.linalg.norm(apply(found @ np.linalg.inv(move), points) - points, axis=1).mean()


@pytest.mark.parametrize("jitter", [0.6, 2.5, 18.0])
def test_frames_under_other_lights_are_brought_within_a_tenth_of_a_pixel(jitter):
    rng = np.random.default_rng(3)
    moves = [np.eye(3), *(homography_of_points(BOX, BOX + rng.normal(0, jitter, (4, 2))) for _ in range(2))]
    greys = [moved(scene(light), move) for light, move in zip((0, 90, 200), moves, strict=True)]
    found = register(greys, CORNERS, 0, coarse(greys, 0))
    errors = [error_px(h, move) for h, move in zip(found.homographies, moves, strict=True)]
    assert max(errors) <= 0.1, errors
    assert found.residual_px[0] == 0
    assert (found.residual_px[1:] < 0.4).all()
    shifts = [np.linalg.norm(apply(np.linalg.inv(m), CORNERS) - CORNERS, axis=1).mean() for m in moves]
    assert found.shift_px == pytest.approx(shifts, abs=0.25 * jitter + 0.1)


def test_the_residual_measures_what_is_left():
    target = scene(0)
    frame = moved(scene(0), np.eye(3))
    assert residual(frame, target, CORNERS, np.eye(3)) < 0.1
    for shift in (0.5, 2.0):
        aside = np.array([[1, 0, shift], [0, 1, 0], [0, 0, 1.0]])
        assert residual(frame, target, CORNERS, aside) == pytest.approx(shift, abs=0.15)


def test_nothing_to_hold_on_to_is_said_not_guessed():
    blank = np.full((800, 800), 100, np.float32)
    found = register([blank, blank], CORNERS, 0, coarse([blank, blank], 0))
    assert np.isnan(found.residual_px[1])
    assert np.array_equal(found.homographies[1], np.eye(3))


def test_the_number_of_threads_does_not_matter():
    greys = [moved(scene(light), np.eye(3)) for light in (0, 90, 180)]
    one, two = (register(greys, CORNERS, 1, coarse(greys, 1), threads=n) for n in (1, 2))
    assert np.array_equal(one.homographies, two.homographies)

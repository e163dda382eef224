import numpy as np
import pytest

from rcg.photometric.outline_geometry import apply
from rcg.photometric.rectify import map_shape, map_to_reference, rectify
from rcg.photometric.types import CardOutline, CardSize, Frame

SIZE = CardSize(63.0, 88.0, "default")
CORNERS = np.array([(210.3, 101.7), (640.9, 140.2), (600.4, 760.1), (150.8, 700.6)])
OUTLINE = CardOutline(CORNERS, 0.1, 1.0)


def smooth(x, y):
    """A picture given by a formula, so that every sample's true value is known."""
    return 0.5 + 0.2 * np.sin(x / 23.0) * np.cos(y / 31.0) + 0.1 * np.sin((x + y) / 57.0)


def frame_of(values):
    return Frame("1", "formula.tif", np.repeat(values[..., None], 3, axis=2).astype(np.float32), "linear")


def field(width, height, shift=(0.0, 0.0)):
    x, y = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    return smooth(x + shift[0], y + shift[1])


@pytest.mark.parametrize(
    ("px_per_mm", "margin", "shape"), [(20, 3, (1880, 1380)), (20, 0, (1760, 1260)), (7, 1.1, (632, 458))]
)
def test_shapes_are_even_and_hold_card_and_margin(px_per_mm, margin, shape):
    assert map_shape(SIZE, px_per_mm, margin) == shape
    assert shape[0] >= (88 + 2 * margin) * px_per_mm


@pytest.mark.parametrize("px_per_mm", [3.0, 7.0, 12.0])
def test_samples_stand_where_millimetres_say(px_per_mm):
    card = rectify(frame_of(field(800, 860)), np.eye(3), OUTLINE, SIZE, px_per_mm, 3.0)
    h, w = map_shape(SIZE, px_per_mm, 3.0)
    assert card.shape == (h, w, 3)
    assert card.dtype == np.float32
    x, y = np.meshgrid(np.arange(w, dtype=float), np.arange(h, dtype=float))
    to_reference = map_to_reference(OUTLINE, SIZE, px_per_mm, 3.0)
    at = apply(to_reference, np.column_stack([x.ravel(), y.ravel()])).reshape(h, w, 2)
    expected = smooth(at[..., 0], at[..., 1])
    assert np.abs(card[..., 0] - expected).max() < 0.004


def test_the_corners_of_the_card_map_onto_the_outline():
    to_reference = map_to_reference(OUTLINE, SIZE, 20.0, 3.0)
    h, w = map_shape(SIZE, 20.0, 3.0)
    half = np.array([63.0, 88.0]) / 2
    mm = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)]) * half
    centre = np.array([(w - 1) / 2, (h - 1) / 2])
    assert apply(to_reference, centre + mm * (20, -20)) == pytest.approx(CORNERS, abs=1e-9)


def test_registration_is_composed_into_the_one_warp():
    shift = np.array([[1, 0, 4.3], [0, 1, -2.6], [0, 0, 1.0]])
    still = rectify(frame_of(field(800, 860)), np.eye(3), OUTLINE, SIZE, 7.0, 3.0)
    drifted = rectify(frame_of(field(800, 860, (4.3, -2.6))), shift, OUTLINE, SIZE, 7.0, 3.0)
    assert np.abs(still - drifted).max() < 0.003


def test_fine_print_averages_out_instead_of_aliasing():
    checks = np.indices((860, 800)).sum(axis=0) % 2
    card = rectify(frame_of(checks.astype(float)), np.eye(3), OUTLINE, SIZE, 2.0, 0.0)
    assert np.abs(card - 0.5).max() < 0.12
    assert card.std() < 0.03


def test_light_is_averaged_not_code_values():
    stripes = np.zeros((860, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    card = rectify(Frame("1", "stripes.png", stripes), np.eye(3), OUTLINE, SIZE, 2.0, 0.0)
    assert card.mean() == pytest.approx(0.5, abs=0.01)

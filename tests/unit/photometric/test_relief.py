"""Levelling, curvature and integration against surfaces known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.photometric import relief

PX = 10.0
SHAPE = (220, 160)
MASK = np.ones(SHAPE, bool)


def grid():
    h, w = SHAPE
    return np.meshgrid((np.arange(w) - (w - 1) / 2) / PX, ((h - 1) / 2 - np.arange(h)) / PX)


def bump(x0=0.0, y0=0.0, sigma=0.8, height_mm=0.02):
    """Height (mm) and slopes of a Gaussian bump."""
    x, y = grid()
    z = height_mm * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * sigma**2))
    return z, -z * (x - x0) / sigma**2, -z * (y - y0) / sigma**2


def normals(p, q):
    return relief.from_slopes(np.asarray(p, np.float32), np.asarray(q, np.float32))


def card_mask():
    mask = np.zeros(SHAPE, bool)
    mask[25:-20, 22:-25] = True
    return mask


def test_slopes_and_normals_are_inverse():
    rng = np.random.default_rng(0)
    p, q = rng.normal(0, 0.3, (2, *SHAPE)).astype(np.float32)
    back = relief.slopes(relief.from_slopes(p, q))
    assert np.abs(back[0] - p).max() < 1e-5
    assert np.abs(back[1] - q).max() < 1e-5


@pytest.mark.parametrize("mask", [MASK, card_mask()], ids=["whole", "card"])
def test_height_of_a_bump(mask):
    z, p, q = bump(1.0, 2.0)
    height = relief.height_um(normals(p, q), mask, PX)
    expected = 1000 * z
    x, y = grid()
    design = np.stack([np.ones(mask.sum()), x[mask], y[mask]], 1)
    expected[mask] -= design @ np.linalg.lstsq(design, expected[mask], rcond=None)[0]
    peak = 20.0
    assert np.abs(height - expected)[mask].max() < 0.02 * peak
    assert (height[~mask] == 0).all()
    assert height.max() > 0.9 * peak


def test_height_is_up_towards_the_camera_and_y_up():
    """A bump in the upper half of the card is high in the upper rows."""
    z, p, q = bump(0, 6.0)
    height = relief.height_um(normals(p, q), MASK, PX)
    row, col = np.unravel_index(height.argmax(), SHAPE)
    assert np.abs(np.subtract((row, col), np.unravel_index(z.argmax(), SHAPE))).max() <= 1
    assert row < SHAPE[0] / 4


def test_a_plane_has_no_height():
    normal = normals(np.full(SHAPE, 0.05), np.full(SHAPE, -0.02))
    assert np.abs(relief.height_um(normal, MASK, PX)).max() < 0.5  # of 800 um that the tilt raises
    assert (relief.height_um(normal, ~MASK, PX) == 0).all()


def test_curvature_of_bump_and_dent():
    """At the top of a Gaussian of height h, blurred by s: h sigma^2 / (sigma^2 + s^2)^2."""
    scale = 0.3
    for sign in (1, -1):
        _, p, q = bump(1.0, -2.0, height_mm=0.02 * sign)
        curvature = relief.mean_curvature(normals(p, q), PX, sigma_mm=scale)
        expected = sign * 0.02 * 0.8**2 / (0.8**2 + scale**2) ** 2
        row, col = round((SHAPE[0] - 1) / 2 + 2.0 * PX), round((SHAPE[1] - 1) / 2 + 1.0 * PX)
        assert curvature[row, col] == pytest.approx(expected, rel=0.03)
        assert np.abs(curvature).max() == pytest.approx(abs(expected), rel=0.03)


def test_curvature_of_a_paraboloid_is_constant_up_to_the_cards_outline():
    x, y = grid()
    mask = card_mask()
    p, q = np.where(mask, 0.004 * x, 0.0), np.where(mask, 0.002 * y, 0.0)
    curvature = relief.mean_curvature(normals(p, q), PX, sigma_mm=0.3, mask=mask)
    assert (curvature[~mask] == 0).all()
    inner = mask.copy()
    inner[:40] = inner[-40:] = False
    inner[:, :40] = inner[:, -40:] = False
    assert curvature[inner] == pytest.approx(-0.003, abs=3e-5)
    # at the outline itself a naive derivative would see the jump to 0 (0.004 * 5.5 mm / 0.1 mm = 0.2)
    assert np.abs(curvature[mask] + 0.003).max() < 0.003


def test_flatten_removes_curl_and_tilt_and_keeps_a_scratch():
    x, y = grid()
    mask = card_mask()
    _, fine_p, fine_q = bump(0.0, 0.0, sigma=0.15, height_mm=0.004)
    normal = normals(
        np.where(mask, fine_p + 0.03 + 0.002 * x, 9), np.where(mask, fine_q - 0.02 + 0.001 * y, 9)
    )
    p, q = relief.slopes(relief.flatten(normal, mask, PX, sigma_mm=2.0))
    near = np.hypot(x, y) < 0.5
    assert np.abs(p - fine_p)[near].max() < 0.05 * np.abs(fine_p).max()
    assert np.abs(q - fine_q)[near].max() < 0.05 * np.abs(fine_p).max()
    calm = mask & (np.hypot(x, y) > 2)
    assert np.abs(p[calm]).max() < 0.006  # what a linear slope leaves at the outline, of 0.04
    assert (p[~mask] == 0).all()
    middle = calm & (np.abs(x) < 2) & (np.abs(y) < 3)
    assert np.abs(p[middle]).max() < 6e-4

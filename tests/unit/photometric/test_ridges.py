"""The Hessian of a known height, lines found along the way they run, noise taken out where only noise is."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.photometric import relief
from rcg.photometric.ridges import DIRECTIONS, hessian, strongest_line

PX = 20.0
SHAPE = (160, 200)


def grid():
    h, w = SHAPE
    return np.meshgrid((np.arange(w) - (w - 1) / 2) / PX, ((h - 1) / 2 - np.arange(h)) / PX)


def test_the_hessian_of_a_quadratic_is_exact():
    x, y = grid()
    p, q = 0.02 * x + 0.006 * y, 0.006 * x - 0.01 * y
    xx, xy, yy = hessian(p.astype(np.float32), q.astype(np.float32), PX, 0.1)
    inner = np.s_[20:-20, 20:-20]
    assert xx[inner] == pytest.approx(0.02, abs=1e-5)
    assert xy[inner] == pytest.approx(0.006, abs=1e-5)
    assert yy[inner] == pytest.approx(-0.01, abs=1e-5)


@pytest.mark.parametrize("angle_deg", [0, 30, 75, 120])
def test_a_furrow_is_strongest_along_its_own_direction(angle_deg):
    x, y = grid()
    a = np.radians(angle_deg)
    across = -x * np.sin(a) + y * np.cos(a)
    depth, sigma = 0.004, 0.06
    z = -depth * np.exp(-(across**2) / (2 * sigma**2))
    by_across = -z * across / sigma**2
    tensor = hessian(
        (by_across * -np.sin(a)).astype(np.float32), (by_across * np.cos(a)).astype(np.float32), PX, 0.05
    )
    line, which = strongest_line(tensor, np.ones(SHAPE, np.float32), PX, 1.5, clip=1e9)
    middle = (SHAPE[0] // 2, SHAPE[1] // 2)
    assert line[middle] > 0
    assert int(which[middle]) * 180 / DIRECTIONS == pytest.approx(angle_deg, abs=0.1)
    assert line[middle] > 0.8 * tensor[:, middle[0], middle[1]] @ [
        np.sin(a) ** 2,
        -np.sin(2 * a),
        np.cos(a) ** 2,
    ]


def test_one_wild_pixel_makes_no_line():
    tensor = np.zeros((3, *SHAPE), np.float32)
    tensor[0, 80, 100] = 1e6
    line, _ = strongest_line(tensor, np.ones(SHAPE, np.float32), PX, 1.5, clip=3.0)
    assert np.abs(line).max() <= 2 * 3.0 / 31 + 1e-6  # a line may pass a pixel twice
    one, two = (strongest_line(tensor, np.ones(SHAPE, np.float32), PX, 1.5, threads=n)[0] for n in (1, 2))
    assert np.array_equal(one, two)


def test_quieting_takes_noise_and_leaves_a_scratch():
    rng = np.random.default_rng(2)
    p = rng.normal(0, 0.01, SHAPE)
    q = rng.normal(0, 0.01, SHAPE)
    q[80, 40:160], q[81, 40:160] = 0.15, -0.15
    normal = relief.from_slopes(p.astype(np.float32), q.astype(np.float32))
    _, quiet = relief.slopes(relief.quieted(normal, np.ones(SHAPE, bool), PX))
    assert quiet[20:60].std() < 0.5 * q[20:60].std()
    assert quiet[80, 60:140].mean() > 0.1
    assert quiet[81, 60:140].mean() < -0.1

"""Foil is solved from what does not flash: facets leave no tilt, a furrow stays, paper stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.photometric import relief
from rcg.photometric.solve import solve_normals
from rcg.photometric.solve_foil import darkest_weights, foil_mask, solve_foil
from rcg.photometric.types import Lights

PX = 40.0
SHAPE = (200, 240)
MASK = np.ones(SHAPE, bool)
FURROW = 0.06


def ring(n=8, elevation=30.0):
    around = np.radians(90 - 360 * np.arange(n) / n)
    up = np.radians(elevation)
    towards = np.stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.full(n, np.sin(up))], 1)
    return Lights(tuple(str(i + 1) for i in range(n)), towards, None, np.ones(n), "rig", calibrated=True)


def furrow():
    """Slope across a furrow along the columns at row 100: up on one side, down on the other."""
    rows = np.arange(SHAPE[0], dtype=np.float64)[:, None] - 100
    return np.broadcast_to(FURROW * rows / 3 * np.exp(0.5 - rows**2 / 18), SHAPE)


def taken(lights, foil, seed=1, noise=0.002):
    """Frames of a grey sheet with the furrow; on ``foil`` each facet flashes under three lights."""
    rng = np.random.default_rng(seed)
    n = len(lights)
    q = furrow()
    facets = rng.permuted(np.tile(np.arange(n), (SHAPE[0] // 8, SHAPE[1] // 8, 1)), axis=-1)
    strength = rng.uniform(0.02, 0.5, facets.shape) * (facets < 3) + rng.uniform(0, 0.01, facets.shape)
    glow = np.kron(strength, np.ones((8, 8, 1))) * foil[..., None]
    frames = []
    for i, (_, y, z) in enumerate(lights.directions):
        value = 0.4 * (np.maximum(z - q * y, 0) / np.sqrt(1 + q * q) + glow[..., i])
        frames.append(value * (1 + rng.normal(0, noise, SHAPE)))
    return np.repeat(np.stack(frames)[..., None], 3, -1).astype(np.float32)


def both(frames, lights, threads=1):
    plain, solved = (
        solve_normals(frames, lights, px_per_mm=PX, mask=MASK, flat_field=None) for _ in range(2)
    )
    solve_foil(solved, frames, lights, px_per_mm=PX, mask=MASK, threads=threads)
    return plain, solved


def same(plain, solved):
    for name in ("normal", "albedo", "confidence", "specular", "residual"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(solved, name))


def test_facets_leave_little_tilt_and_the_furrow_stays():
    lights = ring()
    frames = taken(lights, np.ones(SHAPE))
    plain, solved = both(frames, lights)
    off = [relief.slopes(s.normal)[1] - furrow() for s in (plain, solved)]
    assert np.abs(off[1]).mean() < 0.5 * np.abs(off[0]).mean()
    depth = relief.slopes(solved.normal)[1][97].mean(), relief.slopes(solved.normal)[1][103].mean()
    assert depth == pytest.approx((-FURROW, FURROW), abs=0.2 * FURROW)
    assert solved.albedo.mean() * solved.white == pytest.approx(0.4, rel=0.03)
    assert solved.specular.mean() > 0.9 * plain.specular.mean()
    assert (solved.confidence > 0.2).mean() > 0.95


def test_only_foil_is_solved_again():
    lights = ring()
    foil = np.zeros(SHAPE)
    foil[:, :80] = 1
    frames = taken(lights, foil)
    plain, solved = both(frames, lights)
    where = foil_mask(plain.specular, frames, MASK, PX)
    assert where[:, :70].all()
    assert not where[:, 120:].any()
    for name in ("normal", "albedo", "confidence", "specular", "residual"):
        np.testing.assert_array_equal(getattr(plain, name)[~where], getattr(solved, name)[~where])


def test_paper_and_few_lights_keep_their_solution():
    lights = ring()
    plain, solved = both(taken(lights, np.zeros(SHAPE)), lights)
    same(plain, solved)
    four = ring(4)
    plain, solved = both(taken(four, np.ones(SHAPE)), four)
    same(plain, solved)


def test_far_away_near_lights_and_threads_change_nothing():
    far = ring()
    frames = taken(far, np.ones(SHAPE))
    near = Lights(far.names, far.directions, 1e5 * far.directions, np.ones(8), "rig", calibrated=True)
    _, one = both(frames, far)
    np.testing.assert_array_equal(one.normal, both(frames, far, threads=3)[1].normal)
    # samples of all but equal height may change their places
    assert np.quantile(np.abs(one.normal - both(frames, near)[1].normal), 0.99) < 1e-3


def test_overexposed_samples_do_not_count():
    lights = ring()
    frames = taken(lights, np.ones(SHAPE), noise=0)
    frames[3, 20:24, 20:24] = 1.0
    _, solved = both(frames, lights)
    p, q = relief.slopes(solved.normal[21:23, 21:23])
    assert np.hypot(p, q).max() < 0.03


def test_weights_fall_from_the_darkest_to_the_brightest():
    fine, coarse = darkest_weights(8)
    assert (np.diff(fine) <= 0).all()
    assert fine[:3] == pytest.approx(1)
    assert fine[6:] == pytest.approx(0)
    assert coarse.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]

"""A pixel's normal by consensus: the one that most of its samples agree on, shadows and highlights apart.

Every well-conditioned triple of samples gives a candidate by Lambert's law; it is scored by all samples with
a bounded error, so that a highlight or a shadow costs the same however wrong it is. Unlike least-trimmed
squares nothing says beforehand how many samples are wrong, and a dark sample is evidence where the candidate
turns away from its light.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt

from rcg.photometric.solve_pixel import Real, jit

BOUND = 9.0
"""square of the error, in standard deviations, at which a sample keeps half of its weight"""
_MOST_TRIPLES = 84
_LEAST_DETERMINANT = 0.02
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def triples(directions: Float64) -> Int64:
    """Return (t, 3) indices of the lights to make candidates from: all well-conditioned triples, or a fixed
    choice of 84 of them, the same in every run.
    """
    every = np.array(list(combinations(range(len(directions)), 3)), np.int64)
    if len(every) > 20_000:
        every = every[np.random.default_rng(1).permutation(len(every))[:20_000]]
    volume = np.abs(np.linalg.det(directions[every]))
    good = every[volume > _LEAST_DETERMINANT * volume.max()]
    if len(good) > _MOST_TRIPLES:
        good = good[np.sort(np.random.default_rng(0).permutation(len(good))[:_MOST_TRIPLES])]
    return np.asarray(good, np.int64)


@jit
def sigmas(
    k: int, n: int, samples: Float64, usable: npt.NDArray[np.bool_], floor: Real, share: Real, out: Float64
) -> None:
    """Standard deviations of a pixel's samples: a floor, and a share of the pixel's brightness and of the
    sample's own, half each; unusable samples tell nothing.
    """
    total, top, count = 0.0, 0.0, 0
    for i in range(n):
        if usable[k, i]:
            value = max(samples[k, i], 0.0)
            total += value
            top = max(top, value)
            count += 1
    level = (total - top) / max(count - 1, 1)
    for i in range(n):
        own = 0.5 * (level + max(samples[k, i], 0.0))
        out[i] = floor + share * own if usable[k, i] else 1e9


@jit
def weigh(samples: Float64, usable: npt.NDArray[np.bool_], floor: float, share: float, out: Float64) -> None:
    """Write the standard deviations of all samples into ``out`` (p, n)."""
    for k in range(samples.shape[0]):
        sigmas(k, samples.shape[1], samples, usable, floor, share, out[k])


@jit
def bounded(error: Real) -> Real:
    """What an error, in standard deviations, counts: its square while small, at most BOUND x pi / 2."""
    return BOUND * math.atan(error * error / BOUND)


@jit
def trust(error: Real) -> Real:
    """Weight of a sample of that error: 1 while small, 0.5 where its square is BOUND."""
    share = error * error / BOUND
    return 1.0 / (1.0 + share * share)


@jit
def lambert_cost(
    g0: Real, g1: Real, g2: Real, k: int, samples: Float64, sigma: Float64, light: Float64
) -> Real:
    """Bounded error of one candidate over all samples of a pixel. ``light`` is (n, 3)."""
    cost = 0.0
    for i in range(light.shape[0]):
        value = max(g0 * light[i, 0] + g1 * light[i, 1] + g2 * light[i, 2], 0.0)
        error = (samples[k, i] - value) / sigma[i]
        cost += bounded(error)
    return cost


@jit
def consensus(
    samples: Float64,
    usable: npt.NDArray[np.bool_],
    lights: Float64,
    chosen: Int64,
    floor: float,
    share: float,
    out: Float64,
) -> None:
    """Find the best candidate of every pixel.

    Args:
        samples: (p, n) radiance under unit irradiance.
        usable: (p, n) neither saturated nor missing. Dark samples are usable.
        lights: (1, n, 3) unit vectors to distant lights, or (p, n, 3).
        chosen: (t, 3) of :func:`triples`.
        floor, share: standard deviation of a sample: floor + share x value.
        out: (p, 3), written: albedo times normal; zero where no triple of lit samples gave one.
    """
    n = samples.shape[1]
    sigma = np.empty(n)
    for k in range(samples.shape[0]):
        light = lights[k if lights.shape[0] > 1 else 0]
        sigmas(k, n, samples, usable, floor, share, sigma)
        best, b0, b1, b2 = 1e30, 0.0, 0.0, 0.0
        for t in range(chosen.shape[0]):
            p, q, r = chosen[t, 0], chosen[t, 1], chosen[t, 2]
            if not (usable[k, p] and usable[k, q] and usable[k, r]):
                continue
            u, v, w = samples[k, p], samples[k, q], samples[k, r]
            if u < floor or v < floor or w < floor:
                continue
            # Cramer's rule: g = (u q x r + v r x p + w p x q) / det
            c0 = light[q, 1] * light[r, 2] - light[q, 2] * light[r, 1]
            c1 = light[q, 2] * light[r, 0] - light[q, 0] * light[r, 2]
            c2 = light[q, 0] * light[r, 1] - light[q, 1] * light[r, 0]
            det = light[p, 0] * c0 + light[p, 1] * c1 + light[p, 2] * c2
            if abs(det) < 1e-6:
                continue
            d0 = light[r, 1] * light[p, 2] - light[r, 2] * light[p, 1]
            d1 = light[r, 2] * light[p, 0] - light[r, 0] * light[p, 2]
            d2 = light[r, 0] * light[p, 1] - light[r, 1] * light[p, 0]
            e0 = light[p, 1] * light[q, 2] - light[p, 2] * light[q, 1]
            e1 = light[p, 2] * light[q, 0] - light[p, 0] * light[q, 2]
            e2 = light[p, 0] * light[q, 1] - light[p, 1] * light[q, 0]
            g0 = (u * c0 + v * d0 + w * e0) / det
            g1 = (u * c1 + v * d1 + w * e1) / det
            g2 = (u * c2 + v * d2 + w * e2) / det
            if g2 <= 0:
                continue
            cost = lambert_cost(g0, g1, g2, k, samples, sigma, light)
            if cost < best:
                best, b0, b1, b2 = cost, g0, g1, g2
        out[k, 0], out[k, 1], out[k, 2] = b0, b1, b2

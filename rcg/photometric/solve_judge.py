"""From a block's sums to what a user reads: normal, confidence, residual, gloss. Numba kernels of
:mod:`rcg.photometric.solve_kernel`.
"""

from __future__ import annotations

import math

import numpy as np

from rcg.photometric.solve_pixel import MIN_DETERMINANT, Limits, jit
from rcg.photometric.types import BoolArray, FloatArray

Sums = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
Target = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


@jit
def _unit(g: FloatArray, good: FloatArray, unit: FloatArray, length: FloatArray) -> None:
    """Normals of length one, upright where there is none."""
    zero, one = np.float32(0.0), np.float32(1.0)
    for k in range(length.shape[0]):
        length[k] = one / math.sqrt(g[0, k] * g[0, k] + g[1, k] * g[1, k] + g[2, k] * g[2, k])
    for c in range(3):
        upright = one if c == 2 else zero
        for k in range(length.shape[0]):
            unit[c, k] = g[c, k] * length[k] if good[k] > zero else upright


@jit
def _confidence(
    n: int, limits: Limits, good: FloatArray, mean: FloatArray, count: FloatArray, residual: FloatArray,
    confidence: FloatArray,
) -> None:  # fmt: skip
    """Confidence of a block from the share of samples used, their misfit and their noise."""
    one, zero, least = np.float32(1.0), np.float32(0.0), np.float32(1e-6)
    most, fit, level = np.float32(1 / max(n - 2, 1)), np.float32(1 / 0.15**2), np.float32(1 / 0.08**2)
    share, floor = np.float32(limits.noise_share), np.float32(limits.noise_floor**2)
    for k in range(confidence.shape[0]):
        average = max(mean[k] / count[k], least)
        noise = (share * average + floor) / (average * average)
        misfit = residual[k] * residual[k]
        value = (count[k] - np.float32(2.0)) * most / ((one + misfit * fit) * (one + noise * level))
        confidence[k] = value if good[k] > zero else zero


@jit
def judge(
    n: int,
    mask: BoolArray,
    limits: Limits,
    g: FloatArray,
    sums: Sums,
    use: FloatArray,
    unit: FloatArray,
    work: FloatArray,
    target: Target,
) -> None:
    """Turn the sums of a block into normal, confidence, residual and specular excess.

    Args:
        work: (2, width) overwritten.
        others: see :func:`solve_rows`.
    """
    mean, count, square, quality, gloss = sums
    normal, confidence, residual, specular = target
    size = mask.shape[0]
    good, length = work[0, :size], work[1, :size]
    one, zero, least = np.float32(1.0), np.float32(0.0), np.float32(1e-6)
    for k in range(size):
        good[k] = one if mask[k] and count[k] >= np.float32(3.0) else zero
    for k in range(size):
        good[k] = good[k] if quality[k] > np.float32(MIN_DETERMINANT) and g[2, k] > least else zero
    for k in range(size):
        misfit = math.sqrt(square[k] / count[k]) / max(mean[k] / count[k], least)
        residual[k] = misfit if good[k] > zero else zero
    _confidence(n, limits, good, mean, count, residual, confidence)
    for k in range(size):
        specular[k] = gloss[k] / np.float32(n) if good[k] > zero else zero
    _unit(g, good, unit, length)
    for k in range(size):
        normal[k, 0], normal[k, 1], normal[k, 2] = unit[0, k], unit[1, k], unit[2, k]
    for k in range(size):
        if count[k] < one:
            use[:, k] = 1

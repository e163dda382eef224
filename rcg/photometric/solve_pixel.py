"""One pixel's least squares, and its second solve without the brightest samples: numba device functions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from rcg.photometric.types import FloatArray

MIN_DETERMINANT = 1e-3
"""of the normalised light matrix; below, the lights are nearly in one plane (condition number over about 80)
"""


class Limits(NamedTuple):
    """Thresholds, relative to full scale unless said otherwise.

    ``saturated`` and ``dark`` bound a usable sample; a pixel is flagged when a sample exceeds its Lambert
    value by ``flag_level + flag_share x mean``; ``keep_ratio`` is how far the residual must fall for a robust
    solve to count.
    """

    saturated: float = 0.985
    dark: float = 0.0015
    flag_level: float = 0.01
    flag_share: float = 0.06
    keep_ratio: float = 0.6
    noise_share: float = 1.0 / 8000.0
    noise_floor: float = 0.001


class Setting(NamedTuple):
    """What every pixel shares: scale, whether lights are near (positions in mm) or distant (directions)."""

    px_per_mm: float
    near: bool
    red: float
    green: float
    blue: float
    drop: int


Real = Any
"""float32 inside the kernels, where numba infers it"""

jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})


@jit
def solve_symmetric(
    a00: Real, a01: Real, a02: Real, a11: Real, a12: Real, a22: Real, b0: Real, b1: Real, b2: Real
) -> tuple[Real, Real, Real, Real]:
    """Solve the symmetric 3x3 system by cofactors; last value: determinant over (trace / 3) cubed, 0 when
    singular.
    """
    c00, c01, c02 = a11 * a22 - a12 * a12, a02 * a12 - a01 * a22, a01 * a12 - a02 * a11
    det = a00 * c00 + a01 * c01 + a02 * c02
    third = (a00 + a11 + a22) / np.float32(3.0)
    quality = det / max(third * third * third, np.float32(1e-12))
    inv = np.float32(1.0) / det if quality > np.float32(1e-6) else np.float32(0.0)
    c11, c12, c22 = a00 * a22 - a02 * a02, a01 * a02 - a00 * a12, a00 * a11 - a01 * a01
    return (
        (c00 * b0 + c01 * b1 + c02 * b2) * inv,
        (c01 * b0 + c11 * b1 + c12 * b2) * inv,
        (c02 * b0 + c12 * b1 + c22 * b2) * inv,
        quality,
    )


@jit
def _solve_used(
    k: int, n: int, b: FloatArray, vec: FloatArray, use: FloatArray
) -> tuple[Real, Real, Real, Real]:
    """Least squares of one column over the samples in use."""
    a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = np.float32(0.0)
    for i in range(n):
        if use[i, k] > 0:
            x, y, z, value = vec[0, i, k], vec[1, i, k], vec[2, i, k], b[i, k]
            a00 += x * x
            a01 += x * y
            a02 += x * z
            a11 += y * y
            a12 += y * z
            a22 += z * z
            b0 += x * value
            b1 += y * value
            b2 += z * value
    return solve_symmetric(a00, a01, a02, a11, a12, a22, b0, b1, b2)


@jit
def _misfit(
    k: int, n: int, b: FloatArray, vec: FloatArray, use: FloatArray, g: FloatArray
) -> tuple[Real, Real, Real, int]:
    """RMS residual, largest positive residual and mean value over the samples in use, and their number."""
    total, largest, mean = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    used = 0
    for i in range(n):
        if use[i, k] > 0:
            r = b[i, k] - (g[0, k] * vec[0, i, k] + g[1, k] * vec[1, i, k] + g[2, k] * vec[2, i, k])
            total += r * r
            largest = max(largest, r)
            mean += b[i, k]
            used += 1
    count = max(used, 1)
    return math.sqrt(total / count), largest, mean / count, used


@jit
def solve_without_brightest(
    k: int, n: int, drop: int, limits: Limits, b: FloatArray, vec: FloatArray, use: FloatArray, g: FloatArray
) -> None:
    """Drop the brightest samples of a flagged pixel, one by one, while that explains the pixel much better.

    Brightest means relative to a flat, matte pixel: value over the light's cosine. With three samples left
    the fit is exact and proves nothing, so the flag must then be twice as clear.
    """
    rms, largest, mean, used = _misfit(k, n, b, vec, use, g)
    flag = np.float32(limits.flag_level) + np.float32(limits.flag_share) * mean
    if largest <= flag:
        return
    dropped = np.empty(drop, np.int64)
    count = 0
    best = rms * np.float32(limits.keep_ratio)
    kept = 0
    g0, g1, g2 = g[0, k], g[1, k], g[2, k]
    while count < drop and used - count > 3:
        brightest, at = np.float32(-1.0), -1
        for i in range(n):
            if use[i, k] > 0:
                value = b[i, k] / max(vec[2, i, k], np.float32(0.05))
                if value > brightest:
                    brightest, at = value, i
        use[at, k] = 0
        dropped[count] = at
        count += 1
        s0, s1, s2, quality = _solve_used(k, n, b, vec, use)
        if quality < MIN_DETERMINANT:
            break
        g[0, k], g[1, k], g[2, k] = s0, s1, s2
        now, _, _, left = _misfit(k, n, b, vec, use, g)
        enough = now < best if left > 3 else (largest > 2 * flag and kept == 0)
        if enough:
            kept = count
            best = now * np.float32(limits.keep_ratio)
            g0, g1, g2 = s0, s1, s2
    for j in range(kept, count):
        use[dropped[j], k] = 1
    g[0, k], g[1, k], g[2, k] = g0, g1, g2

"""Foil's pixels by their darkest samples: numba kernels of :mod:`rcg.photometric.solve_foil`."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from rcg.photometric.solve_pixel import MIN_DETERMINANT, Limits, Real, jit, solve_symmetric
from rcg.photometric.types import BoolArray, FloatArray

MIN_LIGHTS: Final = 6
"""with fewer, the darker half is not enough to solve for"""
_MOST: Final = 0.15
"""difference of the two solves' slopes beyond which it is an accident of a pixel"""
_LOWEST: Final = 0.05
"""sine of the height of a light under which its samples say nothing"""
_BLACK: Final = 1e-6
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Target = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""normal and albedo (H, W, 3), confidence, gloss and residual (H, W)"""


@jit
def _gather(
    place: tuple[int, int],
    frames: FloatArray,
    source: Float64,
    near: bool,
    scale: Float64,
    gain: Float64,
    px_per_mm: float,
    channels: tuple[float, float, float],
    limits: Limits,
    light: Float64,
    value: Float64,
    inverse: Float64,
    order: Int64,
) -> int:
    """Write a pixel's light vectors (n, 3), radiances under unit irradiance (n,), the factors to them (n,),
    and the order of its usable samples by height over a flat pixel, darkest first; return their number.
    """
    n, height, width = frames.shape[0], frames.shape[1], frames.shape[2]
    row, col = place
    x, y = (col - 0.5 * (width - 1)) / px_per_mm, (0.5 * (height - 1) - row) / px_per_mm
    u, v = x * px_per_mm / (0.5 * width), y * px_per_mm / (0.5 * height)
    used = 0
    for i in range(n):
        lx, ly, lz = source[i, 0], source[i, 1], source[i, 2]
        along = gain[i, 0] + u * (gain[i, 1] + u * gain[i, 3] + v * gain[i, 4])
        inverse[i] = scale[i] * (along + v * (gain[i, 2] + v * gain[i, 5]))
        if near:
            lx, ly = lx - x, ly - y
            square = lx * lx + ly * ly + lz * lz
            root = 1.0 / math.sqrt(square)
            lx, ly, lz = lx * root, ly * root, lz * root
            inverse[i] *= square
        light[i, 0], light[i, 1], light[i, 2] = lx, ly, lz
        red, green, blue = frames[i, row, col, 0], frames[i, row, col, 1], frames[i, row, col, 2]
        seen = channels[0] * red + channels[1] * green + channels[2] * blue
        value[i] = seen * inverse[i]
        if max(red, green, blue) < limits.saturated and seen > limits.dark and lz > _LOWEST:
            at = used
            while at > 0 and value[order[at - 1]] * lz > value[i] * light[order[at - 1], 2]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = i
            used += 1
    return used


@jit
def _fit(
    used: int, order: Int64, light: Float64, value: Float64, by_rank: Float64, weight: Float64
) -> tuple[Real, Real, Real, Real]:
    """Albedo times normal by weighted least squares of the heights, and the quality of the light matrix.
    ``weight`` (n,) is written: that of each sample.
    """
    a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = 0.0
    weight[:] = 0
    for r in range(used):
        i, w = order[r], by_rank[r]
        weight[i] = w
        s, t, d = light[i, 0] / light[i, 2], light[i, 1] / light[i, 2], value[i] / light[i, 2]
        a00 += w * s * s
        a01 += w * s * t
        a02 += w * s
        a11 += w * t * t
        a12 += w * t
        a22 += w
        b0 += w * s * d
        b1 += w * t * d
        b2 += w * d
    g0, g1, g2, quality = solve_symmetric(a00, a01, a02, a11, a12, a22, b0, b1, b2)
    return g0, g1, g2, quality


@jit
def _write(
    place: tuple[int, int],
    g: tuple[float, float, float],
    frames: FloatArray,
    light: Float64,
    value: Float64,
    inverse: Float64,
    weight: Float64,
    limits: Limits,
    white: float,
    target: Target,
) -> None:
    """Write a pixel's normal, albedo, confidence, gloss and residual, as the ordinary solve has them."""
    normal, albedo, confidence, specular, residual = target
    row, col = place
    n = frames.shape[0]
    length = math.sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2])
    total = mean = misfit = gloss = shades = 0.0
    albedo[row, col] = 0
    for i in range(n):
        model = g[0] * light[i, 0] + g[1] * light[i, 1] + g[2] * light[i, 2]
        total += weight[i]
        mean += weight[i] * value[i]
        misfit += weight[i] * (value[i] - model) ** 2
        gloss += max(value[i] - max(model, 0.0), 0.0) / inverse[i]
        shade = max(model / length, 0.0)
        shades += weight[i] * shade * shade
        for c in range(3):
            albedo[row, col, c] += weight[i] * shade * inverse[i] * frames[i, row, col, c]
    mean /= total
    misfit = math.sqrt(misfit / total) / max(mean, 1e-6)
    noise = math.sqrt(limits.noise_share * mean + limits.noise_floor**2) / max(mean, 1e-6)
    for c in range(3):
        normal[row, col, c] = g[c] / length
        albedo[row, col, c] /= max(shades, 1e-6) * white
    share = (total - 2) / max(n - 2, 1)
    confidence[row, col] = share / ((1 + (misfit / 0.15) ** 2) * (1 + (noise / 0.08) ** 2))
    specular[row, col] = gloss / n
    residual[row, col] = misfit


@jit
def solve_foil_rows(
    rows: tuple[int, int],
    frames: FloatArray,
    where: BoolArray,
    source: Float64,
    near: bool,
    scale: Float64,
    gain: Float64,
    px_per_mm: float,
    channels: tuple[float, float, float],
    by_rank: Float64,
    limits: Limits,
    white: float,
    target: Target,
    coarser: FloatArray,
) -> None:
    """Solve the pixels of ``rows`` (first, one after the last) that are in ``where``. ``by_rank`` is
    (n + 1, 2, n): both solves' weights for each number of usable samples. ``coarser`` (2, H, W) is written:
    the coarse solve's slopes less the fine one's.
    """
    n, width = frames.shape[0], frames.shape[2]
    light, value, inverse, weight = np.empty((n, 3)), np.empty(n), np.empty(n), np.empty(n)
    order = np.empty(n, np.int64)
    for row in range(rows[0], rows[1]):
        for col in range(width):
            if not where[row, col]:
                continue
            place = (row, col)
            used = _gather(
                place,
                frames,
                source,
                near,
                scale,
                gain,
                px_per_mm,
                channels,
                limits,
                light,
                value,
                inverse,
                order,
            )
            if used < MIN_LIGHTS:
                continue
            c0, c1, c2, _ = _fit(used, order, light, value, by_rank[used, 1], weight)
            g0, g1, g2, quality = _fit(used, order, light, value, by_rank[used, 0], weight)
            if quality > MIN_DETERMINANT and g2 > _BLACK:
                if c2 > _BLACK:
                    coarser[0, row, col] = min(max(g0 / g2 - c0 / c2, -_MOST), _MOST)
                    coarser[1, row, col] = min(max(g1 / g2 - c1 / c2, -_MOST), _MOST)
                g = (g0, g1, g2)
                _write(place, g, frames, light, value, inverse, weight, limits, white, target)

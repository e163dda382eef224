"""Per-pixel photometric stereo as fused, blocked numba kernels.

Each call handles some rows and releases the GIL; the caller spreads rows over its own threads (numba's
parallel layer is not used: it aborts the process without libgomp when two threads enter it). Within a block
of columns all loops run over contiguous float32, so that they vectorise. Only pixels flagged by their
residual enter the scalar robust part.
"""

from __future__ import annotations

import math

import numpy as np

from rcg.photometric.solve_pixel import (
    MIN_DETERMINANT,
    Limits,
    Setting,
    jit,
    solve_symmetric,
    solve_without_brightest,
)
from rcg.photometric.types import BoolArray, FloatArray

BLOCK = 256
"""columns per block: 8 lights x 5 arrays of a block fit the L2 cache"""


@jit
def _light_vectors(
    i: int,
    row_y: float,
    first_x: float,
    width: int,
    setting: Setting,
    source: FloatArray,
    scale: FloatArray,
    gain: FloatArray,
    half: FloatArray,
    vec: FloatArray,
    inv: FloatArray,
) -> None:
    """Unit vectors to light i, and the factor from radiance to that under unit irradiance, for one block."""
    step = np.float32(1.0 / setting.px_per_mm)
    y = np.float32(row_y)
    v = y * half[1]
    for k in range(width):
        x = np.float32(first_x) + np.float32(k) * step
        u = x * half[0]
        flat = (
            gain[i, 0]
            + gain[i, 1] * u
            + gain[i, 2] * v
            + gain[i, 3] * u * u
            + gain[i, 4] * u * v
            + gain[i, 5] * v * v
        )
        if setting.near:
            dx, dy, dz = source[i, 0] - x, source[i, 1] - y, source[i, 2]
            d2 = dx * dx + dy * dy + dz * dz
            r = np.float32(1.0) / math.sqrt(d2)
            vec[0, i, k], vec[1, i, k], vec[2, i, k] = dx * r, dy * r, dz * r
            inv[i, k] = flat * d2 * scale[i]
        else:
            vec[0, i, k], vec[1, i, k], vec[2, i, k] = source[i, 0], source[i, 1], source[i, 2]
            inv[i, k] = flat * scale[i]


@jit
def _gather(
    i: int,
    row: int,
    first: int,
    width: int,
    setting: Setting,
    limits: Limits,
    frames: FloatArray,
    inv: FloatArray,
    b: FloatArray,
    use: FloatArray,
) -> None:
    """Luminance of light i over the block, divided by its irradiance, and which samples are usable."""
    for k in range(width):
        red, green, blue = (
            frames[i, row, first + k, 0],
            frames[i, row, first + k, 1],
            frames[i, row, first + k, 2],
        )
        value = (
            np.float32(setting.red) * red
            + np.float32(setting.green) * green
            + np.float32(setting.blue) * blue
        )
        top = max(red, green, blue)
        use[i, k] = (
            np.float32(1.0)
            if (top < np.float32(limits.saturated)) and (value > np.float32(limits.dark))
            else np.float32(0.0)
        )
        b[i, k] = value * inv[i, k]


@jit
def _least_squares(
    n: int,
    width: int,
    b: FloatArray,
    vec: FloatArray,
    use: FloatArray,
    a: FloatArray,
    g: FloatArray,
    quality: FloatArray,
) -> None:
    """Normal equations of a whole block, accumulated light by light, then solved column by column."""
    a[:, :width] = 0
    for i in range(n):
        for k in range(width):
            w, x, y, z = use[i, k], vec[0, i, k], vec[1, i, k], vec[2, i, k]
            value = w * b[i, k]
            a[0, k] += w * x * x
            a[1, k] += w * x * y
            a[2, k] += w * x * z
            a[3, k] += w * y * y
            a[4, k] += w * y * z
            a[5, k] += w * z * z
            a[6, k] += x * value
            a[7, k] += y * value
            a[8, k] += z * value
    for k in range(width):
        g[0, k], g[1, k], g[2, k], quality[k] = solve_symmetric(
            a[0, k], a[1, k], a[2, k], a[3, k], a[4, k], a[5, k], a[6, k], a[7, k], a[8, k]
        )


@jit
def _largest_excess(
    n: int,
    width: int,
    b: FloatArray,
    vec: FloatArray,
    use: FloatArray,
    g: FloatArray,
    excess: FloatArray,
    mean: FloatArray,
    count: FloatArray,
    square: FloatArray,
) -> None:
    """Residuals of a block: largest positive one, mean value, number of samples, sum of squares."""
    excess[:width] = 0
    mean[:width] = 0
    count[:width] = 0
    square[:width] = 0
    for i in range(n):
        for k in range(width):
            r = use[i, k] * (
                b[i, k] - (g[0, k] * vec[0, i, k] + g[1, k] * vec[1, i, k] + g[2, k] * vec[2, i, k])
            )
            excess[k] = max(excess[k], r)
            square[k] += r * r
            mean[k] += use[i, k] * b[i, k]
            count[k] += use[i, k]


@jit
def _colours(
    row: int,
    first: int,
    width: int,
    n: int,
    frames: FloatArray,
    inv: FloatArray,
    vec: FloatArray,
    use: FloatArray,
    unit: FloatArray,
    albedo: FloatArray,
    weight: FloatArray,
) -> None:
    """Albedo per channel along the solved normal. Where no sample is usable all of them count, as for a flat
    pixel.
    """
    weight[:width] = 0
    for i in range(n):
        for k in range(width):
            shade = use[i, k] * max(
                unit[0, k] * vec[0, i, k] + unit[1, k] * vec[1, i, k] + unit[2, k] * vec[2, i, k],
                np.float32(0.0),
            )
            weight[k] += shade * shade
            factor = shade * inv[i, k]
            albedo[row, first + k, 0] += factor * frames[i, row, first + k, 0]
            albedo[row, first + k, 1] += factor * frames[i, row, first + k, 1]
            albedo[row, first + k, 2] += factor * frames[i, row, first + k, 2]
    for k in range(width):
        scale = np.float32(1.0) / max(weight[k], np.float32(1e-6))
        for c in range(3):
            albedo[row, first + k, c] *= scale


@jit
def solve_rows(
    rows: tuple[int, int],
    frames: FloatArray,
    mask: BoolArray,
    source: FloatArray,
    scale: FloatArray,
    gain: FloatArray,
    half: FloatArray,
    setting: Setting,
    limits: Limits,
    normal: FloatArray,
    albedo: FloatArray,
    confidence: FloatArray,
    specular: FloatArray,
    residual: FloatArray,
) -> None:
    """Solve rows ``rows[0]`` to ``rows[1]`` into the five outputs.

    Args:
        rows: first row and the one after the last.
        frames: (n, H, W, 3) linear RGB, float32.
        mask: (H, W) card; elsewhere the albedo is that of a flat pixel and there is no normal.
        source: (n, 3) positions in mm or unit directions, float32, card axes.
        scale: (n,) factor from radiance to unit irradiance (near: times the squared distance).
        gain: (n, 6) polynomial of the inverse gain in x/half width, y/half height: 1, u, v, uu, uv, vv.
        half: (2,) one over half width and half height in mm.
        setting, limits: see there.
        normal, albedo: (H, W, 3), written.
        confidence, specular, residual: (H, W), written.
    """
    n, height, width = frames.shape[0], frames.shape[1], frames.shape[2]
    b, inv, use = (
        np.empty((n, BLOCK), np.float32),
        np.empty((n, BLOCK), np.float32),
        np.empty((n, BLOCK), np.float32),
    )
    vec = np.empty((3, n, BLOCK), np.float32)
    a, g, unit = (
        np.empty((9, BLOCK), np.float32),
        np.empty((3, BLOCK), np.float32),
        np.empty((3, BLOCK), np.float32),
    )
    quality, excess, mean = (
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
    )
    count, square, weight = (
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
    )
    for row in range(rows[0], rows[1]):
        y = (0.5 * (height - 1) - row) / setting.px_per_mm
        for first in range(0, width, BLOCK):
            size = min(BLOCK, width - first)
            x = (first - 0.5 * (width - 1)) / setting.px_per_mm
            for i in range(n):
                _light_vectors(i, y, x, size, setting, source, scale, gain, half, vec, inv)
                _gather(i, row, first, size, setting, limits, frames, inv, b, use)
            _least_squares(n, size, b, vec, use, a, g, quality)
            _largest_excess(n, size, b, vec, use, g, excess, mean, count, square)
            again = False
            for k in range(size):
                flag = limits.flag_level * count[k] + limits.flag_share * mean[k]
                if excess[k] * count[k] > flag and mask[row, first + k] and quality[k] > MIN_DETERMINANT:
                    solve_without_brightest(k, n, setting.drop, limits, b, vec, use, g)
                    again = True
            if again:
                _largest_excess(n, size, b, vec, use, g, excess, mean, count, square)
            for k in range(size):
                length = math.sqrt(g[0, k] * g[0, k] + g[1, k] * g[1, k] + g[2, k] * g[2, k])
                good = (
                    mask[row, first + k]
                    and count[k] >= 3
                    and quality[k] > MIN_DETERMINANT
                    and length > 1e-6
                    and g[2, k] > 0
                )
                if good:
                    unit[0, k], unit[1, k], unit[2, k] = g[0, k] / length, g[1, k] / length, g[2, k] / length
                    average = mean[k] / count[k]
                    misfit = math.sqrt(square[k] / count[k]) / max(average, 1e-6)
                    noise = math.sqrt(limits.noise_share * average + limits.noise_floor**2) / max(
                        average, 1e-6
                    )
                    residual[row, first + k] = misfit
                    share = (count[k] - 2) / max(n - 2, 1)
                    confidence[row, first + k] = share / (
                        (1 + (misfit / 0.15) ** 2) * (1 + (noise / 0.08) ** 2)
                    )
                else:
                    unit[0, k], unit[1, k], unit[2, k] = 0.0, 0.0, 1.0
                    residual[row, first + k] = 0
                    confidence[row, first + k] = 0
                    if count[k] < 1:
                        use[:, k] = 1
                total = np.float32(0.0)
                for i in range(n):
                    model = g[0, k] * vec[0, i, k] + g[1, k] * vec[1, i, k] + g[2, k] * vec[2, i, k]
                    total += max(b[i, k] - max(model, np.float32(0.0)), np.float32(0.0)) / inv[i, k]
                specular[row, first + k] = total / n if good else np.float32(0.0)
                for c in range(3):
                    normal[row, first + k, c] = unit[c, k]
                    albedo[row, first + k, c] = 0
            _colours(row, first, size, n, frames, inv, vec, use, unit, albedo, weight)

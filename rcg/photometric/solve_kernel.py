"""Per-pixel photometric stereo as fused, blocked numba kernels.

Each call handles some rows and releases the GIL; the caller spreads rows over its own threads (numba's
parallel layer is not used: it aborts the process without libgomp when two threads enter it). Within a block
of columns all loops run over contiguous float32, so that they vectorise. Only pixels flagged by their
residual enter the scalar robust part.
"""

from __future__ import annotations

import numpy as np

from rcg.photometric.solve_judge import judge
from rcg.photometric.solve_pixel import (
    MIN_DETERMINANT,
    Limits,
    Setting,
    jit,
    solve_symmetric,
    solve_without_brightest,
)
from rcg.photometric.solve_samples import gather, light_vectors
from rcg.photometric.types import BoolArray, FloatArray

BLOCK = 256
"""columns per block: 8 lights x 5 arrays of a block fit the L2 cache"""


@jit
def _product(out: FloatArray, p: FloatArray, q: FloatArray) -> None:
    for k in range(out.shape[0]):
        out[k] = p[k] * q[k]


@jit
def _add_product(out: FloatArray, p: FloatArray, q: FloatArray) -> None:
    for k in range(out.shape[0]):
        out[k] += p[k] * q[k]


@jit
def _all_used(n: int, use: FloatArray) -> bool:
    """Whether every sample of a block (n, width) is usable, as most blocks' are."""
    total = np.float32(0.0)
    for i in range(n):
        for k in range(use.shape[1]):
            total += use[i, k]
    return bool(total == n * use.shape[1])


@jit
def _moments(
    n: int, width: int, vec: FloatArray, use: FloatArray, full: bool, a: FloatArray, weighted: FloatArray
) -> None:
    """The six sums of products of light vectors, over the samples in use."""
    a[:6, :width] = 0
    for i in range(n):
        x, y, z = vec[0, i, :width], vec[1, i, :width], vec[2, i, :width]
        wx, wy, wz = x, y, z
        if not full:
            wx, wy, wz = weighted[0, :width], weighted[1, :width], weighted[2, :width]
            _product(wx, use[i, :width], x)
            _product(wy, use[i, :width], y)
            _product(wz, use[i, :width], z)
        _add_product(a[0, :width], wx, x)
        _add_product(a[1, :width], wx, y)
        _add_product(a[2, :width], wx, z)
        _add_product(a[3, :width], wy, y)
        _add_product(a[4, :width], wy, z)
        _add_product(a[5, :width], wz, z)


@jit
def _least_squares(
    n: int,
    width: int,
    b: FloatArray,
    vec: FloatArray,
    use: FloatArray,
    full: bool,
    shared: FloatArray,
    near: bool,
    a: FloatArray,
    g: FloatArray,
    quality: FloatArray,
    weighted: FloatArray,
) -> None:
    """Normal equations of a whole block, accumulated light by light, then solved column by column.

    Sums are taken one at a time: with few arrays in a loop the compiler can prove that they do not overlap,
    and vectorises. Under distant lights all of which are usable the sums of light vectors are the same
    everywhere, ``shared`` (6,).
    """
    if near or not full:
        _moments(n, width, vec, use, full, a, weighted)
    else:
        for j in range(6):
            a[j, :width] = shared[j]
    a[6:, :width] = 0
    for i in range(n):
        value = b[i, :width]
        if not full:
            value = weighted[0, :width]
            _product(value, use[i, :width], b[i, :width])
        _add_product(a[6, :width], vec[0, i, :width], value)
        _add_product(a[7, :width], vec[1, i, :width], value)
        _add_product(a[8, :width], vec[2, i, :width], value)
    for k in range(width):
        g[0, k], g[1, k], g[2, k], quality[k] = solve_symmetric(
            a[0, k], a[1, k], a[2, k], a[3, k], a[4, k], a[5, k], a[6, k], a[7, k], a[8, k]
        )


@jit
def _shaded(
    out: FloatArray,
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
    g0: FloatArray,
    g1: FloatArray,
    g2: FloatArray,
) -> None:
    """Lambert's value of one light, three products one after the other."""
    for k in range(out.shape[0]):
        out[k] = g0[k] * x[k]
    for k in range(out.shape[0]):
        out[k] += g1[k] * y[k]
    for k in range(out.shape[0]):
        out[k] += g2[k] * z[k]


@jit
def _errors(out: FloatArray, value: FloatArray, use: FloatArray) -> None:
    """Turn Lambert's value into the error of a sample in use."""
    for k in range(out.shape[0]):
        out[k] = use[k] * (value[k] - out[k])


@jit
def _differences(out: FloatArray, value: FloatArray) -> None:
    """Turn Lambert's value into the error."""
    for k in range(out.shape[0]):
        out[k] = value[k] - out[k]


@jit
def _gather_errors(error: FloatArray, excess: FloatArray, square: FloatArray) -> None:
    for k in range(error.shape[0]):
        excess[k] = max(error[k], excess[k])
    for k in range(error.shape[0]):
        square[k] += error[k] * error[k]


@jit
def _add(out: FloatArray, more: FloatArray) -> None:
    for k in range(out.shape[0]):
        out[k] += more[k]


@jit
def _largest_excess(
    n: int,
    width: int,
    b: FloatArray,
    vec: FloatArray,
    use: FloatArray,
    full: bool,
    g: FloatArray,
    excess: FloatArray,
    mean: FloatArray,
    count: FloatArray,
    square: FloatArray,
    error: FloatArray,
) -> None:
    """Residuals of a block: largest positive one, sum of values, number of samples, sum of squares."""
    excess[:width] = 0
    mean[:width] = 0
    count[:width] = n if full else 0
    square[:width] = 0
    for i in range(n):
        x, y, z = vec[0, i, :width], vec[1, i, :width], vec[2, i, :width]
        _shaded(error[:width], x, y, z, g[0, :width], g[1, :width], g[2, :width])
        if full:
            _differences(error[:width], b[i, :width])
            _add(mean[:width], b[i, :width])
        else:
            _errors(error[:width], b[i, :width], use[i, :width])
            _add(count[:width], use[i, :width])
            _add_product(mean[:width], use[i, :width], b[i, :width])
        _gather_errors(error[:width], excess[:width], square[:width])


@jit
def _add_gloss(out: FloatArray, value: FloatArray, shaded: FloatArray, inv: FloatArray) -> None:
    """Add what a sample exceeds Lambert's value by, as radiance."""
    for k in range(out.shape[0]):
        excess = value[k] - (shaded[k] if shaded[k] > 0 else np.float32(0.0))
        out[k] += (excess if excess > 0 else np.float32(0.0)) / inv[k]


@jit
def _colours(
    n: int,
    width: int,
    colour: FloatArray,
    inv: FloatArray,
    vec: FloatArray,
    use: FloatArray,
    unit: FloatArray,
    total: FloatArray,
    weight: FloatArray,
    factor: FloatArray,
    albedo: FloatArray,
) -> None:
    """Albedo per channel along the solved normal, into ``albedo`` (width, 3). Where no sample is usable all
    of them count, as for a flat pixel.
    """
    weight[:width] = 0
    total[:, :width] = 0
    for i in range(n):
        for k in range(width):
            factor[k] = use[i, k] * max(
                unit[0, k] * vec[0, i, k] + unit[1, k] * vec[1, i, k] + unit[2, k] * vec[2, i, k],
                np.float32(0.0),
            )
        for k in range(width):
            weight[k] += factor[k] * factor[k]
        for k in range(width):
            factor[k] *= inv[i, k]
        for c in range(3):
            for k in range(width):
                total[c, k] += factor[k] * colour[i, c, k]
    for k in range(width):
        scale = np.float32(1.0) / max(weight[k], np.float32(1e-6))
        albedo[k, 0] = total[0, k] * scale
        albedo[k, 1] = total[1, k] * scale
        albedo[k, 2] = total[2, k] * scale


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
    vec, colour = np.empty((3, n, BLOCK), np.float32), np.empty((n, 3, BLOCK), np.float32)
    total_colour, factor = np.empty((3, BLOCK), np.float32), np.empty(BLOCK, np.float32)
    gloss = np.empty(BLOCK, np.float32)
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
    work, shared = np.empty((2, BLOCK), np.float32), np.empty(6, np.float32)
    if not setting.near:
        for c in range(3):
            for i in range(n):
                vec[c, i, :] = source[i, c]
        _moments(n, 1, vec, use, True, a, total_colour)
        shared[:] = a[:6, 0]
    for row in range(rows[0], rows[1]):
        y = (0.5 * (height - 1) - row) / setting.px_per_mm
        for first in range(0, width, BLOCK):
            size = min(BLOCK, width - first)
            x = (first - 0.5 * (width - 1)) / setting.px_per_mm
            for i in range(n):
                light_vectors(i, y, x, size, setting, source, scale, gain, half, vec, inv)
                gather(
                    frames[i, row, first : first + size],
                    setting,
                    limits,
                    inv[i],
                    b[i],
                    use[i],
                    colour[i],
                )
            full = _all_used(n, use[:, :size])
            _least_squares(n, size, b, vec, use, full, shared, setting.near, a, g, quality, total_colour)
            _largest_excess(n, size, b, vec, use, full, g, excess, mean, count, square, factor)
            again = False
            for k in range(size):
                flag = limits.flag_level * count[k] + limits.flag_share * mean[k]
                if excess[k] * count[k] > flag and mask[row, first + k] and quality[k] > MIN_DETERMINANT:
                    solve_without_brightest(k, n, setting.drop, limits, b, vec, use, g)
                    again = True
            if again:
                _largest_excess(n, size, b, vec, use, False, g, excess, mean, count, square, factor)
            gloss[:size] = 0
            for i in range(n):
                x_i, y_i, z_i = vec[0, i, :size], vec[1, i, :size], vec[2, i, :size]
                _shaded(factor[:size], x_i, y_i, z_i, g[0, :size], g[1, :size], g[2, :size])
                _add_gloss(gloss[:size], b[i, :size], factor[:size], inv[i, :size])
            part = slice(first, first + size)
            sums = (mean, count, square, quality, gloss)
            target = (normal[row, part], confidence[row, part], residual[row, part], specular[row, part])
            judge(n, mask[row, part], limits, g, sums, use, unit, work, target)
            _colours(n, size, colour, inv, vec, use, unit, total_colour, weight, factor, albedo[row, part])

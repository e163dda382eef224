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
    Real,
    Setting,
    jit,
    solve_symmetric,
    solve_without_brightest,
)
from rcg.photometric.types import BoolArray, FloatArray

BLOCK = 256
"""columns per block: 8 lights x 5 arrays of a block fit the L2 cache"""


@jit
def _flat_field(out: FloatArray, x: float, step: float, half: Real, c0: Real, c1: Real, c2: Real) -> None:
    """A row of the inverse gain, a polynomial in u = x times ``half``."""
    for k in range(out.shape[0]):
        u = (np.float32(x) + np.float32(k) * np.float32(step)) * half
        out[k] = c0 + u * (c1 + u * c2)


@jit
def _near_vectors(
    place: FloatArray,
    y: Real,
    first_x: float,
    step: float,
    x: FloatArray,
    up: FloatArray,
    z: FloatArray,
    inv: FloatArray,
) -> None:
    """Unit vectors to a light at ``place``, and ``inv`` times the squared distance to it."""
    dx0, dy, dz = place[0] - np.float32(first_x), place[1] - y, place[2]
    across = dy * dy + dz * dz
    for k in range(x.shape[0]):
        x[k] = dx0 - np.float32(k) * np.float32(step)
    for k in range(x.shape[0]):
        z[k] = x[k] * x[k] + across
    for k in range(x.shape[0]):
        inv[k] *= z[k]
    for k in range(x.shape[0]):
        z[k] = np.float32(1.0) / math.sqrt(z[k])
    for k in range(x.shape[0]):
        x[k] *= z[k]
    for k in range(x.shape[0]):
        up[k] = dy * z[k]
    for k in range(x.shape[0]):
        z[k] *= dz


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
    """Unit vectors to light i, and the factor from radiance to that under unit irradiance, for one block.

    The vectors of distant lights are the same everywhere and stand in ``vec`` already.
    """
    step = 1.0 / setting.px_per_mm
    y = np.float32(row_y)
    v = y * half[1]
    c0 = (gain[i, 0] + v * (gain[i, 2] + v * gain[i, 5])) * scale[i]
    c1, c2 = (gain[i, 1] + v * gain[i, 4]) * scale[i], gain[i, 3] * scale[i]
    _flat_field(inv[i, :width], first_x, step, half[0], c0, c1, c2)
    if setting.near:
        x, up, z = vec[0, i, :width], vec[1, i, :width], vec[2, i, :width]
        _near_vectors(source[i], y, first_x, step, x, up, z, inv[i, :width])


@jit
def _gather(
    pixels: FloatArray,
    setting: Setting,
    limits: Limits,
    inv: FloatArray,
    b: FloatArray,
    use: FloatArray,
    colour: FloatArray,
) -> None:
    """Luminance of one light over the block, divided by its irradiance, which samples are usable, and the
    colours, channel by channel.

    Args:
        pixels: (width, 3) of the frame.
        setting, limits: see there.
        inv, b, use: (width,), the last two written.
        colour: (3, width), written.
    """
    red, green, blue = colour[0], colour[1], colour[2]
    for k in range(pixels.shape[0]):
        red[k] = pixels[k, 0]
        green[k] = pixels[k, 1]
        blue[k] = pixels[k, 2]
    for k in range(pixels.shape[0]):
        b[k] = (
            np.float32(setting.red) * red[k]
            + np.float32(setting.green) * green[k]
            + np.float32(setting.blue) * blue[k]
        )
    saturated, dark = np.float32(limits.saturated), np.float32(limits.dark)
    one, zero = np.float32(1.0), np.float32(0.0)
    for k in range(pixels.shape[0]):
        use[k] = one if b[k] > dark else zero
    for k in range(pixels.shape[0]):
        use[k] = use[k] if red[k] < saturated else zero
    for k in range(pixels.shape[0]):
        use[k] = use[k] if green[k] < saturated else zero
    for k in range(pixels.shape[0]):
        use[k] = use[k] if blue[k] < saturated else zero
    for k in range(pixels.shape[0]):
        b[k] *= inv[k]


@jit
def _product(out: FloatArray, p: FloatArray, q: FloatArray) -> None:
    for k in range(out.shape[0]):
        out[k] = p[k] * q[k]


@jit
def _add_product(out: FloatArray, p: FloatArray, q: FloatArray) -> None:
    for k in range(out.shape[0]):
        out[k] += p[k] * q[k]


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
    weighted: FloatArray,
) -> None:
    """Normal equations of a whole block, accumulated light by light, then solved column by column.

    Sums are taken one at a time: with few arrays in a loop the compiler can prove that they do not overlap,
    and vectorises.
    """
    a[:, :width] = 0
    for i in range(n):
        value, w = b[i, :width], use[i, :width]
        x, y, z = vec[0, i, :width], vec[1, i, :width], vec[2, i, :width]
        wx, wy, wz = weighted[0, :width], weighted[1, :width], weighted[2, :width]
        _product(wx, w, x)
        _product(wy, w, y)
        _product(wz, w, z)
        _add_product(a[0, :width], wx, x)
        _add_product(a[1, :width], wx, y)
        _add_product(a[2, :width], wx, z)
        _add_product(a[3, :width], wy, y)
        _add_product(a[4, :width], wy, z)
        _add_product(a[5, :width], wz, z)
        _add_product(a[6, :width], wx, value)
        _add_product(a[7, :width], wy, value)
        _add_product(a[8, :width], wz, value)
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
def _gather_errors(
    error: FloatArray, excess: FloatArray, square: FloatArray, count: FloatArray, use: FloatArray
) -> None:
    for k in range(error.shape[0]):
        excess[k] = max(error[k], excess[k])
    for k in range(error.shape[0]):
        square[k] += error[k] * error[k]
    for k in range(error.shape[0]):
        count[k] += use[k]


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
    error: FloatArray,
) -> None:
    """Residuals of a block: largest positive one, sum of values, number of samples, sum of squares."""
    excess[:width] = 0
    mean[:width] = 0
    count[:width] = 0
    square[:width] = 0
    for i in range(n):
        x, y, z = vec[0, i, :width], vec[1, i, :width], vec[2, i, :width]
        _shaded(error[:width], x, y, z, g[0, :width], g[1, :width], g[2, :width])
        _errors(error[:width], b[i, :width], use[i, :width])
        _gather_errors(error[:width], excess[:width], square[:width], count[:width], use[i, :width])
        _add_product(mean[:width], use[i, :width], b[i, :width])


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


Sums = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
Target = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


@jit
def _judge(
    n: int,
    mask: BoolArray,
    limits: Limits,
    g: FloatArray,
    sums: Sums,
    use: FloatArray,
    unit: FloatArray,
    target: Target,
) -> None:
    """Turn the sums of a block into normal, confidence, residual and specular excess."""
    mean, count, square, quality, gloss = sums
    normal, confidence, residual, specular = target
    for k in range(mask.shape[0]):
        length = math.sqrt(g[0, k] * g[0, k] + g[1, k] * g[1, k] + g[2, k] * g[2, k])
        good = mask[k] and count[k] >= 3 and quality[k] > MIN_DETERMINANT and length > 1e-6 and g[2, k] > 0
        if good:
            unit[0, k], unit[1, k], unit[2, k] = g[0, k] / length, g[1, k] / length, g[2, k] / length
            average = mean[k] / count[k]
            misfit = math.sqrt(square[k] / count[k]) / max(average, 1e-6)
            noise = math.sqrt(limits.noise_share * average + limits.noise_floor**2) / max(average, 1e-6)
            residual[k] = misfit
            share = (count[k] - 2) / max(n - 2, 1)
            confidence[k] = share / ((1 + (misfit / 0.15) ** 2) * (1 + (noise / 0.08) ** 2))
            specular[k] = gloss[k] / n
        else:
            unit[0, k], unit[1, k], unit[2, k] = 0.0, 0.0, 1.0
            residual[k], confidence[k], specular[k] = 0.0, 0.0, 0.0
            if count[k] < 1:
                use[:, k] = 1
        normal[k, 0], normal[k, 1], normal[k, 2] = unit[0, k], unit[1, k], unit[2, k]


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
    if not setting.near:
        for c in range(3):
            for i in range(n):
                vec[c, i, :] = source[i, c]
    for row in range(rows[0], rows[1]):
        y = (0.5 * (height - 1) - row) / setting.px_per_mm
        for first in range(0, width, BLOCK):
            size = min(BLOCK, width - first)
            x = (first - 0.5 * (width - 1)) / setting.px_per_mm
            for i in range(n):
                _light_vectors(i, y, x, size, setting, source, scale, gain, half, vec, inv)
                _gather(
                    frames[i, row, first : first + size],
                    setting,
                    limits,
                    inv[i],
                    b[i],
                    use[i],
                    colour[i],
                )
            _least_squares(n, size, b, vec, use, a, g, quality, total_colour)
            _largest_excess(n, size, b, vec, use, g, excess, mean, count, square, factor)
            again = False
            for k in range(size):
                flag = limits.flag_level * count[k] + limits.flag_share * mean[k]
                if excess[k] * count[k] > flag and mask[row, first + k] and quality[k] > MIN_DETERMINANT:
                    solve_without_brightest(k, n, setting.drop, limits, b, vec, use, g)
                    again = True
            if again:
                _largest_excess(n, size, b, vec, use, g, excess, mean, count, square, factor)
            gloss[:size] = 0
            for i in range(n):
                x_i, y_i, z_i = vec[0, i, :size], vec[1, i, :size], vec[2, i, :size]
                _shaded(factor[:size], x_i, y_i, z_i, g[0, :size], g[1, :size], g[2, :size])
                _add_gloss(gloss[:size], b[i, :size], factor[:size], inv[i, :size])
            part = slice(first, first + size)
            sums = (mean, count, square, quality, gloss)
            target = (normal[row, part], confidence[row, part], residual[row, part], specular[row, part])
            _judge(n, mask[row, part], limits, g, sums, use, unit, target)
            _colours(n, size, colour, inv, vec, use, unit, total_colour, weight, factor, albedo[row, part])

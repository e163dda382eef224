"""A block's samples under one light: where the light stands, what the frame shows. Numba kernels of
:mod:`rcg.photometric.solve_kernel`.
"""

from __future__ import annotations

import math

import numpy as np

from rcg.photometric.solve_pixel import Limits, Real, Setting, jit
from rcg.photometric.types import FloatArray


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
def light_vectors(
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
def gather(
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

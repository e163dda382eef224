"""Whole rows of relief at a time, without numpy's temporaries: numba kernels that release the GIL.

The arithmetic is that of the expressions in :mod:`rcg.photometric.relief`, float32, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import numpy.typing as npt

from rcg.photometric.solve_pixel import Real
from rcg.photometric.types import BoolArray, FloatArray

_ROWS = 64
_ONE = np.float32(1)
_HALF = np.float32(0.5)
_ZERO = np.float32(0)
_LEAST_COUNT: Real = np.float32(0.05)

jit = numba.njit(cache=True, nogil=True, error_model="numpy")


def by_rows(height: int, threads: int, work: Callable[[int, int], object]) -> None:
    """Call ``work(first, last)`` for all rows, some at a time, spread over threads."""
    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(lambda first: work(first, min(first + _ROWS, height)), range(0, height, _ROWS)))


@jit
def slope_rows(
    first: int, last: int, normal: FloatArray, steepest: float, p: FloatArray, q: FloatArray
) -> None:
    """Write dz/dx and dz/dy (H, W) of unit normals (H, W, 3), cut at ``steepest``."""
    most = np.float32(steepest)
    for i in range(first, last):
        for j in range(normal.shape[1]):
            nz = max(normal[i, j, 2], np.float32(1e-3))
            p[i, j] = min(max(-normal[i, j, 0] / nz, -most), most)
            q[i, j] = min(max(-normal[i, j, 1] / nz, -most), most)


@jit
def level_axis_rows(
    first: int, last: int, slope: FloatArray, smooth: FloatArray, mask: BoolArray, axis: int, out: FloatArray
) -> None:
    """Write a slope less its smooth part, 0 off the mask, to one place of ``out`` (H, W, 3)."""
    for i in range(first, last):
        for j in range(slope.shape[1]):
            out[i, j, axis] = slope[i, j] - smooth[i, j] if mask[i, j] else _ZERO


@jit
def unit_rows(first: int, last: int, out: FloatArray) -> None:
    """Turn slopes in the first two places of ``out`` (H, W, 3) into unit normals."""
    for i in range(first, last):
        for j in range(out.shape[1]):
            a, b = out[i, j, 0], out[i, j, 1]
            nz = _ONE / np.sqrt(_ONE + a * a + b * b)
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = -a * nz, -b * nz, nz


@jit
def _derivative(derived: Real, total: Real, count: Real, slant: Real) -> Real:
    """The derivative of normalised smoothing: ``(D(vw) G(w) - G(vw) D(w)) / G(w)^2``."""
    least = max(count, _LEAST_COUNT)
    return (derived * count - total * slant) / (least * least)


@jit
def curvature_rows(
    by_x: FloatArray,
    by_rows: FloatArray,
    smoothed: FloatArray,
    weight: FloatArray,
    half: float,
    out: FloatArray,
) -> None:
    """Write mean curvature (h, W) of some rows.

    Args:
        by_x: (2, h, W) derivatives by x of the slopes p and of their weight.
        by_rows: (2, h, W) derivatives by rows of the slopes q and of their weight.
        smoothed: (3, h, W) the slopes p, q and the weight, smoothed.
        weight: (h, W), which the result is multiplied with.
        half: the factor of the sum of both derivatives.
        out: written.
    """
    factor = np.float32(half)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            count = smoothed[2, i, j]
            along = _derivative(by_x[0, i, j], smoothed[0, i, j], count, by_x[1, i, j])
            down = -_derivative(by_rows[0, i, j], smoothed[1, i, j], count, by_rows[1, i, j])
            out[i, j] = factor * (along + down) * weight[i, j]


@jit
def divergence_rows(
    first: int, last: int, p: FloatArray, q: FloatArray, mask: BoolArray, out: FloatArray
) -> None:
    """Write the divergence (H, W) of slopes (y up) half way between neighbours, free at the edges; slopes off
    the mask count as 0."""
    h, w = mask.shape
    for i in range(first, last):
        above, below = max(i - 1, 0), min(i + 1, h - 1)
        for j in range(w):
            here_p = p[i, j] if mask[i, j] else _ZERO
            here_q = q[i, j] if mask[i, j] else _ZERO
            total = _ZERO
            if j + 1 < w:
                total += _HALF * ((p[i, j + 1] if mask[i, j + 1] else _ZERO) + here_p)
            if j > 0:
                total -= _HALF * (here_p + (p[i, j - 1] if mask[i, j - 1] else _ZERO))
            if below > i:
                total -= _HALF * ((q[below, j] if mask[below, j] else _ZERO) + here_q)
            if above < i:
                total += _HALF * (here_q + (q[above, j] if mask[above, j] else _ZERO))
            out[i, j] = total


@jit
def inverse_waves_rows(
    first: int, last: int, spectrum: FloatArray, down: FloatArray, along: FloatArray
) -> None:
    """Divide a cosine spectrum (H, W) in place by the Laplacian's: ``down`` (H,) plus ``along`` (W,)."""
    for i in range(first, last):
        for j in range(spectrum.shape[1]):
            spectrum[i, j] /= down[i] + along[j]


@jit
def height_rows(
    first: int,
    last: int,
    z: FloatArray,
    scale: float,
    plane: npt.NDArray[np.float64],
    mask: BoolArray,
    out: FloatArray,
) -> None:
    """Write heights (H, W): ``z`` times ``scale`` less the plane a + b x + c y; 0 off the mask.

    Args:
        first, last: rows.
        z: (H, W).
        scale: units of the result per unit of ``z``.
        plane: (3,) a, b, c, with x and y from -0.5 over the width and the height.
        mask: (H, W).
        out: written.
    """
    h, w = z.shape
    factor = np.float32(scale)
    for i in range(first, last):
        row = plane[0] + plane[2] * (i / h - 0.5)
        for j in range(w):
            level = np.float32(row + plane[1] * (j / w - 0.5))
            out[i, j] = z[i, j] * factor - level if mask[i, j] else _ZERO

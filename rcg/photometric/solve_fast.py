"""Woodham's least squares at the speed of memory: normals and albedo by one constant pseudo-inverse.

For distant lights the pseudo-inverse is the same at every pixel, so that a pixel is 24 multiplications, a
root and a division, and the time is that of reading n frames and writing four planes. Nothing is judged: no
shadow, no gloss, no saturation. It is the preview, and the measure of the other solvers.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric.solve_pixel import Real, jit
from rcg.photometric.types import FloatArray

_ROWS = 64
_BLOCK = 320
"""columns per block: its sums stay in the first cache"""


def woodham(
    frames: FloatArray,
    directions: npt.NDArray[np.float64],
    *,
    threads: int = 1,
    out: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return normals (H, W, 3) and albedo (H, W) of grey frames (n, H, W), float32, linear.

    Args:
        frames: n of them, at least three.
        directions: (n, 3) unit vectors to distant lights.
        threads: to compute with.
        out: normals and albedo to write into, for one stack after another; new memory costs as much as the
            solve.

    Raises:
        InputError: fewer than three frames, or another number of lights.
    """
    n, height, width = frames.shape
    if n < 3 or np.shape(directions) != (n, 3) or frames.dtype != np.float32:
        raise InputError(
            f"There are {n} frames ({frames.dtype}) and lights of shape {np.shape(directions)}.",
            "Give three or more float32 frames and a direction x y z for each.",
        )
    groups = -(-n // 8)
    inverse = np.zeros((3, 8 * groups), np.float32)
    inverse[:, :n] = np.linalg.pinv(directions)
    normal, albedo = out or (np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32))

    def rows(first: int) -> None:
        _rows(first, min(first + _ROWS, height), frames, inverse, normal, albedo)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(rows, range(0, height, _ROWS)))
    return normal, albedo


@jit
def _eight(
    out: FloatArray,
    a: FloatArray,
    b: FloatArray,
    c: FloatArray,
    d: FloatArray,
    e: FloatArray,
    f: FloatArray,
    g: FloatArray,
    h: FloatArray,
    w: FloatArray,
) -> None:
    """Eight weighted planes. One array is written and eight are read: so few that the compiler still proves
    that they do not overlap, and vectorises.
    """
    p, q, r, s, t, u, v, x = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
    for k in range(out.shape[0]):
        out[k] = p * a[k] + q * b[k] + r * c[k] + s * d[k] + t * e[k] + u * f[k] + v * g[k] + x * h[k]


@jit
def _add(out: FloatArray, more: FloatArray) -> None:
    for k in range(out.shape[0]):
        out[k] += more[k]


@jit
def _lengths(out: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray) -> None:
    for k in range(out.shape[0]):
        out[k] = math.sqrt(x[k] * x[k] + y[k] * y[k] + z[k] * z[k] + np.float32(1e-24))


@jit
def _put(out: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray, length: FloatArray) -> None:
    for k in range(length.shape[0]):
        scale: Real = np.float32(1.0) / length[k]
        out[k, 0], out[k, 1], out[k, 2] = x[k] * scale, y[k] * scale, z[k] * scale


@jit
def _rows(
    first: int, last: int, frames: FloatArray, inverse: FloatArray, normal: FloatArray, albedo: FloatArray
) -> None:
    n, width = frames.shape[0], frames.shape[2]
    sums, more = np.empty((3, _BLOCK), np.float32), np.empty(_BLOCK, np.float32)
    for row in range(first, last):
        for begin in range(0, width, _BLOCK):
            end = min(begin + _BLOCK, width)
            x, y, z = sums[0, : end - begin], sums[1, : end - begin], sums[2, : end - begin]
            for at in range(0, inverse.shape[1], 8):
                a = frames[at, row, begin:end]
                b = frames[min(at + 1, n - 1), row, begin:end]
                c = frames[min(at + 2, n - 1), row, begin:end]
                d = frames[min(at + 3, n - 1), row, begin:end]
                e = frames[min(at + 4, n - 1), row, begin:end]
                f = frames[min(at + 5, n - 1), row, begin:end]
                g = frames[min(at + 6, n - 1), row, begin:end]
                h = frames[min(at + 7, n - 1), row, begin:end]
                for axis in range(3):
                    out = sums[axis, : end - begin] if at == 0 else more[: end - begin]
                    _eight(out, a, b, c, d, e, f, g, h, inverse[axis, at : at + 8])
                    if at > 0:
                        _add(sums[axis, : end - begin], out)
            length = albedo[row, begin:end]
            _lengths(length, x, y, z)
            _put(normal[row, begin:end], x, y, z, length)

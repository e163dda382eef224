"""Second derivatives of the height along every direction: what a scratch, a dent and a crease are made of.

The height's Hessian follows from the slopes (one derivative instead of two, so less noise). For a line the
second derivative across it is averaged along it, at 24 directions: a scratch of 2 mm adds up over 80 pixels,
noise does not. A matched filter, in other words, for a straight piece of furrow; the steering is exact
because a Hessian turns like a tensor.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import cv2
import numba
import numpy as np
import numpy.typing as npt

from rcg.photometric.types import FloatArray

DIRECTIONS = 24
_ROWS = 128

jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)


def hessian(p: FloatArray, q: FloatArray, px_per_mm: float, sigma_mm: float) -> FloatArray:
    """(3, H, W) zxx, zxy, zyy in 1/mm of a height with slopes ``p = dz/dx``, ``q = dz/dy`` (y up).

    Args:
        p, q: (H, W) slopes, 0 where they do not count.
        px_per_mm: scale.
        sigma_mm: of the Gaussian under which the derivative is taken; at least 0.7 pixels are used.
    """
    smooth, slope = _kernels(px_per_mm, sigma_mm)
    out = np.empty((3, *p.shape), np.float32)
    out[0], out[2] = _filtered(p, slope, smooth), _filtered(q, smooth, -slope)
    out[1] = 0.5 * (_filtered(p, smooth, -slope) + _filtered(q, slope, smooth))
    return out


def laplacian(p: FloatArray, q: FloatArray, px_per_mm: float, sigma_mm: float) -> FloatArray:
    """(H, W) zxx + zyy in 1/mm; arguments as of :func:`hessian`."""
    smooth, slope = _kernels(px_per_mm, sigma_mm)
    return np.asarray(_filtered(p, slope, smooth) + _filtered(q, smooth, -slope), np.float32)


def _kernels(px_per_mm: float, sigma_mm: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A Gaussian and its derivative per mm."""
    sigma = max(sigma_mm * px_per_mm, 0.7)
    radius = max(2, int(np.ceil(3.5 * sigma)))
    t = np.arange(-radius, radius + 1, dtype=np.float64)
    smooth = np.exp(-(t**2) / (2 * sigma**2))
    smooth /= smooth.sum()
    slope = t * smooth
    slope *= px_per_mm / (slope * t).sum()
    return smooth, slope


def _filtered(
    values: FloatArray, along_x: npt.NDArray[np.float64], along_y: npt.NDArray[np.float64]
) -> FloatArray:
    return np.asarray(cv2.sepFilter2D(values, cv2.CV_32F, along_x, along_y, borderType=cv2.BORDER_REPLICATE))


@jit
def _add_taps(
    band: FloatArray, row: int, left: int, offsets: npt.NDArray[np.int32], total: FloatArray
) -> None:
    """Write the sum (w,) of a row of the band, shifted by each of the offsets (taps, 2); four at a time, so
    that the sum is seldom loaded."""
    total[:] = 0
    taps = offsets.shape[0]
    for k in range(0, taps - 3, 4):
        a = band[row + offsets[k, 1], left + offsets[k, 0] :]
        b = band[row + offsets[k + 1, 1], left + offsets[k + 1, 0] :]
        c = band[row + offsets[k + 2, 1], left + offsets[k + 2, 0] :]
        d = band[row + offsets[k + 3, 1], left + offsets[k + 3, 0] :]
        for j in range(total.shape[0]):
            total[j] += (a[j] + b[j]) + (c[j] + d[j])
    for k in range(taps - taps % 4, taps):
        a = band[row + offsets[k, 1], left + offsets[k, 0] :]
        for j in range(total.shape[0]):
            total[j] += a[j]


@jit
def _line_rows(
    first: int,
    last: int,
    tensor: FloatArray,
    gain: FloatArray,
    offsets: npt.NDArray[np.int32],
    weights: FloatArray,
    clip: float,
    best: FloatArray,
    which: npt.NDArray[np.uint8],
) -> None:
    """Rows ``first`` to ``last`` of the strongest mean along a line; see :func:`strongest_line`.

    For each direction the clipped second derivative is made once, with a rim of zeros as wide as a line is
    long; then rows are added, shifted.
    """
    h, w = gain.shape
    directions, taps = offsets.shape[0], offsets.shape[1]
    rim = 0
    for d in range(directions):
        for k in range(taps):
            rim = max(rim, abs(offsets[d, k, 0]), abs(offsets[d, k, 1]))
    top = np.float32(clip)
    share = np.float32(1.0 / taps)
    band = np.zeros((last - first + 2 * rim, w + 2 * rim), np.float32)
    total = np.empty(w, np.float32)
    for i in range(first, last):
        best[i] = 0
        which[i] = 0
    for d in range(directions):
        xx, xy, yy = weights[d, 0], weights[d, 1], weights[d, 2]
        for i in range(max(first - rim, 0), min(last + rim, h)):
            r = i - first + rim
            for j in range(w):
                value = gain[i, j] * (xx * tensor[0, i, j] + xy * tensor[1, i, j] + yy * tensor[2, i, j])
                band[r, rim + j] = min(max(value, -top), top)
        for i in range(first, last):
            _add_taps(band, i - first + rim, rim, offsets[d], total)
            for j in range(w):
                value = total[j] * share
                if abs(value) > abs(best[i, j]):
                    best[i, j] = value
                    which[i, j] = d


def line_taps(length_px: float, step_px: float) -> npt.NDArray[np.int32]:
    """(directions, taps, 2) whole-pixel offsets x, y (down) along lines of a length through a pixel."""
    half = max(1, round(length_px / step_px / 2))
    s = np.arange(-half, half + 1) * step_px
    angle = np.arange(DIRECTIONS) * math.pi / DIRECTIONS
    along = np.stack([np.cos(angle), -np.sin(angle)], 1)
    return np.asarray(np.round(along[:, None] * s[None, :, None]), np.int32)


def strongest_line(
    tensor: FloatArray,
    gain: FloatArray,
    px_per_mm: float,
    length_mm: float,
    *,
    clip: float = 3.0,
    threads: int = 1,
) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Return the strongest of the means along lines of the second derivative across them, and its direction.

    Args:
        tensor: (3, H, W) Hessian.
        gain: (H, W) factor of every pixel: 1 over its noise, 0 where nothing is known.
        px_per_mm: scale.
        length_mm: of the lines.
        clip: that one pixel's value, times its gain, is cut to.
        threads: to compute with; the result does not depend on it.

    Returns:
        (H, W) signed (positive in furrows, where the height curves up), and (H, W) index k of the line's
        direction, ``k pi / 24`` from the x axis, y up.
    """
    h, w = gain.shape
    offsets = line_taps(length_mm * px_per_mm, max(1.0, px_per_mm / 20))
    weights = across(DIRECTIONS)
    best, which = np.empty((h, w), np.float32), np.empty((h, w), np.uint8)

    def rows(first: int) -> None:
        _line_rows(first, min(first + _ROWS, h), tensor, gain, offsets, weights, clip, best, which)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(rows, range(0, h, _ROWS)))
    return best, which


def across(directions: int) -> FloatArray:
    """(directions, 3) factors of zxx, zxy, zyy whose sum is the second derivative across each direction."""
    angle = np.arange(directions) * math.pi / directions
    s, c = np.sin(angle), np.cos(angle)
    return np.stack([s * s, -2 * s * c, c * c], 1).astype(np.float32)

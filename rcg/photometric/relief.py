"""From normals to relief: level slopes, mean curvature, height.

Slopes are ``p = dz/dx = -nx/nz`` and ``q = dz/dy = -ny/nz`` (x right, y up, no unit). Everything is
weighted by a mask, so that the outline of the card makes no ridge: smoothing is normalised convolution
(Knutsson and Westin 1993), its derivative the normalised differential.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import numpy.typing as npt
from scipy.fft import dctn, idctn

from rcg.photometric.relief_kernel import (
    by_rows,
    curvature_rows,
    divergence_rows,
    height_rows,
    inverse_waves_rows,
    level_axis_rows,
    slope_rows,
    unit_rows,
)
from rcg.photometric.types import BoolArray, FloatArray

MAX_SLOPE = 3.0
"""slopes beyond 72 degrees are not a card's; they are cut so that one wrong normal does not spoil its
surroundings
"""


def slopes(normal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(H, W) dz/dx and dz/dy of (H, W, 3) unit normals."""
    return _slopes(normal, 1)


def _slopes(normal: FloatArray, threads: int) -> tuple[FloatArray, FloatArray]:
    normal = np.asarray(normal, np.float32)
    p, q = np.empty(normal.shape[:2], np.float32), np.empty(normal.shape[:2], np.float32)
    by_rows(len(p), threads, lambda a, b: slope_rows(a, b, normal, MAX_SLOPE, p, q))
    return p, q


def from_slopes(p: FloatArray, q: FloatArray) -> FloatArray:
    """(H, W, 3) unit normals of slopes."""
    nz = 1 / np.sqrt(1 + p * p + q * q)
    return np.stack([-p * nz, -q * nz, nz], -1)


def flatten(
    normal: FloatArray,
    mask: BoolArray,
    px_per_mm: float,
    sigma_mm: float = 3.0,
    *,
    threads: int = 1,
    out: FloatArray | None = None,
) -> FloatArray:
    """Take everything smoother than ``sigma_mm`` out of the slopes: curl, tilt, uneven light.

    Args:
        normal: (H, W, 3) unit vectors.
        mask: (H, W) where they count; elsewhere the result is (0, 0, 1).
        px_per_mm: scale.
        sigma_mm: standard deviation of the Gaussian whose smooth part is removed.
        threads: to compute with; the result does not depend on it.
        out: (H, W, 3) float32 where to put the result; may be ``normal`` itself.

    Returns:
        (H, W, 3) unit vectors, float32.
    """
    weight = mask.astype(np.float32)
    normal = np.asarray(normal, np.float32)
    level = np.empty(normal.shape, np.float32) if out is None else out
    slope = np.empty((2, *mask.shape), np.float32)
    by_rows(len(level), threads, lambda a, b: slope_rows(a, b, normal, MAX_SLOPE, slope[0], slope[1]))
    for axis in (0, 1):
        smooth = masked_smooth(slope[axis], weight, sigma_mm * px_per_mm)
        work = partial(_level_axis, slope[axis], smooth, mask, axis, level)
        by_rows(len(level), threads, work)
    by_rows(len(level), threads, lambda a, b: unit_rows(a, b, level))
    return level


def _level_axis(
    slope: FloatArray, smooth: FloatArray, mask: BoolArray, axis: int, out: FloatArray, a: int, b: int
) -> None:
    level_axis_rows(a, b, slope, smooth, mask, axis, out)


def masked_smooth(values: FloatArray, weight: FloatArray, sigma: float) -> FloatArray:
    """Normalised Gaussian smoothing. Wide kernels work on a picture reduced so that sigma is about 6 pixels
    there.
    """
    factor = max(1, int(sigma // 6))
    h, w = values.shape
    size = (max(1, round(w / factor)), max(1, round(h / factor)))
    total = cv2.resize(values * weight, size, interpolation=cv2.INTER_AREA)
    count = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    small = (sigma * size[0] / w, sigma * size[1] / h)
    total = cv2.GaussianBlur(total, (0, 0), small[0], sigmaY=small[1], borderType=cv2.BORDER_REFLECT)
    count = cv2.GaussianBlur(count, (0, 0), small[0], sigmaY=small[1], borderType=cv2.BORDER_REFLECT)
    return np.asarray(
        cv2.resize(total / np.maximum(count, 1e-4), (w, h), interpolation=cv2.INTER_LINEAR), np.float32
    )


def mean_curvature(
    normal: FloatArray,
    px_per_mm: float,
    *,
    sigma_mm: float = 0.075,
    mask: BoolArray | None = None,
    threads: int = 1,
) -> FloatArray:
    """Mean curvature ``-(dp/dx + dq/dy) / 2`` in 1/mm at scale ``sigma_mm``: positive on bumps, negative in
    dents.

    Valid for small slopes, as a card's are. The derivative is that of a Gaussian; with a mask it is
    normalised, so that the outline raises nothing, and 0 off the mask.

    Args:
        normal: (H, W, 3) unit vectors.
        px_per_mm: scale.
        sigma_mm: standard deviation of the Gaussian; structures of about three times this width answer most.
        mask: (H, W) where normals count; everywhere when None.
        threads: to compute with; the result does not depend on it.

    Returns:
        (H, W) float32.
    """
    sigma = sigma_mm * px_per_mm
    radius = max(1, int(np.ceil(4 * sigma)))
    t = np.arange(-radius, radius + 1, dtype=np.float64)
    smooth = np.exp(-(t**2) / (2 * sigma**2))
    smooth /= smooth.sum()
    slope = t * smooth
    slope /= (slope * t).sum()  # a ramp of one per pixel answers one
    normal = np.asarray(normal, np.float32)
    weight = np.ones(normal.shape[:2], np.float32) if mask is None else mask.astype(np.float32)
    curvature = np.empty(weight.shape, np.float32)

    def rows(first: int, last: int) -> None:
        """Some rows, from those and as many beside them as the filters reach."""
        above, below = max(first - radius, 0), min(last + radius, len(weight))
        inner = slice(first - above, last - above)
        near, height = weight[above:below], below - above
        p, q = np.empty(near.shape, np.float32), np.empty(near.shape, np.float32)
        slope_rows(0, height, normal[above:below], MAX_SLOPE, p, q)
        p, q = p * near, q * near
        by_x, by_row = [_filter(p, slope, smooth)], [_filter(q, smooth, slope)]
        smoothed = [near, near, near]
        if near.all():
            by_x, by_row = [*by_x, np.zeros_like(p)], [*by_row, np.zeros_like(p)]
        else:
            by_x, by_row = [*by_x, _filter(near, slope, smooth)], [*by_row, _filter(near, smooth, slope)]
            smoothed = [_filter(values, smooth, smooth) for values in (p, q, near)]
        along, down, even = (np.stack([v[inner] for v in values]) for values in (by_x, by_row, smoothed))
        curvature_rows(along, down, even, weight[first:last], -0.5 * px_per_mm, curvature[first:last])

    by_rows(len(weight), threads, rows)
    return curvature


_FINEST_MM, _COARSEST_MM = 0.05, 0.8
_COARSER_NOISE, _NOISE_PER_OCTAVE = 0.45, 0.63
"""standard deviation of noise in the second band, times its sigma in pixels and as a share of the finest's;
and in each band as a share of the one before. Measured on rendered cards: sensor noise and JPEG 92, through
the whole chain
"""
_NOISE_TIMES, _COARSER_TIMES = 3.0, 1.0


def quieted(normal: FloatArray, mask: BoolArray, px_per_mm: float) -> FloatArray:
    """Take noise out of the slopes where nothing but noise is, and leave scratches as they are.

    The slopes are split into octaves from 0.05 to 0.8 mm. Each is multiplied by Wiener's factor
    ``(v - n) / v`` (J.-S. Lee 1980): v is its variance nearby, n that of noise. In the finest band, where a
    card's grain drowns, n is the median of the neighbourhood; in the others it follows from that. For looking
    at relief and for its angles; flaws are looked for in the normals as they were solved.

    Args:
        normal: (H, W, 3) unit vectors.
        mask: (H, W) where they count.
        px_per_mm: scale.

    Returns:
        (H, W, 3) unit vectors, float32.
    """
    weight = mask.astype(np.float32)
    rest = list(slopes(normal))
    kept = [np.zeros(mask.shape, np.float32) for _ in rest]
    finest = sigma = max(_FINEST_MM * px_per_mm, 0.8)
    noise, share = np.zeros(mask.shape, np.float32), _COARSER_NOISE / finest
    while sigma <= max(finest, _COARSEST_MM * px_per_mm):
        smooth = [_near_mean(slope, weight, sigma) for slope in rest]
        band = [np.where(mask, slope - mean, np.float32(0)) for slope, mean in zip(rest, smooth, strict=True)]
        power = band[0] ** 2 + band[1] ** 2
        if sigma == finest:
            # the median of a chi-square of two degrees is 1.386 of its 2
            noise = np.float32(2 / 1.386) * _cell_median(power, mask, max(8, round(1.5 * px_per_mm)))
            local, least = _near_mean(power, weight, sigma), _NOISE_TIMES * noise
        else:
            local, least = _near_mean(power, weight, 2 * sigma), np.float32(_COARSER_TIMES * share**2) * noise
            share *= _NOISE_PER_OCTAVE
        factor = np.clip((local - least) / np.maximum(local, 1e-12), 0, 1)
        kept = [np.asarray(sum_ + factor * one, np.float32) for sum_, one in zip(kept, band, strict=True)]
        rest, sigma = smooth, 2 * sigma
    return from_slopes(rest[0] + kept[0], rest[1] + kept[1])


def _near_mean(values: FloatArray, weight: FloatArray, sigma: float) -> FloatArray:
    """Normalised Gaussian smoothing; at full resolution unless a reduced one is as good."""
    if sigma >= 12:
        return masked_smooth(values, weight, sigma)
    total, count = (cv2.GaussianBlur(v, (0, 0), sigma) for v in (values * weight, weight))
    return np.asarray(total / np.maximum(count, 1e-4), np.float32)


def _cell_median(values: FloatArray, mask: BoolArray, cell_px: int) -> FloatArray:
    """Median of square cells, (H, W), interpolated; of the whole where a cell has too little."""
    h, w = values.shape
    rows, cols = -(-h // cell_px), -(-w // cell_px)
    padded = np.full((rows * cell_px, cols * cell_px), np.nan, np.float32)
    padded[:h, :w] = np.where(mask, values, np.nan)
    step = max(1, cell_px // 12)
    cells = padded.reshape(rows, cell_px, cols, cell_px)[:, ::step, :, ::step].transpose(0, 2, 1, 3)
    cells = np.sort(cells.reshape(rows * cols, -1), axis=1)
    count = np.isfinite(cells).sum(axis=1)
    median = cells[np.arange(len(cells)), count // 2 * (count > 0)]
    whole = float(np.median(values[mask][::7])) if mask.any() else 0.0
    grid = np.where(count >= 30, median, whole).reshape(rows, cols).astype(np.float32)
    wide = cv2.resize(grid, (cols * cell_px, rows * cell_px), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide[:h, :w], np.float32)


Kernel = npt.NDArray[np.float64]


def _filter(values: FloatArray, kernel_x: Kernel, kernel_y: Kernel) -> FloatArray:
    return np.asarray(
        cv2.sepFilter2D(values, cv2.CV_32F, kernel_x, kernel_y, borderType=cv2.BORDER_REPLICATE)
    )


def height_um(normal: FloatArray, mask: BoolArray, px_per_mm: float, *, threads: int = 1) -> FloatArray:
    """Integrate normals to height: Poisson's equation with free edges, by discrete cosine transform, over the
    mask's box.

    The height is the least-squares surface to the slopes, taken half way between neighbours (Simchony,
    Chellappa and Shao 1990). Off the mask slopes count as 0. The mean plane over the mask is removed.

    Args:
        normal: (H, W, 3) unit vectors.
        mask: (H, W) card.
        px_per_mm: scale.
        threads: for the transform.

    Returns:
        (H, W) micrometres, float32, 0 off the mask; all 0 when the mask is empty.
    """
    height = np.zeros(mask.shape, np.float32)
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return height
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1))
    inside = mask[box]
    p, q = _slopes(normal[box], threads)
    z = _poisson(p, q, inside, threads)
    scale, plane = 1000.0 / px_per_mm, _plane(z, inside)
    part = height[box]
    by_rows(len(z), threads, lambda a, b: height_rows(a, b, z, scale, plane * scale, inside, part))
    return height


def _poisson(p: FloatArray, q: FloatArray, inside: BoolArray, threads: int) -> FloatArray:
    """Heights in pixels (H, W) with the slopes (y up) half way between neighbours, mean 0."""
    h, w = p.shape
    divergence = np.empty((h, w), np.float32)
    by_rows(h, threads, lambda a, b: divergence_rows(a, b, p, q, inside, divergence))
    spectrum = dctn(divergence, type=2, norm="ortho", workers=threads, overwrite_x=True)
    down = (2 * np.cos(np.pi * np.arange(h) / h) - 2).astype(np.float32)
    along = (2 * np.cos(np.pi * np.arange(w) / w) - 2).astype(np.float32)
    by_rows(h, threads, lambda a, b: inverse_waves_rows(a, b, spectrum, down, along))
    spectrum[0, 0] = 0.0
    return np.asarray(idctn(spectrum, type=2, norm="ortho", workers=threads, overwrite_x=True), np.float32)


def _plane(z: FloatArray, mask: BoolArray) -> npt.NDArray[np.float64]:
    """(3,) a, b, c of the least-squares plane a + b x + c y through the masked heights; x and y from -0.5
    over the width and the height."""
    h, w = z.shape
    step = max(1, min(h, w) // 200)
    rows, cols = np.nonzero(mask[::step, ::step])
    u, v = cols * step / w - 0.5, rows * step / h - 0.5
    if len(u) < 3:
        return np.array([float(z[mask].mean()), 0.0, 0.0])
    design = np.stack([np.ones(len(u)), u, v], 1)
    return np.asarray(np.linalg.lstsq(design, z[::step, ::step][rows, cols], rcond=None)[0], np.float64)

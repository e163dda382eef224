"""By how many expected deviations relief stands out, as lines and as blobs.

Scratches are looked for with line filters (the second derivative of the height across a direction, averaged
1.5 mm along it, at 24 directions), dents with the Laplacian at three scales. Each pixel is divided by what is
to be expected there without a flaw: the robust noise of its neighbourhood, times what print of its strength
does to noise on this card. One pixel can add only so much, so that a spark of foil makes neither line nor
dent. Lines are then divided by the robust spread of their own responses nearby: one unit is what chance does
there, whatever the surface.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.strips import F32
from rcg.grading.surface_leak import mean_albedo, without_print
from rcg.photometric import relief
from rcg.photometric.ridges import hessian, laplacian, strongest_line
from rcg.photometric.types import Maps

Mask = npt.NDArray[np.bool_]

LINE_MM: Final = 1.5
_LEVEL_MM: Final = 1.0
"""slopes smoother than this are curl and light, not flaws"""
_LINE_SIGMAS_MM: Final = (0.03, 0.06)
_FINEST_PX: Final = 1.2
"""what is finer differs from frame to frame by where the pixels fell"""
_BLOB_SIGMAS_MM: Final = (0.07, 0.14, 0.28)
BLOB: Final = 5.0
"""blob score that chance does not reach on clean cards; see docs/photometric-defects.md"""
_CLIP: Final = 4.0
"""deviations that one pixel may add to a line"""
_CUT: Final = 5.0
"""deviations of the slope beyond which it does not count as a dent's"""
_CELL_MM: Final = 1.5
_DARKEST: Final = 0.02
_STRATA: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.995, 1.0)
_FEW: Final = 30


def level_slopes(maps: Maps, trusted: Mask) -> tuple[F32, F32]:
    """The slopes (H, W) without what is smoother than 1 mm or feigned by print, 0 where not trusted."""
    assert maps.normal is not None
    weight = trusted.astype(np.float32)
    p, q = relief.slopes(np.where(trusted[..., None], np.nan_to_num(maps.normal), np.float32(0)))

    def level(slope: F32) -> F32:
        smooth = relief.masked_smooth(slope, weight, _LEVEL_MM * maps.px_per_mm)
        return np.asarray((slope - smooth) * weight, np.float32)

    p, q = level(p), level(q)
    return without_print(p, q, maps.albedo, trusted, maps.px_per_mm, _LEVEL_MM)


def held_down(slope: F32, trusted: Mask, px_per_mm: float) -> F32:
    """The slope with what is beyond five deviations of its neighbourhood cut off: sparks, not dents."""
    top = _CUT * cell_spread(slope, trusted, max(4, round(_CELL_MM * px_per_mm)))
    return np.asarray(np.clip(slope, -top, top), np.float32)


def print_strength(albedo: F32, sigma_px: float) -> F32:
    """The largest gradient of log albedo per pixel within reach of a filter of ``sigma_px``, (H, W)."""
    grey = cv2.log(np.maximum(mean_albedo(albedo), np.float32(_DARKEST)))
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma_px), np.float32)
    gx = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    reach = 2 * int(np.ceil(2 * sigma_px)) + 1
    return np.asarray(cv2.dilate(cv2.magnitude(gx, gy), np.ones((reach, reach), np.uint8)), np.float32)


def cell_spread(values: F32, trusted: Mask, cell_px: int) -> F32:
    """The robust standard deviation (H, W) round each pixel: 1.4826 times the median magnitude of cells.

    A flaw fills little of a cell and does not hide. Beside a noisier cell half of its noise counts, so that
    the border between foil and paper raises nothing.
    """
    h, w = values.shape
    rows, columns = -(-h // cell_px), -(-w // cell_px)
    padded = np.full((rows * cell_px, columns * cell_px), np.inf, np.float32)
    padded[:h, :w] = np.where(trusted, np.abs(values), np.inf)
    step = max(1, cell_px // 12)
    cells = padded.reshape(rows, cell_px, columns, cell_px)[:, ::step, :, ::step]
    cells = np.sort(cells.transpose(0, 2, 1, 3).reshape(rows * columns, -1), axis=1)
    count = np.isfinite(cells).sum(axis=1)
    median = cells[np.arange(len(cells)), np.maximum(count // 2, 0).clip(0, cells.shape[1] - 1)]
    known = (count >= _FEW).reshape(rows, columns)
    if not known.any():
        return np.full((h, w), np.inf, np.float32)
    grid = np.where(known, median.reshape(rows, columns), 0).astype(np.float32)
    weight = known.astype(np.float32)
    near = cv2.GaussianBlur(grid, (0, 0), 0.8) / np.maximum(cv2.GaussianBlur(weight, (0, 0), 0.8), 1e-4)
    grid = np.where(known, grid, near).astype(np.float32)
    grid = np.maximum(grid, 0.5 * cv2.dilate(grid, np.ones((3, 3), np.uint8)))
    size = (columns * cell_px, rows * cell_px)
    wide = cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)[:h, :w]
    return np.asarray(1.4826 * np.maximum(wide, 0.3 * np.median(grid[known])), np.float32)


def expected_noise(values: F32, trusted: Mask, strength: F32, cell_px: int) -> F32:
    """The deviation (H, W) to be expected of ``values`` without a flaw: local noise times print's part in it.

    Pixels are sorted into strata by the strength of the print; a stratum's factor is the robust spread of its
    values over their local noise, and never falls with the strength.
    """
    noise = cell_spread(values, trusted, cell_px)
    sample = trusted & np.isfinite(noise)
    ratio, at = (np.abs(values[sample]) / noise[sample])[::5], strength[sample][::5]
    if len(at) < 10 * _FEW:
        return noise
    bounds = np.quantile(at, _STRATA)
    order = np.clip(np.searchsorted(bounds, at, side="right") - 1, 0, len(bounds) - 2)
    factors = [
        1.4826 * float(np.median(ratio[order == k])) if (order == k).sum() >= _FEW else 0.0
        for k in range(len(bounds) - 1)
    ]
    rising = np.maximum.accumulate(factors)
    middles = (bounds[1:] + bounds[:-1]) / 2
    return np.asarray(noise * np.interp(strength, middles, rising), np.float32)


def _normalised(response: F32, whole: Mask, cell_px: int) -> F32:
    spread = cell_spread(response, whole, cell_px)
    return np.where(whole, response / np.maximum(spread, 1e-9), 0.0).astype(np.float32)


def line_score(p: F32, q: F32, albedo: F32, trusted: Mask, px_per_mm: float, *, threads: int = 1) -> F32:
    """How far the strongest line through each pixel stands out, (H, W), signed: positive in furrows."""
    cell_px = max(4, round(_CELL_MM * px_per_mm))
    best = np.zeros(p.shape, np.float32)
    for sigma_px in sorted({max(sigma * px_per_mm, _FINEST_PX) for sigma in _LINE_SIGMAS_MM}):
        tensor = hessian(p, q, px_per_mm, sigma_px / px_per_mm)
        whole = _whole(trusted, sigma_px)
        noise = expected_noise(tensor[0] + tensor[2], whole, print_strength(albedo, sigma_px), cell_px)
        gain = np.where(whole, 1 / np.maximum(noise, 1e-9), 0).astype(np.float32)
        line, _ = strongest_line(tensor, gain, px_per_mm, LINE_MM, clip=_CLIP, threads=threads)
        score = _normalised(line, whole, 2 * cell_px)
        best = np.where(np.abs(score) > np.abs(best), score, best)
    return best


def blob_score(p: F32, q: F32, albedo: F32, trusted: Mask, px_per_mm: float, *, threads: int = 1) -> F32:
    """How far the Laplacian stands out at the scale at which it does most, (H, W): positive in dents."""
    p, q = held_down(p, trusted, px_per_mm), held_down(q, trusted, px_per_mm)

    def at_scale(sigma: float) -> F32:
        sigma_px = sigma * px_per_mm
        bowl = laplacian(p, q, px_per_mm, sigma)
        whole = _whole(trusted, sigma_px)
        cell_px = max(4, round(max(_CELL_MM, 10 * sigma) * px_per_mm))
        noise = expected_noise(bowl, whole, print_strength(albedo, sigma_px), cell_px)
        return np.where(whole, bowl / np.maximum(noise, 1e-9), 0).astype(np.float32)

    best = np.zeros(p.shape, np.float32)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for score in pool.map(at_scale, _BLOB_SIGMAS_MM):
            best = np.where(np.abs(score) > np.abs(best), score, best)
    return _normalised(best, trusted, max(4, round(4 * _CELL_MM * px_per_mm)))


def _whole(trusted: Mask, sigma_px: float) -> Mask:
    """Where a filter sees trusted pixels nearly alone."""
    weight = cv2.GaussianBlur(trusted.astype(np.float32), (0, 0), sigma_px)
    return trusted & (np.asarray(weight) > 0.9)

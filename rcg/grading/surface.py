"""Surface: relief that is out of the ordinary for its place, and more than its print could feign.

Curvature is high-passed at two scales and divided by what is to be expected at the pixel: the noise of its
neighbourhood, and the leak of print into relief. Frames that are a fraction of a pixel out of line turn a
change of ink into a slope in proportion to the gradient of the log albedo; the factor is learnt on the card
itself. What stands out is grown by hysteresis and must have a size. Frames and boxes of print run along the
card's axes, where the leak adds up over centimetres: what lies along such an edge must stand out twice as
much.
"""

from __future__ import annotations

import itertools
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.centering import Borders
from rcg.grading.flaws import describe
from rcg.grading.schema import Finding, SurfaceMeasure
from rcg.grading.strips import F32
from rcg.photometric.types import Maps

Mask = npt.NDArray[np.bool_]

INSET_MM: Final = 1.0
"""the rim where cut and background disturb the relief is left to corners and edges"""
_SCALES_MM: Final = (0.08, 0.3)
_CELL_MM: Final = 3.0
"""side of the neighbourhood whose noise counts: far wider than a flaw, narrower than a shadow"""
_CELL_SAMPLES: Final = 50
_STRONG_PRINT: Final = 0.85
"""quantile of the gradient of log albedo from which pixels tell how print leaks into relief"""
_DARKEST: Final = 0.02
_TRUST: Final = 0.05
"""confidence from which relief counts at all; what is noisy for want of light is judged by its local noise"""
_SEED: Final = 8.0
_GROW: Final = 4.0
_SEED_ON_PRINT: Final = 16.0
_AXIS: Final = 0.9962
"""cosine of twice the angle (2.5 degrees) within which an edge of print runs along an axis of the card"""
_JOIN_MM: Final = 0.35


def blur(image: F32, sigma_px: float) -> F32:
    """Return a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def masked_blur(image: F32, weight: F32, sigma_px: float) -> F32:
    """Return the Gaussian mean of the samples that count (normalised convolution)."""
    return np.asarray(blur(image * weight, sigma_px) / np.maximum(blur(weight, sigma_px), 1e-4), np.float32)


def print_gradient(albedo: F32, px_per_mm: float, scale_mm: float) -> F32:
    """Return how strongly the print changes, (H, W): gradient of log albedo per mm, largest nearby."""
    scale_px = scale_mm * px_per_mm
    grey = blur(np.log(np.maximum(albedo.mean(axis=2), _DARKEST)).astype(np.float32), scale_px)
    gradient = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    reach = 2 * max(1, round(2 * scale_px)) + 1
    widest = cv2.dilate(gradient, np.ones((reach, reach), np.uint8))
    return np.asarray(cv2.blur(widest, (reach, reach)) * px_per_mm / 8, np.float32)


def local_noise(values: F32, trusted: Mask, cell_px: int) -> F32:
    """Return the robust standard deviation of ``values`` round each pixel, (H, W).

    1.4826 times the median magnitude of cells, smoothed: a flaw fills little of a cell and does not hide.
    """
    h, w = values.shape
    rows, columns = max(h // cell_px, 1), max(w // cell_px, 1)
    edges_y, edges_x = np.linspace(0, h, rows + 1).astype(int), np.linspace(0, w, columns + 1).astype(int)
    medians, known = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    for i, j in itertools.product(range(rows), range(columns)):
        cell = (slice(edges_y[i], edges_y[i + 1], 2), slice(edges_x[j], edges_x[j + 1], 2))
        sample = np.abs(values[cell][trusted[cell]])
        if len(sample) >= _CELL_SAMPLES:
            medians[i, j], known[i, j] = np.median(sample), 1
    smooth = masked_blur(medians, known, 1.2)
    return np.asarray(1.4826 * cv2.resize(smooth, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def expected(values: F32, gradient: F32, trusted: Mask, px_per_mm: float) -> F32:
    """Return the deviation to be expected of ``values`` without a flaw, (H, W): noise and leak of print."""
    noise = local_noise(values, trusted, round(_CELL_MM * px_per_mm))
    magnitude, change = np.abs(values[trusted][::5]), gradient[trusted][::5]
    strong = change > np.quantile(change, _STRONG_PRINT)
    leak = 1.4826 * float(np.median(magnitude[strong] / change[strong])) if strong.any() else 0.0
    least = 0.5 * 1.4826 * float(np.median(magnitude))
    return np.asarray(np.hypot(np.maximum(noise, max(least, 1e-9)), leak * gradient), np.float32)


def usable(maps: Maps, borders: Borders) -> tuple[Mask, Mask]:
    """Return the card inside its rim, and the part of it whose relief can be trusted."""
    h, w = maps.albedo.shape[:2]
    x = (np.arange(w) - (w - 1) / 2) / maps.px_per_mm
    y = ((h - 1) / 2 - np.arange(h)) / maps.px_per_mm
    c = borders.cuts
    left = -maps.size.width_mm / 2 + float(c["left"].curve(0)) + INSET_MM
    right = maps.size.width_mm / 2 - float(c["right"].curve(0)) - INSET_MM
    top = maps.size.height_mm / 2 - float(c["top"].curve(0)) - INSET_MM
    bottom = -maps.size.height_mm / 2 + float(c["bottom"].curve(0)) + INSET_MM
    inside = ((x > left) & (x < right))[None] & ((y > bottom) & (y < top))[:, None]
    # corner arcs are cut off along their chord
    ax, ay = np.minimum(x - left, right - x), np.minimum(y - bottom, top - y)
    inside &= (ax[None] + ay[:, None]) > 1.2
    assert maps.confidence is not None
    return inside, inside & (maps.confidence > _TRUST)


def anomaly(maps: Maps, trusted: Mask) -> F32:
    """Return by how many expected deviations the relief stands out, signed, (H, W); 0 where not trusted."""
    assert maps.curvature is not None
    k = maps.px_per_mm
    weight = trusted.astype(np.float32)
    curvature = np.where(trusted, np.nan_to_num(maps.curvature), 0.0).astype(np.float32)
    best = np.zeros_like(curvature)
    for scale in _SCALES_MM:
        high = masked_blur(curvature, weight, scale * k) - masked_blur(curvature, weight, 5 * scale * k)
        gradient = print_gradient(maps.albedo, k, scale)
        # beside a border of what is trusted the mean rests on fewer samples and is noisier
        whole = trusted & (blur(weight, scale * k) > 0.9)
        z = np.where(whole, high / expected(high, gradient, trusted, k), 0.0).astype(np.float32)
        best = np.where(np.abs(z) > np.abs(best), z, best)
    return best


def hysteresis(strength: F32, seed: float, grow: float, join_px: int) -> npt.NDArray[np.int32]:
    """Return labels of the regions above ``grow`` that hold a pixel above ``seed``, near pieces joined."""
    low = (strength > grow).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * join_px + 1, 2 * join_px + 1))
    _, labels = cv2.connectedComponents(cv2.morphologyEx(low, cv2.MORPH_CLOSE, kernel))
    keep = np.zeros(int(labels.max()) + 1, bool)
    keep[np.unique(labels[strength > seed])] = True
    keep[0] = False
    return np.asarray(np.where(keep[labels] & (low > 0), labels, 0), np.int32)


def along_print(labels: npt.NDArray[np.int32], albedo: F32, trusted: Mask, px_per_mm: float) -> Mask:
    """Return for each label, 0 to the largest, whether it lies along print that runs along an axis.

    From the structure tensor of the log albedo, summed over the region: its direction and its strength.
    """
    scale_px = _SCALES_MM[0] * px_per_mm
    grey = blur(np.log(np.maximum(albedo.mean(axis=2), _DARKEST)).astype(np.float32), scale_px)
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strong = float(np.quantile(cv2.magnitude(gx, gy)[trusted][::7], _STRONG_PRINT))
    at, count = labels.ravel(), int(labels.max()) + 1
    xx, yy, xy = (np.bincount(at, (a * b).ravel(), count) for a, b in ((gx, gx), (gy, gy), (gx, gy)))
    size = np.maximum(np.bincount(at, minlength=count), 1)
    energy = np.maximum(xx + yy, 1e-12)
    aligned = np.abs(xx - yy) >= _AXIS * np.hypot(xx - yy, 2 * xy)
    coherent = np.hypot(xx - yy, 2 * xy) >= 0.8 * energy
    return np.asarray(aligned & coherent & (energy / size > strong**2))


def measure_surface(maps: Maps, borders: Borders) -> tuple[SurfaceMeasure, list[Finding]]:
    """Find what the relief shows inside the rim of the card."""
    if not maps.relief or maps.curvature is None or maps.confidence is None:
        return SurfaceMeasure(
            relief_measured=False,
            coverage=None,
            reason="relief was not measured: it needs at least three lights",
        ), []
    inside, trusted = usable(maps, borders)
    coverage = float(trusted.sum() / max(inside.sum(), 1))
    if coverage < 0.2:
        return SurfaceMeasure(
            relief_measured=False,
            coverage=coverage,
            reason=f"only {100 * coverage:.0f} % of the surface has usable relief",
        ), []
    z = anomaly(maps, trusted)
    join_px = max(round(_JOIN_MM * maps.px_per_mm / 2), 1)
    labels = hysteresis(np.abs(z), _SEED, _GROW, join_px)
    on_print = along_print(labels, maps.albedo, trusted, maps.px_per_mm)
    findings = [
        f
        for label in np.unique(labels[labels > 0])
        if not (on_print[label] and np.abs(z[labels == label]).max() < _SEED_ON_PRINT)
        and (f := describe(maps, labels == label, z, trusted)) is not None
    ]
    return SurfaceMeasure(relief_measured=True, coverage=coverage), findings

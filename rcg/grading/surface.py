"""Surface: relief that is out of the ordinary for this card, and not explained by its print.

Curvature is high-passed at two scales and divided by its own robust noise, which is learnt on the card as a function of how
strongly the print changes there: ink edges leak into relief, and an edge of ink is no scratch. What stands out is grown by
hysteresis and must have a size.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.centering import Borders
from rcg.grading.flaws import describe
from rcg.grading.schema import Finding, SurfaceMeasure
from rcg.grading.strips import F32, F64
from rcg.photometric.types import Maps

Mask = npt.NDArray[np.bool_]

INSET_MM: Final = 1.0
"""the rim where cut and background disturb the relief is left to corners and edges"""
_SCALES_MM: Final = (0.08, 0.3)
_SEED: Final = 8.0
_GROW: Final = 4.0
_JOIN_MM: Final = 0.35
_MIN_AREA_MM2: Final = 0.08
_MIN_LENGTH_MM: Final = 0.7
_MIN_CONFIDENCE: Final = 0.25


def blur(image: F32, sigma_px: float) -> F32:
    """Return a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def masked_blur(image: F32, weight: F32, sigma_px: float) -> F32:
    """Return the Gaussian mean of the samples that count (normalised convolution)."""
    return np.asarray(blur(image * weight, sigma_px) / np.maximum(blur(weight, sigma_px), 1e-4), np.float32)


def print_gradient(albedo: F32, px_per_mm: float) -> F32:
    """Return how strongly the print changes, (H, W): gradient of log albedo per mm at 0.08 mm."""
    grey = np.log(np.maximum(blur(albedo.mean(axis=2).astype(np.float32), 0.08 * px_per_mm), 0.02))
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(blur(cv2.magnitude(gx, gy), 0.1 * px_per_mm) * px_per_mm / 8, np.float32)


def noise_by_print(values: F32, gradient: F32, inside: Mask, bins: int = 16) -> F32:
    """Return the robust noise of ``values`` at each pixel as a rising function of the print's gradient."""
    edges = np.quantile(gradient[inside], np.linspace(0, 1, bins + 1))
    centres, noise = [], []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        sample = values[inside & (gradient >= low) & (gradient <= high)]
        if len(sample) > 200:
            centres.append((low + high) / 2)
            noise.append(1.4826 * float(np.median(np.abs(sample))))
    rising = np.maximum.accumulate(noise)
    # beyond the last bin the leak goes on growing with the gradient
    slope = max(rising[-1] - rising[0], 0.0) / max(centres[-1] - centres[0], 1e-6)
    inner = np.interp(gradient, centres, rising)
    return np.asarray(np.maximum(inner + slope * np.maximum(gradient - centres[-1], 0), 1e-9), np.float32)


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
    return inside, inside & (maps.confidence > 0.3)


def anomaly(maps: Maps, trusted: Mask) -> F32:
    """Return how many robust standard deviations the relief stands out by, signed, (H, W); 0 where not trusted."""
    assert maps.curvature is not None
    k = maps.px_per_mm
    gradient = print_gradient(maps.albedo, k)
    weight = trusted.astype(np.float32)
    curvature = np.where(trusted, np.nan_to_num(maps.curvature), 0.0).astype(np.float32)
    best = np.zeros_like(curvature)
    for scale in _SCALES_MM:
        smooth = masked_blur(curvature, weight, scale * k)
        high = smooth - masked_blur(curvature, weight, 5 * scale * k)
        z = np.where(trusted, high / noise_by_print(high, gradient, trusted), 0.0).astype(np.float32)
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
    strength = np.abs(z) * np.clip(maps.confidence / 0.8, 0, 1)
    labels = hysteresis(
        strength.astype(np.float32), _SEED, _GROW, max(round(_JOIN_MM * maps.px_per_mm / 2), 1)
    )
    findings = [
        f
        for label in np.unique(labels[labels > 0])
        if (f := describe(maps, labels == label, z, trusted)) is not None
    ]
    return SurfaceMeasure(relief_measured=True, coverage=coverage), findings


def as_points(contour: npt.NDArray[np.int32], maps: Maps) -> F64:
    """Return a contour's points in card millimetres."""
    return maps.px_to_mm(contour.reshape(-1, 2))

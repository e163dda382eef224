"""Surface: relief that is out of the ordinary for this card, and not explained by its print.

Curvature is high-passed at two scales and divided by its own robust noise, which is learnt on the card as a
function of how strongly the print changes there: ink edges leak into relief, and an edge of ink is no
scratch. What stands out is grown by hysteresis and must have a size.
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
_BINS: Final = (0, 0.3, 0.5, 0.65, 0.75, 0.82, 0.87, 0.9, 0.925, 0.95, 0.965, 0.98, 0.99, 1)
_REACH_MM: Final = 0.5
"""how far beside a change of print its leak into the relief reaches"""
_STRONG_PRINT: Final = 0.8
"""gradient of log albedo per mm above which a pixel lies on an edge of print"""
_SEED: Final = 8.0
_GROW: Final = 4.0
_JOIN_MM: Final = 0.35


def blur(image: F32, sigma_px: float) -> F32:
    """Return a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def masked_blur(image: F32, weight: F32, sigma_px: float) -> F32:
    """Return the Gaussian mean of the samples that count (normalised convolution)."""
    return np.asarray(blur(image * weight, sigma_px) / np.maximum(blur(weight, sigma_px), 1e-4), np.float32)


def print_gradient(albedo: F32, px_per_mm: float) -> F32:
    """Return how strongly the print changes, (H, W): gradient of log albedo per mm, strongest nearby."""
    grey = np.log(np.maximum(blur(albedo.mean(axis=2).astype(np.float32), 0.08 * px_per_mm), 0.02))
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    reach = 2 * round(_REACH_MM * px_per_mm) + 1
    strongest = cv2.dilate(cv2.magnitude(gx, gy), np.ones((reach, reach), np.uint8))
    return np.asarray(strongest * px_per_mm / 8, np.float32)


def noise_by_print(values: F32, gradient: F32, inside: Mask) -> F32:
    """Return the noise of ``values`` at each pixel as a rising function of the print's gradient.

    Per bin of gradient the larger of the MAD and a third of the 97th percentile counts: where ink leaks
    into relief its tail is heavy, and flaws are too rare in a bin to matter.
    """
    edges = np.quantile(gradient[inside][::7], _BINS)
    centres: list[float] = []
    noise: list[float] = []
    for low, high in itertools.pairwise(edges):
        sample = np.abs(values[inside & (gradient >= low) & (gradient <= high)])
        if len(sample) > 200:
            middle, tail = np.quantile(sample, [0.5, 0.97])
            centres.append(float(low + high) / 2)
            noise.append(max(1.4826 * float(middle), float(tail) / 3))
    if not noise:
        return np.full_like(values, np.inf)
    return np.maximum(np.interp(gradient, centres, np.maximum.accumulate(noise)), 1e-9).astype(np.float32)


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


def anomaly(maps: Maps, trusted: Mask, gradient: F32) -> F32:
    """Return how many robust standard deviations the relief stands out by, signed, (H, W); 0 where not
    trusted."""
    assert maps.curvature is not None
    k = maps.px_per_mm
    weight = trusted.astype(np.float32)
    curvature = np.where(trusted, np.nan_to_num(maps.curvature), 0.0).astype(np.float32)
    best = np.zeros_like(curvature)
    for scale in _SCALES_MM:
        smooth = masked_blur(curvature, weight, scale * k)
        high = smooth - masked_blur(curvature, weight, 5 * scale * k)
        # beside a border of what is trusted the mean rests on fewer samples and is noisier
        whole = trusted & (blur(weight, scale * k) > 0.95)
        z = np.where(whole, high / noise_by_print(high, gradient, trusted), 0.0).astype(np.float32)
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
    gradient = print_gradient(maps.albedo, maps.px_per_mm)
    z = anomaly(maps, trusted, gradient)
    printed = gradient > max(_STRONG_PRINT, 3 * float(np.quantile(gradient[trusted][::7], 0.1)))
    strength = np.abs(z) * np.clip(maps.confidence / 0.8, 0, 1)
    labels = hysteresis(
        strength.astype(np.float32), _SEED, _GROW, max(round(_JOIN_MM * maps.px_per_mm / 2), 1)
    )
    findings = [
        f
        for label in np.unique(labels[labels > 0])
        if (f := describe(maps, labels == label, z, trusted, printed)) is not None
    ]
    return SurfaceMeasure(relief_measured=True, coverage=coverage), findings

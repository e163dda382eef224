"""Surface: relief that is out of the ordinary for its place, and more than its print could feign.

Lines and dents are scored against what chance does at their place (:mod:`rcg.grading.surface_scores`). What
stands out is grown by hysteresis and must have a size. Then it must change from light to light as relief does
(:mod:`rcg.grading.surface_lights`), the more surely the more of it lies on edges of print, where what leaks
of print into relief adds up over centimetres.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from rcg.grading.centering import Borders
from rcg.grading.flaws import describe
from rcg.grading.schema import Finding, SurfaceMeasure
from rcg.grading.strips import F32, F64
from rcg.grading.surface_foil import (
    FoilSamples,
    beside_print,
    foil_light_t,
    foil_samples,
    foil_threads,
)
from rcg.grading.surface_leak import mean_albedo
from rcg.grading.surface_lights import light_ts
from rcg.grading.surface_scores import BLOB, blob_score, cell_spread, level_slopes, line_score, print_strength
from rcg.photometric.types import Maps

Mask = npt.NDArray[np.bool_]

INSET_MM: Final = 1.0
"""the rim where cut and background disturb the relief is left to corners and edges"""
_PRINT_MM: Final = 0.05
_STRONG_PRINT: Final = 0.85
"""quantile of the gradient of log albedo from which print is strong"""
_MIN_PRINT: Final = 0.03
"""of log albedo per pixel; a card without print has no strong edges"""
_TRUST: Final = 0.05
"""confidence from which relief counts at all; what is noisy for want of light is judged by its local noise"""
_LINE: Final = 3.1
"""line score that chance does not reach on clean cards; see docs/photometric-defects.md"""
_SEED: Final = 8.0
_GROW: Final = 4.8
_SEED_ON_PRINT: Final = 12.0
_ON_PRINT: Final = 0.85
_PARTLY_ON_PRINT: Final = 0.6
_T_ON_PRINT: Final = 20.0
_T_PARTLY: Final = 6.0
_T_LEAST: Final = 1.2
_NOISY_SLOPE: Final = 0.01
"""noise of a pixel's slope at which scratches of 1 to 2 micrometres drown"""
_NOISE_CELL_MM: Final = 1.5
_MENTION_NOISY: Final = 0.05
_FAINT_SEED: Final = 5.2
_FAINT_GROW: Final = 4.1
_THREAD_MM: Final = 2.2
_THIN_MM: Final = 0.06
_SURE_THIN_MM: Final = 0.11
_T_SURE: Final = 8.0
_UNKNOWN: Final = 1.25
"""more is asked of a mark where too few lights leave that test out"""
_FEW_ON_PRINT: Final = 0.44
_FEW_DARK: Final = 0.045
"""albedo under which four lights cannot tell relief from noise and gloss"""
_FEW_CLEAR: Final = 0.3
_FEW_LONG_MM: Final = 4.0
_FEW_CREASE: Final = (0.8, 3.0, 0.2)
"""share on print at most, length and width in mm at least, of a crease that has lost its ink"""
_JOIN_MM: Final = 0.35


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


def anomaly(p: F32, q: F32, maps: Maps, trusted: Mask, *, threads: int = 1) -> F32:
    """Return how far the relief stands out, signed (positive for bumps), (H, W); 0 where not trusted.

    One scale for lines and dents: at ``_SEED`` chance has an end, at ``_GROW`` a flaw may go on. ``p`` and
    ``q`` are of :func:`level_slopes`; the result does not depend on ``threads``.
    """
    line = line_score(p, q, maps.albedo, trusted, maps.px_per_mm, threads=threads) / np.float32(_LINE)
    blob = blob_score(p, q, maps.albedo, trusted, maps.px_per_mm, threads=threads) / np.float32(BLOB)
    return np.asarray(-_SEED * np.where(np.abs(line) > np.abs(blob), line, blob), np.float32)


def hysteresis(strength: F32, seed: float, grow: float, join_px: int) -> npt.NDArray[np.int32]:
    """Return labels of the regions above ``grow`` that hold a pixel above ``seed``, near pieces joined."""
    low = (strength > grow).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * join_px + 1, 2 * join_px + 1))
    _, labels = cv2.connectedComponents(cv2.morphologyEx(low, cv2.MORPH_CLOSE, kernel))
    keep = np.zeros(int(labels.max()) + 1, bool)
    keep[np.unique(labels[strength > seed])] = True
    keep[0] = False
    return np.asarray(np.where(keep[labels] & (low > 0), labels, 0), np.int32)


def strong_print(maps: Maps, trusted: Mask) -> Mask:
    """Return where strong edges of print are, (H, W)."""
    sigma_px = max(_PRINT_MM * maps.px_per_mm, 1.0)
    strength = print_strength(maps.albedo, sigma_px)
    return np.asarray(strength > max(float(np.quantile(strength[trusted][::7], _STRONG_PRINT)), _MIN_PRINT))


def print_share(labels: npt.NDArray[np.int32], maps: Maps, trusted: Mask) -> F64:
    """Return for each label, 0 to the largest, the share of its pixels that lie on strong edges of print."""
    return _share_of(labels, strong_print(maps, trusted))


def _share_of(labels: npt.NDArray[np.int32], where: Mask) -> F64:
    count = int(labels.max()) + 1
    inside = np.bincount(labels[where], minlength=count)
    return np.asarray(inside / np.maximum(np.bincount(labels.ravel(), minlength=count), 1), np.float64)


def _told_by_few(labels: npt.NDArray[np.int32], maps: Maps, share: F64) -> Mask:
    """Return which marks may be relief where too few lights leave the test by lights out.

    They lie off print, not in the dark, and are long, or clear by the solver's own word; or they are long and
    broad as creases that broke the ink. Set on real cards under four lights, where gloss and the frames of
    pictures make marks as strong as creases do.
    """
    assert maps.confidence is not None
    at, count = labels.ravel(), int(labels.max()) + 1
    pixels = np.maximum(np.bincount(at, minlength=count), 1)
    clear = np.bincount(at, maps.confidence.ravel(), count) / pixels
    light = np.bincount(at, mean_albedo(maps.albedo).ravel(), count) / pixels
    size, width = _extents(labels, maps.px_per_mm)
    off_print = (share < _FEW_ON_PRINT) & ((clear >= _FEW_CLEAR) | (size >= _FEW_LONG_MM))
    on_print, long, broad = _FEW_CREASE
    crease = (share < on_print) & (size >= long) & (width >= broad) & (clear >= _FEW_CLEAR)
    return np.asarray((light >= _FEW_DARK) & (off_print | crease))


def believed(peak: F64, share: F64, t: F64) -> Mask:
    """Return which marks are relief and not what print or a spark feigns.

    Args:
        peak: (k,) how far each stands out, as :func:`anomaly` has it.
        share: (k,) of it that lies on strong print.
        t: (k,) how surely it changes with the lights as relief does, see
            :func:`rcg.grading.surface_lights.light_ts`.
    """
    on_print, partly = share >= _ON_PRINT, share >= _PARTLY_ON_PRINT
    unknown = ~np.isfinite(t)
    needed_t = np.where(on_print, _T_ON_PRINT, np.where(partly, _T_PARTLY, _T_LEAST))
    needed = np.where(on_print, _SEED_ON_PRINT, _SEED) * np.where(unknown, _UNKNOWN, 1.0)
    return np.asarray((t >= needed_t) & (peak >= needed))


def marks(
    maps: Maps, z: F32, trusted: Mask, foil: FoilSamples | None = None, *, threads: int = 1
) -> list[Mask]:
    """Return the regions (H, W) that are relief: those that stand out, and long thin ones that do so faintly.

    Chance makes clusters, but no thread of 2 mm that is as thin as a scratch. On foil what does not flash
    tells relief so surely that shorter threads count, and dents that lie on print.
    """
    strength = np.abs(z)
    strong = strong_print(maps, trusted)
    join_px = max(round(_JOIN_MM * maps.px_per_mm / 2), 1)
    labels = hysteresis(strength, _SEED, _GROW, join_px)
    faint = hysteresis(strength, _FAINT_SEED, _FAINT_GROW, join_px)
    t, faint_t = light_ts(maps, (labels, faint), strength, threads=threads)
    if foil is not None:
        t = foil_light_t(maps, foil, labels, strength, strong, t)
        faint_t = foil_light_t(maps, foil, faint, strength, strong, faint_t)
    share = _share_of(labels, strong)
    real = believed(_peaks(labels, strength), share, t)
    if not np.isfinite(t).any():
        real &= _told_by_few(labels, maps, share)
    if foil is not None:
        real |= beside_print(maps, foil, labels, trusted, strong, t, seed=_SEED)
    regions = [labels == label for label in np.unique(labels[labels > 0]) if real[label]]

    taken = np.zeros(int(faint.max()) + 1, bool)
    taken[np.unique(faint[strength > _SEED])] = True
    share, t = _share_of(faint, strong), faint_t
    size, width = _extents(faint, maps.px_per_mm)
    thin = (width <= _THIN_MM) & (t >= _T_LEAST) | (width <= _SURE_THIN_MM) & (t >= _T_SURE)
    thin &= (size >= _THREAD_MM) & (share < _PARTLY_ON_PRINT)
    if foil is not None:
        thin |= foil_threads(foil, faint, size, width, share, t)
    thin &= np.isfinite(t) & ~taken
    return regions + [faint == label for label in np.flatnonzero(thin) if label > 0]


def _peaks(labels: npt.NDArray[np.int32], strength: F32) -> F64:
    """The largest strength of each label; 0 for label 0, which is no mark."""
    peak = np.zeros(int(labels.max()) + 1)
    at = np.flatnonzero(labels)
    np.maximum.at(peak, labels.ravel()[at], strength.ravel()[at])
    return peak


def _extents(labels: npt.NDArray[np.int32], px_per_mm: float) -> tuple[F64, F64]:
    """The diagonal of each label's box, and its area over that, mm; 0 and infinite for label 0."""
    size, width = np.zeros(int(labels.max()) + 1), np.full(int(labels.max()) + 1, np.inf)
    area = np.bincount(labels.ravel(), minlength=len(size)) / px_per_mm**2
    for label, box in enumerate(find_objects(labels), start=1):
        if box is not None:
            size[label] = np.hypot(*(part.stop - part.start for part in box)) / px_per_mm
            width[label] = area[label] / size[label]
    return size, width


def noisy_share(p: F32, q: F32, px_per_mm: float, inside: Mask, trusted: Mask) -> float:
    """Return the share of the surface where fine scratches would go unseen, trusted or not."""
    cell_px = max(4, round(_NOISE_CELL_MM * px_per_mm))
    noise = np.maximum(cell_spread(p, trusted, cell_px), cell_spread(q, trusted, cell_px))
    return float((inside & (~trusted | (noise > _NOISY_SLOPE))).sum() / max(inside.sum(), 1))


def measure_surface(
    maps: Maps, borders: Borders, *, threads: int = 1
) -> tuple[SurfaceMeasure, list[Finding]]:
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
    p, q = level_slopes(maps, trusted)
    z = anomaly(p, q, maps, trusted, threads=threads)
    regions = marks(maps, z, trusted, foil_samples(maps, trusted, p, q), threads=threads)
    findings = [f for region in regions if (f := describe(maps, region, z, trusted)) is not None]
    noisy = noisy_share(p, q, maps.px_per_mm, inside, trusted)
    reason = None
    if noisy > _MENTION_NOISY:
        reason = f"on {100 * noisy:.0f} % of the surface the relief is too noisy to show fine scratches"
    return SurfaceMeasure(relief_measured=True, coverage=coverage, noisy=noisy, reason=reason), findings

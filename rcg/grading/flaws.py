"""From a region that stands out in the relief to a finding: polygon, size, relief, kind, confidence."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.schema import Finding
from rcg.grading.strips import F32
from rcg.photometric.types import Maps

Mask = npt.NDArray[np.bool_]

_MIN_AREA_MM2: Final = 0.04
_MIN_LENGTH_MM: Final = 0.25
_LONG: Final = 4.0
"""length over width from which a flaw is a line"""
_CREASE_LENGTH_MM: Final = 10.0
_CREASE_RELIEF_UM: Final = 25.0
_PIECE_MM: Final = 1.5
_LONG_MM: Final = 4.0
"""length from which the relief is measured piece by piece"""
_MAX_POINTS: Final = 48


def _polygon(region: npt.NDArray[np.uint8], px_per_mm: float) -> tuple[npt.NDArray[np.int32], float, float]:
    """Return the outline (n, 2) px of all pieces together, the longest extent and the mean width in px."""
    contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    everything = np.concatenate(contours)
    (_, (a, b), _) = cv2.minAreaRect(everything)
    length = max(a, b) + 1
    outline = max(contours, key=cv2.contourArea) if len(contours) == 1 else cv2.convexHull(everything)
    tolerance = 0.05 * px_per_mm
    shape = cv2.approxPolyDP(outline, tolerance, closed=True)
    while len(shape) > _MAX_POINTS:
        tolerance *= 1.5
        shape = cv2.approxPolyDP(outline, tolerance, closed=True)
    if len(shape) < 3:
        shape = cv2.boxPoints(cv2.minAreaRect(everything)).astype(np.int32)
    return np.asarray(shape, np.int32).reshape(-1, 2), float(length), float(np.count_nonzero(region) / length)


def _relief(height: F32, region: Mask, trusted: Mask, px_per_mm: float) -> tuple[float, float]:
    """Return peak-to-valley in the region, and its mean level over its surround, micrometres.

    A long flaw is measured piece by piece along its length, and the median piece counts: over centimetres the
    height map wanders by more than a flaw is deep.
    """
    near = cv2.dilate(region.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    ring = near & ~region & trusted
    level = float(np.median(height[ring])) if ring.any() else float(np.median(height[region]))
    rows, columns = np.nonzero(region)
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    centred = points - points.mean(axis=0)
    along = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
    piece = np.floor((along - along.min()) / (_PIECE_MM * px_per_mm)).astype(int)
    depths = [_spread(height[rows[piece == i], columns[piece == i]]) for i in np.unique(piece)]
    if len(depths) * _PIECE_MM < _LONG_MM:
        depths = [_spread(np.append(height[region], level))]
    return float(np.median(depths)), float(np.median(height[region]) - level)


def _spread(values: F32) -> float:
    low, high = np.percentile(values, [1, 99])
    return float(high - low)


def _kind(length_mm: float, width_mm: float, relief_um: float | None, sign: float) -> str:
    if length_mm / max(width_mm, 1e-3) >= _LONG:
        crease = length_mm >= _CREASE_LENGTH_MM and (relief_um or 0) >= _CREASE_RELIEF_UM
        return "crease" if crease else "scratch"
    return "dent" if sign < 0 else "bump"


def describe(maps: Maps, region: Mask, z: F32, trusted: Mask) -> Finding | None:
    """Describe one region, or return None when it is too small to be told from noise.

    Args:
        maps: the side. region: (H, W) its pixels.
        z: (H, W) signed strength in robust standard deviations.
        trusted: (H, W) where the relief can be trusted.
    """
    rows, columns = np.nonzero(region)
    pad = round(0.5 * maps.px_per_mm) + 8
    window = (
        slice(max(rows.min() - pad, 0), rows.max() + pad + 1),
        slice(max(columns.min() - pad, 0), columns.max() + pad + 1),
    )
    local = np.ascontiguousarray(region[window])
    k = maps.px_per_mm
    area = float(local.sum()) / k**2
    shape, length, width = _polygon(local.astype(np.uint8), k)
    length_mm, width_mm = length / k, width / k
    if area < _MIN_AREA_MM2 or length_mm < _MIN_LENGTH_MM:
        return None
    peak = float(np.percentile(np.abs(z[window][local]), 98))
    relief = step = None
    if maps.height_um is not None:
        relief, step = _relief(maps.height_um[window], local, trusted[window], k)
    core = z[window][local & (np.abs(z[window]) > 0.6 * peak)]
    sign = step if step is not None and abs(step) > 0.3 else float(core.sum())
    points = maps.px_to_mm(shape + np.array([window[1].start, window[0].start]))
    confidence = float(np.clip(1 - np.exp(-(peak - 4) / 5), 0.05, 0.97))
    return Finding(
        id=1,
        kind=_kind(length_mm, width_mm, relief, sign),
        polygon_mm=[(float(x), float(y)) for x, y in points],
        size_mm=length_mm,
        size_se_mm=0.1 + 0.05 * length_mm,
        area_mm2=area,
        area_se_mm2=0.02 + 0.2 * area,
        # Under assumed lights the scale of slopes is a guess, so no depth is claimed.
        relief_um=relief if maps.lights is not None and maps.lights.calibrated else None,
        confidence=confidence,
        aspect="surface",
    )

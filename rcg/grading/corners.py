"""Corners: the shape that is there against the shape that should be, and stock that shows at the tip.

From a point 4 mm inside both edges a fan of rays looks outwards; each finds the card's outline as the
outermost sharp step. The ideal corner is rounded by the median of the four fitted radii, so square stock is
judged as square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, median_filter

from rcg.grading.centering import Borders
from rcg.grading.schema import Corner, CornerMeasure, Edge, Finding
from rcg.grading.strips import F32, F64, native_px_per_mm, sample, to_lab
from rcg.grading.whitening import whitened
from rcg.photometric.types import Maps

FAN_MM: Final = 4.0
_OUTER_MM: Final = 6.3
_STEP_MM: Final = 0.02
_ANGLES: Final = np.radians(np.arange(8.0, 82.5, 0.5))
CORNERS: Final[dict[Corner, tuple[Edge, Edge, int, int]]] = {
    "top_left": ("left", "top", -1, 1),
    "top_right": ("right", "top", 1, 1),
    "bottom_right": ("right", "bottom", 1, -1),
    "bottom_left": ("left", "bottom", -1, -1),
}
_EDGE_SIGMA_MM: Final = 0.06
_BEYOND_MM: Final = 0.4
"""how far outside the roundest and the squarest corner the outline is looked for"""
_AS_STEEP: Final = 0.9
"""share of the steepest step from which a step may be the cut; shadows reached 0.8 of a dark card's"""
_STANDS_OUT: Final = 3.0
_BESIDE_MM: Final = 0.12
_STRAY_MM: Final = 0.25
"""a ray this far from its neighbours' median saw something else"""
_SQUARE_BELOW_MM: Final = 0.5
_MIN_AREA_MM2: Final = 0.02


@dataclass(frozen=True)
class Fan:
    """What the rays of one corner saw.

    Attributes:
        corner: which.
        origin: card point the rays start from, mm. sign: (2,) direction of the tip.
        reach: (n,) distance to the outline along each ray, mm, NaN where not found.
        radius: fitted corner radius, mm, or None.
        reason: why there is no radius.
    """

    corner: Corner
    origin: F64
    sign: F64
    reach: F64
    radius: float | None
    reason: str | None

    def points(self, reach: F64) -> F64:
        """Return the card points (n, 2) at the given distances along the rays."""
        directions = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1) * self.sign
        return np.asarray(self.origin + reach[:, None] * directions)


def outermost_step(colours: F32, reach: F64, searched: npt.NDArray[np.bool_]) -> F64:
    """Return where each ray meets the card, (n,) in the units of ``reach``; NaN where nothing stands out.

    The outermost change of Lab colour nearly as steep as the ray's steepest: a shadow's edge is softer
    than the cut, and print begins further in. Worn stock is card: its pale edge is the outermost step. Its
    place is that of the steepest change of linear light beside it, where blur is symmetric.

    Args:
        colours: (n, m, 3) linear colours along the rays, from outside inwards.
        reach: (m,) distance from the fan's origin, falling.
        searched: (n, m) where the outline can be at all.
    """
    dt = float(reach[0] - reach[1])
    steep = _steepness(to_lab(colours), dt)
    floor = _STANDS_OUT * float(np.median(steep[:, reach > _OUTER_MM - 0.5]))
    peak = np.where(searched, steep, 0.0).max(axis=1, keepdims=True)
    top = np.zeros_like(searched)
    top[:, 1:-1] = (steep[:, 1:-1] >= steep[:, :-2]) & (steep[:, 1:-1] > steep[:, 2:])
    found = top & searched & (steep >= np.maximum(_AS_STEEP * peak, floor))
    out = np.full(len(colours), np.nan)
    rows = np.flatnonzero(found.any(axis=1))
    if not len(rows):
        return out
    light = _steepness(colours[rows], dt)
    beside = np.arange(-round(_BESIDE_MM / dt), round(_BESIDE_MM / dt) + 1)
    near = np.clip(found[rows].argmax(axis=1)[:, None] + beside, 1, len(reach) - 2)
    each = np.arange(len(rows))
    at = near[each, np.take_along_axis(light, near, axis=1).argmax(axis=1)]
    before, here, after = (light[each, at + k] for k in (-1, 0, 1))
    bend = before - 2 * here + after
    out[rows] = reach[at] - dt * np.clip(0.5 * (before - after) / np.where(bend < 0, bend, -1e9), -1, 1)
    return out


def _steepness(colours: F32, dt: float) -> F64:
    smooth = gaussian_filter1d(colours.astype(np.float64), _EDGE_SIGMA_MM / dt, axis=1)
    return np.asarray(np.linalg.norm(np.gradient(smooth, dt, axis=1), axis=2))


def ideal_reach(radius: float) -> F64:
    """Return the distance to a perfect corner of this radius along each ray, mm."""
    c, s = np.cos(_ANGLES), np.sin(_ANGLES)
    k = FAN_MM - radius
    straight = np.minimum(FAN_MM / c, FAN_MM / s)
    root = np.maximum(k**2 * (c + s) ** 2 - 2 * k**2 + radius**2, 0)
    arc = k * (c + s) + np.sqrt(root)
    on_side = np.where(c >= s, FAN_MM - straight * s, FAN_MM - straight * c) >= radius
    return np.asarray(np.where(on_side, straight, arc))


def _tip(borders: Borders, corner: Corner) -> tuple[F64, F64]:
    """Return where the two cut edges meet, and the sign of the corner."""
    upright, level, sx, sy = CORNERS[corner]
    v, h = borders.cuts[upright], borders.cuts[level]
    x = float(v.frame.origin[0] + v.frame.inward[0] * float(v.curve(sy * v.frame.half_mm)))
    y = float(h.frame.origin[1] + h.frame.inward[1] * float(h.curve(sx * h.frame.half_mm)))
    return np.array([x, y]), np.array([float(sx), float(sy)])


def _look(maps: Maps, linear: F32, borders: Borders, corner: Corner) -> Fan:
    tip, sign = _tip(borders, corner)
    origin = tip - sign * FAN_MM
    none = np.full(len(_ANGLES), np.nan)
    upright, level, _, _ = CORNERS[corner]
    if not (borders.cuts[upright].measured and borders.cuts[level].measured):
        return Fan(
            corner, origin, sign, none, None, "background and card cannot be told apart along its edges"
        )
    along = np.arange(_OUTER_MM, 1.5, -_STEP_MM)
    fan = Fan(corner, origin, sign, none, None, None)
    rays = np.stack([fan.points(np.full(len(_ANGLES), r)) for r in along], axis=1)
    nearest, furthest = ideal_reach(FAN_MM) - _BEYOND_MM, ideal_reach(0.0) + _BEYOND_MM
    searched = (along > nearest[:, None]) & (along < furthest[:, None])
    reach = outermost_step(sample(maps, linear, rays), along, searched)
    steady = median_filter(np.nan_to_num(reach, nan=0.0), 9, mode="nearest")
    reach = np.where(np.abs(reach - steady) < _STRAY_MM, reach, np.nan)
    if np.isfinite(reach).mean() < 0.6:
        return Fan(corner, origin, sign, reach, None, "the outline cannot be followed round the tip")
    radii = np.arange(0.0, 3.96, 0.02)
    misfit = [float(np.nanmedian(np.abs(reach - ideal_reach(r)))) for r in radii]
    best = int(np.argmin(misfit))
    if misfit[best] > 0.25:
        return Fan(corner, origin, sign, reach, None, "the outline round the tip fits no rounded corner")
    return Fan(corner, origin, sign, reach, float(radii[best]), None)


def _missing(fan: Fan, radius: float, native: float) -> tuple[float, F64]:
    """Return the area of the ideal corner that is not card, mm2, and the ideal reach."""
    ideal = ideal_reach(radius)
    lack = np.where(np.isfinite(fan.reach), ideal - fan.reach, 0.0)
    real = lack > max(0.08, 1.2 / native)
    step = float(_ANGLES[1] - _ANGLES[0])
    area = 0.5 * np.sum(np.where(real, ideal**2 - np.nan_to_num(fan.reach) ** 2, 0.0)) * step
    return float(area), ideal


def _whitening(maps: Maps, linear: F32, fan: Fan) -> float | None:
    """Return the area near the tip that has turned to bare stock, mm2; None where stock and print look
    alike."""
    known = np.isfinite(fan.reach)
    depth = np.arange(0.2, 1.8, 0.05)
    rays = np.stack([fan.points(np.where(known, fan.reach, FAN_MM) - d) for d in depth], axis=1)
    lab = to_lab(sample(maps, linear, rays))
    white = whitened(lab, np.median(lab[known][:, depth > 1.0], axis=(0, 1)))
    if white is None:
        return None
    white &= known[:, None] & (depth < 1.0)[None]
    radius = np.where(known, fan.reach, 0.0)[:, None] - depth[None]
    return float(np.sum(white * radius) * 0.05 * (_ANGLES[1] - _ANGLES[0]))


def measure_corners(maps: Maps, linear: F32, borders: Borders) -> tuple[list[CornerMeasure], list[Finding]]:
    """Measure the four corners; return them with a finding for each that is worn."""
    native = native_px_per_mm(maps)
    fans = {corner: _look(maps, linear, borders, corner) for corner in CORNERS}
    radii = [fan.radius for fan in fans.values() if fan.radius is not None]
    usual = float(np.median(radii)) if radii else 0.0
    usual = 0.0 if usual < _SQUARE_BELOW_MM else usual
    measures, findings = [], []
    for corner, fan in fans.items():
        if fan.radius is None:
            measures.append(
                CornerMeasure(
                    corner=corner,
                    radius_mm=None,
                    missing_area_mm2=None,
                    whitening_mm2=None,
                    status="not_measurable",
                    reason=fan.reason,
                )
            )
            continue
        missing, ideal = _missing(fan, usual, native)
        white = _whitening(maps, linear, fan)
        measures.append(
            CornerMeasure(
                corner=corner,
                radius_mm=fan.radius,
                missing_area_mm2=missing,
                whitening_mm2=white,
                status="measured",
                reason=None
                if white is not None
                else "whitening cannot be seen: the border is as pale as bare stock",
            )
        )
        area = missing + (white or 0.0)
        if area > _MIN_AREA_MM2:
            outer = fan.points(ideal)
            inner = fan.points(np.minimum(np.where(np.isfinite(fan.reach), fan.reach, ideal), ideal) - 0.5)
            outline = np.concatenate([outer[::12], inner[::-12]])
            findings.append(
                Finding(
                    id=1,
                    kind="corner_wear",
                    polygon_mm=[(float(x), float(y)) for x, y in outline],
                    size_mm=float(np.sqrt(area)),
                    size_se_mm=None,
                    area_mm2=area,
                    area_se_mm2=0.01 + 0.2 * area + 0.3 / native**2,
                    confidence=0.9,
                    aspect="corners",
                )
            )
    return measures, findings

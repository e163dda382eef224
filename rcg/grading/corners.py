"""Corners: the shape that is there against the shape that should be, and stock that shows at the tip.

From a point 4 mm inside both edges a fan of rays looks outwards; each finds the card's outline like a cut
edge is found. The ideal corner is rounded by the median of the four fitted radii, so square stock is judged
as square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

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


def departure(
    distance: F64, t: F64, low: float, *, persist_mm: float = 0.12, plateau_mm: float = 0.35
) -> F64:
    """Return where each row of ``distance`` (n, m) first leaves zero for good, (n,) in the units of t; NaN
    for never.

    A row leaves where it passes ``low`` and stays above it for ``persist_mm``. The place returned is where
    it crosses half of the highest value of the following ``plateau_mm``, so a thin bright line counts as
    the beginning.
    """
    dt = float(t[1] - t[0])
    lasting, ahead = max(round(persist_mm / dt), 1), max(round(plateau_mm / dt), 2)
    above = distance > low
    run = np.cumsum(above, axis=1)
    stays = np.zeros_like(above)
    stays[:, :-lasting] = (run[:, lasting:] - run[:, :-lasting]) >= lasting
    stays &= above
    out = np.full(len(distance), np.nan)
    for row in np.flatnonzero(stays.any(axis=1)):
        first = int(np.argmax(stays[row]))
        half = 0.5 * float(distance[row, first : first + ahead].max())
        back = max(first - round(0.3 / dt), 0)
        segment = distance[row, back : first + ahead]
        over = segment >= half
        k = int(np.argmax(over))
        if k == 0 or not over[k]:
            continue
        a, b = segment[k - 1], segment[k]
        out[row] = t[back + k - 1] + (half - a) / max(b - a, 1e-12) * dt
    return out


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
    depth = np.arange(0.0, _OUTER_MM - 1.5, _STEP_MM)
    fan = Fan(corner, origin, sign, none, None, None)
    rays = np.stack([fan.points(np.full(len(_ANGLES), _OUTER_MM - d)) for d in depth], axis=1)
    colours = sample(maps, linear, rays)
    ground = np.median(colours[:, depth < 0.5], axis=1)
    distance = np.linalg.norm(colours - ground[:, None], axis=2).astype(np.float64)
    noise = float(np.median(distance[:, depth < 0.5]))
    level_seen = float(np.median(distance[:, depth > _OUTER_MM - 3.0]))
    if level_seen < 4 * max(noise, 1e-4):
        return Fan(corner, origin, sign, none, None, "background and card cannot be told apart")
    reach = _OUTER_MM - departure(distance, depth, max(4 * noise, 0.25 * level_seen))
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

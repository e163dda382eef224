"""The physical edge: where the card ends, refitted on the maps to a fraction of a pixel.

The rectification is only as good as its four corners. Here each side is located anew: the outermost sharp
change of colour that runs along the whole side (a soft shadow is not sharp, a table's texture does not run
along), then half its step in linear light, then a robust line, or a bow where the card has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from rcg.grading.lines import Bools, Curve, FoundLine, first_line, fit_curve, robust_sd
from rcg.grading.schema import Edge
from rcg.grading.strips import F32, F64, SideFrame, native_px_per_mm, sample_strip, side_frame
from rcg.photometric.types import Maps

STEP_MM: Final = 0.25
_DEPTH_STEP_MM: Final = 0.02
_SEARCH_MM: Final = 1.6
_SHARE: Final = 0.3
"""sharpness that a candidate for the cut needs, against the row's sharpest change"""
_BLACK: Final = 0.003
"""linear light below which differences are noise"""
_NEAR_MM: Final = 0.7
_SHADOW_MM: Final = 0.9
"""a card 0.3 mm thick under a light 20 degrees high casts a shadow as wide as this"""
_SLEEVE_MM: Final = 1.3
"""widest rim of a sleeve"""
_SLEEVE_DIMS: Final = 0.85
"""share of the background's light that a clear sleeve leaves at least; less is shadow, or a dark border"""
_BOW_MM: Final = 0.04
"""a bow smaller than this is left to the line"""
_RIM: Final = 1.6
"""how much further from the background than the border a rim must be to count as the lit wall"""
_MIN_SUPPORT: Final = 0.45


Places = tuple[npt.NDArray[np.int64], F64]
"""rows and depths of candidates"""


@dataclass(frozen=True)
class CutEdge:
    """One physical edge.

    Attributes:
        frame: the nominal side it was searched along.
        curve: depth of the true edge under the nominal one, mm, as a function of s; for an assumed edge it
        is zero. measured: False when background and card could not be told apart; then the outline itself
        is used. sd_mm: standard error beyond the curve's own (outline, calibration).
        s, points: (n,) the dense positions and depths found there, NaN where there is none.
        contrast: median distance of card and background in Lab.
    """

    frame: SideFrame
    curve: Curve
    measured: bool
    sd_mm: float
    s: F64
    points: F64
    contrast: float

    @property
    def edge(self) -> Edge:
        """Which side."""
        return self.frame.edge

    def se(self, s: npt.ArrayLike) -> F64:
        """Return the standard error of the edge at s, mm."""
        return np.hypot(self.curve.se(s), self.sd_mm)

    def point(self, s: float, depth_mm: float = 0.0) -> F64:
        """Return the card point at ``s`` and ``depth_mm`` along the true edge's inward normal, mm."""
        normal = self.frame.inward - float(self.curve.slope(s)) * self.frame.along
        normal /= np.linalg.norm(normal)
        foot = self.frame.origin + s * self.frame.along + float(self.curve(s)) * self.frame.inward
        return np.asarray(foot + depth_mm * normal)


def lit_from(maps: Maps, linear: F32, frame: SideFrame) -> F32:
    """Return the mean of the frames that are lit from outside this edge, (H, W, 3) linear; there it casts
    no shadow.

    With one photo, or no light on that side, the even-light picture is returned.
    """
    if maps.lights is None or len(maps.frames) != len(maps.lights):
        return linear
    level = np.asarray(maps.lights.directions, np.float64)[:, :2]
    toward = -(level @ frame.inward) / np.maximum(np.linalg.norm(level, axis=1), 1e-9)
    facing = np.flatnonzero(toward > 0.6)
    if not len(facing):
        return linear
    total = np.zeros(maps.frames.shape[1:], np.float32)
    for index in facing:
        total += maps.frames[index]
    return np.asarray(total / max(float(np.percentile(total[::8, ::8], 99.5)), 1e-6), np.float32)


def _is_ground(strip: F32, t: F64, s: F64, outer: FoundLine, inner: FoundLine, *, shadows: bool) -> bool:
    """Tell whether the band between two lines is only background: seen through a sleeve, or (where light may
    cast ``shadows`` here) darkened by the card.
    """

    def colour(middle: F64, half: float) -> F64:
        inside = np.abs(t[None] - middle[:, None]) < half
        return np.asarray(np.median(strip[inside], axis=0), np.float64)

    a, b = outer.level + outer.slope * s, inner.level + inner.slope * s
    gap = float(np.mean(b - a))
    band, ground = colour((a + b) / 2, 0.25 * gap), colour(a - 0.3, 0.12)
    scale = float(band @ ground) / max(float(ground @ ground), 1e-12)
    rest = float(np.linalg.norm(band - scale * ground)) / max(float(np.linalg.norm(ground)), 1e-9)
    if rest > 0.12:
        return False
    sleeve = _SLEEVE_DIMS <= scale < 1.15 and gap < _SLEEVE_MM
    return sleeve or (shadows and 0.0 <= scale < _SLEEVE_DIMS and gap < _SHADOW_MM)


def _edge_line(
    strip: F32,
    t: F64,
    s: F64,
    outer: Places,
    inner: Places,
    straight: Bools,
    *,
    shadows: bool,
) -> FoundLine:
    """Return the outermost line of sharp changes that is not the rim of a cast shadow or of a sleeve."""
    line = first_line(
        s,
        *outer,
        straight,
        bounds=(-_SEARCH_MM, _SEARCH_MM),
        max_slope=0.03,
        band=0.2,
        min_support=0.5,
        min_local=0.25,
    )
    rows, depth = inner
    while line.good and line.level + 0.15 < _SEARCH_MM:
        beyond = np.abs(depth - line.level - line.slope * s[rows]) > 0.12
        bounds = (line.level + 0.14, _SEARCH_MM)
        deeper = first_line(
            s,
            rows[beyond],
            depth[beyond],
            straight,
            bounds=bounds,
            max_slope=0.03,
            band=0.1,
            min_support=0.5,
            min_local=0.25,
        )
        if not deeper.good or not _is_ground(strip, t, s, line, deeper, shadows=shadows):
            break
        line = deeper
    return line


def _candidates(
    strip: F32, t: F64, native: float, share: float = _SHARE
) -> tuple[npt.NDArray[np.int64], F64, float]:
    """Return rows and depths of sharp changes, and how far the side's sharpest stand above the background's.

    A change counts from ``share`` of the sharpness of the row's sharpest near the nominal edge.
    """
    sigma = 0.5 / native / _DEPTH_STEP_MM
    gradient = gaussian_filter1d(strip, sigma, axis=1, order=1, mode="nearest")
    sharp = np.linalg.norm(gradient, axis=2)
    near = np.abs(t) <= _SEARCH_MM
    outside = t < -_SEARCH_MM
    noise = float(np.median(sharp[:, outside]))
    if share < _SHARE:  # small steps must also stand above the card's own noise
        noise = max(noise, float(np.median(sharp[:, t > 0.3])))
    # a narrow border's print edge may outshine the cut: only what lies near the nominal edge counts
    strongest = np.where(near[None] & (t < _NEAR_MM)[None], sharp, 0).max(axis=1)
    low = np.maximum(4 * noise, share * np.maximum(strongest, np.median(strongest)))
    peak = (
        (sharp[:, 1:-1] >= sharp[:, :-2]) & (sharp[:, 1:-1] > sharp[:, 2:]) & (sharp[:, 1:-1] > low[:, None])
    )
    rows, columns = np.nonzero(peak & near[None, 1:-1])
    return rows, t[columns + 1], float(np.median(strongest)) / max(noise, 1e-7)


def _refine(strip: F32, t: F64, guess: F64, blur: float) -> F64:
    """Return where each row crosses half of the step at ``guess``, (n,); NaN where there is none.

    A rim much brighter than the border is the card's lit wall with its flare, which spreads outwards: there
    it is three quarters.
    """
    shift = t[None] - guess[:, None]
    before = (shift > -1.5 * blur - 0.14) & (shift < -1.5 * blur)
    counted = before.sum(axis=1).astype(np.float32)[:, None]
    with np.errstate(invalid="ignore"):  # a row without ground finds nothing
        ground = np.where(before[..., None], strip, np.float32(0)).sum(axis=1) / counted
    distance = np.linalg.norm(strip - ground[:, None], axis=2)
    top = np.where((shift > 0) & (shift < 2 * blur), distance, 0.0).max(axis=1)
    inner = (shift > 0.4) & (shift < 0.6)
    border = np.median(np.where(inner, distance, 0.0).sum(axis=1) / np.maximum(inner.sum(axis=1), 1))
    level = np.where(top > _RIM * border, 0.75, 0.5) * top
    over = distance >= level[:, None]
    rise = over[:, 1:] & ~over[:, :-1] & (np.abs(shift[:, 1:]) < 2 * blur)
    out = np.full(len(guess), np.nan)
    for row in np.flatnonzero(rise.any(axis=1)):
        columns = np.flatnonzero(rise[row])
        a, b = distance[row, columns], distance[row, columns + 1]
        places = t[columns] + (level[row] - a) / np.maximum(b - a, 1e-12) * _DEPTH_STEP_MM
        out[row] = places[int(np.argmin(np.abs(places - guess[row])))]
    return out


def _fit(s: F64, found: F64, span: npt.NDArray[np.bool_]) -> Curve:
    line = fit_curve(s[span], found[span], tolerance=0.2)
    if line.inliers.sum() < 20:
        return line
    bow = fit_curve(s[span], found[span], order=2, tolerance=0.2)
    sagitta = abs(bow.coefficients[2]) * 1.5
    significant = sagitta > 4 * float(np.sqrt(bow.covariance[2, 2]))
    return bow if sagitta > _BOW_MM and significant else line


def _nearest(guess: F64, rows: npt.NDArray[np.int64], depth: F64, reach: float) -> F64:
    """Return the guess with each row moved to its nearest candidate within ``reach``."""
    out = guess.copy()
    best = np.full(len(guess), reach)
    for row, place in zip(rows, depth, strict=True):
        if abs(place - guess[row]) < best[row]:
            best[row] = abs(place - guess[row])
            out[row] = place
    return out


def find_cut(maps: Maps, linear: F32, edge: Edge) -> CutEdge:
    """Locate one physical edge.

    Args:
        maps: the side.
        linear: (H, W, 3) even-light picture, linear RGB.
        edge: which side.
    """
    frame = side_frame(edge, maps.size)
    native = native_px_per_mm(maps)
    outline_sd = max(maps.outline.corner_sd_px, 0.25) / native
    s = np.arange(-frame.half_mm, frame.half_mm + STEP_MM / 2, STEP_MM)
    margin = min(maps.margin_mm - 0.1, 2.5)
    t = np.arange(-margin, _SEARCH_MM + 0.8, _DEPTH_STEP_MM)
    strip = sample_strip(maps, lit_from(maps, linear, frame), frame, s, t, smooth_mm=0.15)
    straight = np.abs(s) < frame.half_span_mm
    rows, depth, contrast = _candidates(strip, t, native)
    shadows = maps.lights is None
    inner = (rows, depth)
    if shadows:
        # beside the black of its own shadow a dark card's cut is a small step, in the logarithm a clear one
        inner = _candidates(np.log(np.maximum(strip, 0) + _BLACK), t, native, 0.1)[:2]
    line = _edge_line(strip, t, s, (rows, depth), inner, straight, shadows=shadows)
    if line.good:
        guess = line.level + line.slope * s
        blur = float(np.clip(1.2 / native, 0.06, 0.35))
        for reach in (0.4, 0.25, 0.25):
            # follow the nearest sharp change before half-way levels are read beside it
            guess = _nearest(guess, rows, depth, reach) if reach > 0.3 else guess
            found = _refine(strip, t, guess, blur)
            found[np.abs(found - guess) > reach] = np.nan
            if np.isfinite(found[straight]).mean() < _MIN_SUPPORT:
                break
            curve = _fit(s, found, straight)
            guess = curve(s)
        else:
            if curve.inliers.mean() >= _MIN_SUPPORT and curve.scatter < 0.15:
                common = 0.05 / native + (
                    0.03 if maps.lights is None else 0.0
                )  # one light: its shadow may hide the foot
                return CutEdge(frame, curve, True, common, s, found, contrast)
    nominal = Curve(np.zeros(2), np.zeros((2, 2)), 0.0, frame.half_mm, straight, robust_sd(np.zeros(2)))
    return CutEdge(frame, nominal, False, outline_sd, s, np.full_like(s, np.nan), contrast)

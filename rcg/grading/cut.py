"""The physical edge: where the card ends, refitted on the maps to a fraction of a pixel.

The rectification is only as good as its four corners. Here each side is located anew: the first lasting departure from the
background's colour, seen from outside, at half the step in linear light; then a robust line, or a bow where the card has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from rcg.grading.lines import Curve, fit_curve, robust_sd
from rcg.grading.schema import Edge
from rcg.grading.strips import EDGES, F32, F64, SideFrame, native_px_per_mm, sample_strip, side_frame
from rcg.photometric.types import Maps

STEP_MM: Final = 0.25
_DEPTH_STEP_MM: Final = 0.02
_SEARCH_MM: Final = 1.2
_BOW_MM: Final = 0.04
"""a bow smaller than this is left to the line"""
_MIN_SUPPORT: Final = 0.45


@dataclass(frozen=True)
class CutEdge:
    """One physical edge.

    Attributes:
        frame: the nominal side it was searched along.
        curve: depth of the true edge under the nominal one, mm, as a function of s; for an assumed edge it is zero.
        measured: False when background and card could not be told apart; then the outline itself is used.
        sd_mm: standard error beyond the curve's own (outline, calibration).
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


def departure(
    distance: F64, t: F64, low: float, *, persist_mm: float = 0.12, plateau_mm: float = 0.35
) -> F64:
    """Return where each row of ``distance`` (n, m) first leaves zero for good, (n,) in the units of t; NaN for never.

    A row leaves where it passes ``low`` and stays above it for ``persist_mm``. The place returned is where it crosses
    half of the highest value of the following ``plateau_mm``, so a thin bright line counts as the beginning.
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


def _background(strip: F32, t: F64, guess: F64, near: tuple[float, float]) -> F32:
    """Return the local background colour outside each row's edge, (n, 3), median along t then along the side."""
    inside = (t[None] > guess[:, None] - near[1]) & (t[None] < guess[:, None] - near[0])
    masked = np.where(inside[..., None], strip, np.nan)
    with np.errstate(invalid="ignore"):
        colour = np.nanmedian(masked, axis=1)
    fallback = np.nanmedian(colour, axis=0)
    colour = np.where(np.isfinite(colour), colour, fallback)
    return np.asarray(median_filter(colour, size=(31, 1), mode="nearest"), np.float32)


def _fit(s: F64, found: F64, span: npt.NDArray[np.bool_]) -> Curve:
    line = fit_curve(s[span], found[span], tolerance=0.2)
    if line.inliers.sum() < 20:
        return line
    bow = fit_curve(s[span], found[span], order=2, tolerance=0.2)
    sagitta = abs(bow.coefficients[2]) * 1.5
    significant = sagitta > 4 * float(np.sqrt(bow.covariance[2, 2]))
    return bow if sagitta > _BOW_MM and significant else line


def _search_step(
    linear: F32, t: F64, guess: F64, near: tuple[float, float], reach: float
) -> tuple[F64, float]:
    """Find the departure from the background within ``reach`` of the guess; return it and the noise-scaled contrast."""
    ground = _background(linear, t, guess, near)
    distance = np.linalg.norm(linear - ground[:, None], axis=2).astype(np.float64)
    outside = (t[None] > guess[:, None] - near[1]) & (t[None] < guess[:, None] - near[0])
    noise = float(np.median(distance[outside])) if outside.any() else 0.0
    card = (t[None] > guess[:, None] + 0.1) & (t[None] < guess[:, None] + 0.8)
    level = float(np.median(np.max(np.where(card, distance, 0), axis=1)))
    low = max(4 * noise, 0.25 * level)
    distance = np.where(t[None] < guess[:, None] - reach, 0.0, distance)
    found = departure(distance, t, low)
    found[np.abs(found - guess) > reach] = np.nan
    return found, level / max(noise, 1e-4)


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
    t = np.arange(-margin, _SEARCH_MM + 1.0, _DEPTH_STEP_MM)
    strip = sample_strip(maps, linear, frame, s, t, smooth_mm=0.15)
    straight = np.abs(s) < frame.half_span_mm
    guess = np.zeros_like(s)
    found, contrast = _search_step(strip, t, guess, (0.8, margin), min(_SEARCH_MM, margin - 0.3))
    blur = max(0.2, 2.0 / native)
    curve: Curve | None = None
    for _ in range(2):
        if np.isfinite(found[straight]).mean() < _MIN_SUPPORT or contrast < 4:
            curve = None
            break
        curve = _fit(s, found, straight)
        guess = curve(s)
        found, contrast = _search_step(strip, t, guess, (blur, blur + 0.5), 0.5)
    if curve is not None and np.isfinite(found[straight]).mean() >= _MIN_SUPPORT:
        curve = _fit(s, found, straight)
        if curve.inliers.mean() >= _MIN_SUPPORT and curve.scatter < 0.15:
            return CutEdge(frame, curve, True, 0.03 / native, s, found, contrast)
    nominal = Curve(np.zeros(2), np.zeros((2, 2)), 0.0, frame.half_mm, straight, robust_sd(np.zeros(2)))
    return CutEdge(frame, nominal, False, outline_sd, s, np.full_like(s, np.nan), contrast)


def find_cuts(maps: Maps, linear: F32) -> dict[Edge, CutEdge]:
    """Locate all four physical edges."""
    return {edge: find_cut(maps, linear, edge) for edge in EDGES}

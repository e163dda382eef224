"""The print edge: the boundary between a card's border and what is printed inside it.

Per side, every quarter of a millimetre, the colour is followed from the cut inwards. All places where it
leaves the border's colour are candidates; the print edge is the first straight line that candidates support
along the whole side. Text and logos have gaps and no line; a full-art picture has no line either, and then
the side is refused with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, median_filter

from rcg.grading.cut import STEP_MM, CutEdge
from rcg.grading.lines import Curve, first_line, fit_curve, robust_sd
from rcg.grading.strips import F32, F64, native_px_per_mm, sample_strip, to_lab
from rcg.photometric.types import Maps

Bools = npt.NDArray[np.bool_]

SKIP_MM: Final = 0.3
"""width of the cut edge's whitening that is not border"""
MIN_BORDER_MM: Final = 0.35
MAX_BORDER_MM: Final = 12.0
_DEPTH_STEP_MM: Final = 0.02
_MAX_SLOPE: Final = 0.045
_MIN_CONTRAST: Final = 5.0
"""smallest step in Lab that counts as another colour"""
_MIN_STEP: Final = 10.0
"""smallest step in Lab across a print edge that is believed"""
_SURE: Final = 0.9
"""support a print edge needs where the cut itself was not found"""
_MAX_STRANGE: Final = 0.3
"""share of the border that may have another colour (text, wear)"""


@dataclass(frozen=True)
class PrintEdge:
    """One print edge, or the reason why there is none.

    Attributes:
        reason: None when measured.
        curve: border width as a function of s, mm (a line), or None.
        s, points: (n,) dense positions and widths found, NaN where none.
        wander: scatter of the points about the line as a share of the border's width.
        support: share of the side along which the line is seen, 0..1.
        contrast: step in Lab across it.
        feature: ``"line"`` when the border's colour returns behind it (a thin frame), else ``"art"``.
        runs_out: share of the line's ends (0, 0.5, 1) that reach the neighbouring cut edges.
        colour: (3,) Lab colour of the border.
        end_mm: how far from the neighbouring cut edges ``runs_out`` was looked at.
        systematic_mm: standard error common to the side beyond the curve's own.
    """

    reason: str | None
    curve: Curve | None
    s: F64
    points: F64
    wander: float
    support: float
    contrast: float
    feature: str
    runs_out: float
    colour: F64
    systematic_mm: float
    end_mm: float = 0.0


@dataclass(frozen=True)
class Strip:
    """One side's colours in the true edge's coordinates, and what is known of its border.

    Attributes:
        s, t: (n,), (m,) positions along and depths, mm.
        span: (n,) rows of the straight span.
        linear, lab: (n, m, 3) colours.
        border: (n, 3) the border's local Lab colour; ``colour``: its median.
        blur: half-width of an edge's blur, mm; ``native``: camera pixels per mm.
    """

    s: F64
    t: F64
    span: Bools
    linear: F32
    lab: F32
    border: F64
    colour: F64
    blur: float
    native: float

    def distance(self) -> F64:
        """Return the (n, m) distance from the border's colour in Lab."""
        return np.asarray(np.linalg.norm(self.lab - self.border[:, None], axis=2), np.float64)

    def refused(self, reason: str, support: float = 0.0, wander: float = float("nan")) -> PrintEdge:
        """Return the side as not measurable."""
        nothing = np.full_like(self.s, np.nan)
        return PrintEdge(reason, None, self.s, nothing, wander, support, 0.0, "none", 0.0, self.colour, 0.0)


def border_colour(lab: F32, t: F64, span: Bools) -> F64:
    """Return the border's local colour along a strip, (n, 3) Lab: the ring behind the cut's whitening,
    smoothed along.

    Rows outside ``span`` (corner arcs) take the colour of the span's end.
    """
    ring = np.median(lab[:, (t >= SKIP_MM) & (t <= SKIP_MM + 0.3)], axis=1)
    rows = np.flatnonzero(span)
    ring = median_filter(ring[rows], size=(41, 1), mode="nearest")
    ring = gaussian_filter1d(ring, 8, axis=0, mode="nearest")
    return np.asarray(ring[np.clip(np.arange(len(span)) - rows[0], 0, len(rows) - 1)], np.float64)


def _crossings(distance: F64, t: F64, low: F64) -> tuple[npt.NDArray[np.int64], F64]:
    """Return rows and depths of every upward crossing of ``low`` that stays up for at least 0.08 mm."""
    above = distance > low[:, None]
    stays = above.copy()
    for k in range(1, 5):
        stays[:, :-k] &= above[:, k:]
    rise = stays[:, 1:] & ~above[:, :-1]
    rows, columns = np.nonzero(rise)
    a, b = distance[rows, columns], distance[rows, columns + 1]
    depth = t[columns] + (low[rows] - a) / np.maximum(b - a, 1e-9) * (t[1] - t[0])
    return rows, depth


def _row_median(strip: F32, where: Bools) -> F32:
    """Return each row's median colour (n, 3) over its marked samples; NaN for a row without any."""
    values = np.where(where[..., None], strip, np.float32(np.nan))
    ordered = np.sort(values, axis=1)  # NaN comes last; numpy's nanmedian goes row by row in Python
    count = np.isfinite(values).sum(axis=1)[:, None]
    lower = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=1)
    upper = np.take_along_axis(ordered, np.minimum(count // 2, strip.shape[1] - 1), axis=1)
    return np.asarray((lower + upper)[:, 0] / 2, np.float32)


def _refine(linear: F32, t: F64, guess: F64, blur_mm: float) -> F64:
    """Return where each row crosses half of the step near its guess, in linear light; NaN for nowhere."""
    before = (t[None] > guess[:, None] - 0.55 - blur_mm) & (t[None] < guess[:, None] - 0.12 - blur_mm)
    before &= t[None] > min(SKIP_MM, 0.6 * float(np.median(guess)))
    behind = (t[None] > guess[:, None] + 1.2 * blur_mm) & (t[None] < guess[:, None] + 0.15 + 1.3 * blur_mm)
    colour = _row_median(linear, before)
    inside = _row_median(linear, behind)
    step = inside - colour
    height = np.linalg.norm(step, axis=1)
    unit = step / np.maximum(height, 1e-9)[:, None]
    profile = np.einsum("nmc,nc->nm", linear - colour[:, None], unit)
    near = np.abs(t[None] - guess[:, None]) < 0.35 + blur_mm
    over = profile >= 0.5 * height[:, None]
    rise = over[:, 1:] & ~over[:, :-1] & near[:, 1:]
    out = np.full(len(guess), np.nan)
    for row in np.flatnonzero(rise.any(axis=1)):
        columns = np.flatnonzero(rise[row])
        a, b = profile[row, columns], profile[row, columns + 1]
        places = t[columns] + (0.5 * height[row] - a) / np.maximum(b - a, 1e-12) * (t[1] - t[0])
        out[row] = places[int(np.argmin(np.abs(places - guess[row])))]
    return out


def _strip(maps: Maps, linear: F32, cut: CutEdge) -> Strip:
    """Sample one side inwards from its true edge."""
    frame, native = cut.frame, native_px_per_mm(maps)
    s = np.arange(-frame.half_mm, frame.half_mm + STEP_MM / 2, STEP_MM)
    t = np.arange(-0.2, MAX_BORDER_MM + 1.5, _DEPTH_STEP_MM)
    colours = sample_strip(
        maps, linear, frame, s, t, offset=cut.curve(s), slope=cut.curve.slope(s), smooth_mm=0.15
    )
    lab = to_lab(colours)
    span = np.abs(s) < frame.half_span_mm * 0.97
    border = border_colour(lab, t, span)
    blur = float(np.clip(1.2 / native, 0.06, 0.35))
    return Strip(s, t, span, colours, lab, border, np.median(border[span], axis=0), blur, native)


def find_print(maps: Maps, linear: F32, cut: CutEdge) -> PrintEdge:
    """Locate the print edge of one side, or say why it cannot be.

    Args:
        maps: the side.
        linear: (H, W, 3) even-light picture, linear RGB.
        cut: the physical edge the widths are measured from.
    """
    strip = _strip(maps, linear, cut)
    s, t, span = strip.s, strip.t, strip.span
    distance = strip.distance()
    ring = (t >= SKIP_MM) & (t <= SKIP_MM + 0.3)
    noise = float(np.median(distance[np.ix_(span, ring)]))
    distance[:, t < SKIP_MM] = 0.0
    rows, depth = _crossings(distance, t, np.full(len(s), max(_MIN_CONTRAST, 2.5 * noise)))
    if len(rows) < 20:
        return strip.refused(
            "no colour change inside the cut edge: the contrast of border and print is too low"
        )
    found = first_line(s, rows, depth, span, bounds=(MIN_BORDER_MM, MAX_BORDER_MM), max_slope=_MAX_SLOPE)
    if not found.good:
        return strip.refused(
            "no straight print edge along the side: no border, or a picture that runs to the cut "
            f"(best line is seen along {100 * found.support:.0f} %)",
            found.support,
        )
    if not cut.measured and found.support < _SURE:
        reason = "the cut cannot be told from the background, and the print edge is uncertain"
        return strip.refused(reason, found.support)
    guess = found.level + found.slope * s
    for _ in range(2):
        points = _refine(strip.linear, t, guess, strip.blur)
        points[np.abs(points - guess) > 0.3] = np.nan
        if np.isfinite(points[span]).sum() < 20:
            return strip.refused("the print edge cannot be located along the side", found.support)
        line = fit_curve(s[span], points[span], tolerance=0.15)
        guess = line(s)
    return _judge(strip, points, line)


def _steps(strip: Strip, line: Curve) -> F64:
    """Return each row's colour step across the line, Lab."""
    behind = np.abs(strip.t[None] - (line(strip.s) + 0.1 + strip.blur)[:, None]) < 0.08
    return np.asarray(np.linalg.norm(_row_median(strip.lab, behind) - strip.border, axis=1), np.float64)


def _objection(strip: Strip, line: Curve, contrast: float) -> str | None:
    """Return why a located line is no print edge, or None."""
    width, seen = float(line(0.0)), float(line.inliers.mean())
    outer = strip.t[None] > SKIP_MM
    between = outer & (strip.t[None] < (line(strip.s) - 0.15 - strip.blur)[:, None]) & strip.span[:, None]
    strange = strip.distance()[between] > 0.5 * contrast
    checks = (
        (
            min(width, float(line(strip.s[strip.span]).min()) + 0.1) < MIN_BORDER_MM,
            f"the border is narrower than {MIN_BORDER_MM} mm",
        ),
        (width > MAX_BORDER_MM, f"no print edge within {MAX_BORDER_MM:.0f} mm of the cut"),
        (
            contrast < _MIN_STEP,
            f"the contrast of border and print is too low: {contrast:.0f} in Lab, {_MIN_STEP:.0f} needed",
        ),
        (
            strange.size > 0 and float(strange.mean()) > _MAX_STRANGE,
            "what lies outside the only straight line is not of one colour: a picture, not a border",
        ),
        (seen < 0.5, f"the print edge is seen along {100 * seen:.0f} % of the side only"),
        (
            line.scatter > max(0.09, 0.6 / strip.native),
            f"the print edge wanders by {line.scatter:.2f} mm: not a border",
        ),
    )
    return next((reason for failed, reason in checks if failed), None)


def _end_zone(depth: float) -> tuple[float, float]:
    """Return the distances from a neighbouring cut between which a line at ``depth`` is tried for running
    out.

    The zone keeps 0.4 mm inside a corner arc of 3.5 mm, so that a worn corner is not taken for print.
    """
    lack = max(3.5 - depth, 0.0)
    near = max(0.4, 3.5 - float(np.sqrt(max(3.1**2 - lack**2, 0.0))))
    return near, near + 0.4


def _judge(strip: Strip, points: F64, line: Curve) -> PrintEdge:
    """Check a located line and describe it."""
    s, t = strip.s, strip.t
    deviation = (points - line(s))[strip.span]
    wander = robust_sd(deviation[np.isfinite(deviation)]) / max(float(line(0.0)), 0.1)
    seen = float(line.inliers.mean())
    step = _steps(strip, line)
    contrast = float(np.median(step[strip.span]))
    objection = _objection(strip, line, contrast)
    if objection is not None:
        return strip.refused(objection, seen, wander)
    deeper = (t[None] > (line(s) + 0.25)[:, None]) & (t[None] < (line(s) + 1.2)[:, None])
    after = np.linalg.norm(_row_median(strip.lab, deeper) - strip.border, axis=1)
    feature = "line" if (after[strip.span] < 0.35 * contrast).mean() > 0.6 else "art"
    near, far = _end_zone(float(line(0.0)))
    ends = [step[(s > a) & (s < b)] for a, b in ((s[0] + near, s[0] + far), (s[-1] - far, s[-1] - near))]
    return PrintEdge(
        reason=None,
        curve=line,
        s=s,
        points=np.where(np.abs(points - line(s)) < 0.15, points, np.nan),
        wander=wander,
        support=seen,
        contrast=contrast,
        feature=feature,
        runs_out=float(np.mean([np.median(e) > 0.5 * contrast for e in ends])),
        colour=strip.colour,
        systematic_mm=0.07 / strip.native,
        end_mm=far,
    )

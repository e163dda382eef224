"""Find balls in pictures: round outlines, to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.calibrate.ball_view import circle_of
from rcg.photometric.types import BoolArray, FloatArray

Array = npt.NDArray[np.float64]
SEARCH_PX = 640
"""longer side of the copy in which round things are looked for"""
MIN_RADIUS_PX = 12.0
MIN_SUPPORT = 0.55
"""share of the directions round a ball in which its edge must be seen"""
_HORIZON = 1.41
"""radius of a chrome ball over that of the circle where its mirror image of the table ends"""
_ANGLES = 360
_CANDIDATES = 12
_REACHES = (0.16, 0.05, 0.02)
"""how far round the last circle the edge is looked for, in radii, round by round"""
_GROWN = ((0.24, 0.1, 0.04, 0.02), (0.12, 0.05, 0.02), (0.06, 0.03, 0.02))
"""likewise for the outline round the mirror image of the table, which lies aside near a camera"""
_GROWTHS = 6
_SURE = 0.75


@dataclass(frozen=True)
class Rim:
    """A round outline.

    Attributes:
        centre_px: (x, y).
        radius_px: of the circle through it.
        points_px: (k, 2) points on it.
        support: share of the directions in which it was seen, 0..1.
        sd_px: standard error of the radius that its points do not show.
    """

    centre_px: tuple[float, float]
    radius_px: float
    points_px: Array
    support: float
    sd_px: float = 0.0


def composites(stack: FloatArray) -> list[FloatArray]:
    """Return pictures in which a ball's outline may show: mean and brightest of (n, H, W) linear frames.

    They are on a perceptual scale, 0..1, so that an outline in the dark counts as one in the light.
    """
    found = []
    for picture in (stack.mean(0), stack.max(0)):
        white = float(np.percentile(picture[::2, ::2], 99)) or 1.0
        found.append(np.asarray(np.clip(picture / white, 0, 1) ** np.float32(0.4), np.float32))
    return found


def find_rims(pictures: Sequence[FloatArray]) -> list[Rim]:
    """Return round outlines, the surest first; of those round one middle, the largest.

    A chrome ball shows a second circle, at 0.7 of its radius, where its mirror image of the table ends.
    """
    seen: list[Rim] = []
    for picture in pictures:
        smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
        for x, y, radius in _candidates(picture):
            if any(_within(x, y, radius, rim) for rim in seen):
                continue
            seen += _growing(smooth, (x, y), radius)
    seen.sort(key=lambda rim: (rim.support >= _SURE, rim.radius_px), reverse=True)
    kept: list[Rim] = []
    for rim in seen:
        apart = (float(np.hypot(*np.subtract(rim.centre_px, other.centre_px))) for other in kept)
        if all(d > 0.9 * max(rim.radius_px, o.radius_px) for d, o in zip(apart, kept, strict=True)):
            kept.append(rim)
    return kept


def _within(x: float, y: float, radius: float, rim: Rim) -> bool:
    """Whether a candidate lies in an outline that is sure already: balls do not overlap."""
    apart = float(np.hypot(x - rim.centre_px[0], y - rim.centre_px[1]))
    return rim.support >= _SURE and apart < 0.9 * rim.radius_px and radius < 1.15 * rim.radius_px


def _growing(smooth: npt.NDArray[np.generic], centre: tuple[float, float], radius: float) -> list[Rim]:
    """The outline near a circle, and those round it: the ball round the end of the table's mirror image."""
    found = []
    rim = refine(smooth, centre, radius)
    for _ in range(_GROWTHS):
        if rim is None:
            break
        if rim.support >= MIN_SUPPORT:
            found.append(rim)
        rim = _grown(smooth, rim)
    return found


def _grown(smooth: npt.NDArray[np.generic], rim: Rim) -> Rim | None:
    """The best outline about 1.4 times as large: looked for far round it, and nearer."""
    tried = [refine(smooth, rim.centre_px, rim.radius_px * _HORIZON, reaches) for reaches in _GROWN]
    return max((each for each in tried if each), key=lambda each: each.support, default=None)


def refine(
    picture: npt.NDArray[np.generic],
    centre: tuple[float, float],
    radius: float,
    reaches: Sequence[float] = _REACHES,
) -> Rim | None:
    """Measure an outline near a circle; None where there is none.

    Args:
        picture: (H, W) float32, smoothed by about a pixel.
        centre, radius: of the circle, pixels.
        reaches: how far round it to look, in radii, round by round.
    """
    points = np.zeros((0, 2))
    support = 0.0
    for share in reaches:
        at = _edges(picture, centre, radius, max(3.0, share * radius))
        if at is None:
            return None
        points, support = at
        (centre, radius), rms = circle_of(points)
        fitted = np.ones(len(points), np.bool_)
        for _ in range(4):
            off = np.abs(np.hypot(points[:, 0] - centre[0], points[:, 1] - centre[1]) - radius)
            keep = off <= max(0.8, 0.012 * radius, min(2.5 * float(np.median(off)), 0.05 * radius))
            if keep.sum() < 12:
                return None
            if np.array_equal(keep, fitted):
                break
            fitted = keep
            (centre, radius), rms = circle_of(points[keep])
        support = float(keep.sum()) / _ANGLES
        points = points[keep]
        if radius < MIN_RADIUS_PX or not np.isfinite(rms):
            return None
    return Rim(centre, radius, points, support)


def rim_of_mask(mask: BoolArray) -> Rim | None:
    """Return the outline of a mask's largest part; None where it is empty."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    outline = max(contours, key=len)[:, 0].astype(np.float64)
    if len(outline) < 12:
        return None
    (centre, radius), _ = circle_of(outline)
    # The contour runs through the centres of the outermost pixels: half a pixel inside the edge.
    away = outline - np.array(centre)
    outline = outline + 0.5 * away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    (centre, radius), _ = circle_of(outline)
    return Rim(centre, radius, outline, 1.0)


def rim_of_circle(x: float, y: float, radius: float) -> Rim:
    """Return the outline of a circle that was told."""
    angle = np.deg2rad(np.arange(_ANGLES))
    points = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
    return Rim((x, y), radius, points, 1.0)


def _candidates(picture: FloatArray) -> list[tuple[float, float, float]]:
    height, width = picture.shape
    scale = min(1.0, SEARCH_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small8 = cv2.medianBlur(np.asarray(np.round(255 * small), np.uint8), 5)
    least = max(5, int(MIN_RADIUS_PX * scale))
    found: list[tuple[float, float, float]] = []
    for edge in (120, 40):
        circles = cv2.HoughCircles(
            small8, cv2.HOUGH_GRADIENT, dp=2, minDist=2.0 * least, param1=edge, param2=24,
            minRadius=least, maxRadius=int(0.55 * min(size)),
        )  # fmt: skip
        for x, y, radius in (circles.reshape(-1, 3) if circles is not None else [])[:_CANDIDATES]:
            found.append(((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5, radius / scale))
    return found


def _edges(
    picture: npt.NDArray[np.generic], centre: tuple[float, float], radius: float, reach: float
) -> tuple[Array, float] | None:
    """The steepest place along each of 360 spokes within ``reach`` of the circle, of the sign most have."""
    step = 0.5
    distance = np.arange(max(2.0, radius - reach), radius + reach + step, step)
    angle = np.deg2rad(np.arange(_ANGLES))[:, None]
    x = centre[0] + distance[None, :] * np.cos(angle)
    y = centre[1] + distance[None, :] * np.sin(angle)
    height, width = picture.shape
    values = cv2.remap(
        np.asarray(picture, np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan,
    )  # fmt: skip
    slope = np.gradient(values, step, axis=1)[:, 1:-1]
    distance = distance[1:-1]
    inside = ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))[:, 1:-1]
    slope = np.where(inside & np.isfinite(slope), slope, 0)
    steep = np.abs(slope).max(axis=1)
    floor = max(0.002, 0.15 * float(np.percentile(steep, 75)))
    sign = _sign(slope, steep > floor)
    signed = slope * sign
    best = signed.argmax(axis=1)
    good = (signed[np.arange(_ANGLES), best] > floor) & (best > 0) & (best < signed.shape[1] - 1)
    if good.sum() < 12:
        return None
    rows, at = np.nonzero(good)[0], best[good]
    left, mid, right = signed[rows, at - 1], signed[rows, at], signed[rows, at + 1]
    bend = left - 2 * mid + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    where = distance[at] + step * np.clip(shift, -1, 1)
    spokes = angle[rows, 0]
    points = np.column_stack([centre[0] + where * np.cos(spokes), centre[1] + where * np.sin(spokes)])
    return points, float(good.mean())


def _sign(slope: Array, strong: npt.NDArray[np.bool_]) -> float:
    """Whether most spokes get brighter (1) or darker (-1) outwards at their steepest place."""
    steepest = slope[np.arange(len(slope)), np.abs(slope).argmax(axis=1)]
    return -1.0 if (steepest[strong] < 0).sum() > (steepest[strong] > 0).sum() else 1.0

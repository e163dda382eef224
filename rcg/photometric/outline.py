"""The card's outline to a fraction of a pixel: four straight lines on its physical edges, and where they
meet."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.outline_profiles import STEP_PX, Strip, normal_outward, only, sample_strip, slopes
from rcg.photometric.outline_shadow import inner_border, is_trench, rises_outwards, trenches, unshadowed
from rcg.photometric.types import Frame

Array = npt.NDArray[np.float64]

_ENDS_SHARE = 0.08
FIRST_REACH_SHARE = 0.014
_SECOND_REACH_PX = 5.0
_HUBER = 1.345
_FLOOR_PX = 0.05
_SAME_EDGE_PX = 3.0


@dataclass(frozen=True)
class Side:
    """One fitted side.

    Attributes:
        begin, end: (2,) points on the fitted straight line, near the side's corners.
        se_begin, se_end: standard error of the line across itself, there, px.
        bow_px: height of the best parabola over its chord, outward positive.
        scatter_px: robust scatter of the stations about the line or the parabola.
        inliers: share of stations that agree.
        clipped: share of the edge that is at full scale on some side of it in most frames.
    """

    begin: Array
    end: Array
    se_begin: float
    se_end: float
    bow_px: float
    scatter_px: float
    inliers: float
    clipped: float


def refine(
    frames: Sequence[Frame],
    homographies: Array,
    corners: Array,
    *,
    threads: int = 1,
    reach_share: float = FIRST_REACH_SHARE,
) -> tuple[Array, list[Side]]:
    """Return the refined corners (4, 2) and the four sides (top, right, bottom, left).

    Args:
        frames: n frames.
        homographies: (n, 3, 3) frame -> reference.
        corners: (4, 2) in the reference, clockwise from the top left, right to about 1 % of the card's
            height.
        threads: sides fitted at once; the result does not depend on it.
        reach_share: how far from ``corners`` an edge is looked for, over the card's height.
    """
    long_px = max(float(np.linalg.norm(corners[k] - corners[k - 1])) for k in range(4))
    first = max(6.0, reach_share * long_px)
    reach = max(_SECOND_REACH_PX, reach_share * long_px)

    def fitted(ends: tuple[Array, Array], reach: float) -> Side:
        return _fitted(sample_strip(frames, homographies, *ends, reach, _ENDS_SHARE), long_px)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        sides = list(pool.map(lambda ends: fitted(ends, first), _pairs(corners)))
        corners = _meet(sides, corners)
        sides = list(pool.map(lambda ends: fitted(ends, reach), _pairs(corners)))
    return _meet(sides, corners), sides


def corner_sd(sides: Sequence[Side]) -> float:
    """Return the standard error of the corners, px: both lines that meet there, root mean square over the
    four.

    ``_FLOOR_PX`` stands for what the scatter of the stations does not show: shadow, lens, interpolation.
    """
    joined = [sides[k - 1].se_end ** 2 + sides[k].se_begin ** 2 + 2 * _FLOOR_PX**2 for k in range(4)]
    return float(np.sqrt(np.mean(joined)))


def _pairs(corners: Array) -> list[tuple[Array, Array]]:
    return [(corners[k], corners[(k + 1) % 4]) for k in range(4)]


def _meet(sides: Sequence[Side], fallback: Array) -> Array:
    """Corner k is where side k - 1 meets side k."""
    corners = fallback.copy()
    for k in range(4):
        one, other = sides[k - 1], sides[k]
        u, v = one.end - one.begin, other.end - other.begin
        det = u[0] * v[1] - u[1] * v[0]
        if abs(det) > 1e-9:
            gap = other.begin - one.begin
            corners[k] = one.begin + u * (gap[0] * v[1] - gap[1] * v[0]) / det
    return corners


def _fitted(strip: Strip, long_px: float) -> Side:
    """Find the edge in a strip and fit a straight line (and a parabola, for the bow)."""
    strength = slopes(strip, 1.0)
    middle = _curve(strip, strength)
    if rises_outwards(strip, middle):
        strip, strength = _out_of_shadow(strip, strength, middle, long_px)
        middle = _curve(strip, strength)
    offset, weight = _stations(strip, strength.mean(axis=0), middle)
    weight = weight * ~strip.outside_frame
    length = float(np.linalg.norm(strip.end - strip.begin))
    t = 2 * strip.along / length - 1
    curve, _, scatter, good = _robust_fit(t, offset, weight, 2)
    _, covariance, _, _ = _robust_fit(t, offset, weight * good, 1)
    # The straight line is that of the parabola over the whole side: on a bowed edge a robust straight fit
    # would follow whichever part has more agreeing stations.
    line = np.array([curve[1], curve[2] + curve[0] * float(np.mean(t**2))])
    ends = np.array([np.polyval(line, -1.0), np.polyval(line, 1.0)])
    errors = [float(np.sqrt(max(np.array([x, 1]) @ covariance @ np.array([x, 1]), 0))) for x in (-1.0, 1.0)]
    normal = normal_outward(strip.begin, strip.end)
    at_edge = np.abs(strip.offsets[None] - np.polyval(curve, t)[:, None]) < 3
    clipped = float((strip.clipped.mean(axis=0)[at_edge] > 0.5).mean())
    return Side(
        strip.begin + ends[0] * normal,
        strip.end + ends[1] * normal,
        errors[0],
        errors[1],
        -float(curve[0]),
        scatter,
        float(good.mean()),
        clipped,
    )


def _out_of_shadow(strip: Strip, strength: Array, middle: Array, long_px: float) -> tuple[Strip, Array]:
    """Keep the frames, and the steps near ``middle`` and inwards of it, that are not a shadow's outer
    border."""
    depth, place = trenches(strip, middle, long_px)
    lit = unshadowed(strip, middle, depth)
    deep = is_trench(float(depth.max()))
    strip, strength = only(strip, lit), strength[lit]
    border = inner_border(strip, middle, float(np.median(place[lit])), long_px)
    if deep and (border & (strength > 0)).any(axis=(0, 2)).mean() > 0.5:
        return strip, strength * border
    return strip, strength * (np.abs(strip.offsets[None] - middle[:, None]) <= _SAME_EDGE_PX)


def _curve(strip: Strip, strength: Array) -> Array:
    """Return (m,) offsets of the parabola along which most stations of most frames show a step.

    Each frame speaks with the same voice: a shadow's edge is in one light's frame, the card's edge in all.
    """
    peak = strength.max(axis=2, keepdims=True)
    voice = np.clip(strength / (0.5 * peak + 0.01), 0, 1).mean(axis=0)
    wide = round(0.75 / STEP_PX)
    padded = np.pad(voice, ((0, 0), (wide, wide)), mode="edge")
    wide_voice = np.max([padded[:, k : k + voice.shape[1]] for k in range(2 * wide + 1)], axis=0)
    # The wide voice lets an uneven edge count; the sharp one keeps the curve in its middle.
    voice = 0.6 * wide_voice + 0.4 * voice
    voice = voice * ~strip.outside_frame[:, None]
    length = float(np.linalg.norm(strip.end - strip.begin))
    t = 2 * strip.along / length - 1
    reach = float(strip.offsets[-1])
    ends = np.linspace(-reach, reach, 25)
    bows = np.linspace(-0.4, 0.4, 9) * reach
    a, b, c = (g.ravel() for g in np.meshgrid(ends, ends, bows, indexing="ij"))
    curves = 0.5 * (1 - t) * a[:, None] + 0.5 * (1 + t) * b[:, None] + (1 - t * t) * c[:, None]
    score = _along(voice, strip, curves) - 0.01 * np.abs(c) / reach
    best = int(np.argmax(score))
    fine = np.linspace(-1, 1, 9) * reach / 12
    a2, b2, c2 = (
        g.ravel() for g in np.meshgrid(a[best] + fine, b[best] + fine, c[best] + fine, indexing="ij")
    )
    curves = 0.5 * (1 - t) * a2[:, None] + 0.5 * (1 + t) * b2[:, None] + (1 - t * t) * c2[:, None]
    return np.asarray(curves[int(np.argmax(_along(voice, strip, curves)))])


def _along(voice: Array, strip: Strip, curves: Array) -> Array:
    """Mean of ``voice`` (m, o) along curves (k, m) of offsets."""
    index = np.rint((curves - strip.offsets[0]) / STEP_PX).astype(np.intp)
    inside = (index >= 0) & (index < voice.shape[1])
    picked = voice[np.arange(voice.shape[0]), np.clip(index, 0, voice.shape[1] - 1)]
    return np.asarray((picked * inside).mean(axis=1))


def _stations(strip: Strip, strength: Array, middle: Array, reach_px: float = 2.0) -> tuple[Array, Array]:
    """Return (m,) sub-pixel offset of the strongest step near ``middle`` and its weight; weight 0 where
    there is none."""
    near = np.abs(strip.offsets[None] - middle[:, None]) <= reach_px
    masked = np.where(near, strength, -1.0)
    peak = np.clip(np.argmax(masked, axis=1), 1, strength.shape[1] - 2)
    rows = np.arange(len(peak))
    left, top, right = strength[rows, peak - 1], strength[rows, peak], strength[rows, peak + 1]
    bend = left - 2 * top + right
    is_peak = (top >= left) & (top >= right) & (bend < 0)
    shift = np.where(is_peak, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    weight = np.where(is_peak, top / (np.median(strength, axis=1) + top + 1e-9), 0.0)
    return strip.offsets[peak] + shift * STEP_PX, np.asarray(weight)


def _robust_fit(
    t: Array, y: Array, weight: Array, degree: int
) -> tuple[Array, Array, float, npt.NDArray[np.bool_]]:
    """Huber-weighted polynomial by iterated least squares.

    Returns:
        coefficients (highest first), their covariance, robust scatter of the points, inliers (m,).
    """
    design = np.vander(t, degree + 1)
    used = weight > 0
    if used.sum() < 4 * (degree + 1):
        flat = np.zeros(degree + 1)
        flat[-1] = float(np.median(y[used])) if used.any() else 0.0
        return flat, np.eye(degree + 1), float(np.ptp(y)) + 1.0, used
    w = weight.copy()
    scatter = 1.0
    for _ in range(20):
        root = np.sqrt(w)[:, None]
        coefficients = np.linalg.lstsq(design * root, y * root[:, 0], rcond=None)[0]
        left = y - design @ coefficients
        scatter = max(1.4826 * float(np.median(np.abs(left[used]))), 0.01)
        size = np.abs(left) / scatter
        w = weight * np.where(size < _HUBER, 1.0, _HUBER / np.maximum(size, 1e-9)) * (size < 5)
    good = used & (np.abs(left) < 3.5 * scatter)
    # Neighbouring stations share texture and blur: half of them count as independent.
    normal_matrix = (design * (w / max(w.max(), 1e-9))[:, None]).T @ design
    covariance = 2.0 * scatter**2 * np.linalg.pinv(normal_matrix)
    return np.asarray(coefficients, np.float64), np.asarray(covariance, np.float64), scatter, good

"""Keep a card's shadow from being taken for its edge.

A card is 0.3 mm thick, so light from the left leaves a dark trench of about that width along its right edge,
with an outer border of its own. Light from the same side as the edge leaves none. Where several lights are
at hand those without a trench are used; where all have one, the card's edge is the trench's inner border.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from rcg.photometric.outline_profiles import STEP_PX, Strip

Array = npt.NDArray[np.float64]

_CARD_MM = 88.0
_NEAR_MM = 0.9
"""How far from the first guess a trench may reach: 0.3 mm thick under a light 20 degrees high."""
_LEVEL_MM = (0.9, 1.3)
_LIT = 0.93
"""Brightness of a trench's bottom over the darker of its two sides, from which on there is none."""
_ALIKE = 0.06
_LEAST_DROP = 0.01
_LEAST_FALL = 0.06
_STEP_REACH_PX = 2.5
_SAME_PX = 0.15


def trenches(strip: Strip, curve: Array, long_px: float) -> tuple[Array, Array]:
    """Return (n,) depth and place of the darkest point near the edge in each frame, averaged along the side.

    Args:
        strip: one side.
        curve: (m,) first guess of the edge in each station, px outwards.
        long_px: length of the card's long side, which gives the scale.

    Returns:
        brightness of the darkest point over the darker of both sides (1: no trench), and its offset from
        ``curve``, px.
    """
    px_per_mm = long_px / _CARD_MM
    profile, offsets = aligned(strip, curve, (_LEVEL_MM[1] * px_per_mm))
    far = offsets >= min(_LEVEL_MM[0] * px_per_mm, 0.7 * offsets[-1])
    inside, outside = np.median(profile[:, far[::-1]], axis=1), np.median(profile[:, far], axis=1)
    near = np.abs(offsets) <= min(_NEAR_MM * px_per_mm, 0.7 * offsets[-1])
    values = np.where(near, profile, np.inf)
    place, bottom = offsets[np.argmin(values, axis=1)], values.min(axis=1)
    darker, brighter = np.minimum(inside, outside), np.maximum(inside, outside)
    depth = bottom / (darker + 1e-4)
    # In a dark border beside a bright ground a little or a slow unevenness is no trench.
    slope = np.gradient(profile, axis=1)
    inwards = near & (offsets[None] <= place[:, None])
    fall, rise = np.where(inwards, -slope, 0).max(axis=1), np.where(near, slope, 0).max(axis=1)
    flat = (darker - bottom < _LEAST_DROP * brighter) | (fall < _LEAST_FALL * rise)
    return np.where(flat, np.maximum(depth, 1.0), depth), place


def aligned(strip: Strip, curve: Array, reach_px: float) -> tuple[Array, Array]:
    """Return brightness (n, p) along the normal from ``curve``, median over the stations, and the offsets
    (p,) in px."""
    half = int(min(reach_px, strip.offsets[-1]) / STEP_PX)
    step = np.arange(-half, half + 1)
    index = np.rint((curve - strip.offsets[0]) / STEP_PX).astype(np.intp)[:, None] + step
    inside = (index >= 0).all(axis=1) & (index < len(strip.offsets)).all(axis=1) & ~strip.outside_frame
    rows = np.flatnonzero(inside) if inside.sum() > 8 else np.arange(len(curve))
    index = np.clip(index[rows], 0, len(strip.offsets) - 1)
    brightness = strip.light.mean(axis=3)[:, rows[:, None], index]
    smooth = gaussian_filter1d(np.median(brightness, axis=1), 1.0, axis=1)
    return np.asarray(smooth, np.float64), np.asarray(step * STEP_PX, np.float64)


def rises_outwards(strip: Strip, curve: Array) -> bool:
    """Tell whether the ground is brighter than the card's border: only then can a shadow's outer border be
    taken for the edge. On a dark ground the step at the edge falls into the shadow whatever the light.
    """
    profile, offsets = aligned(strip, curve, 6.0)
    inside = profile[:, (offsets <= -1.5) & (offsets >= -4.0)].mean(axis=1)
    outside = profile[:, (offsets >= 1.5) & (offsets <= 4.0)].mean(axis=1)
    return bool((outside > inside).mean() > 0.5)


def unshadowed(strip: Strip, curve: Array, depth: Array) -> npt.NDArray[np.bool_]:
    """Return (n,) the frames to measure the edge in: those without a trench, or the least shadowed.

    Light from along the edge leaves a shadow too narrow to show as a trench; it still moves the step
    outwards, so of the frames left those with the innermost step are taken.
    """
    lit = depth >= min(float(depth.max()) - _ALIKE, 1.0)
    if lit.sum() < 3:
        return np.asarray(lit)
    profile, offsets = aligned(strip, curve, _STEP_REACH_PX + 2)
    step = np.abs(np.gradient(profile, axis=1))
    step[:, np.abs(offsets) > _STEP_REACH_PX] = 0
    peak = np.clip(np.argmax(step, axis=1), 1, step.shape[1] - 2)
    rows = np.arange(len(step))
    left, top, right = step[rows, peak - 1], step[rows, peak], step[rows, peak + 1]
    bend = np.minimum(left - 2 * top + right, -1e-12)
    place = offsets[peak] + 0.5 * (left - right) / bend * STEP_PX
    innermost = np.sort(place[lit])[1]  # the second: one frame may err
    return np.asarray(lit & (place <= innermost + _SAME_PX))


def inner_border(strip: Strip, curve: Array, place: float, long_px: float) -> npt.NDArray[np.bool_]:
    """Return (n, m, o) where a trench's inner border may be: inwards of its bottom, and darker outwards."""
    reach = _NEAR_MM * long_px / _CARD_MM
    fall = gaussian_filter1d(strip.light.mean(axis=3).astype(np.float64), 1.0 / STEP_PX, axis=2, order=1) < 0
    from_curve = strip.offsets[None] - curve[:, None]
    return np.asarray(fall & ((from_curve <= place) & (from_curve >= place - reach))[None])


def is_trench(depth: float) -> bool:
    """Tell whether the least shadowed frame still has a trench."""
    return depth < _LIT

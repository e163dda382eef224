"""How well the pixels along a quad's sides support it as the outline of something.

A strip along each side is cut into blocks and averaged along the side: texture averages out, an edge that
follows the side stays. A block supports the side where its step stands out of the strip's own texture, in
any cue. Sides may be off by a
few pixels and gently bowed: the best parabola through the blocks counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.find_lines import Gray

Array = npt.NDArray[np.float64]

BLOCKS = 24
_TAPS = 6
_REACH = 14
_SLACK = 4
_FLOOR = 2.5
"""Grey levels of a stretched cue below which a step is not told from noise and compression."""
_ENDS = 0.06


@dataclass(frozen=True)
class Support:
    """Support of many quads: ``sides`` (k, 4) in 0..1, and ``shift`` (k, 4, 2), px to move each side
    outwards at its beginning and end so that it lies on the edge found."""

    sides: Array
    shift: Array


def _curves() -> npt.NDArray[np.intp]:
    """(c, BLOCKS) offsets of candidate curves: parabolas through three control offsets."""
    t = np.linspace(-1, 1, BLOCKS)
    control = list(product(range(-_SLACK, _SLACK + 1), repeat=3))
    curves = [
        0.5 * t * (t - 1) * a + (1 - t * t) * b + 0.5 * t * (t + 1) * c
        for a, b, c in control
        if abs(a + c - 2 * b) <= 6
    ]
    return np.unique(np.round(np.array(curves)).astype(np.intp), axis=0)


_CURVES = _curves()


def strips(corners: Array, offsets: Array, along: Array) -> tuple[Array, Array]:
    """Return x, y (k, 4, m, o) of points beside the sides of quads (k, 4, 2).

    Args:
        corners: in order round each quad; side k runs from corner k to corner k + 1.
        offsets: (o,) px along the outward normal.
        along: (m,) shares of the side.
    """
    begin, end = corners, np.roll(corners, -1, axis=1)
    edge = end - begin
    normal = np.stack([edge[..., 1], -edge[..., 0]], axis=-1)
    normal /= np.maximum(np.linalg.norm(edge, axis=-1, keepdims=True), 1e-9)
    outward = np.sign((normal * (begin - corners.mean(axis=1, keepdims=True))).sum(axis=-1, keepdims=True))
    normal = normal * np.where(outward == 0, 1, outward)
    base = begin[:, :, None] + edge[:, :, None] * along[None, None, :, None]
    points = base[:, :, :, None] + normal[:, :, None, None] * offsets[None, None, None, :, None]
    return points[..., 0], points[..., 1]


def block_strength(
    corners: Array, grays: Sequence[Gray], offsets: Array, sides: int = 4
) -> npt.NDArray[np.float32]:
    """Return (``sides`` k, BLOCKS, o - 2): how clearly each block of each side shows a step at each inner
    offset; 1 is clear.

    Args:
        corners: (k, 4, 2) quads.
        grays: the cues.
        offsets: (o,) px outwards, one apart.
        sides: how many sides of each quad, from its first.
    """
    count = len(corners)
    along = np.linspace(_ENDS, 1 - _ENDS, BLOCKS * _TAPS)
    x, y = (at[:, :sides] for at in strips(corners, offsets, along))
    map_x = x.reshape(count * sides * BLOCKS * _TAPS, -1).astype(np.float32)
    map_y = y.reshape(map_x.shape).astype(np.float32)
    strength = np.zeros((count * sides, BLOCKS, len(offsets) - 2), np.float32)
    for gray in grays:
        strip = _remap(gray, map_x, map_y).reshape(count * sides, BLOCKS, _TAPS, -1).mean(axis=2)
        step = np.abs(strip[..., 2:] - strip[..., :-2])
        texture = np.median(step, axis=2, keepdims=True)
        strength = np.maximum(strength, step / (_FLOOR + 2.5 * texture))
    strength = np.maximum(strength - 0.7, 0)
    height, width = grays[0].shape
    inside = (x >= 1) & (x <= width - 2) & (y >= 1) & (y <= height - 2)
    strength *= inside.reshape(count * sides, BLOCKS, _TAPS, -1).all(axis=2)[..., 1:-1]
    return np.asarray(strength, np.float32)


def clear(strength: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return 0..1: a block has seen a step within a pixel, however strong."""
    held = np.minimum(strength, 1)
    wide = held.copy()
    wide[..., 1:] = np.maximum(wide[..., 1:], held[..., :-1])
    wide[..., :-1] = np.maximum(wide[..., :-1], held[..., 1:])
    return wide


def support(corners: Array, grays: Sequence[Gray]) -> Support:
    """Return the support of quads (k, 4, 2) in the cues."""
    count = len(corners)
    strength = block_strength(corners, grays, np.arange(-_REACH, _REACH + 1, dtype=np.float64))
    widened, exact = clear(strength), np.log1p(strength)
    centre = (strength.shape[2] - 1) // 2
    blocks = np.arange(BLOCKS)
    sides, shift = np.zeros(count * 4), np.zeros((count * 4, 2))
    reach = np.clip(0.02 * _side_lengths(corners).ravel(), 2, _SLACK)
    spread = np.abs(_CURVES).max(axis=1)
    for side in range(count * 4):
        curves = _CURVES[spread <= reach[side]]
        seen = widened[side][blocks, centre + curves].mean(axis=1)
        # Among curves that are seen alike, the one on the strongest steps is the edge itself.
        near = np.flatnonzero(seen > seen.max() - 0.04)
        best = near[int(np.argmax(exact[side][blocks, centre + curves[near]].mean(axis=1)))]
        picked = widened[side][blocks, centre + curves[best]]
        # A side that is missing along one third, often to a corner, is worse than one with gaps here and
        # there.
        sides[side] = 0.75 * picked.mean() + 0.25 * picked.reshape(3, -1).mean(axis=1).min()
        shift[side] = np.polyval(np.polyfit(blocks, curves[best], 1), (0, BLOCKS - 1))
    return Support(sides.reshape(count, 4), shift.reshape(count, 4, 2))


def _side_lengths(corners: Array) -> Array:
    return np.asarray(np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=-1))


def _remap(
    gray: Gray, map_x: npt.NDArray[np.float32], map_y: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Bilinear samples; in slices, because OpenCV's maps may have at most 32767 rows."""
    parts = [
        cv2.remap(
            gray,
            map_x[i : i + 30000],
            map_y[i : i + 30000],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for i in range(0, len(map_x), 30000)
    ]
    return np.concatenate(parts).astype(np.float32)


def shifted(corners: Array, shift: Array) -> Array:
    """Return corners (4, 2) after each side moved outwards by ``shift`` (4, 2) px at its two ends."""
    begin, end = corners, np.roll(corners, -1, axis=0)
    edge = end - begin
    normal = (
        np.stack([edge[:, 1], -edge[:, 0]], axis=1) / np.maximum(np.linalg.norm(edge, axis=1), 1e-9)[:, None]
    )
    outward = (normal * (begin - corners.mean(axis=0))).sum(axis=1, keepdims=True)
    normal = normal * np.where(outward < 0, -1, 1)
    a, b = begin + normal * shift[:, :1], end + normal * shift[:, 1:]
    moved = np.empty_like(corners)
    for k in range(4):
        moved[k] = cross_point(a[k - 1], b[k - 1], a[k], b[k])
    return moved


def cross_point(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Return where line a-b meets line c-d (all (2,)); the nearest guess ``c`` when they are parallel."""
    u, v = b - a, d - c
    det = u[0] * v[1] - u[1] * v[0]
    if abs(det) < 1e-9:
        return c
    t = ((c[0] - a[0]) * v[1] - (c[1] - a[1]) * v[0]) / det
    return np.asarray(a + t * u)

"""How well the pixels along a quad's sides support it as the outline of something.

A strip along each side is cut into blocks and averaged along the side: texture averages out, an edge that
follows the side stays. A block supports the side where its step stands out of the strip's own texture, in
any cue. Sides may be off by a few pixels and gently bowed: the best parabola through the blocks counts.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from rcg.photometric.find_kernel import best_curves, block_rows

Cues = npt.NDArray[np.uint8]
"""(H, W, c): c grey pictures of one scene, side by side in memory"""
Array = npt.NDArray[np.float64]

BLOCKS = 24
_TAPS = 6
_REACH = 14
_SLACK = 4
_ENDS = 0.06
_SIDES = 40
"""handled by a thread at a time"""


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
_SPREAD = np.abs(_CURVES).max(axis=1)
_CURVE_ENDS = np.stack(
    [np.polyval(np.polyfit(np.arange(BLOCKS), _CURVES.T, 1), at) for at in (0, BLOCKS - 1)], axis=1
)
"""(c, 2) offsets at the ends of the straight line through each curve"""


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
    corners: Array, cues: Cues, offsets: Array, sides: int = 4, *, threads: int = 1
) -> npt.NDArray[np.float32]:
    """Return (``sides`` k, BLOCKS, o - 2): how clearly each block of each side shows a step at each inner
    offset; 1 is clear.

    Args:
        corners: (k, 4, 2) quads.
        cues: (H, W, c).
        offsets: (o,) px outwards, one apart.
        sides: how many sides of each quad, from its first.
        threads: to compute with; the result does not depend on it.
    """
    count = len(corners) * sides
    along = np.linspace(_ENDS, 1 - _ENDS, BLOCKS * _TAPS)
    strength = np.empty((count, BLOCKS, len(offsets) - 2), np.float32)
    corners = np.ascontiguousarray(corners)

    def some(first: int) -> None:
        block_rows(first, min(first + _SIDES, count), corners, sides, offsets, along, cues, strength)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(some, range(0, count, _SIDES)))
    return strength


def clear(strength: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return 0..1: a block has seen a step within a pixel, however strong."""
    held = np.minimum(strength, 1)
    wide = held.copy()
    wide[..., 1:] = np.maximum(wide[..., 1:], held[..., :-1])
    wide[..., :-1] = np.maximum(wide[..., :-1], held[..., 1:])
    return wide


def support(corners: Array, cues: Cues, *, threads: int = 1) -> Support:
    """Return the support of quads (k, 4, 2) in the cues (H, W, c)."""
    count = 4 * len(corners)
    offsets = np.arange(-_REACH, _REACH + 1, dtype=np.float64)
    strength = block_strength(corners, cues, offsets, threads=threads)
    widened, exact = clear(strength), np.log1p(strength)
    best, sides = np.zeros(count, np.intp), np.zeros(count)
    reach = np.clip(0.02 * _side_lengths(corners).ravel(), 2, _SLACK)

    def some(first: int) -> None:
        last = min(first + _SIDES, count)
        best_curves(first, last, _CURVES, _SPREAD, reach, widened, exact, best, sides)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(some, range(0, count, _SIDES)))
    return Support(sides.reshape(-1, 4), _CURVE_ENDS[best].reshape(-1, 4, 2))


def _side_lengths(corners: Array) -> Array:
    return np.asarray(np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=-1))


def shifted(corners: Array, shift: Array) -> Array:
    """Return corners (k, 4, 2) after each side moved outwards by ``shift`` (k, 4, 2) px at its two ends."""
    begin, end = corners, np.roll(corners, -1, axis=1)
    edge = end - begin
    length = np.maximum(np.linalg.norm(edge, axis=2), 1e-9)[..., None]
    normal = np.stack([edge[..., 1], -edge[..., 0]], axis=2) / length
    outward = (normal * (begin - corners.mean(axis=1, keepdims=True))).sum(axis=2, keepdims=True)
    normal = normal * np.where(outward < 0, -1, 1)
    a, b = begin + normal * shift[..., :1], end + normal * shift[..., 1:]
    return _crossings(np.roll(a, 1, axis=1), np.roll(b, 1, axis=1), a, b)


def _crossings(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Return where lines a-b meet lines c-d, (..., 2) all; the nearest guess ``c`` where they are
    parallel."""
    u, v, gap = b - a, d - c, c - a
    det = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    parallel = np.abs(det) < 1e-9
    t = (gap[..., 0] * v[..., 1] - gap[..., 1] * v[..., 0]) / np.where(parallel, 1.0, det)
    return np.asarray(np.where(parallel[..., None], c, a + t[..., None] * u))

"""Quadrilaterals made of straight edges, and how much each looks like a card.

A quad is four lines. It is scored by how much of each side was seen, by whether its edges end at its
corners, and by whether a camera could see a right-angled card of the given aspect that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.find_kernel import distinct_of
from rcg.photometric.find_lines import Line
from rcg.photometric.outline_geometry import plausibility

Array = npt.NDArray[np.float64]

_STEP_PX = 2.0
_MAX_PAIRS = 900
_MAX_SCORED = 4000
_CORNER_SHARE = 0.06
"""Share of a side left out at each end, where a card's corner is round."""
_OVERSHOOT_SHARE = 0.12
_MIN_AREA_SHARE = 0.012


@dataclass(frozen=True)
class Quad:
    """Four corners (4, 2) in order round the quad, with its score in 0..1 and the covered share of each side
    (4,)."""

    corners: Array
    score: float
    sides: Array
    geometry: float
    overshoot: float

    @property
    def area(self) -> float:
        """Area in px²."""
        return float(abs(_areas(self.corners[None])[0]))


def quads(lines: Sequence[Line], shape: tuple[int, int], aspect: float, keep: int = 60) -> list[Quad]:
    """Return the best quads of ``lines``, best first, near-duplicates removed.

    Args:
        lines: straight edges of the picture.
        shape: (H, W) of the picture; corners may lie at most 1 % outside it.
        aspect: height / width of the card.
        keep: most quads returned.
    """
    first, second = _opposite_pairs(lines, shape)
    if len(first) < 2:
        return []
    p, q = np.triu_indices(len(first), 1)
    sides = np.stack([first[p], first[q], second[p], second[q]], axis=1)
    normals = np.array([line.normal for line in lines])
    across = np.abs((normals[sides[:, 0]] * normals[sides[:, 1]]).sum(axis=1))
    sides = sides[across < 0.75]
    corners, sides = _corners(lines, sides, shape)
    if len(corners) == 0:
        return []
    table = _Coverage(lines, shape)
    covered = table.sides(corners, sides, _CORNER_SHARE, 1 - _CORNER_SHARE)
    rough = 0.3 * covered.min(axis=1) + 0.7 * covered.mean(axis=1)
    # Weak sides are seen in pieces; large quads come first because a card's own print makes many small ones.
    rough *= np.abs(_areas(corners)) ** 0.25
    rough /= rough.max()
    seen = np.flatnonzero(covered.min(axis=1) > 0.08)
    seen = seen[np.argsort(-rough[seen], kind="stable")[:_MAX_SCORED]]
    corners, sides, covered, rough = corners[seen], sides[seen], covered[seen], rough[seen]
    before = table.sides(corners, sides, -_OVERSHOOT_SHARE, -0.02)
    after = table.sides(corners, sides, 1.02, 1 + _OVERSHOOT_SHARE)
    overshoot = 0.5 * (before + after).mean(axis=1)
    geometry = plausibility(corners, shape, aspect)
    score = rough * geometry * (1 - 0.6 * overshoot)
    return [
        Quad(corners[k], float(score[k]), covered[k], float(geometry[k]), float(overshoot[k]))
        for k in distinct(corners, score, keep)
    ]


def _opposite_pairs(
    lines: Sequence[Line], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of lines that may be opposite sides: within 40 degrees, and some way apart."""
    i, j = np.triu_indices(len(lines), 1)
    if len(i) == 0:
        return i, j
    normals = np.array([line.normal for line in lines])
    lengths = np.array([line.length for line in lines])
    middles = np.array(
        [
            line.normal * line.offset + line.direction * (line.start + len(line.covered) * _STEP_PX / 2)
            for line in lines
        ]
    )
    offsets = np.array([line.offset for line in lines])
    cosine = np.abs((normals[i] * normals[j]).sum(axis=1))
    apart_i = np.abs((middles[j] * normals[i]).sum(axis=1) - offsets[i])
    apart_j = np.abs((middles[i] * normals[j]).sum(axis=1) - offsets[j])
    near = 0.06 * min(shape)
    good = (cosine > np.cos(np.radians(40))) & (np.minimum(apart_i, apart_j) > near)
    i, j = i[good], j[good]
    order = np.argsort(-np.minimum(lengths[i], lengths[j]), kind="stable")[:_MAX_PAIRS]
    return i[order], j[order]


def _corners(
    lines: Sequence[Line], sides: npt.NDArray[np.intp], shape: tuple[int, int]
) -> tuple[Array, npt.NDArray[np.intp]]:
    """Intersect neighbouring sides; keep convex quads inside the picture that are large enough."""
    normals = np.array([line.normal for line in lines])
    offsets = np.array([line.offset for line in lines])
    following = np.roll(sides, -1, axis=1)
    n1, n2, c1, c2 = normals[sides], normals[following], offsets[sides], offsets[following]
    det = n1[..., 0] * n2[..., 1] - n1[..., 1] * n2[..., 0]
    det = np.where(np.abs(det) < 1e-3, np.nan, det)
    x = (c1 * n2[..., 1] - c2 * n1[..., 1]) / det
    y = (n1[..., 0] * c2 - n2[..., 0] * c1) / det
    points = np.stack([x, y], axis=-1)  # corner k joins side k and side k + 1
    h, w = shape
    slack = 0.01 * max(h, w)
    inside = (x > -slack) & (x < w - 1 + slack) & (y > -slack) & (y < h - 1 + slack)
    good = np.isfinite(points).all(axis=(1, 2)) & inside.all(axis=1)
    points, sides = points[good], sides[good]
    edge = np.roll(points, -1, axis=1) - points
    following_edge = np.roll(edge, -1, axis=1)
    turn = edge[..., 0] * following_edge[..., 1] - edge[..., 1] * following_edge[..., 0]
    convex = (turn > 0).all(axis=1) | (turn < 0).all(axis=1)
    large = np.abs(_areas(points)) > _MIN_AREA_SHARE * h * w
    return points[convex & large], sides[convex & large]


def _areas(points: Array) -> Array:
    following = np.roll(points, -1, axis=1)
    cross = points[..., 0] * following[..., 1] - points[..., 1] * following[..., 0]
    return np.asarray(0.5 * cross.sum(axis=1), np.float64)


class _Coverage:
    """Cumulative coverage of every line on one grid of positions, so that many sides are looked up at
    once."""

    def __init__(self, lines: Sequence[Line], shape: tuple[int, int]) -> None:
        self.reach = 1.5 * float(np.hypot(*shape))
        cells = int(2 * self.reach / _STEP_PX) + 2
        self.directions = np.array([line.direction for line in lines])
        table = np.zeros((len(lines), cells))
        for row, line in zip(table, lines, strict=True):
            start = round((line.start + self.reach) / _STEP_PX)
            length = max(0, min(len(line.covered), cells - start))
            row[start : start + length] = line.covered[:length]
        self.total = np.concatenate([np.zeros((len(lines), 1)), np.cumsum(table, axis=1)], axis=1)

    def sides(self, corners: Array, sides: npt.NDArray[np.intp], start: float, stop: float) -> Array:
        """Covered share (k, 4) of each side between the shares ``start`` and ``stop`` of its length."""
        begin, end = np.roll(corners, 1, axis=1), corners  # side k runs from corner k - 1 to corner k
        a = ((begin + (end - begin) * start) * self.directions[sides]).sum(axis=-1)
        b = ((begin + (end - begin) * stop) * self.directions[sides]).sum(axis=-1)
        low, high = self._before(sides, np.minimum(a, b)), self._before(sides, np.maximum(a, b))
        return np.asarray(np.clip((high - low) * _STEP_PX / np.maximum(np.abs(b - a), 1e-9), 0, 1))

    def _before(self, sides: npt.NDArray[np.intp], position: Array) -> Array:
        cell = np.clip((position + self.reach) / _STEP_PX, 0, self.total.shape[1] - 1.001)
        whole = cell.astype(np.intp)
        left, right = self.total[sides, whole], self.total[sides, whole + 1]
        return np.asarray(left + (right - left) * (cell - whole))


def distinct(corners: Array, score: Array, keep: int) -> list[int]:
    """Return indices of the ``keep`` best quads (k, 4, 2), best first, that differ from each better one in
    some corner by more than 1.2 % of their size."""
    order = np.argsort(-score, kind="stable")
    near = 0.012 * np.sqrt(np.abs(_areas(corners)))
    return [int(k) for k in distinct_of(np.ascontiguousarray(corners), order, near, keep)]

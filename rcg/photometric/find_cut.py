"""Tell a card that leaves the picture from no card at all.

Three sides of a cut card are seen: two of them run into the picture's border, and the third joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.find_lines import Coverage, Line

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_LONGEST = 24
_MIN_COVERED = 0.8
_MIN_LONG_SHARE = 0.3
"""A card that leaves the picture is near: its visible sides are at least this share of the picture's shorter
side."""
_RIGHT_ANGLE = 0.12
_PARALLEL = 0.05
"""sine of the angle of two lines under which where they cross says nothing"""
BORDERS = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class Cut:
    """A card that leaves the picture at ``side``; ``corners`` (4, 2) of what is seen, going round; covered
    share."""

    corners: Array
    side: str
    covered: float


def cut_card(lines: Sequence[Line], shape: tuple[int, int], aspect: float) -> Cut | None:
    """Return the best sign of a card that leaves the picture, or None.

    Args:
        lines: straight edges of the picture, longest first.
        shape: (H, W).
        aspect: height / width of the card.
    """
    if not lines:
        return None
    table = _Table(lines, shape, aspect)
    found = [cut for name in BORDERS for cut in table.three_sided(name)]
    return max(found, key=lambda cut: (round(cut.covered, 2), _area(cut.corners)), default=None)


def _border(name: str, shape: tuple[int, int]) -> tuple[Array, float]:
    h, w = shape
    if name in ("left", "right"):
        return np.array([1.0, 0.0]), 0.0 if name == "left" else w - 1.0
    return np.array([0.0, 1.0]), 0.0 if name == "top" else h - 1.0


class _Table:
    """The lines as arrays, so that all triples of them are looked at together."""

    def __init__(self, lines: Sequence[Line], shape: tuple[int, int], aspect: float) -> None:
        self.normals = np.array([line.normal for line in lines])
        self.offsets = np.array([line.offset for line in lines])
        self.directions = np.array([line.direction for line in lines])
        lengths = np.array([line.length for line in lines])
        self.shape, self.aspect = shape, aspect
        self.least = _MIN_LONG_SHARE * min(shape)
        self.long = np.flatnonzero(lengths > self.least)[:_LONGEST]
        self.thirds = np.arange(min(_LONGEST, len(lines)))
        self.coverage = Coverage(lines)

    def three_sided(self, name: str) -> list[Cut]:
        """Two long sides that run into the border ``name`` and a third that joins them inside the
        picture."""
        normal, offset = _border(name, self.shape)
        reaching = self.long[np.abs(self.normals[self.long] @ normal) < np.sin(np.radians(40))]
        first, second = np.triu_indices(len(reaching), 1)
        one, other = reaching[first], reaching[second]
        at_border = np.broadcast_to(normal, (len(one), 2))
        a = _crossings(self.normals[one], self.offsets[one], at_border, offset)
        b = _crossings(self.normals[other], self.offsets[other], at_border, offset)
        good = self._inside(a) & self._inside(b) & (_distance(a, b) >= self.least)
        one, other, a, b = one[good], other[good], a[good], b[good]
        pair, third = (grid.ravel() for grid in np.meshgrid(np.arange(len(one)), self.thirds, indexing="ij"))
        return self._closed(one[pair], other[pair], third, a[pair], b[pair], name)

    def _closed(self, one: Index, other: Index, third: Index, a: Array, b: Array, name: str) -> list[Cut]:
        """Those of (k,) triples that bound a card that leaves the picture between ``a`` and ``b`` (k, 2)."""
        along = self.directions
        turn = np.maximum(
            np.abs((along[one] * along[third]).sum(1)), np.abs((along[other] * along[third]).sum(1))
        )
        c = _crossings(self.normals[other], self.offsets[other], self.normals[third], self.offsets[third])
        d = _crossings(self.normals[one], self.offsets[one], self.normals[third], self.offsets[third])
        length, across = np.minimum(_distance(a, d), _distance(b, c)), _distance(c, d)
        good = (turn <= _RIGHT_ANGLE) & self._inside(c) & self._inside(d) & (length >= self.least)
        # Longer than a card of that width could be: a sheet, a table, a mat.
        good &= length <= 1.15 * max(self.aspect, 1 / self.aspect) * across
        one, other, third, a, b, c, d = (values[good] for values in (one, other, third, a, b, c, d))
        shares = np.stack(
            [self._covered(one, d, a), self._covered(other, c, b), self._covered(third, c, d)], axis=1
        )
        # A whole card's sides end at its corners; the sides of a cut one run up to the border and stop at the
        # third.
        ends = [self._covered(one, a + 0.12 * (d - a), a), self._covered(other, b + 0.12 * (c - b), b)]
        beyond = [
            self._covered(one, d, d + 0.1 * (d - a)),
            self._covered(other, c, c + 0.1 * (c - b)),
            self._covered(third, c, c + 0.1 * (c - d)),
            self._covered(third, d, d + 0.1 * (d - c)),
        ]
        seen = (shares.min(axis=1) >= _MIN_COVERED) & (np.min(ends, axis=0) >= _MIN_COVERED)
        seen &= np.max(beyond, axis=0) <= 0.5
        return [
            Cut(np.array([a[k], b[k], c[k], d[k]]), name, float(np.mean(shares[k])))
            for k in np.flatnonzero(seen)
        ]

    def _covered(self, line: Index, p: Array, q: Array) -> Array:
        """(k,) covered share of the lines between points ``p`` and ``q`` (k, 2) on them."""
        at_p, at_q = (self.directions[line] * p).sum(axis=1), (self.directions[line] * q).sum(axis=1)
        return self.coverage.share(line, np.minimum(at_p, at_q), np.maximum(at_p, at_q))

    def _inside(self, points: Array) -> npt.NDArray[np.bool_]:
        """(k,) whether points (k, 2) lie in the picture; one that is not a number does not."""
        h, w = self.shape
        x, y = points[:, 0], points[:, 1]
        return np.asarray((x >= -2) & (x <= w + 1) & (y >= -2) & (y <= h + 1))


def _crossings(normal: Array, offset: Array, other_normal: Array, other_offset: Array | float) -> Array:
    """Points (k, 2) on both lines; not a number where they are within 3 degrees of parallel."""
    det = normal[:, 0] * other_normal[:, 1] - normal[:, 1] * other_normal[:, 0]
    det = np.where(np.abs(det) < _PARALLEL, np.nan, det)
    x = offset * other_normal[:, 1] - other_offset * normal[:, 1]
    y = normal[:, 0] * other_offset - other_normal[:, 0] * offset
    return np.stack([x, y], axis=1) / det[:, None]


def _distance(p: Array, q: Array) -> Array:
    return np.asarray(np.linalg.norm(p - q, axis=1))


def _area(corners: Array) -> float:
    following = np.roll(corners, -1, axis=0)
    return 0.5 * abs(float((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum()))

"""Tell a card that leaves the picture from no card at all.

Three sides of a cut card are seen: two of them run into the picture's border, and the third joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.find_lines import Line, coverage
from rcg.photometric.outline_geometry import cross_lines

Array = npt.NDArray[np.float64]

_LONGEST = 24
_MIN_COVERED = 0.8
_MIN_LONG_SHARE = 0.3
"""A card that leaves the picture is near: its visible sides are at least this share of the picture's shorter
side."""
_RIGHT_ANGLE = 0.12
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
    chosen = [line for line in lines if line.length > _MIN_LONG_SHARE * min(shape)][:_LONGEST]
    found = [cut for name in BORDERS for cut in _three_sided(chosen, lines, shape, name, aspect)]
    return max(found, key=lambda cut: (round(cut.covered, 2), _area(cut.corners)), default=None)


def _border(name: str, shape: tuple[int, int]) -> tuple[Array, float]:
    h, w = shape
    if name in ("left", "right"):
        return np.array([1.0, 0.0]), 0.0 if name == "left" else w - 1.0
    return np.array([0.0, 1.0]), 0.0 if name == "top" else h - 1.0


def _three_sided(
    chosen: Sequence[Line], every: Sequence[Line], shape: tuple[int, int], name: str, aspect: float
) -> list[Cut]:
    """Two long sides that run into the border ``name`` and a third that joins them inside the picture."""
    normal, offset = _border(name, shape)
    reaching = [line for line in chosen if abs(line.normal @ normal) < np.sin(np.radians(40))]
    found = []
    for i, one in enumerate(reaching):
        for other in reaching[i + 1 :]:
            a = cross_lines(one.normal, one.offset, normal, offset)
            b = cross_lines(other.normal, other.offset, normal, offset)
            if a is None or b is None or not (_inside(a, shape) and _inside(b, shape)):
                continue
            if np.linalg.norm(a - b) < _MIN_LONG_SHARE * min(shape):
                continue
            found += [
                cut
                for third in every[:_LONGEST]
                if (cut := _closed(one, other, third, a, b, shape, name, aspect)) is not None
            ]
    return found


def _closed(
    one: Line, other: Line, third: Line, a: Array, b: Array, shape: tuple[int, int], name: str, aspect: float
) -> Cut | None:
    if max(abs(one.direction @ third.direction), abs(other.direction @ third.direction)) > _RIGHT_ANGLE:
        return None
    c = cross_lines(other.normal, other.offset, third.normal, third.offset)
    d = cross_lines(one.normal, one.offset, third.normal, third.offset)
    if c is None or d is None or not (_inside(c, shape) and _inside(d, shape)):
        return None
    length = min(np.linalg.norm(a - d), np.linalg.norm(b - c))
    if length < _MIN_LONG_SHARE * min(shape):
        return None
    shares = [_covered(one, d, a), _covered(other, c, b), _covered(third, c, d)]
    # A whole card's sides end at its corners; the sides of a cut one run up to the border and stop at the
    # third.
    ends = [_covered(one, a + 0.12 * (d - a), a), _covered(other, b + 0.12 * (c - b), b)]
    beyond = [_covered(one, d, d + 0.1 * (d - a)), _covered(other, c, c + 0.1 * (c - b))]
    beyond += [_covered(third, c, c + 0.1 * (c - d)), _covered(third, d, d + 0.1 * (d - c))]
    if min(shares) < _MIN_COVERED or min(ends) < _MIN_COVERED or max(beyond) > 0.5:
        return None
    # Longer than a card of that width could be: a sheet, a table, a mat.
    across = float(np.linalg.norm(c - d))
    if length > 1.15 * max(aspect, 1 / aspect) * across:
        return None
    return Cut(np.array([a, b, c, d]), name, float(np.mean(shares)))


def _covered(line: Line, p: Array, q: Array) -> float:
    low, high = sorted((float(line.direction @ p), float(line.direction @ q)))
    return float(coverage(line, np.array([low]), np.array([high]))[0])


def _inside(point: Array, shape: tuple[int, int]) -> bool:
    h, w = shape
    return bool(-2 <= point[0] <= w + 1 and -2 <= point[1] <= h + 1)


def _area(corners: Array) -> float:
    following = np.roll(corners, -1, axis=0)
    return 0.5 * abs(float((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum()))

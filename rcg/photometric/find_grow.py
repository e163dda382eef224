"""Look outwards from a quad for sides too faint to make a line segment by themselves.

A dark card in a dark box may show three clear sides and one that only a whole side's average brings out.
From a good quad, each side is pushed outwards, and where its blocks together see a step a new quad is
proposed.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from rcg.photometric.find_support import BLOCKS, Cues, block_strength, clear, shifted
from rcg.photometric.outline_geometry import plausibility

Array = npt.NDArray[np.float64]

_REACH_SHARE = 0.2
"""How far a side is pushed, over the quad's extent across it: print frames lie within a fifth."""
_MIN_MEAN = 0.45
_PROPOSALS = 3
_KEPT = 16
_START_PX = 5


def grown(corners: Array, cues: Cues, aspect: float) -> list[Array]:
    """Return quads (4, 2) made from the quad ``corners`` (4, 2) by pushing sides outwards onto faint edges.

    Sides are pushed one by one and together, because a card's outline may have several faint sides; the most
    plausible and largest combinations are returned.
    """
    shape = (int(cues.shape[0]), int(cues.shape[1]))
    options = [[(0.0, 0.0), *_proposals(corners, side, cues)] for side in range(4)]
    shifts = np.array(list(product(*options)))[1:]
    if len(shifts) == 0:
        return []
    quads = shifted(np.repeat(corners[None], len(shifts), axis=0), shifts)
    following = np.roll(quads, -1, axis=1)
    areas = 0.5 * np.abs((quads[..., 0] * following[..., 1] - quads[..., 1] * following[..., 0]).sum(axis=1))
    merit = plausibility(quads, shape, aspect) * areas**0.5
    order = np.argsort(-merit, kind="stable")[:_KEPT]
    return [quads[k] for k in order if merit[k] > 0.3 * merit[order[0]]]


def _proposals(corners: Array, side: int, cues: Cues) -> list[tuple[float, float]]:
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    reach = int(_REACH_SHARE * 0.5 * (lengths[side - 1] + lengths[(side + 1) % 4]))
    if reach < _START_PX + 4:
        return []
    offsets = np.arange(_START_PX - 1, reach + 1, dtype=np.float64)
    strength = block_strength(np.roll(corners, -side, axis=0)[None], cues, offsets, sides=1)
    return faint_lines(clear(strength), offsets[1:-1])


def faint_lines(seen: npt.NDArray[np.float32], offsets: Array) -> list[tuple[float, float]]:
    """Return (offset at the beginning, at the end) of straight lines through blocks (1, BLOCKS, o), best
    apart first."""
    count = len(offsets)
    tilt = max(2, count // 4)
    share = np.linspace(0, 1, BLOCKS)
    begin, end = (g.ravel() for g in np.meshgrid(np.arange(count), np.arange(count), indexing="ij"))
    near = np.abs(begin - end) <= tilt
    begin, end = begin[near], end[near]
    index = np.rint(begin[:, None] * (1 - share) + end[:, None] * share).astype(np.intp)
    means = seen[0][np.arange(BLOCKS), index].mean(axis=1)
    lines: list[tuple[float, float]] = []
    apart = max(8.0, 0.2 * count)
    for k in np.argsort(-means, kind="stable"):
        if means[k] < _MIN_MEAN or len(lines) == _PROPOSALS:
            break
        line = (float(offsets[begin[k]]), float(offsets[end[k]]))
        if all(abs(line[0] - a) + abs(line[1] - b) > apart for a, b in lines):
            lines.append(line)
    return lines

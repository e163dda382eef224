"""What the finder does for a thousand quads' sides at a time: numba kernels that release the GIL.

Each handles some sides; the caller spreads them over its own threads. The arithmetic is that of the numpy
expressions beside them, in the same order, so that no quad is chosen otherwise.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from rcg.photometric.select_kernel import select

Array = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")
_contracted = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})

_FLOOR = np.float32(2.5)
"""grey levels of a stretched cue below which a step is not told from noise and compression"""
_TEXTURE = np.float32(2.5)
_CLEAR = np.float32(0.7)
_ALIKE = np.float32(0.04)


@_contracted
def _add_sample(cues: npt.NDArray[np.uint8], x: float, y: float, into: F32) -> None:
    """Add the bilinear samples of (H, W, c) cues at a point, rounded to grey levels, to (c,)."""
    h, w = cues.shape[0], cues.shape[1]
    px, py = np.float32(x), np.float32(y)
    left, top = np.int64(np.floor(px)), np.int64(np.floor(py))
    fx, fy = px - np.float32(left), py - np.float32(top)
    x0, x1 = min(max(left, 0), w - 1), min(max(left + 1, 0), w - 1)
    y0, y1 = min(max(top, 0), h - 1), min(max(top + 1, 0), h - 1)
    for c in range(into.shape[0]):
        a, b = np.float32(cues[y0, x0, c]), np.float32(cues[y0, x1, c])
        d, e = np.float32(cues[y1, x0, c]), np.float32(cues[y1, x1, c])
        upper, lower = a + fx * (b - a), d + fx * (e - d)
        into[c] += np.rint(upper + fy * (lower - upper))


@_jit
def _median(values: F32, count: int) -> np.float32:
    """The median of the first ``count`` values, which are moved about."""
    middle = np.float32(select(values, count, count // 2))
    if count % 2:
        return middle
    below = values[0]
    for i in range(1, count // 2):
        below = max(below, values[i])
    return np.float32((below + middle) / np.float32(2))


@_jit
def _block_sums(
    corners: Array,
    side: int,
    along: Array,
    offsets: Array,
    cues: npt.NDArray[np.uint8],
    sums: F32,
    inside: npt.NDArray[np.bool_],
) -> None:
    """Add up one block of a side of a quad (4, 2) in ``sums`` (o, c): the samples at ``along`` (taps,) and
    ``offsets`` (o,); ``inside`` (o,) tells where all of them lie in the picture.
    """
    h, w = cues.shape[0], cues.shape[1]
    begin, end = corners[side], corners[(side + 1) % 4]
    ex, ey = end[0] - begin[0], end[1] - begin[1]
    length = max(np.sqrt(ex * ex + ey * ey), 1e-9)
    nx, ny = ey / length, -ex / length
    middle_x = (((corners[0, 0] + corners[1, 0]) + corners[2, 0]) + corners[3, 0]) / 4
    middle_y = (((corners[0, 1] + corners[1, 1]) + corners[2, 1]) + corners[3, 1]) / 4
    if nx * (begin[0] - middle_x) + ny * (begin[1] - middle_y) < 0:
        nx, ny = -nx, -ny
    sums[:] = 0
    inside[:] = True
    for share in along:
        base_x, base_y = begin[0] + ex * share, begin[1] + ey * share
        for o in range(len(offsets)):
            x, y = base_x + nx * offsets[o], base_y + ny * offsets[o]
            if x < 1 or x > w - 2 or y < 1 or y > h - 2:
                inside[o] = False
            _add_sample(cues, x, y, sums[o])


@_jit
def block_rows(
    first: int,
    last: int,
    corners: Array,
    sides: int,
    offsets: Array,
    along: Array,
    cues: npt.NDArray[np.uint8],
    out: F32,
) -> None:
    """Fill ``out`` (sides k, blocks, o - 2) from side ``first`` to ``last``; see
    :func:`rcg.photometric.find_support.block_strength`.
    """
    blocks, reach, count = out.shape[1], len(offsets), cues.shape[2]
    taps = len(along) // blocks
    sums, inside = np.empty((reach, count), np.float32), np.empty(reach, np.bool_)
    step, moved = np.empty(reach - 2, np.float32), np.empty(reach - 2, np.float32)
    for row in range(first, last):
        for block in range(blocks):
            taken = along[block * taps : (block + 1) * taps]
            _block_sums(corners[row // sides], row % sides, taken, offsets, cues, sums, inside)
            strength = out[row, block]
            strength[:] = 0
            for c in range(count):
                for o in range(reach - 2):
                    step[o] = abs(sums[o + 2, c] / np.float32(taps) - sums[o, c] / np.float32(taps))
                    moved[o] = step[o]
                usual = _FLOOR + _TEXTURE * _median(moved, reach - 2)
                for o in range(reach - 2):
                    strength[o] = max(strength[o], step[o] / usual)
            for o in range(reach - 2):
                clear = max(strength[o] - _CLEAR, np.float32(0))
                strength[o] = clear if inside[o + 1] else np.float32(0)


@_jit
def _eights(values: F32, count: int) -> np.float32:
    """The sum of ``count`` values, a multiple of eight, in numpy's order."""
    r0, r1, r2, r3 = values[0], values[1], values[2], values[3]
    r4, r5, r6, r7 = values[4], values[5], values[6], values[7]
    for i in range(8, count, 8):
        r0 += values[i]
        r1 += values[i + 1]
        r2 += values[i + 2]
        r3 += values[i + 3]
        r4 += values[i + 4]
        r5 += values[i + 5]
        r6 += values[i + 6]
        r7 += values[i + 7]
    return np.float32(((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7)))


@_jit
def best_curves(
    first: int,
    last: int,
    curves: npt.NDArray[np.intp],
    spread: npt.NDArray[np.intp],
    reach: Array,
    widened: F32,
    exact: F32,
    best: npt.NDArray[np.intp],
    share: Array,
) -> None:
    """Find for the sides ``first`` to ``last`` the curve that most of their blocks see.

    Args:
        first, last: sides.
        curves: (c, 24) offsets of the candidates; ``spread`` (c,) the largest of each.
        spread: see there.
        reach: (s,) largest offset that a side may have.
        widened: (s, 24, o) 0..1, a block has seen a step about there.
        exact: (s, 24, o) how strong it is just there.
        best: (s,) index of the curve, written.
        share: (s,) how much of the side it explains, written.
    """
    blocks = curves.shape[1]
    centre = (widened.shape[2] - 1) // 2
    seen = np.empty(len(curves), np.float32)
    picked = np.empty(blocks, np.float32)
    for side in range(first, last):
        top = np.float32(-1)
        for c in range(len(curves)):
            if spread[c] > reach[side]:
                continue
            for b in range(blocks):
                picked[b] = widened[side, b, centre + curves[c, b]]
            seen[c] = _eights(picked, blocks) / np.float32(blocks)
            top = max(top, seen[c])
        strongest = np.float32(-1)
        # Among curves that are seen alike, the one on the strongest steps is the edge itself.
        for c in range(len(curves)):
            if spread[c] > reach[side] or not seen[c] > top - _ALIKE:
                continue
            for b in range(blocks):
                picked[b] = exact[side, b, centre + curves[c, b]]
            strength = _eights(picked, blocks) / np.float32(blocks)
            if strength > strongest:
                strongest = strength
                best[side] = c
        for b in range(blocks):
            picked[b] = widened[side, b, centre + curves[best[side], b]]
        third = blocks // 3
        least = np.float32(2)
        for part in range(3):
            least = min(least, _eights(picked[part * third :], third) / np.float32(third))
        # A side that is missing along one third, often to a corner, is worse than one with gaps here and
        # there.
        whole = _eights(picked, blocks) / np.float32(blocks)
        share[side] = np.float32(0.75) * whole + np.float32(0.25) * least


@_jit
def distinct_of(corners: Array, order: npt.NDArray[np.intp], near: Array, keep: int) -> npt.NDArray[np.intp]:
    """Return the first ``keep`` of ``order`` that differ from each one before in some corner by more than
    ``near`` (k,) px.

    Args:
        corners: (k, 4, 2) quads.
        order: (k,) indices, best first.
        near: (k,) px.
        keep: most indices returned.
    """
    chosen = np.empty(keep, np.intp)
    count = 0
    for k in order:
        fresh = True
        for other in chosen[:count]:
            away = False
            for i in range(4):
                least = np.inf
                for j in range(4):
                    dx = corners[k, i, 0] - corners[other, j, 0]
                    dy = corners[k, i, 1] - corners[other, j, 1]
                    least = min(least, np.sqrt(dx * dx + dy * dy))
                if least > near[k]:
                    away = True
                    break
            if not away:
                fresh = False
                break
        if fresh:
            chosen[count] = k
            count += 1
            if count == keep:
                break
    return chosen[:count]


@_jit
def near_line(
    ends: Array,
    lengths: Array,
    centre: Array,
    direction: Array,
    beyond: float,
    reach: float,
    turn: float,
) -> npt.NDArray[np.bool_]:
    """Tell which segments (k, 2, 2) lie on the line through ``centre`` (2,) along ``direction`` (2,).

    Args:
        ends: of the segments.
        lengths: (k,) of the segments.
        centre: a point of the line.
        direction: of the line, a unit vector.
        beyond: px along the line from ``centre`` within which some end must lie.
        reach: px from the line within which both ends must lie.
        turn: sine of the angle to the line, at most.
    """
    found = np.empty(len(ends), np.bool_)
    nx, ny = -direction[1], direction[0]
    for k in range(len(ends)):
        off, along = 0.0, np.inf
        for e in range(2):
            x, y = ends[k, e, 0] - centre[0], ends[k, e, 1] - centre[1]
            off = max(off, abs(x * nx + y * ny))
            along = min(along, abs(x * direction[0] + y * direction[1]))
        dx, dy = ends[k, 1, 0] - ends[k, 0, 0], ends[k, 1, 1] - ends[k, 0, 1]
        turned = abs(dx * nx + dy * ny) / max(lengths[k], 1e-9)
        found[k] = along < beyond and off < reach and turned < turn
    return found

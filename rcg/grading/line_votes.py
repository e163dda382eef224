"""How many rows vote for each straight line: a numba kernel that releases the GIL."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

BIN_MM = 0.04
_SEEN = 0.3
"""share of the rows that must vote for a level before it is looked at"""

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _windows(flat: F64, bins: F64, width: int, total: float, window: F64) -> None:
    """Write the share (count,) of the rows whose value lies in ``width`` bins round each bin."""
    count = len(bins) - 1
    votes = np.zeros(count)
    for value in flat:
        if not bins[0] <= value <= bins[count]:
            continue
        k = min(max(int((value - bins[0]) / BIN_MM), 0), count - 1)
        while k > 0 and value < bins[k]:
            k -= 1
        while k < count - 1 and value >= bins[k + 1]:
            k += 1
        votes[k] += 1
    before = width // 2
    for k in range(count):
        near = 0.0
        for j in range(max(k - before, 0), min(k - before + width, count)):
            near += votes[j]
        window[k] = near / total


@_jit
def votes_for(
    slopes: F64,
    s: F64,
    rows: npt.NDArray[np.int64],
    depth: F64,
    quarter: npt.NDArray[np.int64],
    sizes: F64,
    bins: F64,
    width: int,
    band: float,
) -> F64:
    """Return (k, 4) lines that many rows vote for: slope, level, share of the rows, share in the weakest
    quarter.

    Args:
        slopes: of the lines tried.
        s: (n,) positions of the rows, mm.
        rows: (c,) candidates: index into ``s``; ``depth`` (c,) where, mm.
        depth: see there.
        quarter: (n,) in which quarter of the span a row lies, 0..3.
        sizes: (4,) rows of each quarter.
        bins: edges of the levels tried, ``BIN_MM`` apart.
        width: bins that a candidate's vote spreads over.
        band: how near to a line a candidate votes for it, mm.
    """
    found = np.empty((len(slopes) * len(bins), 4))
    count = 0
    total = max(sizes.sum(), 1.0)
    window, flat = np.empty(len(bins) - 1), np.empty(len(depth))
    hit = np.empty(len(s), np.bool_)
    for slope in slopes:
        for c in range(len(depth)):
            flat[c] = depth[c] - slope * s[rows[c]]
        _windows(flat, bins, width, total, window)
        for k in range(len(window)):
            if window[k] < window[k - 1] or window[k] < window[(k + 1) % len(window)] or window[k] <= _SEEN:
                continue
            level = bins[k] + 0.5 * BIN_MM
            hit[:] = False
            seen = np.zeros(4)
            for c in range(len(depth)):
                if abs(flat[c] - level) < band and not hit[rows[c]]:
                    hit[rows[c]] = True
                    seen[quarter[rows[c]]] += 1
            found[count, 0], found[count, 1] = slope, level
            found[count, 2] = seen.sum() / total
            weakest = 1.0
            for part in range(4):
                weakest = min(weakest, seen[part] / max(sizes[part], 1.0))
            found[count, 3] = weakest
            count += 1
    return found[:count]

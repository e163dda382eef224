"""A long run's history at a glance: fewer rows, each as it was written, the peaks of the loss among them."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any, Final

Row = dict[str, Any]
LATEST: Final[dict[str, int]] = {"sys": 120, "eta": 1}
"""kinds of rows of which only the newest are of use later, and how many"""


def thin(rows: Callable[[], Iterable[Row]], points: int) -> list[Row]:
    """Return the rows of a history with about ``points`` steps at most, in order.

    Of every stretch of steps the rows with the least and the greatest loss stay, so that a chart of what is
    left looks like a chart of all. A history with fewer steps keeps them all. Evaluations, samples, states
    and words stay in any case.

    Args:
        rows: gives the rows in order; asked twice.
        points: how many rows of steps to keep, at least 2.
    """
    counted = Counter(row["kind"] for row in rows())
    stretch = math.ceil(counted["step"] / max(1, points // 2)) if counted["step"] > points else 1
    kept: list[Row] = []
    newest = {kind: deque[Row](maxlen=count) for kind, count in LATEST.items()}
    steps: list[Row] = []
    for row in rows():
        kind = row["kind"]
        if kind in newest:
            newest[kind].append(row)
        elif kind == "step":
            steps.append(row)
            if len(steps) == stretch:
                kept += _extremes(steps)
                steps = []
        else:
            kept.append(row)
    kept += [*_extremes(steps), *(row for last in newest.values() for row in last)]
    return sorted(kept, key=_seq)


def _extremes(steps: list[Row]) -> list[Row]:
    if len(steps) <= 2:
        return steps
    least, most = min(steps, key=_loss), max(steps, key=_loss)
    return [least] if least is most else [least, most]


def _loss(row: Row) -> float:
    return float(row.get("loss") or 0.0)


def _seq(row: Row) -> int:
    return int(row["seq"])

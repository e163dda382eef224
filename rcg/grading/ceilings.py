"""A company's centering ceiling: the best grade its published table allows, with interval and limits in
words."""

from __future__ import annotations

from typing import Final

import numpy as np

from rcg.grading.interval import Draws
from rcg.grading.rubric import larger_share
from rcg.grading.schema import Centering, Limit, Side, SideName, StandardGrade
from rcg.grading.tables import Row, Standard

_AXIS_NAMES: Final = (("left_right", "left/right"), ("top_bottom", "top/bottom"))


def _worst_axis(centering: Centering, statistic: str) -> tuple[str, tuple[float, float]]:
    """Return the name and pair of the axis furthest from 50/50."""
    pairs = [
        (label, getattr(axis, statistic))
        for field, label in _AXIS_NAMES
        if (axis := getattr(centering, field)) is not None
    ]
    return max(pairs, key=lambda pair: max(pair[1]))


def unmeasured(sides: dict[SideName, Side]) -> list[str]:
    """Return what of the centering was not measured, in words."""
    missing: list[str] = []
    for name in ("front", "back"):
        side = sides.get(name)
        if side is None:
            missing.append(name)
            continue
        missing += [
            f"{name} {label}" for field, label in _AXIS_NAMES if getattr(side.centering, field) is None
        ]
    return missing


def _below(standard: Standard) -> str:
    return f"below {standard.rows[-1].label}"


def _label(row: Row | None, standard: Standard) -> str:
    return row.label if row is not None else _below(standard)


def _limits(
    standard: Standard, row: Row | None, sides: dict[SideName, Side], shares: dict[SideName, float]
) -> list[Limit]:
    """Say what keeps the card from the next better row."""
    index = standard.rows.index(row) if row is not None else len(standard.rows)
    if index == 0:
        return []
    better = standard.rows[index - 1]
    limits = []
    for name in standard.offenders(better, shares):
        axis, pair = _worst_axis(sides[name].centering, standard.statistic)
        bound = standard.limit(better, name)
        assert bound is not None
        where = "at its worst station" if standard.statistic == "worst" else "on average"
        limits.append(
            Limit(
                side=name,
                aspect="centering",
                text=(
                    f"{name} {axis} {pair[0]:.1f}/{pair[1]:.1f} {where} keeps it from {better.label} "
                    f"(limit {bound:g}/{100 - bound:g})"
                ),
            )
        )
    return limits


def centering_ceiling(
    standard: Standard, sides: dict[SideName, Side], draws: dict[SideName, Draws]
) -> StandardGrade:
    """Apply one company's table to the sides that were measured."""
    shares: dict[SideName, float] = {}
    for name, side in sides.items():
        share = larger_share(side.centering, standard.statistic)
        if share is not None:
            shares[name] = share
    missing = unmeasured(sides)
    silent = [
        f"{name}: no limit is published"
        for name in shares
        if all(getattr(row, name) is None for row in standard.rows)
    ]
    common = {
        "standard": standard.id,
        "title": standard.title,
        "kind": "centering_ceiling",
        "provenance": f"{standard.provenance}. {standard.statistic_note}.",
        "checked": standard.checked,
        "not_measured": missing + silent,
    }
    if not shares:
        return StandardGrade(**common, grade=None, limits=[])
    row = standard.ceiling(shares)
    order = len(standard.rows)
    point = standard.rows.index(row) if row is not None else order
    drawn = []
    for k in range(len(next(iter(_statistic(d, standard) for n, d in draws.items() if n in shares)))):
        got = standard.ceiling({n: float(_statistic(draws[n], standard)[k]) for n in shares})
        drawn.append(standard.rows.index(got) if got is not None else order)
    high, low = np.quantile(drawn, [0.05, 0.95], method="nearest").astype(int)
    rows: list[Row | None] = [*standard.rows, None]
    return StandardGrade(
        **common,
        grade=_label(row, standard),
        value=row.value if row is not None else 0.0,
        low=_label(rows[max(int(low), point)], standard),
        high=_label(rows[min(int(high), point)], standard),
        limits=_limits(standard, row, sides, shares),
    )


def _statistic(draws: Draws, standard: Standard) -> np.ndarray:
    values = draws.worst if standard.statistic == "worst" else draws.mean
    assert values is not None
    return values

"""RCG's own rubric: scores from measured quantities by piecewise linear tables that are data."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from rcg.grading.schema import Aspect, Centering, Finding, Model, SideName
from rcg.grading.tables import read_data

Table = list[tuple[float, float]]
ASPECTS: tuple[Aspect, ...] = ("centering", "corners", "edges", "surface")


def interpolate(table: Table, x: float) -> float:
    """Return the table's value at x, linear between its points, constant beyond them."""
    xs, ys = zip(*table, strict=True)
    return float(np.interp(x, xs, ys))


class CenteringTable(Model):
    """Points off 50/50 to score."""

    rule: str
    table: Table


class Rule(Model):
    """What one kind of finding costs."""

    id: str
    kind: str
    aspect: Aspect
    measure: Literal["size_mm", "area_mm2"]
    text: str
    table: Table

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for column in zip(*self.table, strict=True):
            if list(column) != sorted(column):
                raise ValueError(f"{self.id}: the table must rise, so that a bigger finding never costs less")
        return self


class Band(Model):
    """A grade step and the score from which it holds."""

    grade: str
    start: float = Field(alias="from")


class RollUp(Model):
    """How scores become one; see the data's comments."""

    worst_weight: float = Field(ge=0, le=1)
    headroom: float = Field(ge=0)
    front_weight: float = Field(ge=0, le=1)


class Deductions(Model):
    """How costs add up."""

    others: float = Field(ge=0, le=1)


class Rubric(Model):
    """The whole rubric."""

    id: str
    title: str
    version: str
    provenance: str
    checked: str
    roll_up: RollUp
    deductions: Deductions
    bands: list[Band]
    centering: dict[SideName, CenteringTable]
    rules: list[Rule]

    def rule(self, kind: str, aspect: Aspect = "surface") -> Rule:
        """Return the rule of a kind of finding; an unnamed kind falls under the general one of its aspect."""
        named = {rule.kind: rule for rule in self.rules}
        general = {"corners": "corner_damage", "edges": "edge_damage"}.get(aspect, "relief_anomaly")
        return named.get(kind, named[general])

    def cost(self, finding: Finding, *, size_mm: float | None = None, area_mm2: float | None = None) -> float:
        """Return a finding's cost in points; ``size_mm`` and ``area_mm2`` replace its own for resampling."""
        rule = self.rule(finding.kind, finding.aspect)
        if rule.measure == "size_mm":
            value = finding.size_mm if size_mm is None else size_mm
        else:
            value = (finding.area_mm2 or 0.0) if area_mm2 is None else area_mm2
        return finding.confidence * interpolate(rule.table, max(value, 0.0))

    def deduct(self, costs: Sequence[float]) -> float:
        """Return the score left after costs: 1000 less the dearest, less a share of the others; 0 at
        least."""
        if not costs:
            return 1000.0
        dearest = max(costs)
        return max(0.0, 1000.0 - dearest - self.deductions.others * (sum(costs) - dearest))

    def centering_score(self, side: SideName, worst_share: float) -> float:
        """Return the centering score of a side from its worst pair's larger share in percent."""
        return interpolate(self.centering[side].table, max(worst_share - 50, 0.0))

    def combine(self, scores: Sequence[float], weights: Sequence[float] | None = None) -> float:
        """Roll scores up: pulled to the worst, at most ``headroom`` above it. Rising in every score."""
        worst = min(scores)
        mean = float(np.average(scores, weights=weights))
        share = self.roll_up.worst_weight
        return min(share * worst + (1 - share) * mean, worst + self.roll_up.headroom)

    def grade(self, score: float) -> str:
        """Return the grade step of a score."""
        return next(band.grade for band in self.bands if score >= band.start)


@cache
def load_rubric() -> Rubric:
    """Read RCG's rubric.

    Raises:
        pydantic.ValidationError: the data is not a valid rubric.
    """
    raw: dict[str, Any] = tomllib.loads(read_data("rcg").decode())
    return Rubric.model_validate(raw)


def larger_share(centering: Centering, statistic: Literal["worst", "mean"]) -> float | None:
    """Return the larger share, percent, over the measured axes; None when neither was measured."""
    axes = [axis for axis in (centering.left_right, centering.top_bottom) if axis is not None]
    return max((max(getattr(axis, statistic)) for axis in axes), default=None)

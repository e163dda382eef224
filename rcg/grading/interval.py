"""What the standard errors do to shares and scores: seeded resampling of everything that was measured.

A draw moves each border by the error its stations share and each station by its own; each finding is there
with the probability of its confidence, and its size moves by its standard error. What was not measured does
not move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from rcg.grading.rubric import Rubric
from rcg.grading.schema import Aspect, Centering, Edge, Side, SideName
from rcg.grading.strips import F64

DRAWS: Final = 400
_SEEDS: Final[dict[SideName, int]] = {"front": 5, "back": 95}
_AXES: Final[tuple[tuple[Edge, Edge, str], ...]] = (
    ("left", "right", "left_right"),
    ("top", "bottom", "top_bottom"),
)


@dataclass(frozen=True)
class Draws:
    """Resampled quantities of one side, each (DRAWS,).

    Attributes:
        worst, mean: larger share in percent over the measured axes; None when no axis was measured.
        scores: per aspect that has a score.
    """

    worst: F64 | None
    mean: F64 | None
    scores: dict[Aspect, F64]


def _axis(centering: Centering, one: Edge, other: Edge, rng: np.random.Generator) -> tuple[F64, F64] | None:
    """Return resampled (mean, worst) larger shares of one axis."""
    widths: dict[Edge, dict[float, F64]] = {one: {}, other: {}}
    for edge in (one, other):
        common = rng.standard_normal(DRAWS)
        for station in centering.stations:
            if station.edge != edge:
                continue
            own = rng.standard_normal(DRAWS)
            if station.width_mm is None:
                continue
            shared = min(station.shared_se_mm or 0.0, station.se_mm or 0.0)
            local = float(np.sqrt(max((station.se_mm or 0.0) ** 2 - shared**2, 0.0)))
            widths[edge][station.position] = np.maximum(
                station.width_mm + shared * common + local * own, 1e-3
            )
    both = sorted(set(widths[one]) & set(widths[other]))
    if not both:
        return None
    share = np.stack([100 * widths[one][p] / (widths[one][p] + widths[other][p]) for p in both])
    mean = share.mean(axis=0)
    worst = share[np.argmax(np.abs(share - 50), axis=0), np.arange(DRAWS)]
    return np.maximum(mean, 100 - mean), np.maximum(worst, 100 - worst)


def resample(side: Side, name: SideName, rubric: Rubric) -> Draws:
    """Draw one side's shares and scores again and again; the same side gives the same draws."""
    rng = np.random.default_rng(_SEEDS[name])
    axes = []
    for one, other, axis in _AXES:
        drawn = _axis(side.centering, one, other, rng)
        if drawn is not None and getattr(side.centering, axis) is not None:
            axes.append(drawn)
    mean = np.max([a[0] for a in axes], axis=0) if axes else None
    worst = np.max([a[1] for a in axes], axis=0) if axes else None
    scores: dict[Aspect, F64] = {}
    for sub in side.sub_scores:
        if sub.score is None:
            continue
        if sub.aspect == "centering" and worst is not None:
            scores["centering"] = np.array([rubric.centering_score(name, float(w)) for w in worst])
        elif sub.aspect != "centering":
            scores[sub.aspect] = _deducted(side, sub.aspect, rubric, rng)
    return Draws(worst, mean, scores)


def _deducted(side: Side, aspect: Aspect, rubric: Rubric, rng: np.random.Generator) -> F64:
    """Return resampled scores of an aspect that findings cost."""
    findings = [f for f in side.findings if f.aspect == aspect]
    costs = np.zeros((DRAWS, len(findings)))
    for column, finding in enumerate(findings):
        size = finding.size_mm + (finding.size_se_mm or 0.0) * rng.standard_normal(DRAWS)
        area = (finding.area_mm2 or 0.0) + (finding.area_se_mm2 or 0.0) * rng.standard_normal(DRAWS)
        there = rng.random(DRAWS) < finding.confidence
        certain = finding.model_copy(update={"confidence": 1.0})
        costs[:, column] = there * [
            rubric.cost(certain, size_mm=float(a), area_mm2=float(b)) for a, b in zip(size, area, strict=True)
        ]
    return np.array([rubric.deduct(list(row)) for row in costs])


def five_to_ninety_five(values: F64, point: float) -> tuple[float, float]:
    """Return the 5 and 95 % points of the draws, widened where needed to hold the point value."""
    low, high = np.quantile(values, [0.05, 0.95])
    return float(min(low, point)), float(max(high, point))

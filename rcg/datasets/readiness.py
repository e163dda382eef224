"""How far a dataset carries: a tier, the figures behind it, and what to do next. Advice, never a gate.

No count of cards is demanded. The tier follows from how well the accuracy of a model could be known: with n
held-out findings of the rarest class, a share that was found is known to about 1 / sqrt(n) at worst (the
half-width of its 95 % interval).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from rcg.datasets.health import HealthReport, Statistics
from rcg.datasets.layers import PHOTOMETRIC
from rcg.datasets.schema import Kind

Tier = Literal["production", "development", "experimental", "insufficient"]

HALF_WIDTHS: dict[Tier, float] = {"production": 0.1, "development": 0.25, "experimental": 1.0}
"""the accuracy of the rarest class could be known to this"""
DEFAULT_VAL_SHARE = 0.2
MIN_CARDS = 2


@dataclass(frozen=True)
class Fit:
    """Whether an architecture can learn from the data there is, and why not."""

    architecture: str
    fits: bool
    reason: str


@dataclass(frozen=True)
class Readiness:
    """The judgement.

    Attributes:
        tier: see :data:`HALF_WIDTHS`.
        figures: what it rests on.
        reasons: why it is no better tier, in words.
        recommendations: what to do, the most useful first.
        architectures: of the kind.
    """

    tier: Tier
    figures: dict[str, Any]
    reasons: list[str] = field(default_factory=list)
    recommendations: list[str] = field(default_factory=list)
    architectures: list[Fit] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "tier": self.tier,
            "figures": self.figures,
            "reasons": self.reasons,
            "recommendations": self.recommendations,
            "architectures": [
                {"architecture": one.architecture, "fits": one.fits, "reason": one.reason}
                for one in self.architectures
            ],
        }


def assess(report: HealthReport, kind: Kind, val_share: float = DEFAULT_VAL_SHARE) -> Readiness:
    """Judge a dataset by its health report.

    Args:
        report: of the dataset or of a version.
        kind: its kind.
        val_share: the part that is held out, where no version says.
    """
    seen = report.statistics
    used = {name: one.annotations for name, one in seen.classes.items() if one.annotations}
    rarest = min(used, key=lambda name: used[name]) if used else None
    held_out = _held_out(seen, rarest, val_share)
    half_width = min(1.0, 1 / math.sqrt(held_out)) if held_out else None
    errors = [problem for problem in report.problems if problem.severity == "error"]
    figures = {
        "cards": seen.cards,
        "labelled_items": seen.labelled,
        "annotations": seen.annotations,
        "rarest_class": rarest,
        "rarest_class_annotations": used.get(rarest, 0) if rarest else 0,
        "held_out_of_rarest_class": held_out,
        "accuracy_known_to": half_width,
    }
    tier = _tier(seen, half_width, bool(errors))
    return Readiness(
        tier,
        figures,
        _reasons(seen, rarest, held_out, half_width, tier)
        + [f"{one.title} ({one.count})." for one in errors],
        _recommendations(report, used, rarest, tier, val_share),
        [_fit(name, seen, kind) for name in kind.architectures],
    )


def _held_out(seen: Statistics, rarest: str | None, val_share: float) -> int:
    """Return how many held-out findings the rarest class has, or would have."""
    if rarest is None:
        return 0
    figures = seen.classes[rarest]
    given = figures.splits["val"] + figures.splits["test"]
    return given or round(figures.annotations * val_share)


def _tier(seen: Statistics, half_width: float | None, errors: bool) -> Tier:
    if errors or half_width is None or seen.cards < MIN_CARDS:
        return "insufficient"
    return next((tier for tier, limit in HALF_WIDTHS.items() if half_width <= limit), "insufficient")


def _reasons(
    seen: Statistics, rarest: str | None, held_out: int, half_width: float | None, tier: Tier
) -> list[str]:
    if seen.cards < MIN_CARDS:
        return [f"There {'is one card' if seen.cards == 1 else 'are no cards'}: none can be held out."]
    if rarest is None or half_width is None:
        return [
            f"No finding could be held out: {rarest} has too few." if rarest else "Nothing is annotated yet."
        ]
    if tier == "production":
        return []
    return [
        f"With {held_out} held-out {rarest}, its accuracy is known to about ± {100 * half_width:.0f} points."
    ]


def _recommendations(
    report: HealthReport, used: dict[str, int], rarest: str | None, tier: Tier, val_share: float
) -> list[str]:
    said = [problem.hint for problem in report.problems if problem.severity == "error"]
    better: dict[Tier, Tier] = {
        "insufficient": "experimental", "experimental": "development", "development": "production",
    }  # fmt: skip
    if rarest is not None and tier in better and val_share > 0:
        wanted = math.ceil((1 / HALF_WIDTHS[better[tier]]) ** 2 / val_share) - used[rarest]
        if wanted > 0:
            said.append(f"Label about {wanted} more {rarest} on further cards to reach {better[tier]}.")
    said += [
        problem.hint
        for problem in report.problems
        if problem.severity == "warning" and problem.code not in ("rare_class", "nothing_held_out")
    ]
    return list(dict.fromkeys(said))


def _fit(architecture: str, seen: Statistics, kind: Kind) -> Fit:
    """Say whether the items hold what an architecture needs; options and tasks are the trainer's to judge."""
    if not seen.labelled:
        return Fit(architecture, False, "No item is labelled yet.")
    if architecture == "photometric_fusion":
        relief = max((count for name, count in seen.layers.items() if name in PHOTOMETRIC), default=0)
        if not relief:
            return Fit(architecture, False, "No item has relief: fill it from captures or rendered cards.")
        if relief < seen.items:
            return Fit(architecture, True, f"{relief} of {seen.items} items have relief; the others lack it.")
        return Fit(architecture, True, "Every item has relief.")
    if not seen.annotations:
        return Fit(architecture, False, "Nothing is annotated yet.")
    what = "objects with points" if kind.label_schema.task == "points" else "annotations"
    return Fit(architecture, True, f"{seen.annotations} {what} on {seen.labelled} items.")

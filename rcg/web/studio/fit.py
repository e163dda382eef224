"""How well a dataset is and what could learn it, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rcg.api.dataset_schemas import DatasetDetail
from rcg.web.formatting import THIN, words
from rcg.web.studio.path import counted, train_address

TIERS = {
    "production": ("good", "Accuracy can be known to a tenth, class by class."),
    "development": ("accent", "Good enough to compare models with each other."),
    "experimental": ("warn", "Good enough to see whether it can be learnt at all."),
    "insufficient": ("", "Too little to say anything by."),
}
"""the tier's badge, and what it is good for in one line"""


@dataclass(frozen=True)
class Fit:
    """One architecture: whether it can be trained now, why, and where training with it begins."""

    name: str
    title: str
    ready: bool
    reason: str
    href: str


@dataclass(frozen=True)
class Readiness:
    """The judgement in words: advice, never a gate."""

    tier: str
    badge: str
    means: str
    figures: list[tuple[str, str]]
    reasons: list[str]
    advice: list[str]
    fits: list[Fit]


def readiness(dataset: DatasetDetail, judged: Mapping[str, Any]) -> Readiness:
    """What the service judged, with an address for each architecture that fits."""
    badge, means = TIERS[judged["tier"]]
    version = dataset.latest_version.number if dataset.latest_version else None
    return Readiness(
        tier=judged["tier"],
        badge=badge,
        means=means,
        figures=_figures(judged["figures"]),
        reasons=judged["reasons"],
        advice=judged["recommendations"],
        fits=[_fit(dataset, version, one) for one in judged["architectures"]],
    )


def _fit(dataset: DatasetDetail, version: int | None, one: Mapping[str, Any]) -> Fit:
    name, ready, reason = one["architecture"], one["fits"], one["reason"]
    if ready and not dataset.labelled:
        ready, reason = False, "It fits. Nothing is labelled yet that it could learn from."
    return Fit(name, one["title"], ready, reason, train_address(dataset.id, version, name))


def _figures(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    rarest, known = figures["rarest_class"], figures["accuracy_known_to"]
    return [
        ("Labelled", f"{counted(figures['labelled_items'], 'item')} of {counted(figures['cards'], 'card')}"),
        (
            "Rarest class",
            f"{words(rarest)}, {counted(figures['rarest_class_annotations'], 'annotation')}"
            if rarest
            else "-",
        ),
        ("Accuracy known to", f"±{THIN}{100 * known:.0f} points" if known is not None else "-"),
    ]

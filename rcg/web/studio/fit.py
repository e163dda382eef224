"""Which architectures could learn a dataset as it is, each with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rcg.api.dataset_schemas import DatasetDetail
from rcg.datasets.schema import Kind
from rcg.training.architectures import compatible
from rcg.web.studio.path import train_address


@dataclass(frozen=True)
class Fit:
    """One architecture: whether it can be trained now, why, and where training with it begins."""

    name: str
    title: str
    ready: bool
    reason: str
    href: str


def readiness(dataset: DatasetDetail, kind: Kind | None, layers: Sequence[str]) -> list[Fit]:
    """Every architecture that this RCG has, those that fit first.

    Args:
        dataset: with its own label schema.
        kind: None when it was deleted; nothing can be said then.
        layers: that its readable items have.
    """
    if kind is None:
        return []
    version = dataset.latest_version.number if dataset.latest_version else None
    judged = compatible(kind, dataset.label_schema, layers if dataset.states["ready"] else None)
    fits = []
    for one, suits, reason in judged:
        ready, why = suits, reason
        if suits and not dataset.labelled:
            ready, why = False, "It fits. Nothing is labelled yet that it could learn from."
        fits.append(Fit(one.name, one.title, ready, why, train_address(dataset.id, version, one.name)))
    return fits

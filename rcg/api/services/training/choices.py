"""What to train on what: dataset and version, the architectures that fit, and the plan for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rcg.api import training_schemas as schemas
from rcg.api.services.datasets import kinds
from rcg.api.services.datasets import versions as version_services
from rcg.api.services.training import weights
from rcg.api.version_schemas import VersionIn
from rcg.errors import InputError
from rcg.jobs import cuda
from rcg.store.repositories import datasets, versions
from rcg.training.advice import Advice
from rcg.training.architectures import ARCHITECTURES, Architecture, compatible
from rcg.training.plan import Plan, plan
from rcg.training.summary import Summary, summarise

if TYPE_CHECKING:
    from pathlib import Path

    from rcg.container import Container
    from rcg.datasets.schema import Kind
    from rcg.store.dataset_models import Dataset, DatasetVersion
    from rcg.store.db import Session
    from rcg.training.spec import KnownWeights

_NOTE = "made for a training"


@dataclass(frozen=True)
class Chosen:
    """A dataset version and what it holds.

    Attributes:
        made: it was made just now, because there was none.
        latest: of all versions, the newest first.
        labelled: items that a version made now would hold.
    """

    dataset: Dataset
    version: DatasetVersion
    made: bool
    latest: Sequence[DatasetVersion]
    kind: Kind
    summary: Summary
    labelled: int


def choose(container: Container, dataset: str, version: int | str | None) -> Chosen:
    """Find what is to be trained on; without a version the newest one, made if there is none.

    Raises NotFoundError, and ConflictError when there is nothing to make a version of.
    """
    with container.db.read() as session:
        row = datasets.get(session, dataset)
        empty = version is None and versions.newest(session, row.id) is None
    if empty:
        version_services.make(container, row.id, VersionIn(note=_NOTE))
    with container.db.read() as session:
        chosen = _version(session, row, version)
        return Chosen(
            dataset=row,
            version=chosen,
            made=empty,
            latest=versions.of_dataset(session, row.id),
            kind=kinds.resolve(session, chosen.kind),
            summary=summary_of(container.blobs.path(chosen.manifest_sha256)),
            labelled=datasets.counts(session, [row.id])[row.id].items.get(("ready", "labelled"), 0),
        )


def _version(session: Session, dataset: Dataset, version: int | str | None) -> DatasetVersion:
    if version is not None:
        return version_services.find(session, dataset, version)
    newest = versions.newest(session, dataset.id)
    assert newest is not None
    return newest


@lru_cache(maxsize=64)
def summary_of(manifest: Path) -> Summary:
    """Return what a version holds. A manifest is named by its hash, so it is read once."""
    return summarise(manifest)


def make_plan(container: Container, chosen: Chosen, body: schemas.PlanIn) -> Plan:
    """Plan a run. Raises InputError naming the option that is wrong, or why it cannot be trained so."""
    with container.db.read() as session:
        overrides, known = weights.named(session, dict(body.set))
    if isinstance(body, schemas.StartIn) and body.kind is not None:
        _check_kind(chosen, body.kind)
    if isinstance(body, schemas.StartIn) and body.epochs is not None:
        overrides |= _steps_of(chosen, body, overrides, known)
    made = plan(
        chosen.summary, chosen.kind, body.architecture, body.preset, overrides, gpus=cuda.count(),
        begins_with=known,
    )  # fmt: skip
    behind = _behind(chosen, body)
    return Plan(made.spec, made.fields, [*behind, *made.warnings])


def _check_kind(chosen: Chosen, named: str) -> None:
    """Raise InputError when a caller takes the dataset for one of another kind."""
    own = {chosen.kind.name, *chosen.kind.aliases}
    if named.strip().lower().replace("-", "_").replace(" ", "_") in own:
        return
    raise InputError(
        f"{chosen.dataset.name} is a dataset of kind {chosen.kind.name}, not {named!r}.",
        f"Name another dataset, or an architecture: {', '.join(chosen.kind.architectures)}.",
        fields=[{"field": "model_type", "problem": "is no kind of this dataset", "value": named}],
    )


def _steps_of(
    chosen: Chosen, body: schemas.StartIn, overrides: dict[str, Any], known: KnownWeights | None
) -> dict[str, Any]:
    """Say epochs in steps, by the batch that the plan has."""
    if "steps" in overrides:
        raise InputError("epochs and steps are both given.", "Give one of the two.")
    draft = plan(
        chosen.summary, chosen.kind, body.architecture, body.preset, overrides, gpus=cuda.count(),
        begins_with=known,
    )  # fmt: skip
    train = chosen.summary.items.get("train", 0)
    assert body.epochs is not None
    return {"steps": max(1, math.ceil(body.epochs * train / draft.spec.batch_size))}


def _behind(chosen: Chosen, body: schemas.PlanIn) -> list[Advice]:
    """Say that the version that was taken unasked is not of today."""
    had = chosen.summary.total
    if body.version is not None or chosen.labelled <= had:
        return []
    return [
        Advice(
            "version_behind",
            f"{chosen.dataset.name} has {chosen.labelled} labelled items now; version "
            f"{chosen.version.number}, its newest, holds {had}.",
            "Make a new version to train on all of them.",
        )
    ]


def preview(container: Container, body: schemas.PlanIn) -> schemas.PlanOut:
    """Return the plan with what there is to choose from."""
    chosen = choose(container, body.dataset, body.version)
    made = make_plan(container, chosen, body)
    return schemas.PlanOut(
        dataset=chosen.dataset.name,
        dataset_id=chosen.dataset.id,
        version=_offer(chosen.version),
        version_made=chosen.made,
        spec=made.spec.model_dump(mode="json"),
        fields=[asdict(one) for one in made.fields],
        warnings=[asdict(one) for one in made.warnings],
        architectures=_judged(chosen.kind, chosen.summary),
        versions=[_offer(row) for row in chosen.latest],
    )


def architectures(container: Container, dataset: str | None) -> list[schemas.ArchitectureOut]:
    """Return every architecture; with a dataset, judged by its labels and its newest version's layers."""
    if dataset is None:
        return [_shown(one, True, one.description) for one in ARCHITECTURES.values()]
    with container.db.read() as session:
        row = datasets.get(session, dataset)
        kind = kinds.resolve(session, row.kind)
        newest = versions.newest(session, row.id)
        layers = list(newest.summary.get("layers", {})) if newest else None
        judged = compatible(kind, datasets.schema_of(row), layers)
    return [_shown(one, ok, reason) for one, ok, reason in judged]


def _judged(kind: Kind, summary: Summary) -> list[schemas.ArchitectureOut]:
    judged = compatible(kind, summary.label_schema, summary.layers)
    return [_shown(one, ok, reason) for one, ok, reason in judged]


def _shown(one: Architecture, ok: bool, reason: str) -> schemas.ArchitectureOut:
    return schemas.ArchitectureOut(
        name=one.name,
        title=one.title,
        description=one.description,
        ok=ok,
        reason=reason,
        tasks=list(one.tasks),
        needs_relief=one.needs_relief,
        backbones=list(one.backbones),
    )


def _offer(row: DatasetVersion) -> schemas.PlanVersion:
    splits = row.summary.get("splits", {})
    counts = {part: int((splits.get(part) or {}).get("items", 0)) for part in ("train", "val")}
    return schemas.PlanVersion(
        id=row.id, number=row.number, note=row.note, created_at=row.created_at, **counts
    )

"""Models: look, use in grading, rename, delete, pre-label with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rcg.api import training_schemas as schemas
from rcg.api.schemas import JobOut
from rcg.api.services.training import views
from rcg.api.services.views import job_out
from rcg.errors import ConflictError, InputError
from rcg.store.repositories import blobs, datasets, items, models, predictions
from rcg.store.repositories.items import Filter
from rcg.store.repositories.records import records
from rcg.training.architectures import has_relief

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rcg.container import Container
    from rcg.store.dataset_models import Dataset
    from rcg.store.db import Session
    from rcg.store.training_models import Model

RECORDS_TYPE = "application/x-ndjson"
_AT_ONCE = 500


def listing(
    container: Container,
    *,
    q: str,
    kind: str | None,
    in_use: bool | None,
    sort: models.Sort,
    offset: int,
    limit: int,
) -> schemas.ModelPage:
    """Return a page of models."""
    with container.db.read() as session:
        page = models.listing(session, q=q, kind=kind, in_use=in_use, sort=sort, offset=offset, limit=limit)
        return schemas.ModelPage(
            items=[views.model_out(row) for row in page.rows],
            total=page.total,
            offset=page.offset,
            limit=page.limit,
            next_offset=page.next_offset,
        )


def get(container: Container, model_id: str) -> schemas.ModelDetail:
    """Return a model."""
    with container.db.read() as session:
        return views.model_detail(models.get(session, model_id))


def use(container: Container, model_id: str, *, wanted: bool) -> schemas.UseOut:
    """Let grading use a model, or not any more. Of each kind it uses one; the former one is released."""
    with container.db.write() as session:
        row = models.get(session, model_id)
        released: list[Model] = []
        if wanted:
            released = [other for other in models.used_for(session, row.kind) if other.id != row.id]
            for other in released:
                other.in_use = False
        row.in_use = wanted
        session.flush()
        return schemas.UseOut(
            **views.model_detail(row).model_dump(),
            released=[views.model_out(other) for other in released],
            message=_said(row, released, wanted=wanted),
        )


def rename(container: Container, model_id: str, name: str) -> schemas.ModelDetail:
    """Give a model another name. Reports that name it keep the old one. Raises ConflictError."""
    with container.db.write() as session:
        row = models.get(session, model_id)
        taken = models.by_name(session, name)
        if taken is not None and taken.id != row.id:
            raise ConflictError(f"There is a model named {name!r} already.", "Choose another name.")
        row.name = name
        row.config = row.config | {"name": name}
        session.flush()
        return views.model_detail(row)


def delete(container: Container, model_id: str) -> None:
    """Delete a model. Raises ConflictError while grading uses it."""
    with container.db.write() as session:
        row = models.get(session, model_id)
        if row.in_use:
            raise ConflictError(
                f"Grading uses {row.name}, so it cannot be deleted.",
                f'Stop that first: POST /api/models/{row.id}/use {{"use": false}}',
            )
        models.delete(session, row)


def predict(container: Container, model_id: str, body: schemas.PredictIn) -> JobOut:
    """Queue the pre-labelling of items that no person has labelled.

    Raises:
        InputError: neither a dataset nor items are named, the labels do not fit, or a layer is missing.
        ConflictError: nothing is left to label.
    """
    with container.db.read() as session:
        model = models.get(session, model_id)
        dataset = _dataset(session, body)
        _check_labels(model, dataset)
        ids = predictions.open_items(session, dataset.id, body.item_ids)
        if not ids:
            raise ConflictError(
                f"No item of {dataset.name} that was asked for is without labels.",
                "Add items, or let a person take a label back.",
            )
        seen: set[str] = set()
        with container.blobs.writer() as writer:
            for line, layers in _lines(session, dataset.id, ids):
                writer.write(line)
                seen.update(layers)
            _check_layers(model, dataset, seen)
            info = writer.commit()
    with container.db.write() as session:
        blobs.ensure(session, info, RECORDS_TYPE)
        job = container.jobs.submit(
            session,
            "predict",
            {
                "dataset_id": dataset.id,
                "model": {
                    "name": model.name, "weights_sha256": model.weights_sha256, "config": model.config,
                },
                "records_sha256": info.sha256,
                "items": len(ids),
                "least_score": body.least_score,
            },
            title=f"Pre-label {len(ids)} items of {dataset.name} with {model.name}",
            subject=f"dataset:{dataset.id}",
        )  # fmt: skip
        session.flush()
        return job_out(job)


def _said(row: Model, released: Sequence[Model], *, wanted: bool) -> str:
    if not wanted:
        return f"Grading no longer uses {row.name}."
    instead = f" in place of {', '.join(other.name for other in released)}" if released else ""
    return f"Grading uses {row.name}{instead} from now on."


def _dataset(session: Session, body: schemas.PredictIn) -> Dataset:
    if body.dataset_id is not None:
        return datasets.get(session, body.dataset_id)
    if not body.item_ids:
        raise InputError("Neither dataset_id nor item_ids is given.", "Say what to pre-label.")
    return datasets.get(session, items.get(session, body.item_ids[0]).dataset_id)


def _check_labels(model: Model, dataset: Dataset) -> None:
    """A model may say what the dataset has a class, or the points, for."""
    own, other = model.config["label_schema"], dataset.label_schema
    if own["task"] != other["task"]:
        raise InputError(
            f"{model.name} finds {_things(own['task'])}, and {dataset.name} has {_things(other['task'])}.",
            "Choose a model of the dataset's kind.",
        )
    known = {one["name"] for one in other["classes"]}
    missing = [one["name"] for one in own["classes"] if one["name"] not in known]
    if missing:
        raise InputError(
            f"{model.name} says {', '.join(missing[:5])}, which {dataset.name} has no class for.",
            "Add the classes to the dataset's label schema, or choose another model.",
        )


def _check_layers(model: Model, dataset: Dataset, there: set[str]) -> None:
    layers = [str(name) for name in model.config["layers"]]
    if there.isdisjoint(layers):
        raise InputError(
            f"{model.name} looks at {', '.join(layers)}, and no item of {dataset.name} has any of them.",
            "Fill the dataset from captures." if has_relief(layers) else "Choose another model.",
        )


def _lines(session: Session, dataset_id: str, ids: Sequence[str]) -> Iterator[tuple[bytes, Sequence[str]]]:
    """Yield the items as lines of a manifest without annotations, with their layers."""
    for first in range(0, len(ids), _AT_ONCE):
        chosen = Filter(ids=ids[first : first + _AT_ONCE])
        for record in records(session, dataset_id, chosen):
            data: dict[str, Any] = json.loads(record.line) | {"annotations": []}
            yield json.dumps(data, separators=(",", ":")).encode() + b"\n", record.layer_names


def _things(task: str) -> str:
    return "points" if task == "points" else "objects"

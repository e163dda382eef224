"""The job that lets a model pre-label items: layers in, predicted annotations out, for a person to accept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rcg.jobs.grade import ModelSpec, Strict
from rcg.store.blobs import BlobInfo, BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job

LINES = "application/x-ndjson"
_BATCH = 200


class PredictSpec(Strict):
    """What the job is told.

    Attributes:
        model: that predicts.
        records_sha256: a blob of JSON lines, one ItemRecord each, without annotations.
        items: how many lines it has.
        least_score: predictions below are dropped.
    """

    dataset_id: str
    model: ModelSpec
    records_sha256: str
    items: int
    least_score: float = Field(0.3, ge=0, le=1)


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Predict item by item and store all predictions as one blob of JSON lines ``{id, annotations}``."""
    from rcg.datasets.manifest import ItemRecord  # noqa: PLC0415
    from rcg.datasets.pixels import read_sample  # noqa: PLC0415
    from rcg.errors import RcgError  # noqa: PLC0415
    from rcg.training.model_config import read_config  # noqa: PLC0415
    from rcg.training.predict import load  # noqa: PLC0415

    order = PredictSpec.model_validate(spec)
    blobs = BlobStore(ctx.data_dir / "blobs")
    config = read_config(order.model.config)
    predictor = load(config, blobs.path(order.model.weights_sha256))
    out = ctx.scratch / "predictions.jsonl"
    found = skipped = 0
    with out.open("w", encoding="utf-8") as file:
        for done, line in enumerate(_lines(blobs.path(order.records_sha256))):
            record = ItemRecord.model_validate_json(line)
            ctx.progress(done / max(order.items, 1), f"{done} of {order.items} items, {found} predictions")
            try:
                sample = read_sample(record, blobs.path, layers=config.layers)
                predicted = predictor.predict(sample)
            except RcgError as error:
                skipped += 1
                ctx.log(f"{record.name}: {error}", "warning")
                continue
            kept = [
                annotation.model_copy(
                    update={"source": "model", "state": "predicted", "model": order.model.name}
                ).model_dump(mode="json")
                for annotation in predicted
                if (annotation.score or 0.0) >= order.least_score
            ]
            found += len(kept)
            file.write(json.dumps({"id": record.id, "annotations": kept}, separators=(",", ":")) + "\n")
    with out.open("rb") as file:
        info = blobs.add(file.read())
    return {
        "dataset_id": order.dataset_id,
        "model": order.model.name,
        "predictions": {"sha256": info.sha256, "bytes": info.bytes},
        "items": order.items - skipped,
        "skipped": skipped,
        "annotations": found,
        "path": str(blobs.path(info.sha256)),
    }


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Give the predictions to the items that no person has labelled; older predictions make room.

    Items that were labelled or deleted meanwhile keep what they have.
    """
    from rcg.store.repositories import blobs, predictions  # noqa: PLC0415

    stored = result["predictions"]
    blobs.ensure(session, BlobInfo(stored["sha256"], stored["bytes"]), LINES)
    labelled = 0
    batch: dict[str, list[dict[str, Any]]] = {}
    for line in _lines(Path(result["path"])):
        entry = json.loads(line)
        batch[entry["id"]] = entry["annotations"]
        if len(batch) == _BATCH:
            labelled += predictions.replace(session, batch)
            batch = {}
    labelled += predictions.replace(session, batch)
    return {key: result[key] for key in ("dataset_id", "model", "items", "skipped", "annotations")} | {
        "labelled": labelled,
        "kept": result["items"] - labelled,
    }


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield line

"""The job that reads a folder, an archive or annotation files into a dataset."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.errors import InputError
from rcg.jobs.ahead import ahead, decoders
from rcg.jobs.dataset_accept import accept_rows
from rcg.jobs.dataset_labels import merge_schema
from rcg.jobs.dataset_reading import ItemReader, Known, Unreadable
from rcg.jobs.dataset_rows import RowWriter
from rcg.store.transfers import Transfers

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job

UNREADABLE = "images that cannot be read"
_UNPACKING = 0.1
"""share of the job's time that unpacking takes, as far as progress goes"""


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Read everything that came; what cannot be read or carried is counted in the loss report.

    Raises:
        InputError: the archive or the annotation file cannot be read at all; nothing is imported then.
    """
    from rcg.datasets import formats  # noqa: PLC0415
    from rcg.datasets.formats.incoming import ABSENT  # noqa: PLC0415
    from rcg.datasets.schema import LabelSchema  # noqa: PLC0415

    known = Known.read(Transfers(ctx.data_dir).of(spec["transfer"]) / "known.jsonl")
    with _folder(ctx, spec) as folder, RowWriter(ctx) as rows:
        ctx.progress(_UNPACKING, "Reading")
        schema = LabelSchema.model_validate(spec["label_schema"])
        imported = formats.read(folder, spec["format"], schema=schema, known=known.sizes)
        count = 0
        for row in ahead(ItemReader(ctx, known).row, imported.items, decoders(ctx.threads)):
            # How many there are is not known before the end: the bar nears it, and the words say the number.
            share = _UNPACKING + (1 - _UNPACKING) * count / (count + 200)
            ctx.progress(share, f"Read {count} items; {row.name}")
            count += 1
            if isinstance(row, Unreadable):
                imported.loss.add(UNREADABLE, f"{row.name}: {row.error.detail}")
                ctx.log(f"{row.name}: {row.error}", "warning")
            else:
                rows.write(row)
        found = imported.label_schema
    if not count:
        raise InputError(
            "There is nothing in it to import: no images, and no labels.",
            "Give images, or labels as COCO JSON, YOLO text, Pascal VOC or RCG's own JSON.",
            loss=imported.loss.as_json(),
        )
    return {
        "dataset_id": spec["dataset_id"],
        "transfer": spec["transfer"],
        "rows": rows.paths,
        "format": imported.format,
        # Labels without a picture are counted where they are taken in: only there it is known for certain.
        "loss": [row for row in imported.loss.as_json() if row["what"] != ABSENT],
        "label_schema": found.model_dump(mode="json") if found else None,
    }


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Write the items, and the classes that are new, into the dataset."""
    from sqlalchemy import event  # noqa: PLC0415

    from rcg.store.repositories import datasets  # noqa: PLC0415

    transfer, schema = result.pop("transfer"), result.pop("label_schema")
    folder = Path(result["rows"][0]).parent.parent / transfer
    dataset = datasets.find(session, result["dataset_id"])
    if dataset is not None and schema is not None:
        result["new_classes"] = merge_schema(dataset, schema)
    event.listen(
        session, "after_commit", lambda _session: shutil.rmtree(folder, ignore_errors=True), once=True
    )
    return accept_rows(session, job, result)


@contextmanager
def _folder(ctx: JobContext, spec: dict[str, Any]) -> Iterator[Path]:
    """Give what came as one folder: archives unpacked, single files under their names."""
    if spec.get("folder"):
        yield Path(spec["folder"])
        return
    from rcg.datasets import archives  # noqa: PLC0415
    from rcg.datasets.formats.sink import safe_name  # noqa: PLC0415
    from rcg.settings import Settings  # noqa: PLC0415

    transfer = Transfers(ctx.data_dir).of(spec["transfer"])
    root = ctx.scratch / "in"
    root.mkdir()
    for file in spec["files"]:
        said = f"Unpacking {file['name']}"
        ctx.progress(0.0, said)
        path = transfer / file["sha256"][:2] / file["sha256"][2:4] / file["sha256"]
        if archives.is_archive(path):
            into = root if len(spec["files"]) == 1 else root / safe_name(file["name"]).rpartition(".")[0]
            into.mkdir(parents=True, exist_ok=True)
            limits = archives.Limits.of(Settings().limits.archive_mb)
            # Progress, not a bare check: a child that is silent for long is taken for hung.
            archives.unpack(path, into, limits, name=file["name"], check=partial(ctx.progress, 0.0, said))
        else:
            target = root / safe_name(file["name"])
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    yield root

"""The job that writes a dataset or a version as a zip archive in one of the formats."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.store.blobs import BlobInfo, BlobStore
from rcg.store.transfers import Transfers

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job

ZIP = "application/zip"


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Write the archive, streaming, and store it. The same dataset gives the same archive."""
    from rcg.datasets import formats  # noqa: PLC0415
    from rcg.datasets.formats.parts import ManifestSource  # noqa: PLC0415

    blobs = BlobStore(ctx.data_dir / "blobs")
    source = ManifestSource(_manifest(ctx, blobs, spec), blobs.path)
    total, done = max(1, source.header.items), 0

    def each() -> None:
        nonlocal done
        done += 1
        ctx.progress(min(0.99, done / total), f"Writing item {done} of {total}")

    path = ctx.scratch / "export.zip"
    loss = formats.export(
        spec["format"], source, path, images=spec["images"], layers=spec["images"], each=each
    )
    info = blobs.adopt(path)
    return {
        "dataset_id": spec["dataset_id"],
        "transfer": str(Transfers(ctx.data_dir).of(spec["transfer"])) if spec.get("transfer") else None,
        "format": spec["format"],
        "items": done,
        "sha256": info.sha256,
        "bytes": info.bytes,
        "file_name": spec["file_name"],
        "loss": loss.as_json(),
    }


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Note the archive, and forget the list it was written from."""
    from sqlalchemy import event  # noqa: PLC0415

    from rcg.store.repositories import blobs  # noqa: PLC0415

    blobs.ensure(session, BlobInfo(result["sha256"], result["bytes"]), ZIP)
    folder = result.pop("transfer")
    if folder:
        event.listen(
            session, "after_commit", lambda _session: shutil.rmtree(folder, ignore_errors=True), once=True
        )
    return result


def _manifest(ctx: JobContext, blobs: BlobStore, spec: dict[str, Any]) -> Path:
    if spec.get("transfer"):
        return Transfers(ctx.data_dir).of(spec["transfer"]) / "manifest.jsonl"
    return blobs.path(spec["manifest_sha256"])

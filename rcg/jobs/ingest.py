"""The job that reads uploaded images: decodes each whole, makes thumbnail and hash, finds the broken ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rcg.errors import RcgError, UnavailableError
from rcg.jobs.ahead import ahead, decoders
from rcg.jobs.dataset_files import store_image
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Read every image of the spec; one that cannot be decoded is noted and spoils nothing else.

    Raises UnavailableError when what is made of them cannot be stored; the job can be run again.
    """
    from rcg.settings import Settings  # noqa: PLC0415

    blobs = BlobStore(ctx.data_dir / "blobs")
    read_file = partial(_read, blobs, Settings().limits.image_megapixels)
    read: list[dict[str, Any]] = []
    files = spec["files"]
    for file, row in zip(files, ahead(read_file, files, decoders(ctx.threads)), strict=True):
        ctx.progress(len(read) / len(files), f"Reading {file['name']}")
        if row["state"] == "broken":
            ctx.log(f"{file['name']}: {row['problem']}", "warning")
        read.append(row)
    return {"dataset_id": spec["dataset_id"], "items": read}


def _read(blobs: BlobStore, max_megapixels: float, file: dict[str, Any]) -> dict[str, Any]:
    """Return what one file is."""
    row = {"id": file["item_id"], "name": file["name"]}
    try:
        stored = store_image(
            blobs,
            blobs.path(file["sha256"]),
            file["name"],
            file["sha256"],
            file["media_type"],
            max_megapixels,
        )
    except UnavailableError:  # the disk is full: that says nothing about the image
        raise
    except RcgError as error:
        return row | {"state": "broken", "problem": f"{error.detail} {error.hint}".strip()}
    return row | {
        "state": "ready",
        "width": stored.width,
        "height": stored.height,
        "thumbnail": stored.thumbnail,
        "phash": stored.phash,
        "layer": stored.layers[0],
        "files": stored.files,
        "problem": " ".join(filter(None, (file["remark"], stored.remark))),
    }


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Write what was found to the items that are still there."""
    from rcg.store.repositories import blobs, items  # noqa: PLC0415

    rows = result["items"]
    there = items.taken_ids(session, [row["id"] for row in rows])
    rows = [row for row in rows if row["id"] in there]
    blobs.ensure_many(
        session,
        {sha: (size, kind) for row in rows for sha, (size, kind) in row.get("files", {}).items()},
    )
    ready = [row for row in rows if row["state"] == "ready"]
    items.update_items(
        session,
        [
            {
                "id": row["id"],
                "state": "ready",
                "problem": row["problem"],
                "width_px": row["width"],
                "height_px": row["height"],
                "thumbnail_sha256": row["thumbnail"],
                "phash": row["phash"],
            }
            for row in ready
        ],
    )
    for row in ready:
        items.set_layer(session, row["id"], row["layer"])
    broken = [row for row in rows if row["state"] == "broken"]
    items.update_items(
        session, [{"id": row["id"], "state": "broken", "problem": row["problem"]} for row in broken]
    )
    return {
        "dataset_id": result["dataset_id"],
        "ready": len(ready),
        "broken": [{"item_id": row["id"], "name": row["name"], "problem": row["problem"]} for row in broken],
        "deleted_meanwhile": len(result["items"]) - len(rows),
    }

"""The job that reads uploaded images: decodes each whole, makes thumbnail and hash, finds the broken ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.errors import CancelledError, RcgError
from rcg.jobs.dataset_files import store_image
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Read every image of the spec; one that cannot be decoded is noted and spoils nothing else."""
    from rcg.settings import Settings  # noqa: PLC0415

    blobs = BlobStore(ctx.data_dir / "blobs")
    max_megapixels = Settings().limits.image_megapixels
    read: list[dict[str, Any]] = []
    for index, file in enumerate(spec["files"]):
        ctx.progress(index / len(spec["files"]), f"Reading {file['name']}")
        row: dict[str, Any] = {"id": file["item_id"], "name": file["name"], "problem": file["remark"]}
        try:
            stored = store_image(
                blobs,
                blobs.path(file["sha256"]),
                file["name"],
                file["sha256"],
                file["media_type"],
                max_megapixels,
            )
        except CancelledError:
            raise
        except RcgError as error:
            ctx.log(f"{file['name']}: {error}", "warning")
            row |= {"state": "broken", "problem": f"{error.detail} {error.hint}".strip()}
        else:
            row |= {
                "state": "ready",
                "width": stored.width,
                "height": stored.height,
                "thumbnail": stored.thumbnail,
                "phash": stored.phash,
                "layer": stored.layers[0],
                "files": stored.files,
                "problem": " ".join(filter(None, (file["remark"], stored.remark))),
            }
        read.append(row)
    return {"dataset_id": spec["dataset_id"], "items": read}


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

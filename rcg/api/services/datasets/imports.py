"""Archives, annotation files and folders into a dataset: kept as they come, and queued for reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from anyio import to_thread

from rcg.api import dataset_schemas as schemas
from rcg.api.errors import checked
from rcg.api.multipart import Form, Intake, read_form
from rcg.api.services.datasets.catalogue import subject
from rcg.api.services.datasets.files import FILES_AT_ONCE
from rcg.api.services.views import job_out
from rcg.errors import InputError, NotFoundError
from rcg.store.blobs import BlobStore
from rcg.store.repositories import datasets, items
from rcg.store.transfers import Transfers

if TYPE_CHECKING:
    from fastapi import Request
    from sqlalchemy.orm import Session

    from rcg.api.schemas import JobOut
    from rcg.container import Container
    from rcg.store.dataset_models import Dataset
    from rcg.store.models import Job

INBOX, LEGACY = "inbox", "revolutionary_datasets"


async def from_request(container: Container, id_or_name: str, request: Request) -> JobOut:
    """Queue the import of what a request brings: a form of files, or JSON that names a folder."""
    if request.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
        body = checked(schemas.FolderImportIn, (await request.body()).decode("utf-8", "replace"))
        return await to_thread.run_sync(from_folder, container, id_or_name, body)
    return await from_form(container, id_or_name, request)


async def from_form(container: Container, id_or_name: str, request: Request) -> JobOut:
    """Take the files of a form in and queue their reading."""

    def prepare() -> Path:
        with container.db.read() as session:
            datasets.get(session, id_or_name)
        limits = container.settings.limits
        container.blobs.check_space(min_free_mb=limits.min_free_disk_mb)
        return Transfers(container.settings.data_dir).new()

    folder = await to_thread.run_sync(prepare)
    try:
        intake = Intake(
            container.settings.limits.archive_mb * 1_000_000,
            FILES_AT_ONCE,
            images=False,
            folders=True,
            hint="Send them as one zip archive.",
            limit_name="limits.archive_mb",
        )
        store = BlobStore(folder, min_free_mb=container.settings.limits.min_free_disk_mb)
        form = await read_form(request, store, intake)
        return await to_thread.run_sync(_queue_form, container, id_or_name, form, folder)
    except BaseException:
        await to_thread.run_sync(Transfers(container.settings.data_dir).drop, folder.name)
        raise


def _queue_form(container: Container, id_or_name: str, form: Form, folder: Path) -> JobOut:
    wanted = form.fields.get("annotation_format", "").strip() or "auto"
    if wanted not in get_args(schemas.ImportFormat):
        raise InputError(
            f"annotation_format: {wanted!r} is no format that RCG reads.",
            f"Say one of {', '.join(get_args(schemas.ImportFormat))}.",
        )
    refused = next((file for file in form.files if file.error is not None), None)
    if refused is not None and refused.error is not None:
        raise refused.error
    files = [{"name": f.file_name, "sha256": f.info.sha256} for f in form.files if f.info is not None]
    if not files:
        raise InputError(
            "The upload has no files.",
            "Send an archive, e.g. curl -F archive=@cards.zip, or files=@labels.json",
        )
    title = files[0]["name"] if len(files) == 1 else f"{len(files)} files"
    return _queue(container, id_or_name, {"files": files, "format": wanted}, folder, title)


def from_folder(container: Container, id_or_name: str, body: schemas.FolderImportIn) -> JobOut:
    """Queue the import of a folder that lies on the server's disk already."""
    place = folder_named(container, body.folder)
    folder = Transfers(container.settings.data_dir).new()
    spec = {"folder": str(place), "format": body.annotation_format}
    return _queue(container, id_or_name, spec, folder, place.name)


def folder_named(container: Container, name: str) -> Path:
    """Return the folder of that name below ``data/inbox`` or ``data/revolutionary_datasets``.

    Raises InputError for a name that climbs, NotFoundError that lists the folders there are.
    """
    roots = [container.settings.data_dir / place for place in (INBOX, LEGACY)]
    parts = name.replace("\\", "/").strip("/").split("/")
    if parts[0] in {INBOX, LEGACY} and len(parts) > 1:
        parts = parts[1:]
    if any(part in {"", ".", ".."} for part in parts):
        raise InputError(
            f"{name!r} is no folder below {INBOX} or {LEGACY} of the data folder.", "Give its plain name."
        )
    for root in roots:
        place = root.joinpath(*parts)
        if place.is_dir() and place.resolve().is_relative_to(root.resolve()):
            return place
    there = [path.name for root in roots if root.is_dir() for path in sorted(root.iterdir()) if path.is_dir()]
    raise NotFoundError(
        f"There is no folder {name!r} below {roots[0]} or {roots[1]}.",
        f"There are: {', '.join(there[:10])}." if there else f"Put it into {roots[0]}.",
    )


def _queue(container: Container, id_or_name: str, spec: dict[str, Any], folder: Path, title: str) -> JobOut:
    with container.db.write() as session:
        dataset = datasets.get(session, id_or_name)
        return job_out(submit(container, session, dataset, spec, folder, title))


def new_transfer(container: Container) -> Path:
    """Make the folder in which an import's job finds what it needs."""
    return Transfers(container.settings.data_dir).new()


def submit(
    container: Container, session: Session, dataset: Dataset, spec: dict[str, Any], folder: Path, title: str
) -> Job:
    """Queue an import within the caller's transaction.

    Args:
        container: the parts.
        session: a write transaction.
        dataset: to be filled.
        spec: ``format``, and ``files`` (names and hashes in the transfer's folder) or ``folder``.
        folder: of :func:`new_transfer`.
        title: what is imported, for people.
    """
    _write_known(session, dataset, folder / "known.jsonl")
    job = container.jobs.submit(
        session,
        "dataset_import",
        {"dataset_id": dataset.id, "transfer": folder.name, "label_schema": dataset.label_schema, **spec},
        title=f"Import {title} into {dataset.name}"[:200],
        subject=subject(dataset.id),
    )
    session.flush()
    return job


def _write_known(session: Session, dataset: Dataset, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in items.known(session, dataset.id):
            file.write(json.dumps([row.name, row.width_px, row.height_px, row.sha256]) + "\n")

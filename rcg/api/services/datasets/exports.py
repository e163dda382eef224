"""Datasets and versions as archives to download."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rcg.api import dataset_schemas as schemas
from rcg.api.services.datasets import splitting, versions
from rcg.api.services.datasets.catalogue import subject
from rcg.api.services.views import job_out
from rcg.datasets.manifest import Header, canonical
from rcg.errors import ConflictError, NotFoundError
from rcg.store.repositories import datasets, items, jobs
from rcg.store.repositories import versions as version_rows
from rcg.store.repositories.items import Filter
from rcg.store.repositories.records import records
from rcg.store.transfers import Transfers

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.api.schemas import JobOut
    from rcg.container import Container
    from rcg.store.dataset_models import Dataset

READABLE = Filter(state="ready")
_PLAIN = re.compile(r"[^A-Za-z0-9]+")


def export(container: Container, id_or_name: str, body: schemas.ExportIn) -> JobOut:
    """Queue the writing of an archive: of a version, or of everything as it is now.

    Raises ConflictError when there is nothing to write.
    """
    with container.db.read() as session:
        dataset = datasets.get(session, id_or_name)
        spec: dict[str, Any] = {"dataset_id": dataset.id, "format": body.format, "images": body.images}
        if body.version is not None:
            row = versions.find(session, dataset, body.version)
            spec["manifest_sha256"] = row.manifest_sha256
            title, name = f"version {row.number} of {dataset.name}", f"{dataset.name}-v{row.number}"
        else:
            spec["transfer"] = _present(container, session, dataset)
            title, name = dataset.name, dataset.name
    plain = _PLAIN.sub("-", name).strip("-").lower()[:60] or "dataset"
    spec["file_name"] = f"{plain}-{body.format.replace(':', '-')}.zip"
    with container.db.write() as session:
        job = container.jobs.submit(
            session,
            "dataset_export",
            spec,
            title=f"Export {title} as {body.format}",
            subject=subject(dataset.id),
        )
        session.flush()
        return job_out(job)


def _present(container: Container, session: Session, dataset: Dataset) -> str:
    """Write a dataset's readable items as they are now, labelled or not, into a file of a version's form."""
    total = items.count(session, dataset.id, READABLE)
    if not total:
        raise ConflictError(
            f"{dataset.name} has no items that can be read, so there is nothing to export.", "Fill it first."
        )
    newest = version_rows.newest(session, dataset.id)
    seed, shares = (newest.split["seed"], newest.split["shares"]) if newest else splitting.DEFAULT
    split = splitting.plan(session, dataset.id, seed, shares, READABLE)
    header = Header(
        dataset=dataset.name, kind=dataset.kind, number=0, label_schema=datasets.schema_of(dataset),
        split=split.as_json(), items=total,
    )  # fmt: skip
    folder = Transfers(container.settings.data_dir).new()
    with (folder / "manifest.jsonl").open("wb") as file:
        file.write(canonical(header) + b"\n")
        for record in records(session, dataset.id, READABLE, split.of_card, accepted=False):
            file.write(record.line + b"\n")
    return folder.name


def archive(container: Container, id_or_name: str, job_id: str) -> tuple[str, str]:
    """Return the archive that a job wrote: SHA-256 and file name. Raises ConflictError before its end."""
    with container.db.read() as session:
        dataset = datasets.get(session, id_or_name)
        job = jobs.get(session, job_id)
        if job.kind != "dataset_export" or job.subject != subject(dataset.id):
            raise NotFoundError(
                f"The job {job_id} is no export of {dataset.name}.",
                "POST its export first; the answer is a job.",
            )
        if job.state != "done" or job.result is None:
            raise ConflictError(
                f"The export is {job.state}.",
                "Wait for its end."
                if job.state in jobs.ACTIVE
                else f"See GET /api/jobs/{job_id} for the reason.",
            )
        return job.result["sha256"], job.result["file_name"]

"""Jobs: look, cancel, retry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rcg.api import schemas
from rcg.api.services.views import job_out
from rcg.jobs.joblog import JobLog
from rcg.store.repositories import jobs

if TYPE_CHECKING:
    from rcg.container import Container


def listing(
    container: Container,
    *,
    states: Sequence[str],
    kind: str | None,
    subject: str | None,
    offset: int,
    limit: int,
) -> schemas.JobPage:
    """Return a page of jobs, newest first."""
    with container.db.read() as session:
        page = jobs.listing(session, states=states, kind=kind, subject=subject, offset=offset, limit=limit)
        return schemas.JobPage(
            items=[job_out(job) for job in page.rows],
            total=page.total,
            offset=page.offset,
            limit=page.limit,
            next_offset=page.next_offset,
        )


def get(container: Container, job_id: str) -> schemas.JobOut:
    """Return a job."""
    with container.db.read() as session:
        return job_out(jobs.get(session, job_id))


def log(container: Container, job_id: str) -> list[schemas.LogLine]:
    """Return what a job wrote, oldest first; of a long log its end."""
    get(container, job_id)
    lines = JobLog(container.settings.data_dir, job_id).read()
    return [
        schemas.LogLine(at=line["t"], level=line["level"], attempt=line["attempt"], text=line["text"])
        for line in lines
    ]


def cancel(container: Container, job_id: str) -> schemas.JobOut:
    """Ask a job to stop; one that waits is cancelled at once."""
    get(container, job_id)
    container.jobs.cancel(job_id)
    return get(container, job_id)


def retry(container: Container, job_id: str) -> schemas.JobOut:
    """Queue a job again that failed, died or was cancelled."""
    get(container, job_id)
    container.jobs.retry(job_id)
    return get(container, job_id)

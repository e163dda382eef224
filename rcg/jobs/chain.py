"""A job that asks for the next: submitted in the transaction that ends it, dispatched after the commit."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy.orm import Session

from rcg.jobs.handler import HANDLERS
from rcg.store.models import Job, new_id

_KEY = "rcg_jobs_submit"


class Submit(Protocol):
    """:meth:`rcg.jobs.system.JobSystem.submit`."""

    def __call__(
        self,
        session: Session,
        kind: str,
        spec: dict[str, Any],
        *,
        title: str,
        subject: str | None = None,
        band: int = 1,
    ) -> Job:
        """Add a job in the caller's transaction."""


def offer(session: Session, way: Submit | None) -> None:
    """Let what runs in this session submit jobs."""
    if way is not None:
        session.info[_KEY] = way


def submit(
    session: Session,
    kind: str,
    spec: dict[str, Any],
    *,
    title: str,
    subject: str | None = None,
    band: int = 1,
) -> Job:
    """Add a job, for an ``accept`` that goes on with another one.

    Without a job system behind the session only the row is written; the reconciler finds it.
    """
    way: Submit | None = session.info.get(_KEY)
    if way is not None:
        return way(session, kind, spec, title=title, subject=subject, band=band)
    job = Job(
        id=new_id(), kind=kind, title=title, subject=subject, band=band, spec=spec,
        resource=HANDLERS[kind].resource,
    )  # fmt: skip
    session.add(job)
    return job

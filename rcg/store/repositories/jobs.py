"""Jobs, to be looked at. Their states are changed by ``rcg.jobs`` alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rcg.errors import NotFoundError
from rcg.store.models import Job
from rcg.store.repositories.page import Page, paginate

ACTIVE = ("queued", "running")


def find(session: Session, job_id: str) -> Job | None:
    """Return the job, or None."""
    return session.get(Job, job_id)


def get(session: Session, job_id: str) -> Job:
    """Return the job. Raises NotFoundError."""
    row = session.get(Job, job_id)
    if row is None:
        raise NotFoundError(f"There is no job {job_id!r}.", "GET /api/jobs lists them.")
    return row


def listing(
    session: Session,
    *,
    states: Sequence[str] = (),
    kind: str | None = None,
    subject: str | None = None,
    offset: int = 0,
    limit: int = 50,
) -> Page[Job]:
    """Return one page of jobs, newest first; empty ``states`` means all."""
    query = select(Job)
    if states:
        query = query.where(Job.state.in_(states))
    if kind:
        query = query.where(Job.kind == kind)
    if subject:
        query = query.where(Job.subject == subject)
    return paginate(session, query.order_by(Job.created_at.desc(), Job.id), offset=offset, limit=limit)


def active_of(session: Session, subject: str, kind: str | None = None) -> Sequence[Job]:
    """Return the queued and running jobs about a subject, oldest first."""
    query = select(Job).where(Job.subject == subject, Job.state.in_(ACTIVE))
    if kind:
        query = query.where(Job.kind == kind)
    return session.scalars(query.order_by(Job.created_at, Job.id)).all()


def active_of_kind(session: Session, kind: str) -> Sequence[Job]:
    """Return the queued and running jobs of a kind, oldest first."""
    query = select(Job).where(Job.kind == kind, Job.state.in_(ACTIVE))
    return session.scalars(query.order_by(Job.created_at, Job.id)).all()


def count_by_state(session: Session) -> dict[str, int]:
    """Return how many jobs are in each state that occurs."""
    rows = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    return {state: count for state, count in rows}  # noqa: C416  # Row objects do not type-check as pairs


def subjects_of_folder(session: Session, folder: str) -> Sequence[str]:
    """Return what imports of a folder were about, those that did not fail, newest first."""
    query = select(Job.subject).where(
        Job.kind == "dataset_import",
        Job.subject.is_not(None),
        Job.state.in_((*ACTIVE, "done")),
        Job.spec["folder"].as_string() == folder,
    )
    return [subject for subject in session.scalars(query.order_by(Job.created_at.desc())) if subject]

"""The job's row, changed by compare-and-set only: every SQL statement that writes to the table of jobs.

Each function runs in the caller's transaction and returns the changed row, or None for a refused change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from rcg.jobs import follow, model
from rcg.jobs.model import Limits, Ticket
from rcg.store.db import now_ms
from rcg.store.models import Job

_COLUMNS = tuple(Ticket.__dataclass_fields__)
_RACES = 10


def ticket_of(job: Job) -> Ticket:
    """The deciding part of a row."""
    return Ticket(**{name: getattr(job, name) for name in _COLUMNS})


def change(
    session: Session,
    job_id: str,
    step: Callable[[Ticket], Ticket | None],
    finish: Callable[[Job], None] | None = None,
    **columns: Any,
) -> Job | None:
    """Apply one step of the state machine to the row, together with other columns.

    The update names the ticket it was computed from; if another writer was quicker the step is computed anew.
    ``finish`` sets what depends on the new state; then the rows that follow this kind of job are changed.
    """
    for _ in range(_RACES):
        job = session.get(Job, job_id, populate_existing=True)
        if job is None:
            return None
        before = ticket_of(job)
        after = step(before)
        if after is None:
            return None
        unchanged = [getattr(Job, name).is_not_distinct_from(value) for name, value in asdict(before).items()]
        statement = update(Job).where(Job.id == job_id, *unchanged).values(**asdict(after), **columns)
        done = cast(
            "CursorResult[Any]", session.execute(statement, execution_options={"synchronize_session": False})
        )
        if done.rowcount == 1:
            session.refresh(job)
            if finish is not None:
                finish(job)
            follow.tell(session, job, before.state)
            return job
    return None


def claim(session: Session, job_id: str, worker: str) -> Job | None:
    """A slot takes a queued job that is due."""
    now = now_ms()
    return change(
        session, job_id, lambda ticket: model.claim(ticket, worker, now),
        started_at=now, finished_at=None, progress=0.0, message="", error=None, result=None,
    )  # fmt: skip


def done(session: Session, job_id: str, attempt: int) -> Job | None:
    """The attempt has a result. The caller takes the result in within the same transaction."""
    return change(
        session, job_id, lambda ticket: model.end(ticket, attempt, model.DONE),
        finished_at=now_ms(), progress=1.0, message="", error=None,
    )  # fmt: skip


def failed(session: Session, job_id: str, attempt: int, error: dict[str, Any]) -> Job | None:
    """The attempt ended with an error that running again would not cure."""
    return change(
        session, job_id, lambda ticket: model.end(ticket, attempt, model.FAILED),
        finished_at=now_ms(), error=error, message="",
    )  # fmt: skip


def cancelled(session: Session, job_id: str, attempt: int) -> Job | None:
    """The attempt has stopped because it was asked to."""
    return change(
        session, job_id, lambda ticket: model.end(ticket, attempt, model.CANCELLED),
        finished_at=now_ms(), message="",
    )  # fmt: skip


def crashed(session: Session, job_id: str, attempt: int, error: dict[str, Any], limits: Limits) -> Job | None:
    """The attempt's process died; ``error`` says how, and stays on the row until the next attempt."""

    def finish(job: Job) -> None:
        job.message = f"crashed ({job.crashes} of {limits.crashes} times), is tried again"
        _ended_or_waiting(job)

    return change(
        session, job_id, lambda ticket: model.crash(ticket, attempt, now_ms(), limits), finish, error=error
    )


def lost(session: Session, job_id: str, attempt: int, limits: Limits) -> Job | None:
    """The server that ran the attempt is gone."""

    def finish(job: Job) -> None:
        if job.state == model.DEAD:
            job.error = {
                "error": "job_lost",
                "detail": f"The server stopped {job.losses} times while this job was running.",
                "hint": "Look into logs/rcg.log for what ended the server, then retry the job.",
            }
        _ended_or_waiting(job)

    message = "the server stopped under it"
    return change(
        session, job_id, lambda ticket: model.lose(ticket, attempt, now_ms(), limits), finish, message=message
    )


def released(session: Session, job_id: str, attempt: int) -> Job | None:
    """The server stops and gives the attempt back, without counting it."""
    message = "waits for the server's next start"
    return change(
        session, job_id, lambda ticket: model.release(ticket, attempt, now_ms()), _ended_or_waiting,
        message=message,
    )  # fmt: skip


def cancel(session: Session, job_id: str) -> Job | None:
    """A person cancels."""
    return change(session, job_id, model.cancel, _ended_or_waiting)


def retry(session: Session, job_id: str) -> Job | None:
    """A person runs an ended job again."""
    return change(
        session, job_id, lambda ticket: model.retry(ticket, now_ms()),
        error=None, result=None, progress=0.0, message="", started_at=None, finished_at=None,
    )  # fmt: skip


def note_progress(session: Session, job_id: str, attempt: int, fraction: float, message: str) -> None:
    """Keep the last progress of a running attempt on its row."""
    statement = update(Job).where(Job.id == job_id, Job.attempt == attempt, Job.state == model.RUNNING)
    session.execute(statement.values(progress=fraction, message=message))


def note_waiting(session: Session, message: str) -> None:
    """Say on every queued row what the queue waits for."""
    session.execute(
        update(Job).where(Job.state == model.QUEUED, Job.message != message).values(message=message)
    )


def running(session: Session) -> Sequence[Job]:
    """Every running row."""
    return session.scalars(select(Job).where(Job.state == model.RUNNING)).all()


def among(session: Session, job_ids: Sequence[str]) -> Sequence[Job]:
    """The rows with these ids, as far as they exist."""
    return session.scalars(select(Job).where(Job.id.in_(job_ids))).all()


def queued(session: Session) -> Sequence[Job]:
    """Every queued row, in the order in which they came."""
    return session.scalars(
        select(Job).where(Job.state == model.QUEUED).order_by(Job.created_at, Job.id)
    ).all()


def _ended_or_waiting(job: Job) -> None:
    """Set what depends on whether a row has ended or waits again: times and words that no longer hold."""
    if job.state == model.QUEUED:
        job.progress = 0.0
    if job.state in model.ENDED:
        job.finished_at = now_ms()
        job.message = ""
        if job.state == model.CANCELLED:
            job.error = None

"""Telling of a job's row: what is told, and that it is told after the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from rcg.store.models import Job

_KEY = "rcg_jobs_submitted"


def shown(job: Job) -> dict[str, Any]:
    """A row as its ``state`` event shows it."""
    return {
        "state": job.state,
        "job_kind": job.kind,
        "title": job.title,
        "subject": job.subject,
        "attempt": job.attempt,
        "progress": job.progress,
        "message": job.message,
        "cancel_requested": job.cancel_requested,
        "error": job.error,
        "finished_at": job.finished_at,
    }


def after_commit(session: Session, job: Job, tell: Callable[[Job], None]) -> None:
    """Call ``tell`` when the session's outermost transaction has committed; never after a rollback."""
    waiting: list[Job] | None = session.info.get(_KEY)
    if waiting is None:
        waiting = session.info[_KEY] = []
        _listen(session, waiting, tell)
    waiting.append(job)


def _listen(session: Session, waiting: list[Job], tell: Callable[[Job], None]) -> None:
    def committed(committing: Session) -> None:
        if committing.in_nested_transaction():
            return  # the end of a savepoint: nobody else sees the row yet
        ready, waiting[:] = list(waiting), []
        for job in ready:
            tell(job)

    def rolled_back(_session: Session) -> None:
        waiting.clear()

    event.listen(session, "after_commit", committed)
    event.listen(session, "after_rollback", rolled_back)

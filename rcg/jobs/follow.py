"""Rows that follow a job's: told in the same transaction, so that the two never tell different stories."""

from __future__ import annotations

from sqlalchemy.orm import Session

from rcg.jobs.handler import HANDLERS
from rcg.jobs.loading import load
from rcg.store.models import Job


def tell(session: Session, job: Job, before: str) -> None:
    """Have the kind's ``follow`` change its own rows. What it raises refuses the change of the job."""
    handler = HANDLERS.get(job.kind)
    if handler is not None and handler.follow is not None:
        load(handler.follow)(session, job, before)

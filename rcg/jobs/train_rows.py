"""How a run's row follows its job's."""

from __future__ import annotations

from sqlalchemy.orm import Session

from rcg.store.models import Job


def follow(session: Session, job: Job, before: str) -> None:
    """Change the run's row with its job's."""

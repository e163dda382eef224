"""Runs: find, list. Their states follow their jobs (rcg.jobs.train_rows)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from rcg.errors import NotFoundError
from rcg.store.repositories.page import Page, contains, paginate
from rcg.store.training_models import Run

Sort = Literal["newest", "oldest", "name", "best", "dataset"]
ACTIVE = ("queued", "running", "pausing", "stopping", "paused")
ENDED = ("done", "failed", "cancelled")


def find(session: Session, run_id: str) -> Run | None:
    """Return the run, or None."""
    return session.get(Run, run_id)


def get(session: Session, run_id: str) -> Run:
    """Return the run. Raises NotFoundError."""
    row = session.get(Run, run_id)
    if row is None:
        raise NotFoundError(f"There is no run {run_id!r}.", "GET /api/training lists them.")
    return row


def listing(
    session: Session,
    *,
    q: str = "",
    states: Sequence[str] = (),
    dataset_id: str | None = None,
    sort: Sort = "newest",
    offset: int = 0,
    limit: int = 50,
) -> Page[Run]:
    """Return one page of runs.

    Args:
        q: part of the name, of the dataset's name or of the architecture's.
        states: empty means all.
        sort: ``best`` is the greatest value first; runs without one come last.
    """
    query = select(Run)
    if q.strip():
        pattern = contains(q.strip())
        query = query.where(
            or_(
                *(
                    column.ilike(pattern, escape="\\")
                    for column in (Run.name, Run.dataset_name, Run.architecture)
                )
            )
        )
    if states:
        query = query.where(Run.state.in_(states))
    if dataset_id:
        query = query.where(Run.dataset_id == dataset_id)
    orders = {
        "newest": (Run.created_at.desc(),),
        "oldest": (Run.created_at,),
        "name": (func.lower(Run.name),),
        "dataset": (func.lower(Run.dataset_name), Run.created_at.desc()),
        "best": (Run.best.is_(None), Run.best.desc()),
    }
    return paginate(session, query.order_by(*orders[sort], Run.id), offset=offset, limit=limit)


def count_by_state(session: Session) -> dict[str, int]:
    """Return how many runs are in each state that occurs."""
    rows = session.execute(select(Run.state, func.count()).group_by(Run.state)).all()
    return {state: count for state, count in rows}  # noqa: C416  # Row objects do not type-check as pairs


def before(session: Session, run: Run) -> Sequence[Run]:
    """Return the runs that a queued one waits for, the first to go first."""
    query = select(Run).where(Run.id != run.id, Run.state.in_(("running", "pausing", "stopping", "queued")))
    query = query.where(or_(Run.state != "queued", Run.created_at < run.created_at))
    return session.scalars(query.order_by(Run.state == "queued", Run.created_at, Run.id)).all()

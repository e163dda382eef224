"""Runs: find, list. Their states follow their jobs (rcg.jobs.train_rows)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from rcg.errors import NotFoundError
from rcg.store.repositories.page import Page, contains, paginate
from rcg.store.training_models import Model, Run

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


def by_token(session: Session, launch_token: str) -> Run | None:
    """Return the run that was launched with a token, if one was."""
    return session.scalar(select(Run).where(Run.launch_token == launch_token))


def newest_with_token(session: Session, prefix: str) -> Run | None:
    """Return the newest run whose launch token begins so."""
    pattern = contains(prefix).removeprefix("%")
    query = select(Run).where(Run.launch_token.like(pattern, escape="\\"))
    return session.scalar(query.order_by(Run.created_at.desc(), Run.id).limit(1))


def add(
    session: Session,
    *,
    name: str,
    dataset_id: str | None,
    version_id: str | None,
    spec: dict[str, Any],
    spec_sha256: str,
    defaults_diff: list[Any],
    launch_token: str | None,
) -> Run:
    """Make a queued run of a spec (``rcg.training.spec.RunSpec`` as JSON). Its job is submitted apart."""
    row = Run(
        name=name,
        dataset_id=dataset_id,
        dataset_name=spec["dataset"]["name"],
        version_id=version_id,
        kind=spec["dataset"]["kind"],
        architecture=spec["architecture"],
        preset=spec["preset"],
        spec=spec,
        spec_sha256=spec_sha256,
        defaults_diff=defaults_diff,
        launch_token=launch_token,
        steps=spec["steps"],
        metric=spec["metric"],
    )
    session.add(row)
    session.flush()
    return row


def free_name(session: Session, name: str) -> str:
    """Return the name, or the name with the first number that no run has."""
    taken = set(session.scalars(select(Run.name)))
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def delete(session: Session, run: Run) -> None:
    """Delete a run's row. Models that it published stay; they name it no more."""
    session.execute(update(Model).where(Model.run_id == run.id).values(run_id=None))
    session.delete(run)
    session.flush()


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

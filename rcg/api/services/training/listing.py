"""Runs: the list, and one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rcg.api import training_schemas as schemas
from rcg.api.services.training import views
from rcg.store.repositories import datasets, models, runs

if TYPE_CHECKING:
    from rcg.container import Container


def page(
    container: Container,
    *,
    q: str,
    states: Sequence[str],
    dataset: str | None,
    sort: runs.Sort,
    offset: int,
    limit: int,
) -> schemas.RunPage:
    """Return a page of runs."""
    with container.db.read() as session:
        dataset_id = datasets.get(session, dataset).id if dataset else None
        found = runs.listing(
            session, q=q, states=states, dataset_id=dataset_id, sort=sort, offset=offset, limit=limit
        )
        made = models.of_runs(session, [run.id for run in found.rows])
        return schemas.RunPage(
            items=[views.run_summary(run, made.get(run.id)) for run in found.rows],
            total=found.total,
            offset=found.offset,
            limit=found.limit,
            next_offset=found.next_offset,
        )


def get(container: Container, run_id: str) -> schemas.RunOut:
    """Return a run."""
    with container.db.read() as session:
        return views.run_out(container, session, runs.get(session, run_id))

"""Taking in the rows that a job of a dataset made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.jobs.dataset_rows import drop_after_commit, take_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.store.models import Job


def accept_rows(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Write the rows of ``result["rows"]`` into ``result["dataset_id"]``; the rest of the result is kept.

    A dataset that was deleted meanwhile keeps nothing, and the result says so.
    """
    from rcg.store.repositories import datasets  # noqa: PLC0415

    path = Path(result.pop("rows"))
    drop_after_commit(session, path)
    dataset = datasets.find(session, result["dataset_id"])
    if dataset is None:
        return result | {"note": "The dataset was deleted meanwhile, so nothing was kept."}
    taken = take_in(session, dataset.id, path)
    datasets.touch(dataset)
    return result | taken.as_json()

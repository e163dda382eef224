"""Taking in the rows that a job of a dataset made: the first part with the job's end, the others one by one.

A part is what one transaction can write while others wait for it. Most jobs make one part, so their result
is there whole or not at all; one that makes more goes on as ``dataset_rows`` jobs, each of which is there
whole or not at all, and is run again after an accident.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.jobs import chain
from rcg.jobs.dataset_rows import drop, drop_after_commit, take_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Hand the next part on; the work is in :func:`accept_rows`."""
    ctx.check()
    return dict(spec)


def accept_rows(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Write the first file of ``result["rows"]`` into ``result["dataset_id"]``; the result is kept otherwise.

    Returns:
        The result and :class:`rcg.jobs.dataset_rows.Taken`; ``next_job_id`` is the job of the other parts.
        A dataset that was deleted meanwhile keeps nothing, and the result says so.
    """
    from rcg.store.repositories import datasets  # noqa: PLC0415

    path, *others = result.pop("rows")
    before = result.pop("taken", {})
    dataset = datasets.find(session, result["dataset_id"])
    if dataset is None:
        drop([path, *others])
        return result | {"note": "The dataset was deleted meanwhile, so nothing was kept."}
    taken = take_in(session, dataset.id, Path(path))
    taken.add(before)
    drop_after_commit(session, Path(path))
    datasets.touch(dataset)
    result |= taken.as_json()
    if others:
        following = chain.submit(
            session,
            "dataset_rows",
            {**_kept(result), "rows": others, "taken": taken.as_json()},
            title=f"Take {len(others)} more parts into {dataset.name}",
            subject=job.subject,
        )
        session.flush()
        result["next_job_id"] = following.id
    return result


accept = accept_rows


def _kept(result: dict[str, Any]) -> dict[str, Any]:
    """What the job that made the rows said besides."""
    from rcg.jobs.dataset_rows import Taken  # noqa: PLC0415

    return {name: value for name, value in result.items() if name not in Taken.__dataclass_fields__}

"""A run comes into being: its row, and the job that trains it, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.store.repositories import runs

if TYPE_CHECKING:
    from rcg.jobs.chain import Submit
    from rcg.store.db import Session
    from rcg.store.training_models import Run
    from rcg.training.spec import RunSpec


def launch(
    session: Session,
    submit: Submit,
    spec: RunSpec,
    *,
    name: str,
    dataset_id: str | None,
    version_id: str | None,
    defaults_diff: list[Any] | None = None,
    launch_token: str | None = None,
) -> Run:
    """Make a run and queue its training.

    Args:
        session: a write transaction.
        submit: of the job system, or of :mod:`rcg.jobs.chain` where a job asks for it.
        spec: what it computes; never changed from here on.
        name: made different from that of every other run.
        dataset_id, version_id: where the spec's manifest comes from.
        defaults_diff: fields of the plan that were set otherwise than proposed.
        launch_token: the same one twice is the same run; the caller has looked.
    """
    run = runs.add(
        session,
        name=runs.free_name(session, name),
        dataset_id=dataset_id,
        version_id=version_id,
        spec=spec.model_dump(mode="json"),
        spec_sha256=spec.sha256(),
        defaults_diff=defaults_diff or [],
        launch_token=launch_token,
    )
    train(session, submit, run)
    return run


def train(session: Session, submit: Submit, run: Run) -> None:
    """Queue a job that trains a run, or goes on with it from its newest checkpoint."""
    job = submit(
        session,
        "train",
        {"run_id": run.id, "spec": run.spec, "device": run.spec["device"]},
        title=f"Train {run.name}",
        subject=f"run:{run.id}",
    )
    session.flush()
    run.job_id, run.state = job.id, "queued"
    run.error, run.stopped_by, run.finished_at = None, "", None
    session.flush()

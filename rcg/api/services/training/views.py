"""From rows and folders to what the API shows of runs and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.api import training_schemas as schemas
from rcg.api.services.training import history
from rcg.jobs import twin
from rcg.jobs.train import runs_folder
from rcg.store.repositories import jobs, models, runs
from rcg.training.events import attempts
from rcg.training.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rcg.container import Container
    from rcg.store.db import Session
    from rcg.store.models import Job
    from rcg.store.training_models import Model, Run

GOING = ("running", "pausing", "stopping")
_CAN: dict[str, tuple[schemas.Action, ...]] = {
    "queued": ("pause", "cancel", "extend"),
    "running": ("pause", "stop", "evaluate", "extend", "cancel"),
    "pausing": ("cancel",),
    "stopping": ("cancel",),
    "paused": ("resume", "stop", "extend", "cancel", "delete"),
    "done": ("extend", "delete"),
    "failed": ("resume", "stop", "extend", "delete"),
    "cancelled": ("resume", "stop", "extend", "delete"),
}


def run_summary(run: Run, model: Model | None) -> schemas.RunSummary:
    """Show a run as lists do."""
    return schemas.RunSummary(**_plain(run, model))


def run_out(container: Container, session: Session, run: Run) -> schemas.RunOut:
    """Show a run by itself, with what its folder says."""
    place = runs_folder(container.settings.data_dir, run.id)
    job = jobs.find(session, run.job_id) if run.job_id else None
    model = models.of_run(session, run.id)
    checkpoint = history.checkpoint_step(place)
    waits = _queue(session, run)
    other = twin.twin_of(session, run) or twin.original_of(session, run)
    return schemas.RunOut(
        **_plain(run, model),
        training_id=run.id,
        message=_message(run, job, waits, checkpoint),
        can=can(run, checkpoint),
        cancelling=bool(job and job.cancel_requested and run.state in GOING),
        queue=waits,
        eta=_eta(place) if run.state == "running" else None,
        attempts=len(attempts(place)),
        checkpoint_step=checkpoint,
        model_name=model.name if model else None,
        twin=run_ref(other) if other else None,
        spec=run.spec,
        spec_sha256=run.spec_sha256,
        defaults_diff=run.defaults_diff,
    )


def run_ref(run: Run) -> schemas.RunRef:
    """Show a run by name."""
    return schemas.RunRef.model_validate({"id": run.id, "name": run.name, "state": run.state})


def can(run: Run, checkpoint: int | None) -> list[schemas.Action]:
    """Return what may be asked of a run now."""
    nothing_yet = run.state in {"paused", "failed", "cancelled"} and not checkpoint
    return [action for action in _CAN[run.state] if not (action == "stop" and nothing_yet)]


def model_out(model: Model) -> schemas.ModelOut:
    """Show a model as lists do."""
    return schemas.ModelOut.model_validate(model)


def model_detail(model: Model) -> schemas.ModelDetail:
    """Show a model by itself."""
    return schemas.ModelDetail.model_validate(model)


def _plain(run: Run, model: Model | None) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "dataset": run.dataset_name,
        "dataset_id": run.dataset_id,
        "version": run.spec["dataset"]["version"],
        "version_id": run.version_id,
        "kind": run.kind,
        "architecture": run.architecture,
        "preset": run.preset,
        "state": run.state,
        "step": run.step,
        "steps": run.steps,
        "progress": min(1.0, run.step / run.steps) if run.steps else 0.0,
        "metric": run.metric,
        "best": run.best,
        "best_step": run.best_step,
        "target": _target(run),
        "stopped_by": run.stopped_by,
        "error": run.error,
        "job_id": run.job_id,
        "model_id": model.id if model else None,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _target(run: Run) -> schemas.TargetOut | None:
    target = (run.spec.get("stop") or {}).get("target")
    if target is None:
        return None
    measure = METRICS.get(target["metric"])
    comparable = run.best is not None and target["metric"] == run.metric and measure is not None
    reached = run.stopped_by == "target" or bool(
        comparable and measure and measure.reached(run.best or 0.0, target["value"])
    )
    return schemas.TargetOut(metric=target["metric"], value=target["value"], reached=reached)


def _queue(session: Session, run: Run) -> schemas.QueueOut | None:
    if run.state != "queued":
        return None
    behind: Sequence[Run] = runs.before(session, run)
    return schemas.QueueOut(place=len(behind) + 1, behind=[run_ref(other) for other in behind])


def _eta(place: Path) -> schemas.EtaOut | None:
    row = history.newest(place, "eta")
    if row is None:
        return None
    return schemas.EtaOut.model_validate({name: row[name] for name in schemas.EtaOut.model_fields})


def _message(run: Run, job: Job | None, waits: schemas.QueueOut | None, checkpoint: int | None) -> str:
    if waits is not None:
        return _waiting(waits, job)
    if run.state in GOING and job and job.cancel_requested:
        return "It is being cancelled."
    from_there = f"It can go on from step {checkpoint}." if checkpoint else "It would begin anew."
    where = f"at step {run.step} of {run.steps}. {from_there}"
    words = {
        "running": (job.message if job else "") or "It begins.",
        "pausing": "It pauses after this step.",
        "stopping": "It ends; the best so far becomes its model.",
        "paused": f"It is paused {where}",
        "failed": _failure(run, from_there),
        "cancelled": f"It was cancelled {where}",
    }
    return words.get(run.state, f"It is done, after {run.step} steps.")


def _waiting(waits: schemas.QueueOut, job: Job | None) -> str:
    if job and job.message:
        return f"It waits: {job.message}."
    if not waits.behind:
        return "It is the next to go."
    return f"It waits in place {waits.place}; {waits.behind[0].name} goes first."


def _failure(run: Run, from_there: str) -> str:
    error = run.error or {}
    words = f"{error.get('detail', 'It failed.')} {error.get('hint', '')}".strip()
    return words if "resume" in words.lower() else f"{words} {from_there}"

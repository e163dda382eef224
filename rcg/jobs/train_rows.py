"""How a run's row follows its job: its state in the same transaction, its figures as it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from rcg.errors import ConflictError
from rcg.jobs import model
from rcg.store.db import Session, now_ms
from rcg.store.repositories import runs

if TYPE_CHECKING:
    from rcg.store.models import Job
    from rcg.store.training_models import Run

_REASONS: Final = {"training_diverged": "nan", "out_of_memory": "memory"}
"""code of a job's error -> what the run says it was stopped by"""


def follow(session: Session, job: Job, before: str) -> None:
    """Change the run's state with its job's.

    Raises ConflictError when a job is to run again whose run is gone or goes on in another job.
    """
    run = runs.find(session, str(job.spec.get("run_id")))
    again = before in model.RETRIABLE and job.state == model.QUEUED
    if run is None:
        if again:
            raise ConflictError("The run of this job was deleted.", "Start a new one on the page Train.")
        return
    if run.job_id != job.id:
        if not again:
            return
        if run.state not in runs.ENDED:
            raise ConflictError(f"{run.name} goes on in another job.", f"Look at /train/runs/{run.id}.")
        run.job_id = job.id
    match job.state:
        case model.QUEUED:
            _waits(run, again=again)
        case model.RUNNING:
            _begins(run)
        case model.FAILED | model.DEAD:
            _fails(run, job)
        case model.CANCELLED:
            run.state, run.stopped_by, run.finished_at = "cancelled", "cancel", now_ms()


def keep(session: Session, job_id: str, events: list[dict[str, Any]]) -> None:
    """Bring a run's step, horizon and best up to the rows that its training wrote."""
    run = runs.find(session, str(events[-1].get("run_id")))
    if run is None or run.job_id != job_id:
        return
    for event in events:
        row = event.get("row") or {}
        if take := _FIGURES.get(row.get("kind", "")):
            take(run, row)


def _waits(run: Run, *, again: bool) -> None:
    run.finished_at = None
    # What a person asked for while it ran is asked for still: the next attempt reads it in the run's folder.
    if again or run.state not in {"pausing", "stopping"}:
        run.state, run.stopped_by, run.error = "queued", "", None


def _begins(run: Run) -> None:
    run.started_at = run.started_at or now_ms()
    run.finished_at = None
    if run.state not in {"pausing", "stopping"}:
        run.state, run.stopped_by, run.error = "running", "", None


def _fails(run: Run, job: Job) -> None:
    error = dict(job.error or {})
    hint = str(error.get("hint") or "")
    kept = f"Its checkpoints are kept: resume it from step {run.step} or before." if run.step else ""
    error["hint"] = " ".join(filter(None, (hint, kept if "resume" not in hint.lower() else "")))
    run.state, run.error, run.finished_at = "failed", error, now_ms()
    run.stopped_by = _REASONS.get(str(error.get("error")), "error")


def _started(run: Run, row: dict[str, Any]) -> None:
    run.steps, run.step = int(row["steps"]), int(row["from_step"])


def _stepped(run: Run, row: dict[str, Any]) -> None:
    run.step = int(row["step"])


def _evaluated(run: Run, row: dict[str, Any]) -> None:
    run.step = int(row["step"])
    if row.get("best") and run.metric in row["metrics"]:
        run.best, run.best_step = float(row["metrics"][run.metric]), int(row["step"])


def _extended(run: Run, row: dict[str, Any]) -> None:
    run.steps = int(row["steps"])


_FIGURES: Final[dict[str, Callable[[Run, dict[str, Any]], None]]] = {
    "start": _started,
    "step": _stepped,
    "eval": _evaluated,
    "extend": _extended,
}

"""What a person asks of a run: pause, resume, stop, extend, evaluate, cancel, delete.

A training reads ``control.json`` in its run's folder before every step; whether one computes at all is the
job's matter. Row and file are written while the write lock is held, so nobody asks against somebody else.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rcg.api import training_schemas as schemas
from rcg.api.services.training import history, views
from rcg.errors import ConflictError, InputError
from rcg.jobs.launching import train
from rcg.jobs.train import runs_folder
from rcg.store.base import new_id
from rcg.store.db import now_ms
from rcg.store.repositories import jobs, runs
from rcg.training import control
from rcg.training.disk import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

    from rcg.container import Container
    from rcg.store.db import Session
    from rcg.store.training_models import Run
    from rcg.training.control import Command

    Change = Callable[[Session, Run, Path], None]


def pause(container: Container, run_id: str) -> schemas.RunOut:
    """Pause: a run that computes after its step, one that waits at once."""

    def change(session: Session, run: Run, place: Path) -> None:
        if run.state == "queued":
            if run.job_id is None or container.jobs.withdraw(session, run.job_id) is None:
                raise _refused(run, "paused just now", "Try again in a moment.")
            run.state, run.stopped_by, run.finished_at = "paused", "", None
            return
        _need(run, "pause", place)
        _ask(place, "pause")
        run.state = "pausing"

    return _changed(container, run_id, change)


def resume(container: Container, run_id: str) -> schemas.RunOut:
    """Go on from the newest checkpoint: queue a job that does."""

    def change(session: Session, run: Run, place: Path) -> None:
        _need(run, "resume", place)
        _ask(place, None)
        train(session, container.jobs.submit, run)

    return _changed(container, run_id, change)


def stop(container: Container, run_id: str) -> schemas.RunOut:
    """End now: the best so far becomes the model. A run that does not compute is queued for that."""

    def change(session: Session, run: Run, place: Path) -> None:
        _need(run, "stop", place)
        _ask(place, "stop")
        if run.state != "running":
            train(session, container.jobs.submit, run)
        run.state = "stopping"

    return _changed(container, run_id, change)


def evaluate(container: Container, run_id: str) -> schemas.RunOut:
    """Evaluate after this step."""

    def change(_session: Session, run: Run, place: Path) -> None:
        _need(run, "evaluate", place)
        _ask(place, "evaluate")

    return _changed(container, run_id, change)


def extend(container: Container, run_id: str, steps: int) -> schemas.RunOut:
    """Make a run longer. One that is done goes on, from its newest checkpoint, to a further model."""

    def change(session: Session, run: Run, place: Path) -> None:
        _need(run, "extend", place)
        if steps <= run.steps:
            raise InputError(
                f"{run.name} has {run.steps} steps; {steps} is no extension.",
                f"Give the steps it shall have in all, more than {run.steps}.",
                fields=[{"field": "steps", "problem": f"must be more than {run.steps}", "value": steps}],
            )
        again = run.state == "done"
        _ask(place, None if again else control.read(place).command, steps=steps)
        run.steps = steps
        if again:
            train(session, container.jobs.submit, run)

    return _changed(container, run_id, change)


def cancel(container: Container, run_id: str) -> schemas.RunOut:
    """End a run without a model; its checkpoints stay. Cancelling twice is no error."""
    with container.db.write() as session:
        run = runs.get(session, run_id)
        if run.state in {"done", "failed"}:
            raise _refused(run, "cancelled", "Delete it if you do not need it: DELETE /api/training/RUN")
        job_id = run.job_id if run.state not in {"paused", "cancelled"} else None
        if run.state == "paused":
            run.state, run.stopped_by, run.finished_at = "cancelled", "cancel", now_ms()
    if job_id is not None:
        container.jobs.cancel(job_id)
    return _shown(container, run_id)


def delete(container: Container, run_id: str) -> None:
    """Delete a run with its history and checkpoints. Models that it published stay.

    Raises ConflictError while it trains or waits.
    """
    with container.db.write() as session:
        run = runs.get(session, run_id)
        place = runs_folder(container.settings.data_dir, run.id)
        if "delete" not in views.can(run, None):
            raise ConflictError(
                f"{run.name} is {run.state}, so it cannot be deleted.",
                f"Cancel it first: POST /api/training/{run.id}/cancel",
            )
        runs.delete(session, run)
    # The row is gone: what cannot be removed now is only disk space.
    shutil.rmtree(place, ignore_errors=True)


def _changed(container: Container, run_id: str, change: Change) -> schemas.RunOut:
    with container.db.write() as session:
        run = runs.get(session, run_id)
        change(session, run, runs_folder(container.settings.data_dir, run.id))
        session.flush()
    return _shown(container, run_id)


def _shown(container: Container, run_id: str) -> schemas.RunOut:
    """Return the run as it is now, and have every page look at it again."""
    with container.db.read() as session:
        run = runs.get(session, run_id)
        job = jobs.find(session, run.job_id) if run.job_id else None
        if job is not None:
            container.jobs.tell(job)
        return views.run_out(container, session, run)


def _ask(place: Path, command: Command | None, *, steps: int | None = None) -> None:
    """Write what the training shall do next; an extension that was asked for before is kept."""
    with disk_errors("asking the run"):
        kept = control.read(place)
        control.write(place, replace(kept, command=command, id=new_id(), steps=steps or kept.steps))


def _need(run: Run, action: schemas.Action, place: Path) -> None:
    """Raise ConflictError unless the run can do that now; the hint says what it can."""
    possible = views.can(run, history.checkpoint_step(place))
    if action not in possible:
        offered = ", ".join(possible) or "nothing but to wait"
        raise _refused(run, _DONE[action], f"What it can do now: {offered}.")


_DONE: dict[str, str] = {
    "pause": "paused", "resume": "resumed", "stop": "stopped", "extend": "extended", "evaluate": "evaluated",
}  # fmt: skip


def _refused(run: Run, done: str, hint: str) -> ConflictError:
    return ConflictError(f"{run.name} is {run.state}, so it cannot be {done}.", hint, state=run.state)

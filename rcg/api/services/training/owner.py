"""The answers that the owner's scripts read: the same runs, under the names they use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rcg.api import training_schemas as schemas
from rcg.api.services.training import history, launch, listing, views
from rcg.api.services.training.choices import choose, make_plan
from rcg.errors import InputError, NotFoundError
from rcg.jobs import cuda
from rcg.jobs.train import runs_folder
from rcg.store.repositories import jobs, models, runs
from rcg.training.spec import Preset

if TYPE_CHECKING:
    from pathlib import Path

    from rcg.container import Container
    from rcg.training.events import Row

_POINTS: Final = 1000
_RECENT: Final = 10
_LEVELS: Final = {"failed": "error", "cancelled": "warning"}


def initialize(container: Container, body: schemas.StartIn) -> schemas.InitializeOut:
    """Queue a pre-flight, and return the plan that it tries."""
    made = make_plan(container, choose(container, body.dataset, body.version), body)
    queued = launch.preflight(container, body)
    plan = made.as_json()
    return schemas.InitializeOut(
        job_id=queued.job_id,
        job=queued.job,
        initialization_id=queued.job_id,
        training_plan=plan["spec"],
        warnings=plan["warnings"],
    )


def execute(container: Container, body: schemas.ExecuteIn, preset: Preset) -> schemas.RunOut:
    """Launch what was initialised, or what the body says; ``preset`` where it names none."""
    given = body.model_dump(mode="json", exclude_unset=True, exclude={"initialization_id"})
    asked: dict[str, Any] = {"preset": preset}
    if body.initialization_id is not None:
        asked |= _initialised(container, body.initialization_id)
        # The same initialisation twice is one run, however often a script calls.
        asked["launch_token"] = f"init.{body.initialization_id}"
    elif body.dataset is None:
        raise InputError(
            "Neither a dataset nor an initialization_id is given.",
            "Name the dataset, or POST /api/revolutionary-training/initialize first.",
            fields=[{"field": "dataset", "problem": "is missing"}],
        )
    options = {**asked.pop("set", {}), **given.pop("set", {})}
    return launch.start(container, schemas.StartIn.model_validate(asked | given | {"set": options}))


def _initialised(container: Container, job_id: str) -> dict[str, Any]:
    with container.db.read() as session:
        job = jobs.find(session, job_id)
    if job is None or job.kind != "preflight":
        raise NotFoundError(
            f"Nothing was initialised as {job_id[:64]!r}.",
            "POST /api/revolutionary-training/initialize returns an initialization_id.",
        )
    return dict(job.spec["request"])


def status(container: Container) -> schemas.TrainingStatusOut:
    """Return what trains, what waits, and what ended last."""
    with container.db.read() as session:
        active = list(runs.listing(session, states=runs.ACTIVE, sort="oldest", limit=200).rows)
        recent = list(runs.listing(session, states=runs.ENDED, limit=_RECENT).rows)
        made = models.of_runs(session, [run.id for run in (*active, *recent)])
        going = [run for run in active if run.state in views.GOING]
        return schemas.TrainingStatusOut(
            status="training" if going else "idle",
            message=f"{going[0].name} trains." if going else "Nothing trains.",
            active=[views.run_summary(run, made.get(run.id)) for run in active],
            recent=[views.run_summary(run, made.get(run.id)) for run in recent],
            runs=runs.count_by_state(session),
            models=models.listing(session, limit=1).total,
            gpus=cuda.count(),
        )


def progress(container: Container, run_id: str) -> schemas.ProgressOut:
    """Return how far a run is."""
    run = listing.get(container, run_id)
    row = history.newest(runs_folder(container.settings.data_dir, run.id), "step") or {}
    return schemas.ProgressOut(
        training_id=run.id,
        status=run.state,
        message=run.message,
        progress=run.progress,
        progress_percent=round(100 * run.progress, 1),
        current_step=run.step,
        total_steps=run.steps,
        current_epoch=row.get("epoch"),
        loss=row.get("loss"),
        learning_rate=row.get("lr"),
        metric=run.metric,
        best_metric=run.best,
        best_step=run.best_step,
        eta_seconds=run.eta.seconds_p50 if run.eta else None,
        eta=run.eta,
        queue_position=run.queue.place if run.queue else None,
        error=run.error,
    )


def metrics(container: Container, run_id: str) -> schemas.MetricsOut:
    """Return what a run has measured so far."""
    run = listing.get(container, run_id)
    place = runs_folder(container.settings.data_dir, run.id)
    last: Row = {}
    evaluations: list[dict[str, Any]] = []
    for row in history.of_kind(place, "eval"):
        last = row
        evaluations.append({"step": row["step"], "best": row.get("best", False), **row["metrics"]})
    return schemas.MetricsOut(
        training_id=run.id,
        metric=run.metric,
        best=run.best,
        best_step=run.best_step,
        current=last.get("metrics", {}),
        per_class=last.get("per_class", {}),
        interval=last.get("interval", {}),
        history=evaluations,
        training=_thinned(place),
    )


def logs(container: Container, run_id: str, limit: int) -> schemas.TrainingLogsOut:
    """Return the newest lines of a run's log, oldest first."""
    place = history.folder(container, run_id)
    lines: deque[schemas.TrainingLogLine] = deque(maxlen=limit)
    total = 0
    for line in _lines(place):
        lines.append(line)
        total += 1
    return schemas.TrainingLogsOut(training_id=run_id, total=total, logs=list(lines))


def _thinned(place: Path) -> list[dict[str, Any]]:
    found = [
        {"step": row["step"], "loss": row["loss"], "lr": row["lr"]} for row in history.of_kind(place, "step")
    ]
    every = -(-len(found) // _POINTS)
    return found[:: max(every, 1)]


def _lines(place: Path) -> Iterator[schemas.TrainingLogLine]:
    for row in history.of_kind(place, "log", "warning", "state", "checkpoint", "extend", "start"):
        level, text = _words(row)
        yield schemas.TrainingLogLine(
            t=row["t"],
            timestamp=datetime.fromtimestamp(row["t"] / 1000, UTC).isoformat(timespec="milliseconds"),
            level=level,
            attempt=row["attempt"],
            message=text,
        )


def _words(row: Row) -> tuple[str, str]:
    match row["kind"]:
        case "start":
            return "info", f"Begins at step {row['from_step']} of {row['steps']} on {row['device']}."
        case "checkpoint":
            return "info", f"Checkpoint of step {row['step']}: {row['file']}."
        case "extend":
            return "info", f"Extended to {row['steps']} steps."
        case "state":
            why = f": {row['reason']}" if row.get("reason") else ""
            return _LEVELS.get(row["state"], "info"), f"{row['state'].capitalize()}{why}".rstrip(".") + "."
        case "warning":
            return "warning", " ".join(filter(None, (row.get("text"), row.get("action"))))
    return str(row.get("level", "info")), str(row.get("text", ""))

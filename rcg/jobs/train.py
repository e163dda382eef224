"""The job that trains a run: a spec and a dataset version in, the run's folder filled, its model published.

A run can take several jobs (it was paused, extended, or failed and went on) and each job several attempts;
every one goes on from the newest checkpoint of the run's folder, and ``attempt-<n>`` counts over all of them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rcg.errors import CancelledError
from rcg.jobs.grade import Strict
from rcg.jobs.pulse import Pulse
from rcg.store.blobs import BlobInfo, BlobStore

if TYPE_CHECKING:
    from rcg.jobs.handler import JobContext
    from rcg.store.db import Session
    from rcg.store.models import Job
    from rcg.store.training_models import Model, Run

WEIGHTS_TYPE: Final = "application/x-safetensors"
SPEC_FILE: Final = "spec.json"
_TOLD: Final = frozenset({"log", "warning"})


class TrainSpec(Strict):
    """What the job is told.

    Attributes:
        spec: of the run, :class:`rcg.training.spec.RunSpec` as JSON.
        device: the spec's, where the slot looks for it.
    """

    run_id: str
    spec: dict[str, Any]
    device: str = "auto"


def runs_folder(data_dir: Path, run_id: str) -> Path:
    """Return a run's folder."""
    return data_dir / "runs" / run_id


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Train until the run ends or is paused; store the model's weights as a blob."""
    ctx.progress(0.0, "Loading")  # torch alone takes seconds
    from rcg.training.spec import read_spec  # noqa: PLC0415
    from rcg.training.train import train  # noqa: PLC0415 - torch, which the web process does without

    order = TrainSpec.model_validate(spec)
    run_spec = read_spec(order.spec)
    blobs = BlobStore(ctx.data_dir / "blobs")
    folder = runs_folder(ctx.data_dir, order.run_id)
    attempt = _open(folder, order.spec)
    teller = _Teller(ctx, order.run_id)
    with Pulse(ctx.beat):
        result = train(
            run_spec,
            blobs.path(run_spec.dataset.manifest_sha256),
            blobs.path,
            folder,
            attempt,
            on_event=teller.event,
            should_stop=ctx.check,
            on_progress=teller.progress,
            threads=ctx.threads,
        )
    answer: dict[str, Any] = {"run_id": order.run_id, **result.as_json()}
    model_dir = answer.pop("model_dir")
    if model_dir is not None:
        answer["model"] = _stored(blobs, Path(model_dir))
    return answer


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Publish the model and end the run, or note that it is paused, in the transaction that ends the job."""
    from rcg.store.db import now_ms  # noqa: PLC0415
    from rcg.store.repositories import runs  # noqa: PLC0415

    run = runs.find(session, result["run_id"])
    if run is None or run.job_id != job.id:
        return {"run_id": result["run_id"], "model_id": None, "note": "The run was deleted while it trained."}
    run.step, run.steps, run.metric = result["step"], result["steps"], result["metric"]
    run.best, run.best_step, run.error = result["best"], result["best_step"], None
    answer = {key: result[key] for key in ("run_id", "state", "stopped_by", "step", "steps", "seconds")}
    if result["state"] == "paused":
        run.state, run.stopped_by = "paused", ""
        return answer
    run.state, run.finished_at = "done", now_ms()
    run.stopped_by = "user" if result["stopped_by"] == "stop" else result["stopped_by"]
    model = _publish(session, run, result)
    answer |= {"model_id": model.id, "model_name": model.name, "metric": run.metric, "metrics": model.metrics}
    return answer | _go_on(session, run)


def _open(folder: Path, spec: dict[str, Any]) -> int:
    """Make the run's folder, keep its spec there, and return the number of this attempt."""
    from rcg.files import write_atomically  # noqa: PLC0415
    from rcg.training import control  # noqa: PLC0415
    from rcg.training.disk import disk_errors  # noqa: PLC0415
    from rcg.training.events import attempts  # noqa: PLC0415

    with disk_errors("making the run's folder"):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / SPEC_FILE).exists():
            write_atomically(folder / SPEC_FILE, json.dumps(spec, indent=1, sort_keys=True).encode())
        asked = control.read(folder)
        if asked.command == "evaluate":  # whoever asked for it asked an attempt that is gone
            control.write(folder, replace(asked, command=None))
    return max((number for number, _ in attempts(folder)), default=0) + 1


def _stored(blobs: BlobStore, folder: Path) -> dict[str, Any]:
    """Bring a model's weights into the blobs; return them with its configuration."""
    from rcg.training.model_config import CONFIG, WEIGHTS  # noqa: PLC0415

    size = (folder / WEIGHTS).stat().st_size
    with (folder / WEIGHTS).open("rb") as file, blobs.writer(size=size) as writer:
        while piece := file.read(1 << 20):
            writer.write(piece)
        info = writer.commit()
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    return {"sha256": info.sha256, "bytes": info.bytes, "config": config}


def _publish(session: Session, run: Run, result: dict[str, Any]) -> Model:
    from rcg.store.repositories import blobs, models  # noqa: PLC0415

    made = result["model"]
    blobs.ensure(session, BlobInfo(made["sha256"], made["bytes"]), WEIGHTS_TYPE)
    return models.add(session, run, weights_sha256=made["sha256"], config=made["config"])


def _go_on(session: Session, run: Run) -> dict[str, Any]:
    """Start what shall follow a run by itself."""
    from rcg.jobs.twin import launch_twin, wants_twin  # noqa: PLC0415

    return {"twin_run_id": launch_twin(session, run).id} if wants_twin(run) else {}


class _Teller:
    """Passes on what the training says: rows to the pages, words to the job's log, its pace to the job."""

    def __init__(self, ctx: JobContext, run_id: str) -> None:
        self._ctx = ctx
        self._run_id = run_id
        self._left = ""

    def event(self, row: dict[str, Any]) -> None:
        """A row, which is in the run's file already."""
        self._ctx.event("run", {"run_id": self._run_id, "row": row})
        if row["kind"] in _TOLD:
            self._ctx.log(str(row.get("text", "")), str(row.get("level", "warning")))
        elif row["kind"] == "eta":
            self._left = _span(row["seconds_p10"], row["seconds_p90"])

    def progress(self, step: int, steps: int, text: str) -> None:
        """Where it is. That the job was cancelled is for ``should_stop`` to say, between two steps."""
        words = ", ".join(filter(None, (text or f"step {step} of {steps}", self._left)))
        try:
            self._ctx.progress(min(step / max(steps, 1), 0.999), words)
        except CancelledError:
            return


def _span(low: float, high: float) -> str:
    """Return a range of seconds in words: ``20 to 30 s left``."""
    unit, by = ("s", 1) if high < 120 else ("min", 60) if high < 7200 else ("h", 3600)
    first, last = (max(round(value / by), 0) for value in (low, high))
    return f"{first} to {last} {unit} left" if first != last else f"about {last} {unit} left"

"""Train a model: a spec and a dataset version in, a folder with events, checkpoints, samples and the model out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rcg import __version__
from rcg.datasets.manifest import Manifest
from rcg.errors import CancelledError, RcgError
from rcg.training import checkpoints, devices, weights
from rcg.training.data import PathOf, TrainingData
from rcg.training.evaluate import evaluate
from rcg.training.events import EventLog, Row
from rcg.training.loop import Loop, Parts
from rcg.training.model_config import CONFIG, WEIGHTS, Lineage, ModelConfig
from rcg.training.models import build
from rcg.training.spec import RunSpec
from rcg.training.state import Progress, make_optimiser, unpack
from rcg.training.tensors import fit

MODEL_FOLDER = "model"


@dataclass(frozen=True)
class RunResult:
    """How a run, or a part of it that was paused, ended.

    Attributes:
        state: ``done`` or ``paused``.
        stopped_by: steps, epochs, time, target, patience, stop or pause.
        step, steps: where it is, and its horizon.
        metric: that decides; ``best`` its best value, at ``best_step``.
        metrics, per_class, interval: of the published weights, on all held-out items.
        model_dir: folder with ``weights.safetensors`` and ``model.json``; None when paused.
    """

    state: str
    stopped_by: str
    step: int
    steps: int
    metric: str
    best: float | None
    best_step: int | None
    metrics: dict[str, float] = field(default_factory=dict)
    per_class: dict[str, dict[str, float]] = field(default_factory=dict)
    interval: dict[str, list[float]] = field(default_factory=dict)
    model_dir: str | None = None
    parameters: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def train(
    spec: RunSpec,
    manifest_path: Path,
    path_of: PathOf,
    run_dir: Path,
    attempt: int = 1,
    *,
    on_event: Callable[[Row], None] | None = None,
    should_stop: Callable[[], None] | None = None,
    on_status: Callable[[str], None] | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
    threads: int = 1,
) -> RunResult:
    """Train, from the newest checkpoint of the run's folder if there is one.

    Args:
        spec: what to compute.
        manifest_path: the dataset version.
        path_of: where the blob of a SHA-256 lies.
        run_dir: the run's folder; made when it is not there.
        attempt: number of this attempt; each has a log and checkpoints of its own.
        on_event: given every row of the log after it was written.
        should_stop: called often; raises CancelledError to end the run at once.
        on_status: told ``loading``, ``running``, ``evaluating``, then the state.
        on_progress: told step, horizon and a text.
        threads: to compute with, where the spec does not say.

    Raises:
        RcgError: what is wrong, with the way out. The run can be resumed from its last checkpoint.
        CancelledError: ``should_stop`` raised it.
    """
    log = EventLog(run_dir, attempt, on_event)
    say = on_status or (lambda _status: None)
    began = time.monotonic()
    progress: Progress | None = None
    try:
        say("loading")
        parts = _prepare(
            spec, manifest_path, path_of, run_dir, attempt, log, should_stop, on_progress, threads
        )
        progress = parts.progress
        log.append("state", state="running", reason="", step=progress.step)
        say("running")
        ended = Loop(parts).run()
        if ended == "pause":
            result = _result(parts, "paused", ended, began)
        else:
            say("evaluating")
            result = _publish(parts, ended, began)
        log.append("result", step=progress.step, **result.as_json())
        log.append("state", state=result.state, reason=result.stopped_by, step=progress.step)
        say(result.state)
        return result
    except CancelledError:
        log.append("state", state="cancelled", reason="cancel", step=progress.step if progress else 0)
        raise
    except RcgError as error:
        _note_failure(log, error, progress.step if progress else 0)
        raise
    finally:
        log.close()


def _note_failure(log: EventLog, error: RcgError, step: int) -> None:
    try:
        log.append("state", state="failed", reason=str(error), step=step)
    except RcgError:
        return  # the disk is full: the job's row says what the log cannot


def _prepare(
    spec: RunSpec,
    manifest_path: Path,
    path_of: PathOf,
    run_dir: Path,
    attempt: int,
    log: EventLog,
    should_stop: Callable[[], None] | None,
    on_progress: Callable[[int, int, str], None] | None,
    threads: int,
) -> Parts:
    data = TrainingData(spec, Manifest(manifest_path), path_of)
    place = devices.choose(spec.device, spec.precision)
    devices.set_threads(spec.threads or threads)
    model = fresh_model(spec, data).to(place.device)
    if spec.weights is not None:
        taken = weights.begin_with(model, weights.read_any(path_of(spec.weights.sha256)))
        log.append(
            "log",
            level="info",
            text=f"Began with {spec.weights.name or spec.weights.sha256[:12]}: {taken.taken} tensors taken, "
            f"{len(taken.adapted)} fitted to other channels, {len(taken.left)} left fresh.",
        )
    optimiser = make_optimiser(model, spec.optimiser)
    scaler = torch.amp.GradScaler(place.device.type, enabled=place.amp is torch.float16)
    progress = Progress(step=0, horizon=spec.steps, micro=spec.batch_size)
    found = checkpoints.newest(run_dir)
    if found is not None:
        progress, data.channels = unpack(checkpoints.load(found.path), spec, model, optimiser, scaler)
    model.train()
    log.append(
        "start",
        steps=progress.horizon,
        from_step=progress.step,
        device=str(place.device),
        threads=torch.get_num_threads(),
        items={"train": len(data.train), "val": len(data.val)},
        parameters=parameters(model),
        channels=list(data.names),
    )
    _remark(log, data, progress)
    return Parts(
        spec, data, model, optimiser, scaler, place, progress, run_dir, attempt, log,
        should_stop or (lambda: None), on_progress or (lambda *_: None),
    )  # fmt: skip


def fresh_model(spec: RunSpec, data: TrainingData) -> nn.Module:
    """Build the network of a spec with fresh weights that its seed decides."""
    torch.manual_seed(spec.seed)
    return build(
        spec.model,
        relief=data.relief,
        classes=len(data.schema.classes),
        points=len(data.schema.points),
        input_size=spec.input_size,
    )


def parameters(model: nn.Module) -> int:
    """Return how many weights a network has."""
    return sum(value.numel() for value in model.parameters())


def _remark(log: EventLog, data: TrainingData, progress: Progress) -> None:
    if not len(data.val) and not progress.step:
        log.append(
            "warning",
            code="no_held_out",
            text="No item is held out, so nothing can be said of how good the model is; the last weights are kept.",
            action="Make a version whose split holds some cards out.",
        )


def _result(parts: Parts, state: str, ended: str, began: float) -> RunResult:
    progress = parts.progress
    return RunResult(
        state, ended, progress.step, progress.horizon, parts.spec.metric, progress.best, progress.best_step,
        progress.best_metrics, progress.best_per_class, progress.best_interval,
        parameters=parameters(parts.model), seconds=round(time.monotonic() - began, 3),
    )  # fmt: skip


def _publish(parts: Parts, ended: str, began: float) -> RunResult:
    """Take the best weights, evaluate them on all held-out items if that was not done, write the model."""
    progress = parts.progress
    marked = checkpoints.best(parts.run_dir)
    if marked is not None and marked.step != progress.step:
        parts.model.load_state_dict(checkpoints.load(marked.path)["model"])
    if marked is not None and len(parts.data.val) and parts.spec.eval_items is not None:
        found = evaluate(parts.model, parts.data, range(len(parts.data.val)), parts.place.device, parts.check)
        progress.best_metrics, progress.best_per_class = found.metrics, found.per_class
        progress.best_interval = {name: list(pair) for name, pair in found.interval.items()}
    folder = parts.run_dir / MODEL_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    weights.save(parts.model, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(_config(parts).model_dump(mode="json"), indent=1), "utf-8")
    done = _result(parts, "done", ended, began)
    return RunResult(**{**done.as_json(), "model_dir": str(folder)})


def _config(parts: Parts) -> ModelConfig:
    spec, progress, data = parts.spec, parts.progress, parts.data
    stored, fitted = [], []
    for record in data.train.records:
        if record.px_per_mm is not None:
            place = fit((record.width, record.height), spec.input_size)
            stored.append(record.px_per_mm)
            fitted.append(record.px_per_mm * (place.scale_x + place.scale_y) / 2)
    middle = len(stored) // 2
    return ModelConfig(
        architecture=spec.architecture,
        kind=spec.dataset.kind,
        label_schema=data.schema,
        layers=spec.channels,
        channels=data.channels,
        input_size=spec.input_size,
        px_per_mm=sorted(fitted)[middle] if fitted else None,
        item_px_per_mm=sorted(stored)[middle] if stored else None,
        model=spec.model,
        parameters=parameters(parts.model),
        metric=spec.metric,
        metrics=progress.best_metrics,
        per_class=progress.best_per_class,
        interval={name: (pair[0], pair[1]) for name, pair in progress.best_interval.items()},
        lineage=Lineage(
            dataset=spec.dataset,
            spec_sha256=spec.sha256(),
            step=progress.best_step if progress.best_step is not None else progress.step,
            seed=spec.seed,
            device=str(parts.place.device),
            rcg=__version__,
            torch=str(torch.__version__),
            weights=spec.weights.name if spec.weights else "",
        ),
    )

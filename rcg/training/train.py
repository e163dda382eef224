"""Train a model: a spec and a version in, a folder with events, checkpoints, samples and the model out."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rcg import __version__
from rcg.datasets.manifest import Manifest
from rcg.errors import CancelledError, ConflictError, RcgError
from rcg.files import write_atomically
from rcg.training import checkpoints, devices, weights
from rcg.training.data import PathOf, TrainingData
from rcg.training.disk import disk_errors
from rcg.training.evaluate import evaluate
from rcg.training.events import EventLog, Row, attempts
from rcg.training.loop import Loop, Parts
from rcg.training.model_config import CONFIG, WEIGHTS, Lineage, ModelConfig
from rcg.training.models import build
from rcg.training.spec import RunSpec, WeightsRef
from rcg.training.state import Progress, make_optimiser, unpack
from rcg.training.teller import Teller
from rcg.training.tensors import fit

MODEL_FOLDER = "model"
LOCK = ".lock"


@dataclass(frozen=True)
class RunResult:
    """How a run, or a part of it that was paused, ended.

    Attributes:
        state: ``done`` or ``paused``.
        attempt: its number.
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
    attempt: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def train(
    spec: RunSpec,
    manifest_path: Path,
    path_of: PathOf,
    run_dir: Path,
    attempt: int | None = None,
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
        attempt: number of this attempt, which has a log and checkpoints of its own; None, or one that was
            there before: the next.
        on_event: given every row of the log after it was written.
        should_stop: called often; raises CancelledError to end the run at once.
        on_status: told ``loading``, ``running``, ``evaluating``, then the state.
        on_progress: told step, horizon and a text.
        threads: to compute with, where the spec does not say.

    Raises:
        RcgError: what is wrong, with the way out. The run can be resumed from its last checkpoint.
        CancelledError: ``should_stop`` raised it.
    """
    with only_one(run_dir), devices.threads(spec.threads or threads):
        attempt = max(attempt or 1, 1 + max((number for number, _ in attempts(run_dir)), default=0))
        log = EventLog(run_dir, attempt, on_event)
        calls = Calls(should_stop or _nothing, on_status or _nothing, on_progress or _nothing)
        try:
            return _train(spec, manifest_path, path_of, run_dir, log, calls)
        finally:
            log.close()


@dataclass(frozen=True)
class Calls:
    """What is called while a run computes."""

    check: Callable[[], None]
    say: Callable[[str], None]
    on_progress: Callable[[int, int, str], None]


def _nothing(*_: object) -> None:
    return


def _train(
    spec: RunSpec, manifest_path: Path, path_of: PathOf, run_dir: Path, log: EventLog, calls: Calls
) -> RunResult:
    began = time.monotonic()
    step = 0
    try:
        calls.say("loading")
        parts = _prepare(spec, manifest_path, path_of, run_dir, log, calls)
        loop = Loop(parts)
        try:
            log.append("state", state="running", reason="", step=parts.progress.step)
            calls.say("running")
            ended = loop.run()
        except CancelledError:
            loop.save()  # a server that stops in order gives the run back, and loses nothing of it
            raise
        finally:
            step = parts.progress.step
        result = _result(parts, "paused", ended, began)
        if ended != "pause":
            calls.say("evaluating")
            result = _publish(parts, ended, began)
        log.append("result", **result.as_json())
        log.append("state", state=result.state, reason=result.stopped_by, step=step)
        calls.say(result.state)
    except CancelledError as stopped:
        if stopped.data.get("why") == "stop":  # nobody gave it up: it goes on with the next start
            log.append("state", state="stopped", reason="the server stops", step=step)
        else:
            log.append("state", state="cancelled", reason="cancel", step=step)
        raise
    except Exception as error:
        with contextlib.suppress(RcgError):  # of a full disk the job's row tells, the log cannot
            log.append("state", state="failed", reason=str(error), step=step)
        raise
    return result


@contextlib.contextmanager
def only_one(run_dir: Path) -> Iterator[None]:
    """Hold a run's folder. Raises ConflictError when another training holds it."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConflictError(
                "This run is being trained already.", "Wait for it, or stop the process that trains it."
            ) from error
        yield


def _prepare(
    spec: RunSpec, manifest_path: Path, path_of: PathOf, run_dir: Path, log: EventLog, calls: Calls
) -> Parts:
    checkpoints.sweep(run_dir)
    data = TrainingData(spec, Manifest(manifest_path), path_of)
    place = devices.choose(spec.device, spec.precision)
    model = devices.put(fresh_model(spec, data), place)
    found = checkpoints.newest(run_dir)
    if spec.weights is not None and found is None:
        log.append("log", level="info", text=begin_with(model, spec.weights, data, path_of))
    optimiser = make_optimiser(model, spec.optimiser)
    scaler = torch.amp.GradScaler(place.device.type, enabled=place.amp is torch.float16)
    progress = Progress(step=0, horizons=[[0, spec.steps]], micro=spec.batch_size)
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
        spec, data, model, optimiser, scaler, place, progress, run_dir, log.attempt, log, calls.check,
        calls.on_progress,
    )  # fmt: skip


def begin_with(model: nn.Module, ref: WeightsRef, data: TrainingData, path_of: PathOf) -> str:
    """Put the weights of a file into a fresh network; return in words what of it was taken.

    Raises InputError when the file is gone, is none of weights, or is of another backbone.
    """
    name = ref.name or ref.sha256[:12]
    taken = weights.begin_with(model, weights.read_any(path_of(ref.sha256), name), data.names, name)
    return (
        f"Began with {name}: {taken.taken} tensors taken, {len(taken.adapted)} fitted to other channels, "
        f"{len(taken.left)} left fresh."
    )


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
            text="No item is held out, so nothing can be said of how good the model is; the last weights are "
            "kept.",
            action="Make a version whose split holds some cards out.",
        )


def _result(parts: Parts, state: str, ended: str, began: float) -> RunResult:
    progress = parts.progress
    return RunResult(
        state, ended, progress.step, progress.horizon, parts.spec.metric, progress.best, progress.best_step,
        progress.best_metrics, progress.best_per_class, progress.best_interval,
        parameters=parameters(parts.model), seconds=round(time.monotonic() - began, 3),
        attempt=parts.attempt,
    )  # fmt: skip


def _publish(parts: Parts, ended: str, began: float) -> RunResult:
    """Take the best weights, evaluate them on all held-out items if that was not done, write the model."""
    progress, items = parts.progress, len(parts.data.val)
    teller = Teller(parts.spec, progress, parts.log, parts.data.epoch_steps, items, parts.on_progress)
    judging = time.perf_counter()

    def each(done: int) -> None:
        parts.check()
        seconds, what = time.perf_counter() - judging, f"evaluating the best step, {progress.best_step}"
        teller.evaluating(done, items, seconds, progress.step, what)

    marked = checkpoints.best(parts.run_dir)
    if marked is not None and marked.step != progress.step:
        parts.model.load_state_dict(checkpoints.load(marked.path)["model"])
    if marked is not None and len(parts.data.val) and not progress.best_of_all:
        found = evaluate(parts.model, parts.data, range(len(parts.data.val)), parts.place, each)
        progress.best_metrics, progress.best_per_class = found.metrics, found.per_class
        progress.best_interval = {name: list(pair) for name, pair in found.interval.items()}
    folder = parts.run_dir / MODEL_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with disk_errors("writing the model", "The checkpoints are intact."):
        weights.save(parts.model, folder / WEIGHTS)
        text = json.dumps(_config(parts).model_dump(mode="json"), indent=1)
        write_atomically(folder / CONFIG, text.encode())
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

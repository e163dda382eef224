"""Three dry steps before a launch: how long the run takes, how much memory, and what would go wrong.

What is measured is the run's own step on its own items; nothing is kept. The first step warms caches up and
is not counted in the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
import torch
from torch import Tensor, nn

from rcg.datasets.manifest import Manifest
from rcg.training import devices
from rcg.training.data import Batch, PathOf, TrainingData
from rcg.training.evaluate import evaluate
from rcg.training.guards import finite
from rcg.training.spec import RunSpec
from rcg.training.state import make_optimiser
from rcg.training.train import begin_with, fresh_model, parameters

STEPS: Final = 3
_HELD_OUT: Final = 8
_SPREAD: Final = (0.85, 1.35)
"""a run's mean step lies in this range of three steps' median, on a machine that does nothing else"""


@dataclass(frozen=True)
class Problem:
    """Something found: what, and what to do."""

    severity: str
    text: str
    action: str


@dataclass(frozen=True)
class Preflight:
    """What the dry steps showed.

    Attributes:
        seconds_per_step: median of the counted steps.
        seconds: low and high of the whole run, evaluations included.
        memory_mb: most that was held: of the process on a processor, of the card on CUDA.
        data_share: of a step, spent waiting for items.
        evaluation_s: of all held-out items, from a few of them.
        first_loss: of the first step.
        items: to train on and held out.
        began: what of the file of weights was taken, in words; empty: it begins from nothing.
        problems: what would go wrong.
    """

    seconds_per_step: float
    seconds: tuple[float, float]
    memory_mb: float
    data_share: float
    evaluation_s: float
    first_loss: float | None
    device: str
    threads: int
    parameters: int
    items: dict[str, int]
    began: str = ""
    problems: list[Problem] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def preflight(
    spec: RunSpec,
    manifest_path: Path,
    path_of: PathOf,
    *,
    threads: int = 1,
    progress: Callable[[float, str], None] = lambda *_: None,
) -> Preflight:
    """Take three steps of a run, and evaluate a few held-out items.

    Args:
        spec: of the run.
        manifest_path: the dataset version.
        path_of: where the blob of a SHA-256 lies.
        threads: to compute with, where the spec does not say.
        progress: told (0..1, what is being done); may raise to cancel.

    Raises:
        RcgError: the run could not even begin; the words are those of the launch.
    """
    progress(0.05, "Reading the dataset version")
    data = TrainingData(spec, Manifest(manifest_path), path_of)
    place = devices.choose(spec.device, spec.precision)
    problems: list[Problem] = []
    with devices.threads(spec.threads or threads):
        model = devices.put(fresh_model(spec, data), place)
        began_with = begin_with(model, spec.weights, data, path_of) if spec.weights is not None else ""
        model.train()
        optimiser = make_optimiser(model, spec.optimiser)
        taken, waited, losses = [], [], []
        for step in range(STEPS + 1):
            progress(0.1 + 0.6 * step / (STEPS + 1), f"Dry step {step} of {STEPS}" if step else "Warming up")
            began = time.perf_counter()
            batch = data.batch(step)
            waited.append(time.perf_counter() - began)
            losses.append(_step(model, optimiser, batch, place))
            taken.append(time.perf_counter() - began)
        progress(0.75, "Evaluating a few held-out items")
        evaluation = _evaluation(model, data, place)
        used = torch.get_num_threads()
    if not all(finite(loss) for loss in losses):
        problems.append(
            Problem(
                "error",
                "The loss of a dry step is no number.",
                "Lower the learning rate, or look at the items' layers.",
            )
        )
    problems += _remarks(data)
    counted = sorted(taken[1:])
    step_s = counted[len(counted) // 2]
    evaluations = -(-spec.steps // spec.eval_every)
    rest = evaluation * evaluations
    card = devices.memory_mb(place)
    progress(1.0, "Done")
    return Preflight(
        seconds_per_step=round(step_s, 4),
        seconds=(
            round(_SPREAD[0] * step_s * spec.steps + rest, 1),
            round(_SPREAD[1] * (step_s * spec.steps + rest), 1),
        ),
        memory_mb=round(card if card is not None else psutil.Process().memory_info().rss / 1e6, 1),
        data_share=round(sum(waited[1:]) / max(sum(taken[1:]), 1e-9), 3),
        evaluation_s=round(evaluation, 3),
        first_loss=losses[0] if finite(losses[0]) else None,
        device=str(place.device),
        threads=used,
        parameters=parameters(model),
        items={"train": len(data.train), "val": len(data.val)},
        began=began_with,
        problems=problems,
    )


def _step(model: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch, place: devices.Place) -> float:
    optimiser.zero_grad(set_to_none=True)
    images = [image.to(place.device) for image in batch.images]
    targets = [{key: value.to(place.device) for key, value in target.items()} for target in batch.targets]
    with place.autocast():
        losses: dict[str, Tensor] = model(images, targets)
        total = torch.stack([value.float() for value in losses.values()]).sum()
    total.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return float(total.detach())


def _evaluation(model: nn.Module, data: TrainingData, place: devices.Place) -> float:
    """Seconds for all held-out items, from a few."""
    count = min(_HELD_OUT, len(data.val))
    if not count:
        return 0.0
    began = time.perf_counter()
    evaluate(model, data, range(count), place)
    return (time.perf_counter() - began) * len(data.val) / count


def _remarks(data: TrainingData) -> list[Problem]:
    found = []
    if not len(data.val):
        found.append(
            Problem(
                "warning",
                "No item is held out: nothing can be said of how good the model will be.",
                "Make a version whose split holds some cards out.",
            )
        )
    empty = sum(1 for record in data.train.records if not record.annotations)
    if empty > len(data.train) / 2:
        found.append(
            Problem(
                "warning",
                f"{empty} of {len(data.train)} training items have no annotation and are taught as flawless.",
                "Annotate them, or leave out those that nobody has looked at.",
            )
        )
    return found

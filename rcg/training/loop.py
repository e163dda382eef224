"""The training loop: a step, and between steps what is due.

Every step is a pure function of weights, optimiser, spec and step number: batches, augmentation and torch's random
state are derived from them. So a run that resumes from a checkpoint goes on bit for bit on a processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from rcg.errors import RcgError
from rcg.training import checkpoints, control, samples
from rcg.training.data import Batch, Prefetcher, TrainingData
from rcg.training.devices import Place
from rcg.training.evaluate import Evaluation, evaluate, outputs_of
from rcg.training.events import EventLog
from rcg.training.machine import Machine
from rcg.training.metrics import metric as metric_named
from rcg.training.pace import Pace
from rcg.training.schedule import learning_rate
from rcg.training.spec import RunSpec
from rcg.training.state import Progress, pack, unpack

TELL_EVERY_S: Final = 0.25
ETA_EVERY_S: Final = 2.0
HEAVY_EVALUATION_S: Final = 5.0
"""evaluations shorter than this always take place: they cost too little to make runs depend on the clock"""
NAN_STEPS: Final = 3
ROLLBACKS: Final = 3


class DivergedError(RcgError):
    """The loss is no number any more, however often the run went back."""

    code = "training_diverged"
    status = 422


class OutOfMemoryError(RcgError):
    """Not even one item fits into memory."""

    code = "out_of_memory"
    status = 422


@dataclass
class Parts:
    """What the loop works on."""

    spec: RunSpec
    data: TrainingData
    model: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    place: Place
    progress: Progress
    run_dir: Path
    attempt: int
    log: EventLog
    check: Callable[[], None]
    on_progress: Callable[[int, int, str], None]


class Loop:
    """Trains until something ends it. ``run`` returns what did: steps, epochs, time, target, patience, stop, pause."""

    def __init__(self, parts: Parts) -> None:
        self.p = parts
        self._pace = Pace()
        self._machine = Machine()
        self._watcher = control.Watcher(parts.run_dir)
        self._batches = Prefetcher(parts.data.batch)
        self._samples = samples.chosen(parts.data)
        self._sums: dict[str, float] = {}
        self._counted = 0
        self._told = self._eta_told = 0.0
        self._bad = 0
        self._saved_step = -1
        self._last_text = ""

    def run(self) -> str:
        """Train. Raises CancelledError (by ``check``), DivergedError, OutOfMemoryError, UnavailableError."""
        try:
            return self._run()
        finally:
            self._batches.close()

    def _run(self) -> str:
        progress = self.p.progress
        while True:
            self.p.check()
            request = self._watcher.look()
            self._extend(request.steps)
            if request.command in {"pause", "stop"}:
                self.save(best=False)
                return str(request.command)
            if request.command == "evaluate":
                self._watcher.taken(request)
                if ended := self._evaluate():
                    return ended
            if progress.step >= self._horizon():
                return "epochs" if self._horizon() < progress.horizon else "steps"
            began = time.perf_counter()
            self._step()
            taken = time.perf_counter() - began
            progress.elapsed += taken
            self._pace.step(taken)
            if ended := self._between():
                return ended

    def _horizon(self) -> int:
        epochs = self.p.spec.stop.max_epochs
        if epochs is None:
            return self.p.progress.horizon
        return min(self.p.progress.horizon, max(1, round(epochs * self.p.data.epoch_steps)))

    def _extend(self, steps: int | None) -> None:
        if steps is not None and steps > self.p.progress.horizon:
            self.p.progress.horizon = steps
            self.p.log.append("extend", steps=steps, step=self.p.progress.step)

    # --- a step ----------------------------------------------------------------------------------

    def _step(self) -> None:
        spec, progress = self.p.spec, self.p.progress
        began = time.perf_counter()
        batch = self._batches.get(progress.step, more=progress.step + 1 < self._horizon())
        waited = time.perf_counter() - began
        torch.manual_seed((spec.seed * 1_000_003 + progress.step) % 2**63)
        rate = progress.lr_scale * learning_rate(
            spec.schedule, spec.optimiser.lr, progress.step, progress.horizon
        )
        for group in self.p.optimiser.param_groups:
            group["lr"] = rate
        losses = self._forward_backward(batch)
        total = sum(losses.values())
        norm = self._update(total)
        progress.step += 1
        seconds = time.perf_counter() - began
        if norm is None:
            self._not_a_number(rate)
            return
        self._bad = 0
        figures = losses | {"": total, "grad_norm": norm, "data_s": waited, "step_s": seconds, "lr": rate}
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._counted += 1

    def _forward_backward(self, batch: Batch) -> dict[str, float]:
        """Return the losses; gradients are in place. Halves what goes through at once when memory ends."""
        while True:
            try:
                return self._pieces(batch)
            except (torch.OutOfMemoryError, MemoryError) as error:
                self._halve(error)

    def _pieces(self, batch: Batch) -> dict[str, float]:
        self.p.optimiser.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        count, device = len(batch.images), self.p.place.device
        for first in range(0, count, self.p.progress.micro):
            part = slice(first, first + self.p.progress.micro)
            images = [image.to(device, non_blocking=True) for image in batch.images[part]]
            targets = [
                {k: v.to(device, non_blocking=True) for k, v in t.items()} for t in batch.targets[part]
            ]
            with self.p.place.autocast():
                losses: dict[str, Tensor] = self.p.model(images, targets)
                total = torch.stack([value.float() for value in losses.values()]).sum()
            share = len(images) / count
            self.p.scaler.scale(total * share).backward()
            for name, value in losses.items():
                sums[name] = sums.get(name, torch.zeros((), device=device)) + value.detach().float() * share
        return dict(zip(sums, torch.stack(list(sums.values())).tolist(), strict=True))

    def _update(self, total: float) -> float | None:
        """Move the weights; return the gradient's norm, or None when there was nothing to move by."""
        clip = self.p.spec.optimiser.clip
        self.p.scaler.unscale_(self.p.optimiser)
        norm = float(nn.utils.clip_grad_norm_(self.p.model.parameters(), clip or float("inf")))
        finite = all(map(_finite, (total, norm)))
        if finite:
            self.p.scaler.step(self.p.optimiser)
        self.p.scaler.update()
        return norm if finite else None

    def _halve(self, error: BaseException) -> None:
        progress = self.p.progress
        if self.p.place.device.type == "cuda":
            torch.cuda.empty_cache()
        if progress.micro == 1:
            raise OutOfMemoryError(
                f"Not even one item of {self.p.spec.input_size[0]} x {self.p.spec.input_size[1]} px fits into "
                "memory.",
                "Choose a smaller input size or a lighter backbone, or close other programs.",
            ) from error
        progress.micro = max(1, progress.micro // 2)
        self.p.log.append(
            "warning",
            code="memory",
            text=f"Memory ran out: {progress.micro} items go through at once now, gradients are added up.",
            action="Choose a smaller batch or input size to be faster.",
            step=progress.step,
        )

    def _not_a_number(self, rate: float) -> None:
        """A loss or gradient that is no number: leave the step out; after three in a row go back."""
        progress = self.p.progress
        progress.skipped += 1
        self._bad += 1
        text = f"The loss of step {progress.step} is no number; the step was left out."
        if self._bad >= NAN_STEPS:
            self._bad = 0
            text = self._go_back(rate)
        self.p.log.append(
            "warning", code="nan", text=text, action="Lower the learning rate.", step=progress.step
        )

    def _go_back(self, rate: float) -> str:
        progress = self.p.progress
        found = checkpoints.newest(self.p.run_dir)
        if progress.rollbacks >= ROLLBACKS or found is None:
            raise DivergedError(
                f"The loss is no number {NAN_STEPS} steps in a row at a learning rate of {rate:.2g}, and going "
                f"back {progress.rollbacks} times did not help.",
                "Start a run with a lower learning rate, and look at the items' layers for wrong values.",
            )
        former, _ = unpack(
            checkpoints.load(found.path), self.p.spec, self.p.model, self.p.optimiser, self.p.scaler
        )
        progress.rollbacks += 1
        progress.lr_scale *= 0.5
        return (
            f"The loss was no number {NAN_STEPS} steps in a row: back to the weights of step {former.step}, "
            f"with half the learning rate."
        )

    # --- between steps ---------------------------------------------------------------------------

    def _between(self) -> str | None:
        spec, progress = self.p.spec, self.p.progress
        last = progress.step >= self._horizon()
        due = progress.step % spec.eval_every == 0 or last
        if time.monotonic() - self._told >= TELL_EVERY_S or due:
            self._tell()
        ended = self._evaluate() if due and (last or self._affordable()) else None
        if progress.step % spec.checkpoint_every == 0 and self._saved_step != progress.step:
            self.save(best=False)
        limit = spec.stop.max_seconds
        if ended is None and limit is not None and progress.elapsed + progress.evaluating >= limit:
            ended = "time"
        return ended

    def _affordable(self) -> bool:
        took = self._pace.evaluations[-1] if self._pace.evaluations else 0.0
        if took < HEAVY_EVALUATION_S:
            return True
        progress = self.p.progress
        return progress.evaluating + took <= self.p.spec.eval_share * (progress.elapsed + progress.evaluating)

    def _evaluate(self) -> str | None:
        """Evaluate, keep the best, show samples; return what the figures end the run by."""
        if not len(self.p.data.val):
            return None
        spec, progress = self.p.spec, self.p.progress
        began = time.perf_counter()
        every = list(range(len(self.p.data.val)))
        last = progress.step >= self._horizon()
        chosen = every if last or spec.eval_items is None else _some(every, spec.eval_items, spec.seed)
        found = evaluate(self.p.model, self.p.data, chosen, self.p.place.device, self.p.check)
        value = found.metrics.get(spec.metric)
        decides = metric_named(spec.metric)
        is_best = value is not None and decides.better(value, progress.best)
        seconds = time.perf_counter() - began
        self._pace.evaluations.append(seconds)
        progress.evaluating += seconds
        self.p.log.append(
            "eval",
            step=progress.step,
            metrics=_rounded(found.metrics),
            per_class={name: _rounded(figures) for name, figures in found.per_class.items()},
            interval={name: list(_pair(pair)) for name, pair in found.interval.items()},
            seconds=round(seconds, 3),
            items=len(chosen),
            best=is_best,
        )
        if is_best and value is not None:
            progress.best, progress.best_step, progress.waited = value, progress.step, 0
            progress.best_metrics, progress.best_per_class = found.metrics, found.per_class
            progress.best_interval = {name: list(pair) for name, pair in found.interval.items()}
        else:
            progress.waited += 1
        self._show(found)
        if is_best:
            self.save(best=True)
        return self._ended_by(value)

    def _ended_by(self, value: float | None) -> str | None:
        stop, progress = self.p.spec.stop, self.p.progress
        if stop.target is not None and progress.best_step == progress.step:
            reached = progress.best_metrics.get(stop.target.metric, value)
            if reached is not None and metric_named(stop.target.metric).reached(reached, stop.target.value):
                return "target"
        if stop.patience is not None and progress.waited >= stop.patience:
            return "patience"
        return None

    def _show(self, found: Evaluation) -> None:
        outputs = dict(found.outputs)
        missing = [index for index in self._samples if index not in outputs]
        outputs |= outputs_of(self.p.model, self.p.data, missing, self.p.place.device, self.p.check)
        for place, index in enumerate(self._samples):
            said = samples.write(
                self.p.run_dir, self.p.progress.step, self.p.data, index, place, outputs[index]
            )
            self.p.log.append("sample", **said)

    def save(self, *, best: bool) -> None:
        """Write a checkpoint of now."""
        began = time.perf_counter()
        p = self.p
        state = pack(p.spec, p.progress, p.model, p.optimiser, p.scaler, p.data.channels)
        made = checkpoints.save(p.run_dir, p.attempt, p.progress.step, state, best=best)
        self._saved_step = p.progress.step
        self._pace.checkpoints.append(time.perf_counter() - began)
        p.log.append(
            "checkpoint",
            step=made.step,
            file=made.path.name,
            sha256=made.sha256,
            bytes=made.bytes,
            best=best,
        )

    def _tell(self) -> None:
        progress, count = self.p.progress, max(self._counted, 1)
        self._told = time.monotonic()
        if self._counted:
            mean = {name: value / count for name, value in self._sums.items()}
            self.p.log.append(
                "step",
                step=progress.step,
                epoch=round(progress.step / self.p.data.epoch_steps, 3),
                loss=_digits(mean.pop("")),
                lr=mean.pop("lr"),
                grad_norm=_digits(mean.pop("grad_norm")),
                data_s=_digits(mean.pop("data_s")),
                step_s=_digits(mean["step_s"]),
                images_per_s=_digits(self.p.spec.batch_size / max(mean.pop("step_s"), 1e-9)),
                losses={name: _digits(value) for name, value in mean.items()},
            )
        self._sums, self._counted = {}, 0
        if self._machine.due():
            self.p.log.append("sys", step=progress.step, **self._machine.look())
        self._tell_eta()
        self.p.on_progress(progress.step, self._horizon(), self._last_text)

    def _tell_eta(self) -> None:
        now = time.monotonic()
        if now - self._eta_told < ETA_EVERY_S:
            return
        progress, spec = self.p.progress, self.p.spec
        left = self._horizon() - progress.step
        range_s = self._pace.left(left, -(-left // spec.eval_every), left // spec.checkpoint_every)
        if range_s is None:
            return
        self._eta_told = now
        low, middle, high = range_s
        self.p.log.append(
            "eta",
            step=progress.step,
            seconds_p10=round(low, 1),
            seconds_p50=round(middle, 1),
            seconds_p90=round(high, 1),
        )
        best = "" if progress.best is None else f", best {spec.metric} {progress.best:.3f}"
        self._last_text = f"step {progress.step} of {self._horizon()}{best}"


def _some(every: list[int], count: int, seed: int) -> list[int]:
    if count >= len(every):
        return every
    generator = torch.Generator().manual_seed(seed)
    return sorted(torch.randperm(len(every), generator=generator)[:count].tolist())


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")  # noqa: PLR0124 - a number that is not itself is none


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def _rounded(figures: dict[str, float]) -> dict[str, Any]:
    return {name: _digits(value) for name, value in figures.items() if _finite(value)}


def _pair(pair: tuple[float, float]) -> tuple[float, float]:
    return _digits(pair[0]), _digits(pair[1])

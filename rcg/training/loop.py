"""The training loop: a step, and between steps what is due.

Every step is a pure function of weights, optimiser, spec and step number: batches, augmentation and torch's
random state are derived from them. So a run that resumes from a checkpoint goes on bit for bit on a CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from rcg.training import checkpoints, control, guards, samples
from rcg.training.data import Batch, Prefetcher, TrainingData
from rcg.training.devices import Place
from rcg.training.evaluate import evaluate, outputs_of
from rcg.training.evaluation import Evaluation
from rcg.training.events import EventLog
from rcg.training.guards import NAN_STEPS, ROLLBACKS, finite
from rcg.training.metrics import metric as metric_named
from rcg.training.schedule import learning_rate
from rcg.training.spec import RunSpec
from rcg.training.state import Progress, pack, unpack
from rcg.training.teller import Teller, rounded

_SEEDS: Final = 1_000_003
"""steps of two seeds next to each other shall not draw the same numbers"""


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
    """Trains until something ends it: steps, epochs, time, target, patience, stop or pause."""

    def __init__(self, parts: Parts) -> None:
        self.p = parts
        self._watcher = control.Watcher(parts.run_dir)
        self._batches = Prefetcher(parts.data.batch, parts.place.workers, pin=parts.place.pin)
        self._samples = samples.chosen(parts.data)
        self._teller = Teller(
            parts.spec,
            parts.progress,
            parts.log,
            parts.data.epoch_steps,
            len(parts.data.val),
            parts.on_progress,
        )
        self._bad = 0
        self._saved: tuple[int, str] | None = None

    def run(self) -> str:
        """Train; return what ended it.

        Raises CancelledError (by ``check``), DivergedError, OutOfMemoryError, UnavailableError.
        """
        if checkpoints.newest(self.p.run_dir) is None:
            self.save()  # there is always a state to go back to, and a full disk is noticed at once
        try:
            while True:
                ended = self._asked() or self._due()
                if ended:
                    break
                began = time.perf_counter()
                self._step()
                taken = time.perf_counter() - began
                self.p.progress.elapsed += taken
                self._teller.pace.step(taken)
                self._teller.tell(self._horizon())
        finally:
            self._batches.close()
        if ended != "pause":
            self.p.progress.ended = ended
        self.save()
        return ended

    def _horizon(self) -> int:
        epochs, steps = self.p.spec.stop.max_epochs, self.p.progress.horizon
        # An extension is asked for in steps: it goes before the epochs of the plan.
        if epochs is None or len(self.p.progress.horizons) > 1:
            return steps
        return min(steps, max(1, round(epochs * self.p.data.epoch_steps)))

    # --- between steps ---------------------------------------------------------------------------

    def _asked(self) -> str | None:
        """Do what a person asks for; return what it ends the run by."""
        self.p.check()
        request, progress = self._watcher.look(), self.p.progress
        if request.steps is not None and request.steps > progress.horizon:
            progress.extend(request.steps)
            self.p.log.append("extend", steps=request.steps, step=progress.step)
        if request.command in {"pause", "stop"}:
            return request.command
        if request.command == "evaluate":
            self._watcher.taken(request)
            return self._evaluate()
        return None

    def _due(self) -> str | None:
        """Evaluate and save when it is time; return what ends the run."""
        spec, progress = self.p.spec, self.p.progress
        if progress.ended:
            return progress.ended
        last = progress.step >= self._horizon()
        ended = None
        if progress.evaluated < progress.step and (last or progress.step % spec.eval_every == 0):
            self._teller.tell(self._horizon(), now=True)
            if last or self._affordable():
                ended = self._evaluate()
            progress.evaluated = progress.step
        if ended is None and last:
            ended = "epochs" if self._horizon() < progress.horizon else "steps"
        if ended is None and progress.step and progress.step % spec.checkpoint_every == 0:
            self.save()
        limit = spec.stop.max_seconds
        if ended is None and limit is not None and progress.elapsed + progress.evaluating >= limit:
            ended = "time"
        return ended

    def _affordable(self) -> bool:
        """Whether evaluations keep to their share of the time with one more like the last."""
        progress, held_out = self.p.progress, len(self.p.data.val)
        next_s = self._teller.pace.evaluation(min(self.p.spec.eval_items or held_out, held_out))
        total = progress.elapsed + progress.evaluating + next_s
        return not next_s or progress.evaluating + next_s <= self.p.spec.eval_share * total

    def _evaluate(self) -> str | None:
        """Evaluate, keep the best, show samples; return what the figures end the run by."""
        if not len(self.p.data.val):
            return None
        spec, progress = self.p.spec, self.p.progress
        began = time.perf_counter()
        every = list(range(len(self.p.data.val)))
        last = progress.step >= self._horizon()
        chosen = every if last or spec.eval_items is None else _some(every, spec.eval_items, spec.seed)

        def each(done: int) -> None:
            self.p.check()
            self._teller.evaluating(done, len(chosen), time.perf_counter() - began, self._horizon())

        found = evaluate(self.p.model, self.p.data, chosen, self.p.place, each, keep=frozenset(self._samples))
        value = found.metrics.get(spec.metric)
        is_best = value is not None and metric_named(spec.metric).better(value, progress.best)
        seconds = time.perf_counter() - began
        self._teller.pace.evaluated(len(chosen), seconds)
        progress.evaluating += seconds
        progress.evaluated = progress.step
        interval = {name: [float(f"{end:.6g}") for end in pair] for name, pair in found.interval.items()}
        self.p.log.append(
            "eval",
            step=progress.step,
            metrics=rounded(found.metrics),
            per_class={name: rounded(figures) for name, figures in found.per_class.items()},
            interval=interval,
            seconds=round(seconds, 3),
            items=len(chosen),
            best=is_best,
        )
        if is_best:
            progress.best, progress.best_step, progress.waited = value, progress.step, 0
            progress.best_metrics, progress.best_per_class = found.metrics, found.per_class
            progress.best_interval, progress.best_of_all = interval, len(chosen) == len(every)
        else:
            progress.waited += 1
        self._show(found)
        if is_best:
            self.save()
        return self._ended_by(found)

    def _ended_by(self, found: Evaluation) -> str | None:
        stop, progress = self.p.spec.stop, self.p.progress
        if stop.target is not None and not progress.aimed:
            reached = found.metrics.get(stop.target.metric)
            if reached is not None and metric_named(stop.target.metric).reached(reached, stop.target.value):
                return "target"
        if stop.patience is not None and progress.waited >= stop.patience:
            return "patience"
        return None

    def _show(self, found: Evaluation) -> None:
        outputs = dict(found.outputs)
        missing = [index for index in self._samples if index not in outputs]
        outputs |= outputs_of(self.p.model, self.p.data, missing, self.p.place)
        for place, index in enumerate(self._samples):
            said = samples.write(
                self.p.run_dir, self.p.progress.step, self.p.data, index, place, outputs[index]
            )
            self.p.log.append("sample", **said)

    def save(self) -> None:
        """Write a checkpoint of now, unless this very state was written."""
        p = self.p
        now = (p.progress.step, f"{p.progress.evaluated} {p.progress.ended} {p.progress.horizons}")
        if now == self._saved:
            return
        began = time.perf_counter()
        best = p.progress.best_step == p.progress.step
        p.log.sync()  # rows that a checkpoint knows of shall outlive a power cut with it
        state = pack(p.spec, p.progress, p.model, p.optimiser, p.scaler, p.data.channels)
        made = checkpoints.save(p.run_dir, p.attempt, p.progress.step, state, best=best)
        self._saved = now
        self._teller.pace.checkpoints.append(time.perf_counter() - began)
        p.log.append(
            "checkpoint", step=made.step, file=made.path.name, sha256=made.sha256, bytes=made.bytes, best=best
        )

    # --- a step ----------------------------------------------------------------------------------

    def _step(self) -> None:
        spec, progress = self.p.spec, self.p.progress
        began = time.perf_counter()
        batch = self._batches.get(progress.step, self._horizon())
        waited = time.perf_counter() - began
        torch.manual_seed(spec.seed * _SEEDS + progress.step)
        rate = progress.lr_scale * learning_rate(
            spec.schedule, spec.optimiser.lr, progress.step, progress.horizons
        )
        for group in self.p.optimiser.param_groups:
            group["lr"] = rate
        losses = self._forward_backward(batch)
        norm = self._update(losses)
        progress.step += 1
        if norm is None:
            self._not_a_number(rate)
            return
        self._bad = 0
        seconds = time.perf_counter() - began
        self._teller.step(losses, lr=rate, grad_norm=norm, data_s=waited, step_s=seconds)

    def _forward_backward(self, batch: Batch) -> dict[str, float]:
        """Return the losses; gradients are in place. Halves what goes through at once when memory ends."""
        while True:
            try:
                return self._pieces(batch)
            except (RuntimeError, MemoryError) as error:
                if not guards.memory_ended(error):
                    raise
            # Outside of the handler: the error's traceback holds the tensors that filled the memory.
            self._halve()

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
            self.p.scaler.scale(total * share).backward()  # type: ignore[no-untyped-call]
            for name, value in losses.items():
                sums[name] = sums.get(name, torch.zeros((), device=device)) + value.detach().float() * share
        return dict(zip(sums, torch.stack(list(sums.values())).tolist(), strict=True))

    def _update(self, losses: dict[str, float]) -> float | None:
        """Move the weights; return the gradient's norm, or None when there was nothing to move by."""
        clip = self.p.spec.optimiser.clip
        self.p.scaler.unscale_(self.p.optimiser)
        norm = float(nn.utils.clip_grad_norm_(self.p.model.parameters(), clip or float("inf")))
        known = finite(norm, *losses.values())
        if known:
            self.p.scaler.step(self.p.optimiser)
        self.p.scaler.update()
        return norm if known else None

    def _halve(self) -> None:
        progress = self.p.progress
        if self.p.place.device.type == "cuda":
            torch.cuda.empty_cache()
        if progress.micro == 1:
            raise guards.no_room(self.p.spec.input_size)
        progress.micro = max(1, progress.micro // 2)
        self.p.log.append(
            "warning",
            code="memory",
            text=f"Memory ran out: {progress.micro} items go through at once now, gradients are added up.",
            action="Choose a smaller batch or training size to be faster.",
            step=progress.step,
        )

    def _not_a_number(self, rate: float) -> None:
        """A loss or gradient that is no number: the step was left out; after some in a row go back."""
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
        """Take the weights of the last checkpoint and half the rate; steps are counted on."""
        progress = self.p.progress
        found = checkpoints.newest(self.p.run_dir)
        if progress.rollbacks >= ROLLBACKS or found is None:
            raise guards.diverged(rate, progress.rollbacks)
        former, _ = unpack(
            checkpoints.load(found.path), self.p.spec, self.p.model, self.p.optimiser, self.p.scaler
        )
        progress.rollbacks += 1
        progress.lr_scale *= 0.5
        return (
            f"The loss was no number {NAN_STEPS} steps in a row: back to the weights of step {former.step}, "
            f"with half the learning rate."
        )


def _some(every: list[int], count: int, seed: int) -> list[int]:
    if count >= len(every):
        return every
    generator = torch.Generator().manual_seed(seed)
    return sorted(torch.randperm(len(every), generator=generator)[:count].tolist())

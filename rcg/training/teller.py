"""What a run says while it computes: steps, the machine, how long it still takes; a few rows a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from rcg.training.events import EventLog
from rcg.training.guards import finite
from rcg.training.machine import Machine
from rcg.training.pace import Pace
from rcg.training.spec import RunSpec
from rcg.training.state import Progress

TELL_EVERY_S: Final = 0.25
ETA_EVERY_S: Final = 2.0


class Teller:
    """Gathers the figures of steps and writes their means.

    Args:
        spec, progress: of the run.
        log: takes the rows.
        epoch_steps: steps in which every item comes once.
        held_out: how many items the last evaluation takes.
        on_progress: told step, horizon and a text.
    """

    def __init__(
        self,
        spec: RunSpec,
        progress: Progress,
        log: EventLog,
        epoch_steps: float,
        held_out: int,
        on_progress: Callable[[int, int, str], None],
    ) -> None:
        self.pace = Pace()
        self._spec, self._progress, self._log = spec, progress, log
        self._epoch_steps = epoch_steps
        self._held_out = held_out
        self._on_progress = on_progress
        self._machine = Machine()
        self._sums: dict[str, float] = {}
        self._losses: dict[str, float] = {}
        self._counted = 0
        self._told = self._eta_told = 0.0

    def step(self, losses: dict[str, float], **figures: float) -> None:
        """Note a step: its losses; ``lr``, ``grad_norm``, ``data_s``, ``step_s``."""
        for sums, values in ((self._losses, losses), (self._sums, figures)):
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + value
        self._counted += 1

    def tell(self, horizon: int, *, now: bool = False) -> None:
        """Write what was gathered, when it is time or ``now``."""
        at = time.monotonic()
        if at - self._told < TELL_EVERY_S and not now:
            return
        self._told = at
        self._tell_steps()
        if self._machine.due():
            self._log.append("sys", step=self._progress.step, **self._machine.look())
        if at - self._eta_told >= ETA_EVERY_S:
            self._tell_eta(at, horizon, self._to_evaluate(horizon))
        self._on_progress(self._progress.step, horizon, self._text(horizon))

    def evaluating(
        self, done: int, items: int, seconds: float, horizon: int, what: str = "evaluating"
    ) -> None:
        """Tell, when it is time, how far an evaluation is that has taken so many seconds."""
        at = time.monotonic()
        if at - self._told < TELL_EVERY_S:
            return
        self._told = at
        if self._machine.due():
            self._log.append("sys", step=self._progress.step, **self._machine.look())
        self.pace.going = (done, seconds)
        if done and at - self._eta_told >= ETA_EVERY_S:
            self._tell_eta(at, horizon, items - done + self._to_evaluate(horizon))
        said = f"step {self._progress.step} of {horizon}, {what}: {done} of {items} held-out items"
        self._on_progress(self._progress.step, horizon, said)

    def _tell_steps(self) -> None:
        if not self._counted:
            return
        losses, mean = (
            {name: digits(value / self._counted) for name, value in sums.items()}
            for sums in (self._losses, self._sums)
        )
        step = self._progress.step
        self._log.append(
            "step",
            step=step,
            epoch=round(step / self._epoch_steps, 3),
            loss=digits(sum(losses.values())),
            losses=losses,
            images_per_s=digits(self._spec.batch_size / max(mean["step_s"], 1e-9)),
            **mean,
        )
        self._losses, self._sums, self._counted = {}, {}, 0

    def _to_evaluate(self, horizon: int) -> int:
        """How many items the evaluations that are to come take in all; the last takes every one."""
        coming = -(-(horizon - self._progress.step) // self._spec.eval_every)
        some = min(self._spec.eval_items or self._held_out, self._held_out)
        return (coming - 1) * some + self._held_out if coming > 0 else 0

    def _tell_eta(self, at: float, horizon: int, evaluated: int) -> None:
        left = horizon - self._progress.step
        span = self.pace.left(left, evaluated, left // self._spec.checkpoint_every)
        if span is None:
            return
        self._eta_told = at
        low, middle, high = (round(seconds, 1) for seconds in span)
        self._log.append(
            "eta", step=self._progress.step, seconds_p10=low, seconds_p50=middle, seconds_p90=high
        )

    def _text(self, horizon: int) -> str:
        best = self._progress.best
        said = "" if best is None else f", best {self._spec.metric} {best:.3f}"
        return f"step {self._progress.step} of {horizon}{said}"


def digits(value: float) -> float:
    """Return six significant digits: more says nothing and makes rows long."""
    return float(f"{value:.6g}")


def rounded(figures: dict[str, float]) -> dict[str, Any]:
    """Return figures with six digits, without those that are no numbers."""
    return {name: digits(value) for name, value in figures.items() if finite(value)}

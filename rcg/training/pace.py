"""How long what is left will take: from this session's own times, as a range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

_WARM_UP: Final = 5
_KEPT: Final = 200


@dataclass
class Pace:
    """Times of steps, evaluations and checkpoints, in seconds. The first steps are not counted."""

    steps: list[float] = field(default_factory=list)
    evaluations: list[tuple[int, float]] = field(default_factory=list)
    """of how many items each"""
    going: tuple[int, float] = (0, 0.0)
    """the evaluation that goes on: how many items are done, and how long they took"""
    checkpoints: list[float] = field(default_factory=list)
    _seen: int = 0

    def step(self, seconds: float) -> None:
        """Note how long a step took."""
        self._seen += 1
        if self._seen > _WARM_UP:
            self.steps.append(seconds)
            del self.steps[:-_KEPT]

    def evaluation(self, items: int) -> float:
        """Return how long an evaluation of so many items takes; 0 while nothing is known."""
        counts, seconds = zip(*self.evaluations, self.going, strict=True)
        return items * sum(seconds) / sum(counts) if any(counts) else 0.0

    def evaluated(self, items: int, seconds: float) -> None:
        """Note the end of an evaluation."""
        self.evaluations.append((items, seconds))
        self.going = (0, 0.0)

    def left(self, steps: int, evaluated: int, checkpoints: int) -> tuple[float, float, float] | None:
        """Return the 10, 50 and 90 % points of the seconds that are left; None while nothing is known.

        ``evaluated``: items, in all evaluations that are to come. A mean over many steps varies less than
        one step, so the range narrows with what is left.
        """
        if steps and not self.steps:
            return None
        times = np.array(self.steps or [0.0])
        rest = self.evaluation(evaluated) + checkpoints * _mean(self.checkpoints)
        middle = float(np.median(times)) * steps + rest
        spread = float(times.std()) * float(np.sqrt(steps)) + 0.05 * middle
        return max(0.0, middle - 1.28 * spread), middle, middle + 1.28 * spread


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0

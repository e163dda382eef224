"""The learning rate of every step, and the order of items: pure functions of spec and step.

Nothing here remembers anything, so a run that was killed goes on exactly where it was.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rcg.training.spec import Schedule


def learning_rate(schedule: Schedule, lr: float, step: int, steps: int) -> float:
    """Return the rate of a step, counted from 0, of ``steps``: a rise, a level part, half a cosine."""
    if step < schedule.warmup:
        return lr * (step + 1) / schedule.warmup
    level = max(schedule.warmup, round(schedule.hold * steps))
    if step < level or steps <= level:
        return lr
    share = (step - level + 1) / (steps - level)
    low = schedule.final * lr
    return low + (lr - low) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def batch_indices(items: int, batch: int, seed: int, step: int) -> list[int]:
    """Return which items make the batch of a step. Every item comes once an epoch, in an order of its own."""
    first = step * batch
    return [int(_order(items, seed, at // items)[at % items]) for at in range(first, first + batch)]


@lru_cache(maxsize=4)
def _order(items: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, 1, epoch]).permutation(items)


def item_generator(seed: int, step: int, place: int) -> np.random.Generator:
    """Return the stream from which the augmentation of one place of one batch is drawn."""
    return np.random.default_rng([seed, 2, step, place])

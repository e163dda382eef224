"""The learning rate of every step, and the order of items: pure functions of spec and step.

Nothing here remembers anything, so a run that was killed goes on exactly where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from rcg.training.spec import Schedule

Horizons = Sequence[Sequence[int]]
"""(from step, to step) of the run as planned and of every extension, in order"""
RESTART: Final = 0.5
"""share of the full rate that an extension of a run that had come down begins with"""


def learning_rate(schedule: Schedule, lr: float, step: int, horizons: Horizons) -> float:
    """Return the rate of a step, counted from 0: a rise, a level part, half a cosine.

    An extension plans the rest anew from the rate that the run had come down to.
    """
    return lr * _share(schedule, step, horizons)


def _share(schedule: Schedule, step: int, horizons: Horizons) -> float:
    start, end = horizons[-1]
    if len(horizons) > 1 and step < start:
        return _share(schedule, step, horizons[:-1])
    low, top = 0.0, 1.0
    rise = schedule.warmup
    if len(horizons) > 1:
        low = _share(schedule, start, horizons[:-1])
        top = max(low, RESTART)
        rise = min(rise, (end - start) // 10)
    if step < start + rise:
        return low + (top - low) * (step - start + 1) / rise
    level = start + max(rise, round(schedule.hold * (end - start)))
    if step < level or end <= level:
        return top
    done = min((step - level + 1) / (end - level), 1.0)
    return schedule.final + (top - schedule.final) * 0.5 * (1 + math.cos(math.pi * done))


def batch_indices(items: int, batch: int, seed: int, step: int) -> list[int]:
    """Return which items make the batch of a step. Every item comes once an epoch, in an order of its own."""
    first = step * batch
    return [int(_order(items, seed, at // items)[at % items]) for at in range(first, first + batch)]


@lru_cache(maxsize=16)
def _order(items: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, 1, epoch]).permutation(items)


def item_generator(seed: int, step: int, place: int) -> np.random.Generator:
    """Return the stream from which the augmentation of one place of one batch is drawn."""
    return np.random.default_rng([seed, 2, step, place])

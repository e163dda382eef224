"""The figures of one evaluation, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy.typing as npt

Output = dict[str, npt.NDArray[Any]]
"""what a network says of an item: boxes, labels, scores, masks (bool); or xy, score"""
RESAMPLES: Final = 200
INTERVAL: Final = (2.5, 97.5)
"""percentiles of a 95 % interval"""


@dataclass(frozen=True)
class Evaluation:
    """Figures of one evaluation.

    Attributes:
        metrics: by name, see :mod:`rcg.training.metrics`; a metric that cannot be computed is left out.
        per_class: class (or point) -> metric -> value.
        interval: metric -> 95 % interval.
        outputs: what the network said of the items that were to be kept, for samples.
    """

    metrics: dict[str, float]
    per_class: dict[str, dict[str, float]]
    interval: dict[str, tuple[float, float]]
    outputs: dict[int, Output] = field(default_factory=dict)

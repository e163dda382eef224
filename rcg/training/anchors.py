"""Anchors planned from the boxes of a dataset: a size per level of the pyramid, scales and ratios for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Boxes = Sequence[tuple[str, float, float]]
STRIDES: Final = (4, 8, 16, 32, 64)
SCALES: Final = (1.0, 1.41)
_LEAST_OF_STRIDE: Final = 1.5
"""an anchor much smaller than its stride leaves gaps: half a stride off, it does not meet its box by half"""
_DEFAULT_OF_STRIDE: Final = 2.0
_WIDEST_RATIO: Final = 6.0
_LEAST_RATIO: Final = 2.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Anchors:
    """What was planned.

    Attributes:
        sizes: px at the training size, one per level.
        scales: of every size.
        ratios: height over width, rising.
        coverage: share of the boxes that some anchor meets with an IoU of one half, centres set equal; None
            without boxes.
    """

    sizes: tuple[float, ...]
    scales: tuple[float, ...]
    ratios: tuple[float, ...]
    coverage: float | None


def plan_anchors(boxes: Boxes, width: float, height: float) -> Anchors:
    """Return anchors for boxes given as (class, share of the width, share of the height).

    The finest level's size follows the smallest boxes, the coarsest level's the largest; those between lie
    evenly between them, none much smaller than its stride. Classes count alike, however many boxes each has.

    Args:
        boxes: of the training part; none: sizes of twice the stride.
        width, height: of an item at the training size, px.
    """
    if not boxes:
        return Anchors(tuple(_DEFAULT_OF_STRIDE * stride for stride in STRIDES), SCALES, _ratios(1.0), None)
    counts = Counter(label for label, _, _ in boxes)
    weights = np.array([1 / counts[label] for label, _, _ in boxes])
    w = np.array([share * width for _, share, _ in boxes]).clip(min=1)
    h = np.array([share * height for _, _, share in boxes]).clip(min=1)
    smallest, largest = _quantiles(np.sqrt(w * h), weights, (0.1, 0.95))
    sizes = _sizes(smallest, largest)
    low, high = _quantiles(h / w, weights, (0.05, 0.95))
    ratios = _ratios(max(high, 1 / low))
    return Anchors(sizes, SCALES, ratios, _coverage(w, h, weights, sizes, ratios))


def _sizes(smallest: float, largest: float) -> tuple[float, ...]:
    first = max(smallest, _LEAST_OF_STRIDE * STRIDES[0])
    last = max(largest / SCALES[-1], _LEAST_OF_STRIDE * STRIDES[-1])
    even = np.geomspace(first, last, len(STRIDES))
    floor = _LEAST_OF_STRIDE * np.array(STRIDES)
    return tuple(round(float(size), 1) for size in np.maximum(even, floor))


def _ratios(reach: float) -> tuple[float, ...]:
    """Five ratios about 1 that reach as far as the data do, alike to both sides: cards are turned."""
    reach = float(np.clip(reach, _LEAST_RATIO, _WIDEST_RATIO))
    return tuple(round(float(reach**power), 2) for power in (-1, -0.5, 0, 0.5, 1))


def _quantiles(values: Floats, weights: Floats, shares: Sequence[float]) -> list[float]:
    order = np.argsort(values)
    at = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return [float(value) for value in np.interp(shares, at, values[order])]


def _coverage(
    w: Floats, h: Floats, weights: Floats, sizes: Sequence[float], ratios: Sequence[float]
) -> float:
    best = np.zeros(len(w))
    for size in (size * scale for size in sizes for scale in SCALES):
        for ratio in ratios:
            both = np.minimum(w, size / ratio**0.5) * np.minimum(h, size * ratio**0.5)
            best = np.maximum(best, both / (w * h + size**2 - both))
    return float(((best >= 0.5) * weights).sum() / weights.sum())

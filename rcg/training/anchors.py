"""Anchors planned from the boxes of a dataset: a size per level of the pyramid and ratios for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Boxes = Sequence[tuple[str, float, float]]
DEFAULT_SIZES = (8.0, 16.0, 28.0, 48.0, 112.0)
DEFAULT_RATIOS = (0.33, 0.6, 1.0, 1.7, 3.0)
_QUANTILES = (0.05, 0.3, 0.55, 0.8, 0.97)
_SMALLEST = 6.0
_STEP = 1.25
"""least factor between the anchors of neighbouring levels"""
_WIDEST_RATIO = 8.0


@dataclass(frozen=True)
class Anchors:
    """What was planned.

    Attributes:
        sizes: px at the training size, rising.
        ratios: height over width, rising.
        coverage: share of the boxes that some anchor meets with an IoU of one half, centres set equal.
    """

    sizes: tuple[float, ...]
    ratios: tuple[float, ...]
    coverage: float | None


def plan_anchors(boxes: Boxes, width: float, height: float) -> Anchors:
    """Return anchors for boxes given as (class, share of the width, share of the height).

    Classes count alike, however many boxes each has.

    Args:
        boxes: of the training part; none: the defaults, scaled to the size.
        width, height: of an item at the training size, px.
    """
    if not boxes:
        scale = max(width, height) / 224
        return Anchors(tuple(round(scale * size, 1) for size in DEFAULT_SIZES), DEFAULT_RATIOS, None)
    counts = Counter(label for label, _, _ in boxes)
    weights = np.array([1 / counts[label] for label, _, _ in boxes])
    w = np.array([share * width for _, share, _ in boxes]).clip(min=1)
    h = np.array([share * height for _, _, share in boxes]).clip(min=1)
    sizes = _spread(_quantiles(np.sqrt(w * h), weights, _QUANTILES))
    ratios = _ratios(h / w, weights)
    return Anchors(sizes, ratios, _coverage(w, h, weights, sizes, ratios))


def _quantiles(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], shares: Sequence[float]
) -> list[float]:
    order = np.argsort(values)
    at = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return [float(value) for value in np.interp(shares, at, values[order])]


def _spread(sizes: Sequence[float]) -> tuple[float, ...]:
    found: list[float] = []
    for size in sizes:
        found.append(max(size, _SMALLEST if not found else found[-1] * _STEP))
    return tuple(round(size, 1) for size in found)


def _ratios(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Five ratios about 1 that reach as far as the data do, alike to both sides: cards are turned."""
    low, high = _quantiles(values, weights, (0.05, 0.95))
    reach = float(np.clip(max(high, 1 / low), 2.0, _WIDEST_RATIO))
    return tuple(round(float(reach**power), 2) for power in (-1, -0.5, 0, 0.5, 1))


def _coverage(
    w: npt.NDArray[np.float64],
    h: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    sizes: Sequence[float],
    ratios: Sequence[float],
) -> float:
    best = np.zeros(len(w))
    for size in sizes:
        for ratio in ratios:
            anchor_w, anchor_h = size / ratio**0.5, size * ratio**0.5
            both = np.minimum(w, anchor_w) * np.minimum(h, anchor_h)
            best = np.maximum(best, both / (w * h + size**2 - both))
    return float(((best >= 0.5) * weights).sum() / weights.sum())

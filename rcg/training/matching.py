"""Which detections are which objects, at half an overlap: COCO's greedy matching, per item for resampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rcg.training.tensors import Target

OVERLAP: Final = 0.5
_RECALLS: Final = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class ItemMatches:
    """One item.

    Attributes:
        labels, scores, hit: of each detection; ``hit`` when it is an object of its class.
        objects: how many objects of each label.
    """

    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    hit: npt.NDArray[np.bool_]
    objects: dict[int, int]


def match(said: dict[str, npt.NDArray[Any]], target: Target) -> ItemMatches:
    """Match one item's detections, the surest first, each to the free object that it overlaps most."""
    truth = _flat(target["masks"].numpy())
    labels = target["labels"].numpy()
    found = _flat(said["masks"])
    overlap = overlaps(found, truth)
    free = np.ones(len(labels), bool)
    hit = np.zeros(len(found), bool)
    for place in np.argsort(-said["scores"], kind="stable"):
        candidates = np.where(free & (labels == said["labels"][place]), overlap[place], 0.0)
        if candidates.size and candidates.max() >= OVERLAP:
            free[int(candidates.argmax())] = False
            hit[place] = True
    counts = {int(label): int((labels == label).sum()) for label in np.unique(labels)}
    return ItemMatches(said["labels"].astype(np.int64), said["scores"].astype(np.float64), hit, counts)


def _flat(masks: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return (N, H, W) masks as (N, P), also where N is 0."""
    return masks.reshape(len(masks), math.prod(masks.shape[1:])).astype(bool)


def overlaps(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the intersection over union of rows of (N, P) with rows of (M, P), (N, M)."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    shared = a.astype(np.float32) @ b.astype(np.float32).T
    either = a.sum(1)[:, None] + b.sum(1)[None, :] - shared
    return np.asarray(shared / np.maximum(either, 1), np.float64)


def average_precision(items: Sequence[ItemMatches], label: int) -> float | None:
    """Return COCO's interpolated precision of one class at half an overlap; None without an object."""
    objects = sum(item.objects.get(label, 0) for item in items)
    if not objects:
        return None
    scores = np.concatenate([item.scores[item.labels == label] for item in items])
    hit = np.concatenate([item.hit[item.labels == label] for item in items])[
        np.argsort(-scores, kind="stable")
    ]
    if not len(hit):
        return 0.0
    right = np.cumsum(hit)
    recall, precision = right / objects, right / np.arange(1, len(hit) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0.0).mean())


def recall_at(items: Sequence[ItemMatches], false_alarms: float) -> float:
    """Return the share of objects found when the threshold lets so many false alarms through per item."""
    objects = sum(sum(item.objects.values()) for item in items)
    if not objects:
        return 0.0
    scores = np.concatenate([item.scores for item in items])
    order = np.argsort(-scores, kind="stable")
    hit = np.concatenate([item.hit for item in items])[order]
    allowed = np.cumsum(~hit) <= false_alarms * len(items)
    return float((hit & allowed).sum() / objects)

"""From an item to what a network eats: fitted to the training size, channels in order, targets beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from rcg.datasets.layers import CHANNELS, PHOTOMETRIC, channel_names, role_of
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.pixels import rasterise, read_sample
from rcg.datasets.sample import Sample
from rcg.datasets.schema import Annotation, LabelSchema, Points
from rcg.errors import InputError
from rcg.training.model_config import Channel

SAME_ASPECT = 0.06
"""items whose sides' ratio differs less from the training size's are stretched; others keep theirs, padded"""
Target = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Fit:
    """How an item lies in the training size: its size there, in the top left corner of the canvas."""

    width: int
    height: int
    scale_x: float
    scale_y: float


def fit(size: tuple[int, int], canvas: tuple[int, int]) -> Fit:
    """Return how an item of ``size`` (width, height) is brought into ``canvas``."""
    sx, sy = canvas[0] / size[0], canvas[1] / size[1]
    if abs(sx / sy - 1) > SAME_ASPECT:
        sx = sy = min(sx, sy)
    width = min(canvas[0], max(1, round(size[0] * sx)))
    height = min(canvas[1], max(1, round(size[1] * sy)))
    return Fit(width, height, width / size[0], height / size[1])


def planes(sample: Sample, layers: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the raw channels (C, H, W) of the layers in order, and which of them are there (C,).

    Colours count 0..1; of normals x and y; other layers in their own units; what is not there is zero.

    Raises:
        InputError: a layer holds values that are no numbers.
    """
    width, height = sample.size
    stack: list[npt.NDArray[np.float32]] = []
    there: list[bool] = []
    for name in layers:
        count = CHANNELS[role_of(name)]
        layer = sample.layers.get(name)
        there += [layer is not None] * count
        if layer is None:
            stack.append(np.zeros((count, height, width), np.float32))
            continue
        array = layer.array.astype(np.float32)
        if layer.array.dtype == np.uint8:
            array /= np.float32(255)
        if not np.isfinite(array).all():
            raise InputError(
                f"The layer {name!r} of item {sample.key!r} holds values that are no numbers.",
                "Take the item out of the dataset, or make its layers again; then make a new version.",
            )
        if array.ndim == 2:
            array = array[..., None]
        stack.append(np.moveaxis(array[..., :count], 2, 0))
    return np.concatenate(stack), np.array(there)


def relief_channels(layers: Sequence[str]) -> list[bool]:
    """Return for each channel whether it belongs to relief."""
    return [role_of(name) in PHOTOMETRIC for name in layers for _ in channel_names(name)]


def image_of(
    sample: Sample, layers: Sequence[str], channels: Sequence[Channel], canvas: tuple[int, int]
) -> torch.Tensor:
    """Return a fitted sample as the normalised (C, H, W) float32 input, padded with zeros to ``canvas``.

    A channel that is not there is zero too: its mean, which says nothing.
    """
    raw, there = planes(sample, layers)
    mean = np.array([channel.mean for channel in channels], np.float32)[:, None, None]
    std = np.array([channel.std for channel in channels], np.float32)[:, None, None]
    out = np.zeros((raw.shape[0], canvas[1], canvas[0]), np.float32)
    out[:, : raw.shape[1], : raw.shape[2]] = (raw - mean) / std
    out[~there] = 0
    return torch.from_numpy(out)


def mask_targets(annotations: Sequence[Annotation], schema: LabelSchema, canvas: tuple[int, int]) -> Target:
    """Return boxes, labels (from 1, in the schema's order) and masks of annotations in canvas pixels.

    Boxes are those of the masks. What covers no pixel at this size teaches nothing and is left out.
    """
    names = {name: index for index, name in enumerate(schema.class_names, start=1)}
    masks, labels, boxes = [], [], []
    for annotation in annotations:
        if annotation.label not in names or annotation.shape.type == "points" or annotation.crowd:
            continue
        mask = rasterise(annotation, canvas[0], canvas[1])
        box = mask_box(mask)
        if box is None:
            continue
        masks.append(mask)
        labels.append(names[annotation.label])
        boxes.append(box)
    stacked = np.stack(masks) if masks else np.zeros((0, canvas[1], canvas[0]), bool)
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.int64),
        "masks": torch.from_numpy(stacked.astype(np.uint8)),
    }


def mask_box(mask: npt.NDArray[np.bool_]) -> list[float] | None:
    """Return the box (left, top, right, bottom) round a mask's pixels, None when it has none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return [float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)]


def point_targets(annotations: Sequence[Annotation], schema: LabelSchema) -> Target:
    """Return ``xy`` (K, 2) in canvas pixels and ``known`` (K,) of the first annotation with points."""
    xy = np.zeros((len(schema.points), 2), np.float32)
    known = np.zeros(len(schema.points), np.float32)
    index = {name: place for place, name in enumerate(schema.point_names)}
    for annotation in annotations:
        if not isinstance(annotation.shape, Points):
            continue
        for point in annotation.shape.points:
            if point.visible and point.name in index:
                xy[index[point.name]] = point.x, point.y
                known[index[point.name]] = 1
        break
    return {"xy": torch.from_numpy(xy), "known": torch.from_numpy(known)}


def read_fitted(
    item: ItemRecord, path_of: Callable[[str], Path], layers: Sequence[str], canvas: tuple[int, int]
) -> Sample:
    """Read an item at the size at which it lies in ``canvas``; what it lacks of ``layers`` is left out."""
    place = fit((item.width, item.height), canvas)
    names = [layer.name for layer in item.layers if layer.name in layers]
    return read_sample(item, path_of, layers=names or layers, size=(place.width, place.height))

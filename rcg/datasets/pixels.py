"""An item's layers and shapes as arrays: reading blobs into a sample, drawing shapes, tracing masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rcg.datasets.geometry import area, bounds, scaled, valid
from rcg.datasets.layers import CHANNELS, NPY
from rcg.datasets.manifest import ItemRecord, LayerRef
from rcg.datasets.raster import polygons_of, rasterise
from rcg.datasets.sample import LayerArray, Sample
from rcg.errors import InputError

__all__ = [
    "area",
    "bounds",
    "polygons_of",
    "rasterise",
    "read_layer",
    "read_sample",
    "resized_layer",
    "scaled",
    "valid",
]


def read_sample(
    item: ItemRecord,
    path_of: Callable[[str], Path],
    *,
    layers: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> Sample:
    """Read an item.

    Args:
        item: as a version holds it.
        path_of: where the blob of a SHA-256 lies.
        layers: names to read, those that the item has; None: all.
        size: width and height to fit layers and annotations into; layers are averaged over area and normals
            brought back to unit length. None: as they are.

    Raises:
        InputError: a layer's file is missing, no image, or of another size than the item.
    """
    wanted = [layer for layer in item.layers if layers is None or layer.name in layers]
    if not wanted:
        raise InputError(
            f"The item {item.name} has none of the layers {', '.join(layers or [])}; it has "
            f"{', '.join(layer.name for layer in item.layers) or 'none'}.",
            "Choose other layers, or fill the dataset from captures.",
        )
    read = {layer.name: read_layer(item, layer, path_of) for layer in wanted}
    annotations = tuple(item.annotations)
    scale = item.px_per_mm
    if size is not None and size != (item.width, item.height):
        sx, sy = size[0] / item.width, size[1] / item.height
        read = {name: resized_layer(layer, size) for name, layer in read.items()}
        annotations = tuple(scaled(annotation, sx, sy) for annotation in annotations)
        scale = None if scale is None else scale * (sx + sy) / 2
    lights = {name: np.asarray(direction, np.float64) for name, direction in item.lights.items()}
    return Sample(read, annotations, lights, scale, item.id)


def read_layer(item: ItemRecord, layer: LayerRef, path_of: Callable[[str], Path]) -> LayerArray:
    """Read one layer of an item, as :class:`LayerArray` describes it. Raises InputError."""
    path = path_of(layer.sha256)
    try:
        array = _npy(path) if layer.media_type == NPY else _image(path)
    except FileNotFoundError as error:
        raise InputError(
            f"The file of layer {layer.name!r} of item {item.name} is missing ({layer.sha256[:12]}).",
            "Restore the data folder from a backup, or take the item out and make a new version.",
        ) from error
    if array is None or array.ndim not in (2, 3):
        raise InputError(
            f"The layer {layer.name!r} of item {item.name} cannot be read: it is no image of a known form.",
            "Take the item out of the dataset, or fill it again.",
        )
    if CHANNELS[layer.role] == 1 and array.ndim == 3:
        array = array[..., 0]
    if array.shape[:2] != (item.height, item.width):
        raise InputError(
            f"The layer {layer.name!r} of item {item.name} is {array.shape[1]} x {array.shape[0]} px, "
            f"the item {item.width} x {item.height}.",
            "All layers of an item lie on one grid: fill the item again.",
        )
    return LayerArray(layer.role, array)


def _npy(path: Path) -> npt.NDArray[Any] | None:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        return None
    return array if isinstance(array, np.ndarray) and array.dtype in (np.float16, np.float32) else None


def _image(path: Path) -> npt.NDArray[Any] | None:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image: Any = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH) if data.size else None
    if image is None:
        return None
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.dtype == np.uint8 else None


def resized_layer(layer: LayerArray, size: tuple[int, int]) -> LayerArray:
    """Return a layer of (width, height), averaged over area where it shrinks; normals stay unit vectors."""
    height, width = layer.array.shape[:2]
    smaller = size[0] <= width and size[1] <= height
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR  # INTER_AREA repeats pixels where it enlarges
    small: Any = cv2.resize(layer.array.astype(np.float32), size, interpolation=how)
    if layer.role == "normal":
        small /= np.maximum(np.linalg.norm(small, axis=2, keepdims=True), 1e-6)
    if layer.array.dtype == np.uint8:
        small = np.clip(np.rint(small), 0, 255)
    return LayerArray(layer.role, np.asarray(small.astype(layer.array.dtype)))

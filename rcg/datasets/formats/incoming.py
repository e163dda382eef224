"""What readers share: RCG's own records made items again, foreign shapes judged, ids that stay the same."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rcg.datasets import rle
from rcg.datasets.formats.files import Folder
from rcg.datasets.formats.outgoing import base_layer, layer_file
from rcg.datasets.formats.parts import ImportedItem, ImportedLayer, LossReport
from rcg.datasets.geometry import scaled
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.schema import XY, Annotation, Box, Mask, Part, Shape
from rcg.errors import InputError

_PLAIN = {int, float}
NOT_NUMBERS = "annotations whose coordinates are no finite numbers: left out"
NO_SIZE = "boxes without width or height: left out"
NO_OUTLINE = "outlines of fewer than three points: left out"
BAD_MASK = "masks that are no run lengths of their size: left out"
ABSENT = "labels of images that are not here"
UNKNOWN_IMAGE = "annotations of an image that the file does not list: left out"
UNKNOWN_CLASS = "annotations of a class that the file does not list: left out"
TWICE = "ids that are there twice: told apart by new ones"
OTHER_SIZE = "images of another size than their labels say: labels scaled"
UNREADABLE = "annotations that cannot be read: left out"


def own_item(record: ItemRecord, relative: str, folder: Folder, loss: LossReport) -> ImportedItem:
    """Return an item of RCG's own export with the files that came along.

    Args:
        record: as it was exported.
        relative: its base image in the folder; it may be missing, as in an export of labels only.
        folder: what is read.
        loss: told of layers that are missing beside a base image that is there.
    """
    path = _inside(folder, relative)
    layers = [layer.model_dump(mode="json") for layer in record.layers]
    base = base_layer(layers)
    found: list[ImportedLayer] = []
    for layer, ref in zip(layers, record.layers, strict=True):
        file = path if layer is base else _inside(folder, layer_file(ref.sha256, ref.media_type))
        if file is not None:
            found.append(ImportedLayer(ref.name, ref.role, file, ref.media_type))
        elif path is not None:
            loss.add("layers whose files are not here", f"{record.name}: {ref.name}")
    found.sort(key=lambda layer: layer.file != path)
    known = record.labelled or record.annotations
    return ImportedItem(
        name=record.name, file=path, width=record.width, height=record.height,
        annotations=list(record.annotations) if known else None, split=record.split, id=record.id,
        card=record.card, side=record.side, px_per_mm=record.px_per_mm, margin_mm=record.margin_mm,
        lights=dict(record.lights), layers=found if path is not None else [],
    )  # fmt: skip


def _inside(folder: Folder, relative: str) -> Path | None:
    """Return a file below the folder; None when it is not there, or leads out."""
    path = folder.root / relative
    if ".." in Path(relative).parts or path.is_symlink() or not path.is_file():
        return None
    return path


def number(value: Any) -> float:
    """Return a number of a file. Raises ValueError for what is none, NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004  callers count one kind of error
    try:
        found = float(value)
    except OverflowError:
        raise ValueError("too large") from None
    if not math.isfinite(found):
        raise ValueError("not finite")
    return found


def points_of(flat: Sequence[Any]) -> list[XY]:
    """Return ``[x, y, x, y, ...]`` as points. Raises ValueError."""
    if set(map(type, flat)) <= _PLAIN and all(map(math.isfinite, flat)):
        numbers = list(map(float, flat))
    else:
        numbers = [number(value) for value in flat]
    if len(numbers) % 2:
        raise ValueError("an odd count of coordinates")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def box_of(x: Any, y: Any, width: Any, height: Any) -> Box | None:
    """Return a box, None when it is empty. Raises ValueError."""
    x, y, width, height = number(x), number(y), number(width), number(height)
    return Box(x=x, y=y, width=width, height=height) if width > 0 and height > 0 else None


def parts_of(rings: Sequence[Sequence[Any]]) -> list[Part]:
    """Return rings of flat coordinates as pieces; those of fewer than three points are left out."""
    found = [points_of(ring) for ring in rings]
    return [Part(outer=ring, holes=[]) for ring in found if len(ring) >= 3]  # a default is copied deep


def mask_of(segmentation: Any) -> Mask | None:
    """Return COCO's run lengths, compressed or as a list, as a mask; None when they are none."""
    try:
        height, width = (int(value) for value in segmentation["size"])
        counts = segmentation["counts"]
        if isinstance(counts, list):
            if any(isinstance(run, bool) or not isinstance(run, int) or run < 0 for run in counts):
                return None
            if height < 1 or width < 1 or height * width > rle.MAX_PIXELS or sum(counts) != height * width:
                return None
            return rle.from_lengths(rle.as_lengths(counts), height, width)
        mask = Mask(size=(height, width), counts=counts)
        rle.lengths(mask)
    except (KeyError, TypeError, ValueError, InputError, ValidationError):
        return None
    return mask


class Ids:
    """Ids of foreign annotations: the same file gives the same ones, so that importing it twice doubles
    nothing."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, item: str, label: str, shape: Shape) -> str:
        """Return the id of an annotation; equal ones of one item are numbered."""
        text = f"{item}\n{label}\n{shape.model_dump_json()}"
        key = hashlib.sha256(text.encode()).hexdigest()[:32]
        count = self._seen[key] = self._seen.get(key, 0) + 1
        return key if count == 1 else hashlib.sha256(f"{key}\n{count}".encode()).hexdigest()[:32]

    def next_item(self) -> None:
        """Forget: ids of another item differ by its name."""
        self._seen = {}


def with_own_ids(annotations: list[Annotation], item: str, loss: LossReport) -> list[Annotation]:
    """Return an item's annotations, those whose id another one has with an id that follows from it."""
    seen: set[str] = set()
    found = []
    for annotation in annotations:
        kept = annotation
        if annotation.id in seen:
            loss.add(TWICE, f"{annotation.id} in {item}")
            text = f"{annotation.id}\n{len(seen)}"
            kept = annotation.model_copy(update={"id": hashlib.sha256(text.encode()).hexdigest()[:32]})
        seen.add(kept.id)
        found.append(kept)
    return found


def fitted(
    annotations: list[Annotation], said: tuple[int, int] | None, found: tuple[int, int] | None
) -> tuple[list[Annotation], bool]:
    """Bring annotations made on an image of one size to the size that it has; say whether they changed.

    Where width and height are exchanged nothing is done: the labels were made on the upright image.
    """
    if said is None or found is None or said in (found, found[::-1]) or min(said) < 1:
        return annotations, False
    sx, sy = found[0] / said[0], found[1] / said[1]
    return [scaled(annotation, sx, sy) for annotation in annotations], True

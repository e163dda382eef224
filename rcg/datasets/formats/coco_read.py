"""COCO JSON in, of any size: one pass notes where each annotation lies, a second reads them image by image.

Memory is 24 bytes an annotation and the images' names. RCG's own files give back everything; of others the
loss report says what had no place.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from rcg.datasets.formats import incoming as inc
from rcg.datasets.formats.classes import ClassBook
from rcg.datasets.formats.coco_text import STANDARD, check_of
from rcg.datasets.formats.files import Folder, Place, Places, split_of
from rcg.datasets.formats.json_stream import Slices, clean, values
from rcg.datasets.formats.parts import ImportedItem, LossReport
from rcg.datasets.geometry import extent
from rcg.datasets.manifest import Header, ItemRecord
from rcg.datasets.schema import Annotation, Box, KeyPoint, Points, Polygon, Quad, Shape
from rcg.errors import InputError

_SHAPE: TypeAdapter[Shape] = TypeAdapter(Shape)
_IMAGE_FIELDS = frozenset({"id", "file_name", "width", "height", "rcg"})
_BOX_SLACK_PX = 2.0
_LARGEST = sys.float_info.max
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class _Index:
    """Where the values of one file lie.

    Attributes:
        images: (start, length) by order of the file.
        places: order of an image by its id.
        doubled: images whose id another had before: nobody knows what their annotations are.
        categories: as the file has them, by id.
        owner, start, length: of every annotation: the order of its image, and its bytes.
    """

    images: list[tuple[int, int]] = field(default_factory=list)
    places: dict[Any, int] = field(default_factory=dict)
    doubled: set[int] = field(default_factory=set)
    categories: dict[Any, dict[str, Any]] = field(default_factory=dict)
    header: Header | None = None
    owner: array[int] = field(default_factory=lambda: array("q"))
    start: array[int] = field(default_factory=lambda: array("q"))
    length: array[int] = field(default_factory=lambda: array("q"))


class CocoReader:
    """Reads the COCO files of a folder.

    Args:
        folder, places: what is read, and where images are found.
        names: the files, relative.
        book: takes the classes in.
        loss: told what had no place.
    """

    def __init__(
        self, folder: Folder, places: Places, names: list[str], book: ClassBook, loss: LossReport
    ) -> None:
        self._folder, self._places, self._names = folder, places, names
        self._book, self._loss = book, loss
        self._ids = inc.Ids()
        self._own_ids: set[str] = set()
        self.header: Header | None = None

    def items(self) -> Iterator[ImportedItem]:
        """Yield every image with its annotations, file by file, then the images that no file lists."""
        for name in self._names:
            path = self._folder.path(name)
            index = self._scan(path)
            self.header = self.header or index.header
            yield from self._read(path, index, split_of(name))
        for place in self._places.rest():
            yield ImportedItem(place.name, place.file, place.width, place.height)

    def _scan(self, path: Path) -> _Index:
        index = _Index()
        owners: list[Any] = []  # annotations may come before the images they belong to
        numbers = dict[Any, int]()
        for found in values(path):
            if found.key == "images" and isinstance(found.value, dict):
                self._note_image(index, clean(found.value), found.start, found.end)
            elif found.key == "annotations" and isinstance(found.value, dict):
                owner = _key(found.value.get("image_id"))
                if owner not in numbers:
                    numbers[owner] = len(owners)
                    owners.append(owner)
                index.owner.append(numbers[owner])
                index.start.append(found.start)
                index.length.append(found.end - found.start)
            elif found.key == "categories" and isinstance(found.value, dict):
                self._note_category(index, clean(found.value))
            elif found.key == "info" and isinstance(found.value, dict):
                index.header = self._header(found.value)
            elif found.key == "licenses" and found.index == 0:
                self._loss.add("licences: not kept")
        if index.header:
            self._book.join(index.header.label_schema)
        self._name_classes(index)
        places = [index.places.get(owner, -1) for owner in owners]
        index.owner = array("q", (places[owner] for owner in index.owner))
        lost = index.owner.count(-1)
        if lost:
            missing = next(owner for owner, place in zip(owners, places, strict=True) if place < 0)
            self._loss.add(inc.UNKNOWN_IMAGE, f"image_id {missing}", lost)
        return index

    def _note_image(self, index: _Index, image: dict[str, Any], start: int, end: int) -> None:
        key = _key(image.get("id"))
        if not isinstance(image.get("file_name"), str) or not image["file_name"].strip():
            self._loss.add("images without a file name: left out", f"id {key}")
            return
        if key in index.places:
            self._loss.add(
                "images whose id is there twice: the first has the annotations", image["file_name"]
            )
            index.doubled.add(len(index.images))
        else:
            index.places[key] = len(index.images)
        index.images.append((start, end - start))

    def _note_category(self, index: _Index, category: dict[str, Any]) -> None:
        key = _key(category.get("id"))
        if not isinstance(category.get("name"), str) or not category["name"].strip():
            self._loss.add("classes without a name: left out", f"id {key}")
        elif key in index.categories:
            self._loss.add("classes whose id is there twice: the first is kept", category["name"])
        else:
            index.categories[key] = category

    def _header(self, info: dict[str, Any]) -> Header | None:
        own = info.get("rcg")
        if not isinstance(own, dict):
            kept = [name for name in info if info[name]]
            if kept:
                self._loss.add("the file's info: not kept", ", ".join(kept))
            return None
        try:
            return Header.model_validate(own.get("header"))
        except ValidationError as error:
            raise InputError(
                f"RCG wrote this file, but its header cannot be read: {error.errors()[0]['msg']}.",
                "It was changed, or a newer RCG wrote it: update RCG, or export again.",
            ) from error

    def _name_classes(self, index: _Index) -> None:
        own = index.header is not None
        if any(category.get("keypoints") for category in index.categories.values()):
            self._book.has_points()
        for at, (key, category) in enumerate(index.categories.items(), start=1):
            category["label"] = self._book.label(category["name"])
            if not own and key != at:
                self._loss.add("ids of classes: numbered anew", f"{category['name']} was {key}")
            names = category.get("keypoints")
            if isinstance(names, list) and names and self._book.task == "points":
                pairs = category.get("skeleton") or []
                skeleton = [(a - 1, b - 1) for a, b in pairs] if _are_pairs(pairs) else []
                category["points"] = self._book.points([str(name) for name in names], skeleton)

    def _read(self, path: Path, index: _Index, split: Any) -> Iterator[ImportedItem]:
        owner = np.asarray(index.owner, np.int64)
        order = np.argsort(owner, kind="stable")
        firsts = np.searchsorted(owner[order], np.arange(len(index.images) + 1))
        with Slices(path) as slices:
            for at, (start, length) in enumerate(index.images):
                mine = order[firsts[at] : firsts[at + 1]]
                bodies = (slices.read(index.start[i], index.length[i]) for i in mine)
                item = self._item(index, slices.read(start, length), bodies, split)
                yield replace(item, annotations=None) if at in index.doubled else item

    def _item(
        self, index: _Index, image: dict[str, Any], bodies: Iterator[dict[str, Any]], split: Any
    ) -> ImportedItem:
        self._ids.next_item()
        self._own_ids.clear()
        record = self._record(image) if index.header else None
        said = _size(image)
        place = Place(record.name) if record else self._places.find(image["file_name"])
        annotations = [
            one for one in (self._annotation(index, body, place.name, said) for body in bodies) if one
        ]
        if record:
            relative = f"images/{image['file_name']}"
            self._places.use(relative)
            record = record.model_copy(update={"annotations": annotations})
            return inc.own_item(record, relative, self._folder, self._loss)
        if place.file is None and not place.known:
            self._loss.add(inc.ABSENT, image["file_name"])
        further = sorted(set(image) - _IMAGE_FIELDS)
        if further:
            self._loss.add(f"fields of images: {', '.join(further)}", image["file_name"])
        found = (place.width, place.height) if place.width and place.height else said
        annotations, changed = inc.fitted(annotations, said, found)
        if changed:
            self._loss.add(inc.OTHER_SIZE, image["file_name"])
        width, height = found or (None, None)
        return ImportedItem(place.name, place.file, width, height, annotations, split)

    def _record(self, image: dict[str, Any]) -> ItemRecord | None:
        own = image.get("rcg")
        if not isinstance(own, dict):
            return None
        try:
            return ItemRecord.model_validate({"annotations": [], **own})
        except ValidationError:
            self._loss.add("items whose facts cannot be read: taken as plain images", image["file_name"])
            return None

    def _annotation(
        self, index: _Index, body: dict[str, Any], item: str, size: tuple[int, int] | None
    ) -> Annotation | None:
        category = index.categories.get(_key(body.get("category_id")))
        if category is None:
            self._loss.add(inc.UNKNOWN_CLASS, f"category_id {body.get('category_id')} in {item}")
            return None
        own = body.get("rcg") if isinstance(body.get("rcg"), dict) else {}
        try:
            shape = self._shape(body, own or {}, category, item, size)
            return self._made(body, own or {}, category["label"], shape, item) if shape else None
        except ValidationError:
            self._loss.add(inc.UNREADABLE, f"id {body.get('id')} in {item}")
        except ValueError:
            self._loss.add(inc.NOT_NUMBERS, f"id {body.get('id')} in {item}")
        return None

    def _made(
        self, body: dict[str, Any], own: dict[str, Any], label: str, shape: Shape, item: str
    ) -> Annotation:
        attributes, extra = _attributes(body.get("attributes"))
        extra |= {name: value for name, value in body.items() if name not in STANDARD}
        if own:
            extra |= own.get("extra", {})
        else:
            extra = clean(extra) | ({"coco_id": body["id"]} if "id" in body else {})
            self._book.attributes(attributes)
        score = body.get("score")
        return Annotation.model_validate(
            {
                "id": self._own_id(own, item, label, shape),
                "label": label,
                "shape": shape,
                "attributes": attributes,
                "crowd": bool(body.get("iscrowd")),
                "source": own.get("source", "person") if own else "import",
                "state": own.get("state", "accepted"),
                "score": score if _is_share(score) else None,
                "model": own.get("model"),
                "extra": extra,
            }
        )

    def _own_id(self, own: dict[str, Any], item: str, label: str, shape: Shape) -> str:
        """Return the id that RCG gave, once; else one that follows from the annotation."""
        given = own.get("id")
        if isinstance(given, str) and _ID.fullmatch(given):
            if given not in self._own_ids:
                self._own_ids.add(given)
                return given
            self._loss.add(inc.TWICE, f"{given} in {item}")
        return self._ids.of(item, label, shape)

    def _shape(
        self,
        body: dict[str, Any],
        own: dict[str, Any],
        category: dict[str, Any],
        item: str,
        size: tuple[int, int] | None,
    ) -> Shape | None:
        segmentation, bbox, keypoints = body.get("segmentation"), body.get("bbox"), body.get("keypoints")
        kept = own.get("of") == check_of(segmentation, bbox, keypoints) if "of" in own else None
        if kept is False:
            self._loss.add("shapes that were changed outside RCG: read as COCO has them", item)
        if kept and "shape" in own:
            return _SHAPE.validate_python(own["shape"])
        if kept and own.get("type") == "box" and bbox:
            return Box(x=bbox[0], y=bbox[1], width=bbox[2], height=bbox[3])
        if kept and own.get("type") == "quad" and segmentation:
            a, b, c, d = inc.points_of(segmentation[0])
            return Quad(corners=(a, b, c, d))
        if isinstance(keypoints, list) and category.get("points"):
            return self._points(keypoints, category["points"], None if own else bbox, item)
        if keypoints and self._book.task != "points":
            self._loss.add("keypoints: the dataset's kind has none", item)
        return self._outline(segmentation, bbox, item, size, bool(own))

    def _points(self, flat: list[Any], names: list[str], bbox: Any, item: str) -> Points | None:
        found = []
        for name, at in zip(names, range(0, len(flat) - 2, 3), strict=False):
            x, y, visible = inc.number(flat[at]), inc.number(flat[at + 1]), int(inc.number(flat[at + 2]))
            if visible or x or y:
                found.append(KeyPoint(name=name, x=x, y=y, visible=min(2, max(0, visible))))
        if not found:
            self._loss.add("annotations none of whose points is there: left out", item)
            return None
        box = inc.box_of(*bbox) if isinstance(bbox, list) and len(bbox) == 4 else None
        return Points(points=found, box=box)

    def _outline(
        self, segmentation: Any, bbox: Any, item: str, size: tuple[int, int] | None, own: bool
    ) -> Shape | None:
        if isinstance(segmentation, dict):
            mask = inc.mask_of(segmentation)
            if mask is None or (size and mask.size != size[::-1]):
                self._loss.add(inc.BAD_MASK, item)
                return None
            return mask
        if isinstance(segmentation, list) and segmentation:
            rings = segmentation if isinstance(segmentation[0], list) else [segmentation]
            parts = inc.parts_of(rings)
            if len(parts) < len(rings):
                self._loss.add(inc.NO_OUTLINE, item, len(rings) - len(parts))
            if parts:
                polygon = Polygon(parts=parts)
                if not own:
                    self._compare(polygon, bbox, item)
                return polygon
        if isinstance(bbox, list) and len(bbox) == 4:
            box = inc.box_of(*bbox)
            if box is None:
                self._loss.add(inc.NO_SIZE, item)
            return box
        self._loss.add("annotations without a shape: left out", item)
        return None

    def _compare(self, polygon: Polygon, bbox: Any, item: str) -> None:
        """Note a box that says something else than its outline."""
        if not (isinstance(bbox, list) and len(bbox) == 4):
            return
        left, top, right, bottom = extent(polygon) or (0.0, 0.0, 0.0, 0.0)
        found = (left, top, right - left, bottom - top)
        if any(abs(inc.number(a) - b) > _BOX_SLACK_PX for a, b in zip(bbox, found, strict=True)):
            self._loss.add("boxes that are not those of their outlines: the outlines are kept", item)


def _key(value: Any) -> Any:
    """Return an id as it can be looked up: files write 7 and "7" for one thing."""
    return str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else None


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    try:
        width, height = int(inc.number(image.get("width"))), int(inc.number(image.get("height")))
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def _are_pairs(pairs: Any) -> bool:
    return isinstance(pairs, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, int) for end in pair)
        for pair in pairs
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_share(score: Any) -> bool:
    return isinstance(score, (int, float)) and not isinstance(score, bool) and 0 <= score <= 1


def _attributes(found: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part attributes into those of plain values and the rest, which is kept as it came."""
    if not isinstance(found, dict):
        return {}, {"attributes": found} if found else {}
    plain = {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in found.items()
        if value is None or isinstance(value, (str, bool)) or _is_number(value)
    }
    rest = {name: value for name, value in found.items() if name not in plain}
    return plain, {"attributes": rest} if rest else {}

"""JSON that is not COCO's, in: RCG's own ``dataset.json``, LabelMe's file per image, and lists of images with
their objects under the names that such files commonly use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rcg.datasets.formats import custom
from rcg.datasets.formats import incoming as inc
from rcg.datasets.formats.classes import ClassBook
from rcg.datasets.formats.files import Folder, Places, split_of
from rcg.datasets.formats.json_stream import clean, values
from rcg.datasets.formats.loose_shapes import LooseShapes
from rcg.datasets.formats.parts import ImportedItem, LossReport
from rcg.datasets.manifest import Header, ItemRecord
from rcg.datasets.schema import Annotation, Split
from rcg.errors import InputError

LISTS = ("images", "items", "samples", "data", "frames", "")
FILES = ("file_name", "filename", "file", "image", "image_path", "imagePath", "image_name", "path", "name")
OBJECTS = ("annotations", "objects", "shapes", "labels", "detections", "instances", "regions", "boxes")
_LARGEST = 64 << 20


class CustomReader:
    """Reads JSON files.

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
        self._loose = LooseShapes(book, loss)
        self._own_ids: set[str] = set()
        self.header: Header | None = None

    def items(self) -> Iterator[ImportedItem]:
        """Yield every image with its annotations, file by file, then the images that no file speaks of."""
        for name in self._names:
            yield from self._file(name)
        for place in self._places.rest():
            yield ImportedItem(place.name, place.file, place.width, place.height)

    def _file(self, name: str) -> Iterator[ImportedItem]:
        path = self._folder.path(name)
        own: Header | None = None
        single: dict[str, Any] = {}
        listed = False
        for found in values(path):
            value = clean(found.value)
            if found.key == "header" and found.index is None and single.get("rcg") == custom.KEY:
                own = self._own_header(value, path)
            elif found.index is None:
                single[found.key] = value
            elif own is not None:
                if found.key == "items":
                    yield from self._own_item(value)
            elif found.key in LISTS and isinstance(value, dict) and _first(value, FILES):
                listed = True
                yield self._item(value, name)
            elif path.stat().st_size <= _LARGEST:
                single.setdefault(found.key, []).append(value)
        if own is None and not listed and any(key in single for key in OBJECTS):
            yield self._item(single, name)

    def _own_header(self, found: Any, path: Path) -> Header:
        try:
            header = Header.model_validate(found)
        except ValidationError as error:
            raise InputError(
                f"RCG wrote {path.name}, but its header cannot be read: {error.errors()[0]['msg']}.",
                "It was changed, or a newer RCG wrote it: update RCG, or export again.",
            ) from error
        self.header = self.header or header
        self._book.join(header.label_schema)
        return header

    def _own_item(self, body: Any) -> Iterator[ImportedItem]:
        facts = dict(body) if isinstance(body, dict) else {}
        relative = str(facts.pop("file", ""))
        annotations = self._own_annotations(facts.pop("annotations", None), str(facts.get("name")))
        try:
            record = ItemRecord.model_validate({**facts, "annotations": annotations})
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            self._loss.add(
                "items that cannot be read: left out",
                f"{facts.get('name')}: {where} {error.errors()[0]['msg']}",
            )
            return
        self._places.use(relative)
        yield inc.own_item(record, relative, self._folder, self._loss)

    def _own_annotations(self, bodies: Any, item: str) -> list[Annotation]:
        found: list[Annotation] = []
        for body in bodies if isinstance(bodies, list) else []:
            try:
                annotation = Annotation.model_validate(body)
            except ValidationError as error:
                self._loss.add(inc.UNREADABLE, f"{item}: {error.errors()[0]['msg']}")
                continue
            label = self._book.label(annotation.label)
            if label != annotation.label:
                annotation = annotation.model_copy(update={"label": label})
            found.append(annotation)
        return inc.with_own_ids(found, item, self._loss)

    def _item(self, body: Mapping[str, Any], file: str) -> ImportedItem:
        reference = _first(body, FILES) or file
        place = self._places.find(reference)
        if place.file is None and not place.known:
            self._loss.add(inc.ABSENT, reference)
        said = _size(body)
        found = (place.width, place.height) if place.width and place.height else said
        objects = next((body[key] for key in OBJECTS if isinstance(body.get(key), (list, dict))), None)
        annotations = None if objects is None else self._loose.annotations(objects, place.name, found)
        if annotations is not None:
            annotations, changed = inc.fitted(annotations, said, found)
            if changed:
                self._loss.add(inc.OTHER_SIZE, reference)
        width, height = found or (None, None)
        part = _split(body.get("split")) or split_of(place.relative) or split_of(file)
        return ImportedItem(place.name, place.file, width, height, annotations, part)


def _first(body: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((body[name] for name in names if isinstance(body.get(name), str) and body[name].strip()), "")


def _split(value: Any) -> Split | None:
    return split_of(value) if isinstance(value, str) else None


def _size(body: Mapping[str, Any]) -> tuple[int, int] | None:
    for wide, high in (("width", "height"), ("imageWidth", "imageHeight"), ("image_width", "image_height")):
        try:
            width, height = int(inc.number(body.get(wide))), int(inc.number(body.get(high)))
        except ValueError:
            continue
        if width > 0 and height > 0:
            return width, height
    return None

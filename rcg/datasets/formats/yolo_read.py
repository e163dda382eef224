"""YOLO's text files in: boxes, outlines and points, by what a line holds; RCG's own through the sidecar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rcg.datasets.formats import incoming as inc
from rcg.datasets.formats import sidecar
from rcg.datasets.formats.classes import ClassBook
from rcg.datasets.formats.files import Folder, Place, Places, split_of
from rcg.datasets.formats.parts import ImportedItem, LossReport
from rcg.datasets.formats.tables import yolo_facts
from rcg.datasets.manifest import Header
from rcg.datasets.schema import Annotation, Box, KeyPoint, Part, Points, Polygon, Shape

_LONGEST_LINE = 1 << 22
NO_LABELS = "images without a label file: not labelled"
UNSIZED = "labels of images whose size nothing tells: left out"
BAD_LINE = "lines that are no object: left out"
NAMELESS = "numbers without a class name: named after their number"


class YoloReader:
    """Reads a folder of YOLO labels.

    Args:
        folder, places: what is read, and where images are found.
        book: takes the classes in.
        loss: told what had no place.
    """

    def __init__(self, folder: Folder, places: Places, book: ClassBook, loss: LossReport) -> None:
        self._folder, self._places, self._book, self._loss = folder, places, book, loss
        self._own = sidecar.Sidecar(folder, loss) if sidecar.find(folder) == "yolo_txt" else None
        self.header: Header | None = self._own.header if self._own else None
        self._facts = yolo_facts(folder)
        if self.header:
            book.join(self.header.label_schema)
            self._facts.names = dict(enumerate(self.header.label_schema.class_names))
            if self._facts.points:
                self._facts.points = list(self.header.label_schema.point_names)
        if self._facts.points:
            book.has_points()
        for name in self._facts.names.values():
            book.label(name)
        self._points = book.points(self._facts.points) if self._facts.points else []
        self._ids = inc.Ids()

    def items(self) -> Iterator[ImportedItem]:
        """Yield the sidecar's items, then other labels with their images, then the images without labels."""
        done = set[str]()
        if self._own:
            for entry in self._own.entries():
                done.add(entry.labels)
                self._places.use(entry.image)
                yield self._own_item(entry)
        for path in self._folder.of(".txt"):
            if path not in done and path not in self._facts.files and self._is_label(path):
                yield self._plain_item(path)
        for place in self._places.rest():
            self._loss.add(NO_LABELS, place.name)
            yield ImportedItem(
                place.name, place.file, place.width, place.height, split=split_of(place.relative)
            )

    def _own_item(self, entry: sidecar.Entry) -> ImportedItem:
        item = inc.own_item(entry.record, entry.image, self._folder, self._loss)
        if not entry.changed(self._folder):
            return item
        self._loss.add(sidecar.CHANGED, entry.labels)
        path = self._folder.path(entry.labels)
        if not path.is_file():
            return replace(item, annotations=None)
        size = (entry.record.width, entry.record.height)
        return replace(item, annotations=self._annotations(path, item.name, size))

    def _is_label(self, path: str) -> bool:
        """Whether a text file holds labels: in a folder of labels, or beside an image of its name."""
        folders = path.lower().split("/")[:-1]
        if "labels" in folders:
            return True
        return not folders or "imagesets" not in folders

    def _place(self, path: str) -> Place:
        parts = path.split("/")
        wanted = ["images" if part.lower() == "labels" else part for part in parts[:-1]]
        return self._places.find("/".join([*wanted, parts[-1]]))

    def _plain_item(self, path: str) -> ImportedItem:
        place = self._place(path)
        if place.file is None and not place.known:
            self._loss.add(inc.ABSENT, path)
        size = (place.width, place.height) if place.width and place.height else None
        annotations = self._annotations(self._folder.path(path), place.name, size)
        part = split_of(place.relative) or split_of(path)
        return ImportedItem(place.name, place.file, place.width, place.height, annotations, part)

    def _annotations(self, path: Path, item: str, size: tuple[int, int] | None) -> list[Annotation]:
        self._ids.next_item()
        found = []
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), ""), start=1):
                if line.strip():
                    annotation = self._annotation(line.split(), item, size, f"{path.name}, line {number}")
                    found += [annotation] if annotation else []
        return found

    def _annotation(
        self, words: list[str], item: str, size: tuple[int, int] | None, where: str
    ) -> Annotation | None:
        if size is None:
            self._loss.add(UNSIZED, where)
            return None
        if not words[0].isdecimal() or len(words[0]) > 6:
            self._loss.add(BAD_LINE, where)
            return None
        try:
            values = [inc.number(word) for word in words[1:]]
            found = self._shape(values, size, where)
        except ValueError:
            self._loss.add(inc.NOT_NUMBERS, where)
            return None
        if found is None:
            return None
        shape, score = found
        label = self._label(int(words[0]), where)
        return Annotation(
            id=self._ids.of(item, label, shape), label=label, shape=shape, source="import", score=score
        )

    def _label(self, number: int, where: str) -> str:
        if number not in self._facts.names:
            self._loss.add(NAMELESS, f"{number} in {where}")
            return self._book.label(f"class {number}")
        return self._book.label(self._facts.names[number])

    def _shape(
        self, values: list[float], size: tuple[int, int], where: str
    ) -> tuple[Shape, float | None] | None:
        """Tell by the count of numbers what an object is: box, outline or points, with a score behind or
        not.
        """
        width, height = size
        per_point = self._facts.numbers_per_point
        if self._points and len(values) == 4 + per_point * len(self._points):
            points = _points(values[4:], per_point, self._points, size)
            if not points:
                self._loss.add(BAD_LINE, where)
                return None
            return Points(points=points, box=_box(values, size)), None
        if len(values) in (4, 5):
            box = _box(values, size)
            if box is None:
                self._loss.add(inc.NO_SIZE, where)
                return None
            return box, _share(values[4:])
        if len(values) < 6:
            self._loss.add(BAD_LINE, where)
            return None
        xs, ys = values[: len(values) // 2 * 2 : 2], values[1::2]
        ring = [(x * width, y * height) for x, y in zip(xs, ys, strict=True)]
        return Polygon(parts=[Part(outer=ring)]), _share(values[len(ring) * 2 :])


def _box(values: list[float], size: tuple[int, int]) -> Box | None:
    x, y, width, height = values[:4]
    w, h = size
    return inc.box_of((x - width / 2) * w, (y - height / 2) * h, width * w, height * h)


def _points(values: list[float], per_point: int, names: list[str], size: tuple[int, int]) -> list[KeyPoint]:
    found = []
    for name, at in zip(names, range(0, len(values), per_point), strict=True):
        x, y = values[at], values[at + 1]
        visible = min(2, max(0, round(values[at + 2]))) if per_point > 2 else 2
        if x or y or visible:
            found.append(KeyPoint(name=name, x=x * size[0], y=y * size[1], visible=visible))
    return found


def _share(rest: list[float]) -> float | None:
    return rest[0] if rest and 0 <= rest[0] <= 1 else None

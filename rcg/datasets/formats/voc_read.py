"""Pascal VOC in: boxes, the outlines and attributes that tools add; RCG's own through the sidecar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rcg.datasets.formats import incoming as inc
from rcg.datasets.formats import sidecar
from rcg.datasets.formats.classes import ClassBook
from rcg.datasets.formats.files import Folder, Place, Places, split_of, stem_of
from rcg.datasets.formats.parts import ImportedItem, LossReport
from rcg.datasets.formats.tables import image_lists
from rcg.datasets.formats.xml_tree import Element, parse
from rcg.datasets.manifest import Header
from rcg.datasets.schema import Annotation, Part, Polygon, Shape, Split
from rcg.errors import InputError

BROKEN = "label files that cannot be read: left out"
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_FLAGS = ("truncated", "difficult", "occluded")


class VocReader:
    """Reads a folder of Pascal VOC labels.

    Args:
        folder, places: what is read, and where images are found.
        book: takes the classes in.
        loss: told what had no place.
    """

    def __init__(self, folder: Folder, places: Places, book: ClassBook, loss: LossReport) -> None:
        self._folder, self._places, self._book, self._loss = folder, places, book, loss
        self._own = sidecar.Sidecar(folder, loss) if sidecar.find(folder) == "pascal_voc" else None
        self.header: Header | None = self._own.header if self._own else None
        if self.header:
            book.join(self.header.label_schema)
        self._parts = {} if self._own else image_lists(folder, "/imagesets/")
        self._ids = inc.Ids()

    def items(self) -> Iterator[ImportedItem]:
        """Yield the sidecar's items, then other label files, then the images without labels."""
        done = set[str]()
        if self._own:
            for entry in self._own.entries():
                done.add(entry.labels)
                self._places.use(entry.image)
                yield self._own_item(entry)
        for path in self._folder.of(".xml"):
            if path not in done:
                item = self._plain_item(path)
                if item is not None:
                    yield item
        for place in self._places.rest():
            yield ImportedItem(
                place.name, place.file, place.width, place.height, split=self._part(place.name)
            )

    def _part(self, name: str) -> Split | None:
        return self._parts.get(stem_of(name)) or split_of(name)

    def _own_item(self, entry: sidecar.Entry) -> ImportedItem:
        item = inc.own_item(entry.record, entry.image, self._folder, self._loss)
        if not entry.changed(self._folder):
            return item
        self._loss.add(sidecar.CHANGED, entry.labels)
        path = self._folder.path(entry.labels)
        root = self._root(path) if path.is_file() else None
        return replace(
            item, annotations=None if root is None else self._annotations(root, item.name, path.name)
        )

    def _root(self, path: Path) -> Element | None:
        try:
            root = parse(path)
        except InputError as error:
            self._loss.add(BROKEN, error.detail)
            return None
        if root.name != "annotation":
            self._loss.add(BROKEN, f"{path.name} is about <{root.name[:40]}>, not <annotation>")
            return None
        return root

    def _plain_item(self, path: str) -> ImportedItem | None:
        root = self._root(self._folder.path(path))
        if root is None:
            return None
        place = self._place(root, path)
        if place.file is None and not place.known:
            self._loss.add(inc.ABSENT, root.get("filename") or path)
        said = _size(root)
        found = (place.width, place.height) if place.width and place.height else said
        annotations = self._annotations(root, place.name, path)
        annotations, changed = inc.fitted(annotations, said, found)
        if changed:
            self._loss.add(inc.OTHER_SIZE, place.name)
        width, height = found or (None, None)
        return ImportedItem(place.name, place.file, width, height, annotations, self._part(path))

    def _place(self, root: Element, path: str) -> Place:
        """Find the image by the name the file gives, else by the file's own: images are often renamed."""
        place = self._places.find(root.get("filename") or root.get("path") or path)
        if place.file is None and not place.known:
            own = self._places.find(path)
            if own.file is not None or own.known:
                return own
        return place

    def _annotations(self, root: Element, item: str, where: str) -> list[Annotation]:
        self._ids.next_item()
        found = []
        for element in root.all("object"):
            name = element.get("name")
            if not name:
                self._loss.add("objects without a name: left out", where)
                continue
            try:
                shape = self._shape(element, where)
            except ValueError:
                self._loss.add(inc.NOT_NUMBERS, where)
                continue
            if shape is not None:
                found.append(self._made(element, self._book.label(name), shape, item))
        return found

    def _made(self, element: Element, label: str, shape: Shape, item: str) -> Annotation:
        attributes = {
            one.get("name"): self._book.typed(one.get("name"), one.get("value"))
            for one in element.child("attributes").all("attribute")
            if one.get("name")
        }
        self._book.attributes(attributes)
        extra: dict[str, Any] = {flag: True for flag in _FLAGS if element.get(flag) not in ("", "0")}
        if element.get("pose") not in ("", "Unspecified"):
            extra["pose"] = element.get("pose")
        return Annotation(
            id=self._ids.of(item, label, shape), label=label, shape=shape, source="import",
            attributes=attributes, extra=extra,
        )  # fmt: skip

    def _shape(self, element: Element, where: str) -> Shape | None:
        ring = _ring(element.child("polygon"))
        if len(ring) >= 6:
            return Polygon(parts=[Part(outer=inc.points_of(ring))])
        corners = element.child("bndbox")
        if not corners.children:
            self._loss.add("objects without a box: left out", where)
            return None
        left, top, right, bottom = (inc.number(corners.get(name)) for name in _CORNERS)
        box = inc.box_of(left, top, right - left, bottom - top)
        if box is None:
            self._loss.add(inc.NO_SIZE, where)
        return box


def _ring(polygon: Element) -> list[str]:
    """Return the coordinates of a polygon, as ``<x1><y1>`` or as ``<pt><x><y>``."""
    points = polygon.all("pt") or polygon.all("point")
    if points:
        return [point.get(axis) for point in points for axis in ("x", "y")]
    found = {child.name: child.text.strip() for child in polygon.children}
    flat: list[str] = []
    while (x := found.get(f"x{len(flat) // 2 + 1}")) is not None:
        flat += [x, found.get(f"y{len(flat) // 2 + 1}", "")]
    return flat


def _size(root: Element) -> tuple[int, int] | None:
    try:
        width, height = (int(inc.number(root.child("size").get(name))) for name in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None

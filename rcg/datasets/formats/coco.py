"""COCO JSON: ``annotations/instances_<part>.json`` (``person_keypoints_<part>.json`` for points) and
``images/``.

Standard COCO that pycocotools and its like read. What COCO has no place for lies in blocks called ``rcg``:
the label schema in ``info``, an item's card, side, lights and layers in its image, an annotation's id in the
annotation.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic_core import from_json, to_json

from rcg.datasets.formats.coco_text import HOLES, AnnotationWriter, dump
from rcg.datasets.formats.outgoing import Outgoing
from rcg.datasets.manifest import Header
from rcg.errors import InputError

FORMAT = 1
IMAGES = "images/"


class Categories(dict[str, int]):
    """Ids by class name."""

    def __missing__(self, label: str) -> int:
        raise InputError(
            f"An annotation is of the class {label!r}, which the dataset's schema does not have.",
            "Add the class in the studio, or delete the annotation.",
        )


@dataclass
class _Part:
    """The file of one part of the split while it is written: its images wait in a file of their own."""

    file: IO[bytes]
    images: IO[bytes]
    writer: AnnotationWriter
    count: int = 0
    started: bool = False

    def flush(self) -> None:
        text = self.writer.take()
        if text:
            self.file.write((b",\n" if self.started else b"") + text)
            self.started = True


def export(out: Outgoing) -> tuple[int, int]:
    """Write a dataset and return how many items and annotations it had.

    Memory is a batch of annotations, whatever the dataset's size.
    """
    header = out.source.header
    categories = Categories((name, at) for at, name in enumerate(header.label_schema.class_names, start=1))
    base = "person_keypoints" if header.label_schema.task == "points" else "instances"
    parts: dict[str, _Part] = {}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rcg-coco-")))

        def opened(part: str) -> _Part:
            file = stack.enter_context(out.sink.open(f"annotations/{base}_{part}.json"))
            images = stack.enter_context((scratch / part).open("w+b"))
            file.write(_head(header, categories))
            writer = AnnotationWriter(categories, header.label_schema.point_names)
            parts[part] = _Part(file, images, writer)
            return parts[part]

        for line in out.source.lines():
            _add(out, line, parts, opened)
            out.each()
        for name in [] if parts else ["train"]:
            opened(name)
        for part in parts.values():
            part.flush()
            part.file.write(b'],\n"images":[')
            part.images.seek(0)
            shutil.copyfileobj(part.images, part.file)
            part.file.write(b"]}\n")
    holes = sum(part.writer.with_holes for part in parts.values())
    if holes:
        out.loss.add(HOLES, count=holes)
    return sum(part.count for part in parts.values()), sum(part.writer.count for part in parts.values())


def _add(out: Outgoing, line: bytes, parts: dict[str, _Part], opened: Callable[[str], _Part]) -> None:
    # Where the annotations end: no string holds a bare quote, and only a card is a text.
    end = line.rfind(b'],"card":"')
    facts = b"{" + line[end + 2 :]
    item = from_json(facts)
    part = parts.get(item["split"]) or opened(item["split"])
    part.count += 1
    width, height = item["width"], item["height"]
    part.writer.add_item(line[len(b'{"annotations":[') : end].decode(), part.count, width, height)
    path = out.base(item, IMAGES)
    out.rest(item)
    name = to_json(path.removeprefix(IMAGES))
    image = b'{"id":%d,"file_name":%b,"width":%d,"height":%d,"rcg":%b}' % (
        part.count, name, width, height, facts,
    )  # fmt: skip
    part.images.write(image if part.count == 1 else b",\n" + image)
    if part.writer.full():
        part.flush()


def _head(header: Header, categories: dict[str, int]) -> bytes:
    """Return a file up to its first annotation. It names no date: equal datasets give equal files."""
    schema = header.label_schema
    listed = []
    for one in schema.classes:
        category: dict[str, Any] = {
            "id": categories[one.name], "name": one.name, "supercategory": one.aspect,
        }  # fmt: skip
        if schema.task == "points":
            order = {name: at for at, name in enumerate(schema.point_names, start=1)}
            category["keypoints"] = list(schema.point_names)
            category["skeleton"] = [
                [order[a], order[b]] for a, b in schema.skeleton if a in order and b in order
            ]
        listed.append(category)
    info = {
        "description": header.dataset,
        "version": str(header.number),
        "contributor": "RCG",
        "rcg": {"format": FORMAT, "header": header.model_dump(mode="json")},
    }
    return f'{{"info":{dump(info)},\n"licenses":[],\n"categories":{dump(listed)},\n"annotations":['.encode()

"""Which format a folder is in, and the reader for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from rcg.datasets.formats import custom, sidecar
from rcg.datasets.formats.classes import ClassBook
from rcg.datasets.formats.coco_read import CocoReader
from rcg.datasets.formats.custom_read import FILES, LISTS, OBJECTS, CustomReader
from rcg.datasets.formats.files import Folder, Places
from rcg.datasets.formats.json_stream import values
from rcg.datasets.formats.parts import Imported, ImportedItem, LossReport, Sizes
from rcg.datasets.formats.tables import yolo_facts
from rcg.datasets.formats.voc_read import VocReader
from rcg.datasets.formats.xml_tree import parse
from rcg.datasets.formats.yolo_read import YoloReader
from rcg.datasets.schema import LabelSchema
from rcg.errors import InputError

JsonKind = Literal["coco", "own", "custom"]
_LOOKED_AT = 50
_VALUES = 2_000
IMAGES = "images"


def format_of(folder: Folder) -> str:
    """Return the name of a folder's format; ``images`` when there are images alone.

    Raises:
        InputError: there is nothing that can be read.
    """
    own = sidecar.find(folder)
    if own:
        return own
    kinds, wrong = _json_kinds(folder, _LOOKED_AT)
    if kinds:
        return "coco_json" if "coco" in kinds.values() and "own" not in kinds.values() else "custom_json"
    found = _other_format(folder)
    if found:
        return found
    if wrong:
        raise wrong
    raise InputError(
        "There is nothing to import: no images, and no labels in a form that RCG knows.",
        "RCG reads COCO JSON, YOLO (labels/*.txt), Pascal VOC (*.xml), its own dataset.json, LabelMe's "
        "files, and JPEG, PNG, WebP and TIFF images.",
    )


def _other_format(folder: Folder) -> str | None:
    if any(_is_voc(folder, path) for path in islice(folder.of(".xml"), _LOOKED_AT)):
        return "pascal_voc"
    if any(_looks_like_yolo(folder, path) for path in folder.of(".txt")) or yolo_facts(folder).names:
        return "yolo_txt"
    return IMAGES if folder.images else None


def read(path: Path, schema: LabelSchema | None, name: str, known: Sizes | None) -> Imported:
    """See :func:`rcg.datasets.formats.read`."""
    folder = Folder(path)
    chosen = format_of(folder) if name == "auto" else name
    loss = LossReport()
    book = ClassBook(schema, loss)
    places = Places(folder, known)
    reader = _reader(chosen, folder, places, book, loss)
    if reader is None:
        return Imported(IMAGES, _images(places), loss, book.schema)
    found = Imported(chosen, iter(()), loss, book.schema, reader.header)
    found.items = _counted(reader, found)
    return found


def _counted(
    reader: CocoReader | YoloReader | VocReader | CustomReader, found: Imported
) -> Iterator[ImportedItem]:
    for item in reader.items():
        found.header = reader.header
        yield item
    found.header = reader.header


def _images(places: Places) -> Iterator[ImportedItem]:
    for place in places.rest():
        yield ImportedItem(place.name, place.file, place.width, place.height)


def _reader(
    name: str, folder: Folder, places: Places, book: ClassBook, loss: LossReport
) -> CocoReader | YoloReader | VocReader | CustomReader | None:
    if name == IMAGES:
        return None
    if name == "yolo_txt":
        if not folder.of(".txt") and sidecar.find(folder) != name:
            raise InputError(
                "There are no .txt files.", "YOLO's labels are text files named like their images."
            )
        return YoloReader(folder, places, book, loss)
    if name == "pascal_voc":
        if not folder.of(".xml") and sidecar.find(folder) != name:
            raise InputError(
                "There are no .xml files.", "VOC's labels are XML files named like their images."
            )
        return VocReader(folder, places, book, loss)
    kinds, wrong = _json_kinds(folder, None)
    names = [path for path, kind in kinds.items() if (kind == "coco") == (name == "coco_json")]
    if not names:
        raise wrong or InputError(
            "There is no COCO file."
            if name == "coco_json"
            else "There is no JSON file with images and objects.",
            "Choose another format, or let RCG find it out: auto.",
        )
    if wrong:
        loss.add("files that cannot be read: left out", wrong.detail)
    reader = CocoReader if name == "coco_json" else CustomReader
    return reader(folder, places, names, book, loss)


def _json_kinds(folder: Folder, limit: int | None) -> tuple[dict[str, JsonKind], InputError | None]:
    """Tell the JSON files that hold labels by their form; and the first error, where one is no JSON."""
    found: dict[str, JsonKind] = {}
    wrong: InputError | None = None
    paths = sorted(folder.of(".json"), key=lambda path: (path.count("/"), path))
    for path in islice(paths, limit):
        try:
            kind = json_kind(folder.path(path))
        except InputError as error:
            wrong = wrong or error
            continue
        if kind:
            found[path] = kind
    return found, wrong


def json_kind(path: Path) -> JsonKind | None:
    """Tell a JSON file by its first members: COCO's, RCG's own, another with labels, or None.

    Raises:
        InputError: it is no JSON.
    """
    for found in islice(values(path), _VALUES):
        if found.key == "rcg" and found.value == custom.KEY:
            return "own"
        if found.key in ("imagePath", "shapes"):
            return "custom"
        fields = found.value if isinstance(found.value, dict) and found.index is not None else {}
        if fields and _is_coco(found.key, fields):
            return "coco"
        if fields and (found.key in OBJECTS or (found.key in LISTS and any(key in fields for key in FILES))):
            return "custom"
    return None


def _is_coco(key: str, fields: dict[str, object]) -> bool:
    if key == "images":
        return "id" in fields and not any(name in fields for name in OBJECTS)
    return (key == "annotations" and "image_id" in fields) or (key == "categories" and "id" in fields)


def _is_voc(folder: Folder, path: str) -> bool:
    try:
        return parse(folder.path(path)).name == "annotation"
    except InputError:
        return False


def _looks_like_yolo(folder: Folder, path: str) -> bool:
    """Whether the first line of a text file is a number and shares, or the file is empty among labels."""
    with folder.path(path).open(encoding="utf-8-sig", errors="replace") as file:
        words = file.readline(4096).split()
    if not words:
        return "labels" in path.lower().split("/")
    return words[0].isdecimal() and len(words) >= 5 and all(map(_is_number, words[1:5]))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True

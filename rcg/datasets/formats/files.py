"""The folder that is read: its images and labels, found by the names that other files call them."""

from __future__ import annotations

import os
import re
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rcg.datasets.formats.parts import Sizes
from rcg.datasets.schema import Split
from rcg.errors import InputError
from rcg.photometric.image_header import read_header
from rcg.photometric.metadata import ACCEPTED, JPEG, PNG, TIFF, WEBP, sniff

IMAGE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic"}
)
ENDING_OF = {JPEG: ".jpg", PNG: ".png", WEBP: ".webp", TIFF: ".tif"}
OWN_FOLDER = "rcg"
"""in RCG's own exports: the sidecar and the layers beside the base image"""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEAD_BYTES = 1 << 18
_SHELVES = frozenset({"images", "image", "jpegimages", "img", "data"})
_PARTS: dict[str, Split] = {
    "train": "train", "training": "train", "trainval": "train", "val": "val", "valid": "val",
    "validation": "val", "dev": "val", "test": "test", "testing": "test",
}  # fmt: skip
_ASIDE = ("trained_models/", "training_metrics/", "checkpoints/", "metadata.json", "dataset_metadata.json")
"""of the owner's folders: what lies beside images and labels"""
_JUNK = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


def split_of(path: str) -> Split | None:
    """Return the part of a split that a path speaks of: ``images/valid/1.jpg``,
    ``instances_val2017.json``.
    """
    for part in reversed(PurePosixPath(path.lower()).parts):
        words = part.rsplit(".", 1)[0].replace("-", "_").split("_")
        for word in reversed(words):
            found = _PARTS.get(word.rstrip("0123456789"))
            if found and (len(words) == 1 or part.endswith((".json", ".jsonl", ".txt"))):
                return found
    return None


def whole(text: str) -> str:
    """Return a text without halves of characters: file names and JSON may hold such, UTF-8 does not."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def normal(reference: str) -> str:
    """Return a path as it is compared: one Unicode form, / between folders, none that leads out.

    >>> normal("..\\\\data/./Café.jpg")
    'data/Café.jpg'
    """
    text = _CONTROL.sub("_", unicodedata.normalize("NFC", whole(reference))).replace("\\", "/")
    if len(text) > 1 and text[1] == ":":
        text = text[2:]
    return "/".join(part for part in text.split("/") if part not in ("", ".", ".."))


def stem_of(path: str) -> str:
    """Return the last part of a path without its ending."""
    last = path.rsplit("/", 1)[-1]
    return last.rsplit(".", 1)[0] if "." in last.lstrip(".") else last


class Names:
    """Paths, found by what others call them: by the whole path, its end, its last part, its stem."""

    def __init__(self) -> None:
        self._by_stem: dict[str, str | list[str]] = {}

    def add(self, path: str) -> None:
        """Add a path, as it is on disk."""
        stem = stem_of(normal(path))
        there = self._by_stem.get(stem)
        if there is None:
            self._by_stem[stem] = path
        elif isinstance(there, list):
            there.append(path)
        else:
            self._by_stem[stem] = [there, path]

    def find(self, reference: str) -> str | None:
        """Return the path that is meant, None when there is none or several would do."""
        wanted = normal(reference)
        there = self._by_stem.get(stem_of(wanted))
        if there is None:
            return None
        scored = sorted(
            (
                (_likeness(normal(path), wanted), path)
                for path in ([there] if isinstance(there, str) else there)
            ),
            reverse=True,
        )
        best = scored[0][0]
        return scored[0][1] if len(scored) == 1 or scored[1][0] < best else None


def _likeness(path: str, wanted: str) -> tuple[int, int]:
    """How many of the last parts agree, endings counted and, where that is equal, not counted."""
    a, b = path.split("/")[::-1], wanted.split("/")[::-1]
    whole = next(
        (i for i, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]), min(len(a), len(b))
    )
    a[0], b[0] = stem_of(a[0]), stem_of(b[0])
    stems = next(
        (i for i, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]), min(len(a), len(b))
    )
    return stems, whole


class Folder:
    """A folder's files by kind. Links are not followed; hidden files and what systems leave behind are passed
    over.

    Args:
        root: the folder, or a single file. One folder that holds everything is entered.

    Attributes:
        root: where the paths start.
        images: relative paths, sorted.
        others: the other files, sorted.
    """

    def __init__(self, root: Path) -> None:
        if not root.exists():
            raise InputError(f"There is nothing at {root}.", "Give the folder, archive or file to import.")
        if root.is_file():
            self.root, self.images, self.others = root.parent, [], [root.name]
            return
        found = sorted(_walk(root, ""))
        while (first := found[0].split("/")[0] if found else "") and all(
            path.startswith(first + "/") for path in found
        ):
            if first.lower() in {*_SHELVES, *_PARTS, "labels", "annotations", OWN_FOLDER}:
                break
            root, found = root / first, [path[len(first) + 1 :] for path in found]
        self.root = root
        found = [path for path in found if not path.startswith((f"{OWN_FOLDER}/layers/", *_ASIDE))]
        self.images = [path for path in found if _ending(path) in IMAGE_ENDINGS]
        self.others = [path for path in found if _ending(path) not in IMAGE_ENDINGS]

    def of(self, *endings: str) -> list[str]:
        """Return the other files with one of these endings."""
        return [path for path in self.others if _ending(path) in endings]

    def path(self, relative: str) -> Path:
        """Return where a file lies."""
        return self.root / relative


def _walk(folder: Path, before: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _JUNK or entry.is_symlink():
                continue
            if entry.is_dir():
                yield from _walk(Path(entry.path), f"{before}{entry.name}/")
            elif entry.is_file():
                yield before + entry.name


def _ending(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


@dataclass(frozen=True)
class Place:
    """Where a label's image is.

    Attributes:
        name: of the item.
        file: None: not in the folder.
        width, height: upright, px; None where nothing tells.
        known: the item is in the dataset already.
        relative: of the file in the folder.
    """

    name: str
    file: Path | None = None
    width: int | None = None
    height: int | None = None
    known: bool = False
    relative: str = ""


class Places:
    """Finds the images that labels speak of, in the folder or among the items that a dataset has.

    Args:
        folder: what is read.
        known: items of the dataset, by name, with their sizes.
    """

    def __init__(self, folder: Folder, known: Sizes | None = None) -> None:
        self._folder = folder
        self._known: Mapping[str, tuple[int, int]] = known or {}
        self._images, self._items = Names(), Names()
        for path in folder.images:
            self._images.add(path)
        for name in self._known:
            self._items.add(name)
        short = Counter(map(_without_shelves, folder.images))
        self._clashing = {name for name, count in short.items() if count > 1}
        self._used: set[str] = set()

    def find(self, reference: str) -> Place:
        """Return the place of the image that a label calls so."""
        relative = self._images.find(reference)
        if relative is not None:
            return self.of_image(relative)
        name = self._items.find(reference)
        if name is not None:
            width, height = self._known[name]
            return Place(name, None, width, height, known=True)
        return Place(normal(reference) or "unnamed")

    def of_image(self, relative: str) -> Place:
        """Return the place of an image of the folder."""
        self._used.add(relative)
        name = normal(_without_shelves(relative))
        if name in self._clashing:
            name = normal(relative)
        path = self._folder.path(relative)
        width, height = size_of(path) or (None, None)
        return Place(name, path, width, height, relative=relative)

    def use(self, relative: str) -> None:
        """Say that an image has its labels."""
        self._used.add(relative)

    def rest(self) -> Iterator[Place]:
        """Yield the images that no label spoke of."""
        for relative in self._folder.images:
            if relative not in self._used:
                yield self.of_image(relative)


def _without_shelves(relative: str) -> str:
    parts = relative.split("/")
    while len(parts) > 1 and parts[0].lower() in {*_SHELVES, *_PARTS}:
        parts = parts[1:]
    return "/".join(parts)


def size_of(path: Path) -> tuple[int, int] | None:
    """Return an image's upright width and height from its header; None when it is no image that RCG reads."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            found = _size(head)
            if found is None and len(head) == _HEAD_BYTES:
                found = _size(head + file.read())
    except OSError:
        return None
    return found


def _size(data: bytes) -> tuple[int, int] | None:
    media_type = sniff(data)
    if media_type not in ACCEPTED:
        return None
    try:
        header = read_header(data, media_type)
    except (ValueError, KeyError, IndexError, struct.error, StopIteration):
        return None
    turned = header.orientation in (5, 6, 7, 8)
    return (header.height, header.width) if turned else (header.width, header.height)

"""A dataset version as one file: JSON lines, a header and then every item with its layers, annotations and
split.

The file is the version: its SHA-256 is the version's hash, it is kept as a blob, and training reads
nothing else but
the layers' blobs it names. Lines are canonical (sorted keys, no spaces, items by id), so that equal
content gives
equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import Field, ValidationError

from rcg.datasets.layers import Role
from rcg.datasets.schema import Annotation, LabelSchema, Split, Strict
from rcg.errors import InputError

FORMAT = 1


class LayerRef(Strict):
    """A layer's data, by hash."""

    name: str
    role: Role
    sha256: str
    media_type: str


class ItemRecord(Strict):
    """An item as a version holds it."""

    id: str
    name: str
    width: int
    height: int
    px_per_mm: float | None = None
    margin_mm: float = 0.0
    card: str = Field(description="what a split keeps together")
    side: str | None = None
    split: Split
    labelled: bool = Field(True, description="False: nobody looked at it yet, so no annotation says nothing")
    layers: list[LayerRef]
    lights: dict[str, tuple[float, float, float]] = Field(default_factory=dict)
    annotations: list[Annotation]


class Header(Strict):
    """The first line."""

    rcg: Literal["dataset-version"] = "dataset-version"
    format: int = FORMAT
    dataset: str
    kind: str
    number: int
    note: str = ""
    label_schema: LabelSchema
    recipe: dict[str, Any] | None = None
    split: dict[str, Any] = Field(default_factory=dict)
    items: int


def canonical(model: Strict) -> bytes:
    """Return a line of a manifest, without its end."""
    return json.dumps(
        model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False,
        allow_nan=False,
    ).encode()  # fmt: skip


def write(header: Header, items: Iterable[ItemRecord], out: IO[bytes]) -> str:
    """Write a manifest and return its SHA-256. Items must come sorted by id; memory stays flat.

    Raises InputError when there are other than ``header.items`` items, or they are not sorted.
    """
    digest = hashlib.sha256()
    last, count = "", 0

    def line(data: bytes) -> None:
        digest.update(data + b"\n")
        out.write(data + b"\n")

    line(canonical(header))
    for item in items:
        if item.id <= last:
            raise InputError(f"The items of a version must come sorted by id; {item.id} follows {last}.")
        last, count = item.id, count + 1
        line(canonical(item))
    if count != header.items:
        raise InputError(f"The version was announced with {header.items} items and has {count}.")
    return digest.hexdigest()


class Manifest:
    """A manifest file, read item by item. Memory is eight bytes an item.

    Args:
        path: the file.

    Raises:
        InputError: it is no manifest, of a newer format, or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offsets = array("Q")
        with path.open("rb") as file:
            first = file.readline()
            try:
                self.header = Header.model_validate_json(first)
            except ValidationError as error:
                raise InputError(
                    f"{path.name} is no dataset version of RCG: {error.errors()[0]['msg']}."
                ) from error
            if self.header.format > FORMAT:
                raise InputError(
                    f"The dataset version is of format {self.header.format}; this RCG reads up to {FORMAT}.",
                    "Update RCG.",
                )
            at = file.tell()
            for line in file:
                self._offsets.append(at)
                at += len(line)
        if len(self._offsets) != self.header.items:
            raise InputError(
                f"The dataset version should have {self.header.items} items and has {len(self._offsets)}.",
                "The file was cut short; make the version again.",
            )

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, index: int) -> ItemRecord:
        """Return one item, in the file's order."""
        with self.path.open("rb") as file:
            file.seek(self._offsets[index])
            return ItemRecord.model_validate_json(file.readline())

    def __iter__(self) -> Iterator[ItemRecord]:
        """Yield every item, one in memory at a time."""
        with self.path.open("rb") as file:
            file.readline()
            for line in file:
                yield ItemRecord.model_validate_json(line)

    def indices(self, split: Split) -> list[int]:
        """Return the indices of the items of one part of the split."""
        return [index for index, item in enumerate(self) if item.split == split]

"""What every format shares: where a dataset comes from, what an import finds, what could not be carried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rcg.datasets.layers import Role
from rcg.datasets.manifest import Header, ItemRecord, canonical
from rcg.datasets.schema import Annotation, LabelSchema, Split

Sizes = Mapping[str, tuple[int, int]]
"""items that a dataset has already: name -> width, height. Labels that come without images are read by it."""


_BUFFER = 1 << 20


class DatasetSource(Protocol):
    """A dataset on its way out: the facts of its header, and its items as lines."""

    @property
    def header(self) -> Header:
        """What a version's first line says; ``items`` may be a guess."""

    def lines(self) -> Iterator[bytes]:
        """Yield every item as the canonical JSON of its :class:`ItemRecord`, sorted by id, without line
        end.
        """

    def path_of(self, sha256: str) -> Path:
        """Return where the file of that hash lies."""


@dataclass(frozen=True)
class ManifestSource:
    """A version's manifest, or any file of that form, as a source.

    Attributes:
        path: the file: a header, then an item a line.
        find: where the blob of a SHA-256 lies.
    """

    path: Path
    find: Callable[[str], Path]

    @property
    def header(self) -> Header:
        """The file's first line."""
        with self.path.open("rb") as file:
            return Header.model_validate_json(file.readline())

    def lines(self) -> Iterator[bytes]:
        """Yield the lines behind it."""
        with self.path.open("rb", buffering=_BUFFER) as file:
            file.readline()
            for line in file:
                yield line[:-1] if line.endswith(b"\n") else line

    def path_of(self, sha256: str) -> Path:
        """Return where the file of that hash lies."""
        return self.find(sha256)


@dataclass(frozen=True)
class RecordSource:
    """Records in memory as a source: for notebooks and tests."""

    header: Header
    records: Iterable[ItemRecord]
    find: Callable[[str], Path]

    def lines(self) -> Iterator[bytes]:
        """Yield the records as lines."""
        return map(canonical, self.records)

    def path_of(self, sha256: str) -> Path:
        """Return where the file of that hash lies."""
        return self.find(sha256)


class LossReport:
    """What could not be carried over as it was, counted: ``rows`` are (what, count, first example)."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, str]] = {}

    def add(self, what: str, example: str = "", count: int = 1) -> None:
        """Count a loss; the first example of each kind is kept."""
        before, kept = self._rows.get(what, (0, example))
        self._rows[what] = (before + count, kept or example)

    @property
    def rows(self) -> list[tuple[str, int, str]]:
        """In the order in which they were first met."""
        return [(what, count, example) for what, (count, example) in self._rows.items()]

    def as_json(self) -> list[dict[str, Any]]:
        """Return ``[{"what", "count", "example"}]``."""
        return [{"what": what, "count": count, "example": example} for what, count, example in self.rows]

    def __bool__(self) -> bool:
        return bool(self._rows)

    def count(self, what: str) -> int:
        """Return how often something that begins with these words was lost."""
        return sum(count for said, count, _ in self.rows if said.startswith(what))


@dataclass(frozen=True)
class ImportedLayer:
    """A layer's file in the folder that is read."""

    name: str
    role: Role
    file: Path
    media_type: str


@dataclass(frozen=True)
class ImportedItem:
    """An item that an import found.

    Attributes:
        name: with / for sub-folders.
        file: its image; None: there are labels only.
        width, height: upright, px; None when neither the file nor its label says.
        annotations: of it; None: nothing is known, it is not labelled. An empty list: labelled, without any.
        split: the part it was in, if it was in one.
        id, card, side, px_per_mm, margin_mm, lights: as a file of RCG has them.
        layers: of a file of RCG, the base layer (``file``) first; empty: a photograph, its layer is
            ``colour``.
    """

    name: str
    file: Path | None
    width: int | None = None
    height: int | None = None
    annotations: list[Annotation] | None = None
    split: Split | None = None
    id: str | None = None
    card: str | None = None
    side: str | None = None
    px_per_mm: float | None = None
    margin_mm: float = 0.0
    lights: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    layers: list[ImportedLayer] = field(default_factory=list)


@dataclass
class Imported:
    """What is read from a folder or file.

    Attributes:
        format: which format it is.
        items: to be iterated once; the other attributes are complete afterwards.
        loss: what was left out or changed.
        header: of RCG's own files: dataset, kind, ...
        kind: the kind it was of, where the files say so.
    """

    format: str
    items: Iterator[ImportedItem]
    loss: LossReport
    schema: Callable[[], LabelSchema | None]
    header: Header | None = None

    @property
    def label_schema(self) -> LabelSchema | None:
        """The classes found, joined to those that were given; None: no class was found. Complete when the
        items were iterated."""
        return self.schema()

    @property
    def kind(self) -> str | None:
        """The kind of the dataset that RCG wrote."""
        return self.header.kind if self.header else None

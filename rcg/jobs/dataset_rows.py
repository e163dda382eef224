"""Items and annotations that a job made, on their way into the database: lines of a file, 200 at a time.

``compute`` writes them (:class:`RowWriter`), ``accept`` takes them in (:func:`take_in`) in the transaction
that ends the job: all of them, or none. Taking the same file in twice, or an archive that was imported
before, doubles nothing: an item is recognised by name and content, an annotation by its id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from rcg.datasets.manifest import canonical
from rcg.datasets.naming import card_of
from rcg.jobs.dataset_names import unused_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.datasets.schema import Annotation
    from rcg.jobs.dataset_files import StoredItem
    from rcg.jobs.handler import JobContext

_AT_ONCE = 200
PART_ITEMS, PART_ANNOTATIONS = 5_000, 50_000
"""what one transaction takes in at most: some seconds, for which every other writer waits"""


@dataclass
class ItemRow:
    """An item that a job made, or what it found about one that may be there.

    Attributes:
        name: in the dataset.
        source: upload, capture, import or render.
        stored: its files; None: annotations for an item that is there already.
        annotations: of it; None: nothing is known of them, so that it is not labelled.
        item_id: as an RCG file had it, kept where it is free.
        card, side, card_id, split, px_per_mm, margin_mm, lights, origin, problem: as the item has them.
    """

    name: str
    source: str
    stored: StoredItem | None = None
    annotations: Sequence[Annotation] | None = None
    item_id: str | None = None
    card: str | None = None
    side: str | None = None
    card_id: str | None = None
    split: str | None = None
    px_per_mm: float | None = None
    margin_mm: float = 0.0
    lights: dict[str, tuple[float, float, float]] | None = None
    origin: str | None = None
    problem: str = ""


class RowWriter:
    """Writes the rows of one attempt; use it with ``with``. ``paths`` is what ``compute`` returns."""

    def __init__(self, ctx: JobContext) -> None:
        self._folder = ctx.data_dir / "transfers" / ctx.job_id
        self._folder.mkdir(parents=True, exist_ok=True)
        self._attempt = ctx.attempt
        self._files: list[Path] = []
        self._file: TextIO | None = None
        self._items = self._annotations = 0

    def __enter__(self) -> Self:
        self._next_part()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def paths(self) -> list[str]:
        """The files, each of what one transaction takes in."""
        return [str(path) for path in self._files]

    def _next_part(self) -> TextIO:
        if self._file is not None:
            self._file.close()
        self._files.append(self._folder / f"rows-{self._attempt}-{len(self._files)}.jsonl")
        self._file = self._files[-1].open("w", encoding="utf-8")
        self._items = self._annotations = 0
        return self._file

    def write(self, row: ItemRow) -> None:
        """Add an item."""
        file = self._file
        if file is None or self._items >= PART_ITEMS or self._annotations >= PART_ANNOTATIONS:
            file = self._next_part()
        body = {
            "name": row.name,
            "source": row.source,
            "stored": None if row.stored is None else asdict(row.stored),
            "annotations": None
            if row.annotations is None
            else [[one.id, one.label, one.state, canonical(one).decode()] for one in row.annotations],
            "item_id": row.item_id,
            "card": row.card,
            "side": row.side,
            "card_id": row.card_id,
            "split": row.split,
            "px_per_mm": row.px_per_mm,
            "margin_mm": row.margin_mm,
            "lights": row.lights,
            "origin": row.origin,
            "problem": row.problem,
        }
        file.write(json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._items += 1
        self._annotations += len(row.annotations or ())


@dataclass
class Taken:
    """What became of the rows.

    Attributes:
        items: new ones.
        known_items: that were there already.
        annotations: new ones.
        known_annotations: that were there already.
        without_item: names of rows that have no picture here, of the first hundred, and how many in all.
        renamed: items that got a number because another picture has their name.
    """

    items: int = 0
    known_items: int = 0
    annotations: int = 0
    known_annotations: int = 0
    without_item: int = 0
    renamed: int = 0
    missing_names: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as a job's result shows it."""
        return asdict(self)

    def add(self, before: dict[str, Any]) -> None:
        """Add what earlier parts came to."""
        for name, value in before.items():
            setattr(self, name, value + getattr(self, name))
        self.missing_names = self.missing_names[:100]


def take_in(session: Session, dataset_id: str, path: Path) -> Taken:
    """Write the rows of a file into a dataset, within the caller's transaction."""
    from rcg.store.repositories import items  # noqa: PLC0415

    taken = Taken()
    taking = _Taking(session, dataset_id, taken, items.next_position(session, dataset_id))
    for some in _lines(path):
        taking.take(some)
    return taken


def drop_after_commit(session: Session, path: Path) -> None:
    """Remove a file of rows once the transaction that took it in is on disk."""
    from sqlalchemy import event  # noqa: PLC0415

    def remove(_session: Session) -> None:
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    event.listen(session, "after_commit", remove, once=True)


def drop(paths: Sequence[str]) -> None:
    """Remove files of rows that nobody will take in."""
    for path in map(Path, paths):
        path.unlink(missing_ok=True)


def _lines(path: Path) -> Iterator[list[dict[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        some: list[dict[str, Any]] = []
        for line in file:
            some.append(json.loads(line))
            if len(some) == _AT_ONCE:
                yield some
                some = []
        if some:
            yield some


class _Taking:
    def __init__(self, session: Session, dataset_id: str, taken: Taken, position: int) -> None:
        self._session = session
        self._dataset_id = dataset_id
        self._taken = taken
        self._position = position

    def take(self, rows: list[dict[str, Any]]) -> None:
        """Take some rows in: new items with their layers, then everybody's annotations."""
        from rcg.store.repositories import blobs, items  # noqa: PLC0415

        found = items.by_names(self._session, self._dataset_id, [row["name"] for row in rows])
        self._known: dict[str, tuple[str, str | None]] = {
            name: (one.id, one.sha256) for name, one in found.items()
        }
        free = {row["item_id"] for row in rows if row["item_id"]}
        free -= items.taken_ids(self._session, sorted(free))
        new: list[dict[str, Any]] = []
        layers: list[dict[str, Any]] = []
        files: dict[str, tuple[int, str]] = {}
        labelled: list[tuple[str, bool, list[list[str]] | None]] = []
        for row in rows:
            item_id, is_new = self._place(row, free, new, layers, files)
            if item_id is not None:
                labelled.append((item_id, is_new, row["annotations"]))
        blobs.ensure_many(self._session, files)
        items.insert_items(self._session, new)
        items.insert_layers(self._session, layers)
        self._annotate(labelled)

    def _place(
        self,
        row: dict[str, Any],
        free: set[str],
        new: list[dict[str, Any]],
        layers: list[dict[str, Any]],
        files: dict[str, tuple[int, str]],
    ) -> tuple[str | None, bool]:
        """Return the id of a row's item, and whether it is a new one."""
        from rcg.store.base import new_id  # noqa: PLC0415

        stored = row["stored"]
        if stored is None:
            known = self._look_up(row["name"])
            if known is None:
                self._taken.without_item += 1
                if len(self._taken.missing_names) < 100:
                    self._taken.missing_names.append(row["name"])
                return None, False
            self._taken.known_items += 1
            return known[0], False
        first = stored["layers"][0]["blob_sha256"]
        name, item_id = unused_name(row["name"], first, self._look_up)
        if item_id is not None:
            self._taken.known_items += 1
            return item_id, False
        self._taken.items += 1
        self._taken.renamed += name != row["name"]
        wanted = row["item_id"]
        item_id = wanted if wanted in free else new_id()
        free.discard(item_id)
        self._known[name] = (item_id, first)
        files.update({sha: (size, kind) for sha, (size, kind) in stored["files"].items()})
        new.append(self._item(row, item_id, name, stored))
        layers += [
            {"id": new_id(), "item_id": item_id, "position": at, **layer}
            for at, layer in enumerate(stored["layers"])
        ]
        return item_id, True

    def _look_up(self, name: str) -> tuple[str, str | None] | None:
        from rcg.store.repositories import items  # noqa: PLC0415

        if name not in self._known:
            one = items.by_names(self._session, self._dataset_id, [name]).get(name)
            if one is None:
                return None
            self._known[name] = (one.id, one.sha256)
        return self._known[name]

    def _item(self, row: dict[str, Any], item_id: str, name: str, stored: dict[str, Any]) -> dict[str, Any]:
        card, side = card_of(name)
        position, self._position = self._position, self._position + 1
        return {
            "id": item_id,
            "dataset_id": self._dataset_id,
            "name": name,
            "position": position,
            "width_px": stored["width"],
            "height_px": stored["height"],
            "px_per_mm": row["px_per_mm"],
            "margin_mm": row["margin_mm"],
            "card_key": row["card"] or card,
            "card_id": row["card_id"],
            "split": row["split"],
            "side": row["side"] or side,
            "source": row["source"],
            "lights": row["lights"],
            "origin": row["origin"],
            "state": "ready",
            "problem": " ".join(filter(None, (row["problem"], stored["remark"]))),
            "label_state": "unlabelled",
            "revision": 0,
            "phash": stored["phash"],
            "thumbnail_sha256": stored["thumbnail"],
        }

    def _annotate(self, labelled: list[tuple[str, bool, list[list[str]] | None]]) -> None:
        """Add the annotations that are not there, and set the label states."""
        from rcg.store.repositories import annotations, items  # noqa: PLC0415

        told = [(item_id, new, shapes) for item_id, new, shapes in labelled if shapes is not None]
        wanted = {shape[0] for _, _, shapes in told for shape in shapes}
        owners = annotations.items_of(self._session, sorted(wanted))
        after = annotations.last_positions(self._session, [item_id for item_id, new, _ in told if not new])
        rows: list[dict[str, Any]] = []
        states: dict[str, str] = {}
        for item_id, _, shapes in told:
            position = after.get(item_id, -1) + 1
            state = (
                "labelled" if not shapes or any(shape[2] == "accepted" for shape in shapes) else "predicted"
            )
            states[item_id] = state
            for shape in shapes:
                values = self._shape(item_id, shape, owners)
                if values is None:
                    self._taken.known_annotations += 1
                    continue
                rows.append(values | {"position": position})
                position += 1
        self._taken.annotations += len(rows)
        annotations.insert_rows(self._session, rows)
        items.raise_label_states(self._session, states, {row["item_id"] for row in rows})

    def _shape(self, item_id: str, shape: list[str], owners: dict[str, str]) -> dict[str, Any] | None:
        """Return an annotation's row; None when the item has it.

        An id that another item has is replaced by one that follows from both: the next import finds it again.
        """
        annotation_id, label, state, body = shape
        if owners.get(annotation_id) == item_id:
            return None
        if annotation_id in owners:
            own = hashlib.sha256(f"{self._dataset_id}:{item_id}:{annotation_id}".encode()).hexdigest()[:32]
            if own in owners or self._has(own):
                return None
            body = body.replace(f'"id":"{annotation_id}"', f'"id":"{own}"', 1)
            annotation_id = own
        owners[annotation_id] = item_id
        return {
            "id": annotation_id,
            "item_id": item_id,
            "dataset_id": self._dataset_id,
            "class_name": label,
            "state": state,
            "body": body,
        }

    def _has(self, annotation_id: str) -> bool:
        from rcg.store.repositories import annotations  # noqa: PLC0415

        return bool(annotations.taken_ids(self._session, [annotation_id]))

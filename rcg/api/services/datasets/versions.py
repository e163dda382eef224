"""Versions: written as one file, streaming; equal content is one version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rcg.api.services.datasets import splitting
from rcg.api.services.datasets.views import version_out
from rcg.api.version_schemas import VersionIn, VersionOut
from rcg.datasets.augment import check, parse
from rcg.datasets.diff import difference as compare
from rcg.datasets.manifest import Header, Manifest, canonical
from rcg.errors import ConflictError, InputError
from rcg.store.repositories import blobs, datasets, versions
from rcg.store.repositories import recipes as recipe_rows
from rcg.store.repositories.records import Record, records

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.datasets.schema import LabelSchema
    from rcg.store.blobs import BlobInfo, BlobStore, BlobWriter
    from rcg.store.dataset_models import Dataset, DatasetVersion

MANIFEST_TYPE = "application/x-ndjson"
_RACES = 3


@dataclass
class _Content:
    """What was written, counted on the way."""

    digest: Any = field(default_factory=hashlib.sha256)
    items: int = 0
    annotations: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)

    def count(self, record: Record) -> None:
        self.items += 1
        self.annotations += len(record.class_names)
        for name in record.class_names:
            self.classes[name] = self.classes.get(name, 0) + 1
        for name in record.layer_names:
            self.layers[name] = self.layers.get(name, 0) + 1


def of_dataset(container: Container, id_or_name: str) -> list[VersionOut]:
    """Return a dataset's versions, newest first."""
    with container.db.read() as session:
        dataset = datasets.get(session, id_or_name)
        return [version_out(row) for row in versions.of_dataset(session, dataset.id)]


def get(container: Container, version_id: str) -> VersionOut:
    """Return a version."""
    with container.db.read() as session:
        return version_out(versions.get(session, version_id))


def find(session: Session, dataset: Dataset, wanted: int | str) -> DatasetVersion:
    """Return a version of a dataset by its number or its id. Raises NotFoundError."""
    if isinstance(wanted, str) and not wanted.isdigit():
        row = versions.get(session, wanted)
        if row.dataset_id != dataset.id:
            raise InputError(
                f"The version {wanted} is not one of {dataset.name}.", "GET its versions for their ids."
            )
        return row
    return versions.of_number(session, dataset, int(wanted))


def make(container: Container, id_or_name: str, body: VersionIn) -> VersionOut:
    """Make a version of the labelled items as they are now; an equal one that is there is returned instead.

    Raises:
        ConflictError: there is nothing to make one of; the hint says what to do.
        InputError: the recipe is none, or does not fit the labels.
    """
    for _ in range(_RACES):
        made = _try(container, id_or_name, body)
        if made is not None:
            return made
    raise ConflictError("Another version of this dataset is being made.", "Try again in a moment.")


def make_in(
    session: Session, store: BlobStore, dataset: Dataset, body: VersionIn
) -> tuple[DatasetVersion, bool]:
    """As :func:`make`, within the caller's write transaction; also whether the version is new.

    For what has to be one with something else; nobody else can write while the file is written.
    """
    frozen = _freeze(session, store, dataset, body)
    if frozen.same is not None:
        return frozen.same, False
    return _add(session, dataset, body, frozen), True


def _try(container: Container, id_or_name: str, body: VersionIn) -> VersionOut | None:
    """None: another version took the number meanwhile."""
    with container.db.read() as session:
        dataset = datasets.get(session, id_or_name)
        frozen = _freeze(session, container.blobs, dataset, body)
        if frozen.same is not None:
            return version_out(frozen.same, new=False)
    with container.db.write() as session:
        dataset = datasets.get(session, dataset.id)
        if versions.next_number(session, dataset.id) != frozen.header.number:
            return None
        return version_out(_add(session, dataset, body, frozen), new=True)


@dataclass
class _Frozen:
    """A version's file, stored; or the version that is there and means the same."""

    header: Header
    content: _Content
    split: splitting.Plan
    left_out: dict[str, int]
    same: DatasetVersion | None = None
    info: BlobInfo | None = None


def _freeze(session: Session, store: BlobStore, dataset: Dataset, body: VersionIn) -> _Frozen:
    schema = datasets.schema_of(dataset)
    recipe = _recipe(session, dataset, schema, body)
    split = splitting.plan(session, dataset.id, body.seed, body.shares.model_dump())
    left_out = splitting.left_out(session, dataset.id)
    total = sum(part.items for part in split.parts.values())
    if not total:
        raise _nothing(dataset.name, left_out)
    header = Header(
        dataset=dataset.name, kind=dataset.kind, number=versions.next_number(session, dataset.id),
        note=body.note, label_schema=schema, recipe=recipe, split=split.as_json(), items=total,
    )  # fmt: skip
    with store.writer() as writer:
        content = _write(writer, header, records(session, dataset.id, splitting.TAKEN, split.of_card))
        same = versions.with_content(session, dataset.id, content.digest.hexdigest())
        info = writer.commit() if same is None else None
    return _Frozen(header, content, split, left_out, same, info)


def _add(session: Session, dataset: Dataset, body: VersionIn, frozen: _Frozen) -> DatasetVersion:
    assert frozen.info is not None
    blobs.ensure(session, frozen.info, MANIFEST_TYPE)
    return versions.add(
        session, dataset, number=frozen.header.number, note=body.note,
        manifest_sha256=frozen.info.sha256, content_sha256=frozen.content.digest.hexdigest(),
        summary=_summary(frozen.content, frozen.split, frozen.left_out),
        split=frozen.split.as_json(), recipe=frozen.header.recipe,
    )  # fmt: skip


def _write(writer: BlobWriter, header: Header, found: Iterator[Record]) -> _Content:
    content = _Content()
    writer.write(canonical(header) + b"\n")
    meaning = header.model_copy(update={"dataset": "", "number": 0, "note": ""})
    content.digest.update(canonical(meaning))
    for record in found:
        line = record.line + b"\n"
        writer.write(line)
        content.digest.update(line)
        content.count(record)
    if content.items != header.items:
        raise ConflictError("The dataset changed while its version was written.", "Make the version again.")
    return content


def _summary(content: _Content, split: splitting.Plan, left_out: dict[str, int]) -> dict[str, Any]:
    return {
        "items": content.items,
        "annotations": content.annotations,
        "cards": len(split.of_card),
        "classes": dict(sorted(content.classes.items())),
        "splits": {part: split.parts[part].model_dump() for part in splitting.PARTS},
        "layers": content.layers,
        "left_out": left_out,
        "notes": split.notes,
    }


def _recipe(
    session: Session, dataset: Dataset, schema: LabelSchema, body: VersionIn
) -> dict[str, Any] | None:
    """Return the recipe that a version keeps: the one given, the one named, the dataset's own, or none."""
    if body.recipe is not None and body.recipe_id is not None:
        raise InputError("recipe and recipe_id are both given.", "Send one of the two.")
    if body.recipe is not None:
        recipe = parse(body.recipe)
    elif named := body.recipe_id or dataset.recipe_id:
        recipe = parse(recipe_rows.get(session, named).body)
    else:
        return None
    check(recipe, schema)
    return recipe.model_dump(mode="json")


def _nothing(name: str, left_out: dict[str, int]) -> ConflictError:
    if not left_out:
        return ConflictError(
            f"{name} is empty, so there is nothing to make a version of.",
            "Add images, captures or rendered cards, and label them.",
        )
    listed = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    return ConflictError(
        f"{name} has no labelled items ({listed}), so there is nothing to make a version of.",
        "Label some in the annotator; an item without any flaw is labelled, too, once you say so.",
        left_out=left_out,
    )


def difference(container: Container, older: str, newer: str) -> dict[str, Any]:
    """Return what changed from one version to another: items, labels, parts of the split, the schema."""
    with container.db.read() as session:
        rows = [versions.get(session, version_id) for version_id in (older, newer)]
        paths = [container.blobs.path(row.manifest_sha256) for row in rows]
        before, after = (version_out(row) for row in rows)
    found = compare(Manifest(paths[0]), Manifest(paths[1])).as_json()
    return {"older": before.model_dump(), "newer": after.model_dump(), **found}


def manifest(container: Container, version_id: str) -> tuple[str, str]:
    """Return a version's manifest: its SHA-256, and a file name for it."""
    with container.db.read() as session:
        row = versions.get(session, version_id)
        return row.manifest_sha256, f"{row.dataset_name}-v{row.number}.jsonl"

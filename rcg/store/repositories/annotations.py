"""Annotations as rows. A row's body is the canonical JSON of the library's own model: exports and versions
copy it as it stands, so it is written by :func:`body_of` and nothing else.

Every change raises the item's ``revision`` and keeps its ``label_state`` true.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from rcg.datasets.manifest import canonical
from rcg.datasets.schema import Annotation
from rcg.store.dataset_models import AnnotationOp, AnnotationRow, Dataset, DatasetItem
from rcg.store.db import now_ms
from rcg.store.repositories.page import batched

UNLABELLED, PREDICTED, LABELLED = "unlabelled", "predicted", "labelled"
_AT_ONCE = 500


def body_of(annotation: Annotation) -> str:
    """Return an annotation as a row keeps it: canonical JSON, the same bytes as in a version's manifest."""
    return canonical(annotation).decode()


def of_body(body: str) -> Annotation:
    """Return the annotation of a row's body."""
    return Annotation.model_validate_json(body)


def of_item(session: Session, item_id: str) -> list[Annotation]:
    """Return an item's annotations, in their order."""
    return [of_body(body) for body in bodies_of_item(session, item_id)]


def bodies_of_item(session: Session, item_id: str) -> Sequence[str]:
    """Return the bodies of an item's annotations, in their order."""
    return session.scalars(
        select(AnnotationRow.body)
        .where(AnnotationRow.item_id == item_id)
        .order_by(AnnotationRow.position, AnnotationRow.id)
    ).all()


def add_many(session: Session, item: DatasetItem, annotations: Sequence[Annotation]) -> None:
    """Add annotations behind those the item has; their ids are new."""
    last = session.scalar(select(func.max(AnnotationRow.position)).where(AnnotationRow.item_id == item.id))
    start = 0 if last is None else last + 1
    insert_rows(
        session,
        [row_values(item.id, item.dataset_id, start + at, one) for at, one in enumerate(annotations)],
    )
    changed(session, item)


def replace_all(session: Session, item: DatasetItem, annotations: Sequence[Annotation]) -> None:
    """Put these in the place of all the item's annotations."""
    session.execute(delete(AnnotationRow).where(AnnotationRow.item_id == item.id))
    insert_rows(
        session, [row_values(item.id, item.dataset_id, at, one) for at, one in enumerate(annotations)]
    )
    changed(session, item)


def changed(session: Session, item: DatasetItem, label_state: str | None = None) -> None:
    """Note that an item's annotations were changed: revision, label state, the dataset's time.

    Args:
        session: a write transaction.
        item: whose annotations were changed.
        label_state: as a person set it. None: ``labelled`` with an accepted annotation, ``predicted`` with
            predicted ones alone; with none at all ``labelled`` stays (nothing is there, and that is known).
    """
    session.flush()
    if label_state is None:
        label_state = item.label_state
        if _has(session, item.id, "accepted"):
            label_state = LABELLED
        elif _has(session, item.id, "predicted"):
            label_state = PREDICTED
        elif label_state == PREDICTED:
            label_state = UNLABELLED
    item.label_state = label_state
    item.revision += 1
    session.execute(update(Dataset).where(Dataset.id == item.dataset_id).values(updated_at=now_ms()))
    session.flush()


def row_values(item_id: str, dataset_id: str, position: int, annotation: Annotation) -> dict[str, Any]:
    """Return the columns of an annotation's row."""
    return {
        "id": annotation.id,
        "item_id": item_id,
        "dataset_id": dataset_id,
        "class_name": annotation.label,
        "state": annotation.state,
        "position": position,
        "body": body_of(annotation),
    }


def insert_rows(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows as :func:`row_values` makes them, in one statement."""
    if rows:
        session.execute(insert(AnnotationRow), rows)


def taken_ids(session: Session, ids: Iterable[str]) -> set[str]:
    """Return those of these ids that some annotation has, in whichever dataset."""
    return {
        known
        for some in batched(ids, _AT_ONCE)
        for known in session.scalars(select(AnnotationRow.id).where(AnnotationRow.id.in_(some)))
    }


def items_of(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Return the item of each of these annotations that exist, in whichever dataset."""
    return {
        row.id: row.item_id
        for some in batched(ids, _AT_ONCE)
        for row in session.execute(
            select(AnnotationRow.id, AnnotationRow.item_id).where(AnnotationRow.id.in_(some))
        )
    }


def last_positions(session: Session, item_ids: Iterable[str]) -> dict[str, int]:
    """Return the position of the last annotation of each of these items that has any."""
    return {
        item_id: int(last)
        for some in batched(item_ids, _AT_ONCE)
        for item_id, last in session.execute(
            select(AnnotationRow.item_id, func.max(AnnotationRow.position))
            .where(AnnotationRow.item_id.in_(some))
            .group_by(AnnotationRow.item_id)
        )
    }


def bodies_of_items(session: Session, item_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the bodies of several items' annotations by item, in their order; one query per 500 items."""
    found: dict[str, list[str]] = {}
    for some in batched(item_ids, _AT_ONCE):
        rows = session.execute(
            select(AnnotationRow.item_id, AnnotationRow.body)
            .where(AnnotationRow.item_id.in_(some))
            .order_by(AnnotationRow.item_id, AnnotationRow.position, AnnotationRow.id)
        )
        for item_id, body in rows:
            found.setdefault(item_id, []).append(body)
    return found


def classes_of_items(session: Session, item_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many annotations of each class several items have: {item: {class: n}}."""
    counts: dict[str, dict[str, int]] = {}
    rows = session.execute(
        select(AnnotationRow.item_id, AnnotationRow.class_name, func.count())
        .where(AnnotationRow.item_id.in_(item_ids))
        .group_by(AnnotationRow.item_id, AnnotationRow.class_name)
    )
    for item_id, name, count in rows:
        counts.setdefault(item_id, {})[name] = count
    return counts


def classes_of_datasets(session: Session, dataset_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many annotations of each class several datasets have: {dataset: {class: n}}."""
    counts: dict[str, dict[str, int]] = {}
    rows = session.execute(
        select(AnnotationRow.dataset_id, AnnotationRow.class_name, func.count())
        .where(AnnotationRow.dataset_id.in_(dataset_ids))
        .group_by(AnnotationRow.dataset_id, AnnotationRow.class_name)
    )
    for dataset_id, name, count in rows:
        counts.setdefault(dataset_id, {})[name] = count
    return counts


def rename_classes(session: Session, dataset_id: str, names: Mapping[str, str]) -> int:
    """Give annotations their classes' new names, all at once (two may exchange them); return how many."""

    def rename(body: dict[str, Any]) -> bool:
        body["label"] = names[body["label"]]
        return True

    return _rewrite(session, dataset_id, rename, classes=sorted(names))


def rename_points(session: Session, dataset_id: str, names: Mapping[str, str]) -> int:
    """Give the points of a dataset's annotations their new names; return how many annotations changed."""

    def rename(body: dict[str, Any]) -> bool:
        points = body["shape"].get("points", []) if body["shape"]["type"] == "points" else []
        hit = [point for point in points if point["name"] in names]
        for point in hit:
            point["name"] = names[point["name"]]
        return bool(hit)

    return _rewrite(session, dataset_id, rename)


def delete_classes(session: Session, dataset_id: str, names: Sequence[str]) -> int:
    """Delete the annotations of these classes; return how many."""
    ids = select(AnnotationRow.item_id).where(
        AnnotationRow.dataset_id == dataset_id, AnnotationRow.class_name.in_(names)
    )
    items = set(session.scalars(ids.distinct()))
    gone = session.execute(
        delete(AnnotationRow).where(
            AnnotationRow.dataset_id == dataset_id, AnnotationRow.class_name.in_(names)
        )
    )
    _touch(session, items)
    return int(getattr(gone, "rowcount", 0))


def _rewrite(session: Session, dataset_id: str, change: Any, classes: Sequence[str] | None = None) -> int:
    query = select(AnnotationRow.id, AnnotationRow.item_id, AnnotationRow.body).where(
        AnnotationRow.dataset_id == dataset_id
    )
    if classes is not None:
        query = query.where(AnnotationRow.class_name.in_(classes))
    items, count, after = set[str](), 0, ""
    while rows := session.execute(
        query.where(AnnotationRow.id > after).order_by(AnnotationRow.id).limit(_AT_ONCE)
    ).all():
        after = rows[-1].id
        values = []
        for row in rows:
            body = json.loads(row.body)
            if change(body):
                annotation = Annotation.model_validate(body)
                values.append({"id": row.id, "class_name": annotation.label, "body": body_of(annotation)})
                items.add(row.item_id)
        if values:
            session.execute(update(AnnotationRow), values)
        count += len(values)
    _touch(session, items)
    return count


def _touch(session: Session, item_ids: set[str]) -> None:
    """Raise the revision of items that were changed as a whole; what could be undone no longer fits."""
    for some in batched(sorted(item_ids), _AT_ONCE):
        session.execute(
            update(DatasetItem)
            .where(DatasetItem.id.in_(some))
            .values(revision=DatasetItem.revision + 1)
            .execution_options(synchronize_session=False)
        )
        session.execute(delete(AnnotationOp).where(AnnotationOp.item_id.in_(some)))


def _has(session: Session, item_id: str, state: str) -> bool:
    return bool(
        session.scalar(select(exists().where(AnnotationRow.item_id == item_id, AnnotationRow.state == state)))
    )


def counts_by_item(session: Session, dataset_id: str) -> Iterator[tuple[str, int]]:
    """Yield how many accepted annotations each item of a dataset has, where it has any."""
    rows = session.execute(
        select(AnnotationRow.item_id, func.count())
        .where(AnnotationRow.dataset_id == dataset_id, AnnotationRow.state == "accepted")
        .group_by(AnnotationRow.item_id)
        .execution_options(yield_per=5000)
    )
    yield from ((item_id, count) for item_id, count in rows)

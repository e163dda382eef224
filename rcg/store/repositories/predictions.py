"""What models predict on items: kept apart from a person's labels until a person accepts it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from rcg.store.dataset_models import AnnotationRow, DatasetItem

PREDICTED, UNLABELLED = "predicted", "unlabelled"


def open_items(session: Session, dataset_id: str, item_ids: Sequence[str] | None = None) -> list[str]:
    """Return the ids of the ready items that no person has labelled, of all or of those named, in order."""
    query = (
        select(DatasetItem.id)
        .where(
            DatasetItem.dataset_id == dataset_id,
            DatasetItem.state == "ready",
            DatasetItem.label_state.in_((UNLABELLED, PREDICTED)),
        )
        .order_by(DatasetItem.position)
    )
    if item_ids is not None:
        query = query.where(DatasetItem.id.in_(item_ids))
    return list(session.scalars(query))


def replace(session: Session, predictions: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """Give items new predictions in place of older ones; return how many items took them.

    Args:
        session: a write transaction.
        predictions: item id -> annotations as JSON. Items that a person labelled, or that are gone, are left
            alone.
    """
    if not predictions:
        return 0
    items = session.execute(
        select(DatasetItem.id, DatasetItem.dataset_id).where(
            DatasetItem.id.in_(list(predictions)), DatasetItem.label_state.in_((UNLABELLED, PREDICTED))
        )
    ).all()
    ids = [item_id for item_id, _ in items]
    session.execute(
        delete(AnnotationRow).where(AnnotationRow.item_id.in_(ids), AnnotationRow.state == PREDICTED)
    )
    last = dict(
        session.execute(
            select(AnnotationRow.item_id, func.max(AnnotationRow.position))
            .where(AnnotationRow.item_id.in_(ids))
            .group_by(AnnotationRow.item_id)
        ).all()
    )
    session.add_all(
        AnnotationRow(
            id=body["id"],
            item_id=item_id,
            dataset_id=dataset_id,
            class_name=body["label"],
            state=PREDICTED,
            position=(last.get(item_id) or 0) + 1 + number,
            body=json.dumps(dict(body), separators=(",", ":"), ensure_ascii=False),
        )
        for item_id, dataset_id in items
        for number, body in enumerate(predictions[item_id])
    )
    for state, chosen in (
        (PREDICTED, [item_id for item_id in ids if predictions[item_id]]),
        (UNLABELLED, [item_id for item_id in ids if not predictions[item_id]]),
    ):
        session.execute(
            update(DatasetItem)
            .where(DatasetItem.id.in_(chosen))
            .values(label_state=state, revision=DatasetItem.revision + 1)
        )
    session.flush()
    return len(ids)

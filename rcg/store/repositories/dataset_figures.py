"""Figures of a dataset that its page shows beside its filters."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rcg.store.dataset_models import AnnotationRow, DatasetItem


def items_by_class(session: Session, dataset_id: str) -> dict[str, int]:
    """Return how many items have an annotation of each class."""
    rows = session.execute(
        select(AnnotationRow.class_name, func.count(AnnotationRow.item_id.distinct()))
        .where(AnnotationRow.dataset_id == dataset_id)
        .group_by(AnnotationRow.class_name)
    )
    return {name: int(count) for name, count in rows}


def flagged(session: Session, dataset_id: str) -> int:
    """Return how many items have something to know noted: small, damaged, ..."""
    query = select(func.count(DatasetItem.id)).where(
        DatasetItem.dataset_id == dataset_id, DatasetItem.problem != ""
    )
    return session.scalar(query) or 0


def next_to_label(session: Session, dataset_id: str) -> str | None:
    """Return the item to annotate next: the first readable one without labels, else the first pre-labelled
    one, else the first; None in an empty dataset."""
    ids = select(DatasetItem.id).where(DatasetItem.dataset_id == dataset_id)
    order = (DatasetItem.position, DatasetItem.id)
    for state in ("unlabelled", "predicted"):
        waiting = ids.where(DatasetItem.label_state == state, DatasetItem.state != "broken")
        found = session.scalar(waiting.order_by(*order).limit(1))
        if found is not None:
            return found
    return session.scalar(ids.order_by(*order).limit(1))

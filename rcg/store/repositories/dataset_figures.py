"""Figures of a dataset that its page shows beside its filters."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rcg.store.dataset_models import AnnotationRow, Dataset, DatasetItem, ItemLayer


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


def pre_labelled(session: Session, limit: int = 2) -> list[tuple[str, str, int]]:
    """Return id, name and how many items wait for a look at a model's proposals, most first."""
    number = func.count(DatasetItem.id)
    rows = session.execute(
        select(Dataset.id, Dataset.name, number)
        .join(DatasetItem, DatasetItem.dataset_id == Dataset.id)
        .where(DatasetItem.label_state == "predicted")
        .group_by(Dataset.id)
        .order_by(number.desc(), Dataset.id)
        .limit(limit)
    )
    return [(dataset_id, name, int(count)) for dataset_id, name, count in rows]


def layer_names(session: Session, dataset_id: str) -> list[str]:
    """Return the names of the layers that any readable item of a dataset has."""
    rows = session.scalars(
        select(ItemLayer.name)
        .join(DatasetItem, DatasetItem.id == ItemLayer.item_id)
        .where(DatasetItem.dataset_id == dataset_id, DatasetItem.state == "ready")
        .distinct()
    )
    return sorted(rows)

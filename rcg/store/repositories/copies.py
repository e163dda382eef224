"""Copies a dataset's items with layers and annotations inside the database, 500 at a time."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from rcg.store.base import new_id
from rcg.store.dataset_models import AnnotationRow, DatasetItem, ItemLayer
from rcg.store.repositories.annotations import insert_rows
from rcg.store.repositories.items import stream


def copy_items(session: Session, source_id: str, target_id: str, *, after: str = "", limit: int) -> str:
    """Copy items of a dataset into another, in the order of their ids; new ids, revisions begin at 0.

    Args:
        session: a write transaction.
        source_id, target_id: the datasets.
        after: the id to go on behind.
        limit: at least so many, a few hundred more at most.

    Returns:
        The id to go on behind, empty when all are copied.
    """
    copied, last = 0, after
    for rows, layers in stream(session, source_id, after=after):
        if copied >= limit:
            return last
        copied, last = copied + len(rows), rows[-1].id
        ids = {row.id: new_id() for row in rows}
        items = [
            dict(row._mapping) | {"id": ids[row.id], "dataset_id": target_id, "revision": 0} for row in rows
        ]
        session.execute(insert(DatasetItem), items)
        session.execute(
            insert(ItemLayer),
            [
                {
                    "id": new_id(),
                    "item_id": ids[item_id],
                    "name": layer.name,
                    "role": layer.role,
                    "position": position,
                    "blob_sha256": layer.blob_sha256,
                    "media_type": layer.media_type,
                    "picture_sha256": layer.picture_sha256,
                }
                for item_id, some in layers.items()
                for position, layer in enumerate(some)
            ],
        )
        _copy_annotations(session, ids, target_id)

    return ""


def _copy_annotations(session: Session, ids: dict[str, str], target_id: str) -> None:
    rows = session.execute(select(AnnotationRow.__table__).where(AnnotationRow.item_id.in_(list(ids))))
    copied = []
    for row in rows:
        own = new_id()
        copied.append(
            dict(row._mapping)
            | {
                "id": own,
                "item_id": ids[row.item_id],
                "dataset_id": target_id,
                "body": row.body.replace(f'"id":"{row.id}"', f'"id":"{own}"', 1),
            }
        )
    insert_rows(session, copied)

"""Copies a dataset's items with layers and annotations inside the database, 500 at a time."""

from __future__ import annotations

import json

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from rcg.datasets.schema import Annotation
from rcg.store.base import new_id
from rcg.store.dataset_models import AnnotationRow, DatasetItem, ItemLayer
from rcg.store.repositories.annotations import insert_rows, row_values
from rcg.store.repositories.items import stream


def copy_items(session: Session, source_id: str, target_id: str) -> None:
    """Copy every item of a dataset into another; ids are new, revisions begin at 0."""
    for rows, layers in stream(session, source_id):
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


def _copy_annotations(session: Session, ids: dict[str, str], target_id: str) -> None:
    rows = session.execute(
        select(AnnotationRow.item_id, AnnotationRow.position, AnnotationRow.body)
        .where(AnnotationRow.item_id.in_(list(ids)))
        .order_by(AnnotationRow.item_id, AnnotationRow.position)
    )
    insert_rows(
        session,
        [
            row_values(
                ids[item_id],
                target_id,
                position,
                Annotation.model_validate(json.loads(body) | {"id": new_id()}),
            )
            for item_id, position, body in rows
        ],
    )

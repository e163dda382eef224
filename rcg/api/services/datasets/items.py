"""Items of datasets: pages, single ones, their files, deleting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rcg.api.item_schemas import ItemDetail, ItemOut, ItemPage, ItemPatch
from rcg.api.services.datasets import splitting
from rcg.api.services.datasets.views import item_detail, item_out, picture_of
from rcg.errors import ConflictError, InputError, NotFoundError
from rcg.photometric.metadata import WEBP
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories import blobs, datasets, items
from rcg.store.repositories.items import Filter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.datasets.schema import Split
    from rcg.store.dataset_models import DatasetItem


@dataclass(frozen=True)
class StoredFile:
    """A stored file to answer with."""

    sha256: str
    media_type: str
    name: str


def listing(
    container: Container, id_or_name: str, where: Filter, *, split: Split | None, offset: int, limit: int
) -> ItemPage:
    """Return a page of a dataset's items, in their order.

    ``split`` narrows it to the part of the newest version's split that each item's card falls into.
    """
    with container.db.read() as session:
        dataset = datasets.get(session, id_or_name)
        if split is None:
            page = items.listing(session, dataset.id, where, offset=offset, limit=limit)
            rows, total = page.rows, page.total
        else:
            ids = splitting.ids_in(session, dataset.id, where, split)
            rows, total = items.by_ids(session, ids[offset : offset + limit]), len(ids)
        after = offset + len(rows)
        return ItemPage(
            items=_shown(session, rows),
            total=total,
            offset=offset,
            limit=limit,
            next_offset=after if after < total else None,
        )


def _shown(session: Session, rows: Sequence[DatasetItem]) -> list[ItemOut]:
    classes = annotation_rows.classes_of_items(session, [row.id for row in rows])
    return [item_out(row, classes.get(row.id, {})) for row in rows]


def get(container: Container, item_id: str) -> ItemDetail:
    """Return an item with its annotations and its neighbours."""
    with container.db.read() as session:
        return _detail(session, items.get(session, item_id))


def _detail(session: Session, row: DatasetItem) -> ItemDetail:
    return item_detail(
        row,
        datasets.get(session, row.dataset_id),
        annotation_rows.of_item(session, row.id),
        items.neighbours(session, row),
    )


def change(container: Container, item_id: str, body: ItemPatch) -> ItemDetail:
    """Change what the body names: the part of the split, the card, the scale, the side."""
    changes = body.model_dump(exclude_unset=True)
    if changes.get("card_key", "") is None:
        raise InputError("card_key cannot be null.", "Leave it out to keep it.")
    with container.db.write() as session:
        row = items.get(session, item_id)
        for name, value in changes.items():
            setattr(row, name, value)
        datasets.touch(datasets.get(session, row.dataset_id))
        session.flush()
        return _detail(session, row)


def delete(container: Container, item_id: str) -> None:
    """Delete an item with its annotations. Versions that hold it keep it."""
    with container.db.write() as session:
        row = items.get(session, item_id)
        items.delete_many(session, row.dataset_id, [row.id])


def delete_many(container: Container, id_or_name: str, ids: list[str]) -> int:
    """Delete items of a dataset; return how many there were."""
    with container.db.write() as session:
        return items.delete_many(session, datasets.get(session, id_or_name).id, ids)


def picture(container: Container, item_id: str, name: str) -> StoredFile:
    """Return the picture of a layer. Raises ConflictError while there is none."""
    with container.db.read() as session:
        layer = items.layer(session, item_id, name)
        sha256 = picture_of(layer)
        if sha256 is None:
            row = items.get(session, item_id)
            raise ConflictError(
                f"There is no picture of {name} of {row.name}: {row.problem}"
                if row.state == "broken"
                else f"The picture of {name} of {row.name} is not made yet.",
                "Its job is listed at /jobs." if row.state != "broken" else "Upload the file again.",
            )
        return _file(session, sha256, name)


def data(container: Container, item_id: str, name: str) -> StoredFile:
    """Return a layer's data: what training reads."""
    with container.db.read() as session:
        layer = items.layer(session, item_id, name)
        return StoredFile(layer.blob_sha256, layer.media_type, name)


def thumbnail(container: Container, item_id: str) -> StoredFile:
    """Return an item's small picture. Raises NotFoundError while there is none."""
    with container.db.read() as session:
        row = items.get(session, item_id)
        if row.thumbnail_sha256 is None:
            raise NotFoundError(
                f"{row.name} has no thumbnail"
                + (f": {row.problem}" if row.state == "broken" else "; it is being made.")
            )
        return StoredFile(row.thumbnail_sha256, WEBP, "thumbnail")


def _file(session: Session, sha256: str, name: str) -> StoredFile:
    row = blobs.get(session, sha256)
    return StoredFile(sha256, row.media_type if row else "application/octet-stream", name)

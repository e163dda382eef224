"""Items of datasets and their layers: pages, single ones, streams of all, and writing many at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, selectinload

from rcg.errors import NotFoundError
from rcg.store.dataset_models import AnnotationRow, Dataset, DatasetItem, ItemLayer
from rcg.store.db import now_ms
from rcg.store.repositories.page import Page, batched, contains, paginate

Record = Row[*tuple[Any, ...]]
"""columns by name, of a query that loads no whole items"""

_AT_ONCE = 500
LABEL_STATES = ("unlabelled", "predicted", "labelled")
STATES = ("pending", "ready", "broken")


@dataclass(frozen=True)
class Filter:
    """Which items of a dataset; None and empty mean all.

    Attributes:
        label_state, state: one of their values.
        class_name: has an annotation of this class.
        q: text in the name, any case.
        flagged: True: has a problem noted.
        ids: these ones.
    """

    label_state: str | None = None
    state: str | None = None
    class_name: str | None = None
    q: str = ""
    flagged: bool | None = None
    ids: Sequence[str] = ()

    def apply(self, query: Select[*tuple[Any, ...]], dataset_id: str) -> Select[*tuple[Any, ...]]:
        """Narrow a query of items."""
        query = query.where(DatasetItem.dataset_id == dataset_id)
        if self.label_state:
            query = query.where(DatasetItem.label_state == self.label_state)
        if self.state:
            query = query.where(DatasetItem.state == self.state)
        if self.class_name:
            query = query.where(
                exists().where(
                    AnnotationRow.dataset_id == dataset_id,
                    AnnotationRow.class_name == self.class_name,
                    AnnotationRow.item_id == DatasetItem.id,
                )
            )
        if self.flagged is not None:
            query = query.where(DatasetItem.problem != "" if self.flagged else DatasetItem.problem == "")
        if self.ids:
            query = query.where(DatasetItem.id.in_(self.ids))
        for word in self.q.split():
            query = query.where(DatasetItem.name.ilike(contains(word), escape="\\"))
        return query


def find(session: Session, item_id: str) -> DatasetItem | None:
    """Return the item with its layers, or None."""
    return session.scalar(
        select(DatasetItem).where(DatasetItem.id == item_id).options(selectinload(DatasetItem.layers))
    )


def get(session: Session, item_id: str) -> DatasetItem:
    """As :func:`find`. Raises NotFoundError."""
    row = find(session, item_id)
    if row is None:
        raise NotFoundError(
            f"There is no item {item_id!r}.", "GET /api/datasets/DATASET/items lists a dataset's."
        )
    return row


def listing(
    session: Session, dataset_id: str, where: Filter, *, offset: int = 0, limit: int = 50
) -> Page[DatasetItem]:
    """Return one page of a dataset's items in their order, layers loaded."""
    query = where.apply(select(DatasetItem).options(selectinload(DatasetItem.layers)), dataset_id)
    return paginate(session, query.order_by(*_ORDER), offset=offset, limit=limit)


def by_ids(session: Session, ids: Sequence[str]) -> Sequence[DatasetItem]:
    """Return these items in their order, layers loaded."""
    query = select(DatasetItem).where(DatasetItem.id.in_(ids)).options(selectinload(DatasetItem.layers))
    return session.scalars(query.order_by(*_ORDER)).all()


def keys(session: Session, dataset_id: str, where: Filter | None = None) -> Iterator[Record]:
    """Yield ``(id, card_key, split)`` of items in their order, without loading them."""
    query = select(DatasetItem.id, DatasetItem.card_key, DatasetItem.split)
    query = (where or Filter()).apply(query, dataset_id).order_by(*_ORDER)
    yield from session.execute(query.execution_options(yield_per=5000))


def stamps(session: Session, dataset_id: str, where: Filter | None = None) -> Iterator[Record]:
    """Yield ``(id, card_key, split, revision, label_state, name, width_px, height_px, created_at)`` of items,
    sorted by id: one whose values are all as they were is as it was, with its annotations.
    """
    query = select(
        DatasetItem.id, DatasetItem.card_key, DatasetItem.split, DatasetItem.revision,
        DatasetItem.label_state, DatasetItem.name, DatasetItem.width_px, DatasetItem.height_px,
        DatasetItem.created_at,
    )  # fmt: skip
    query = (where or Filter()).apply(query, dataset_id).order_by(DatasetItem.id)
    yield from session.execute(query.execution_options(yield_per=5000))


def hashes(session: Session, dataset_id: str) -> Iterator[tuple[str, str, str]]:
    """Yield ``(id, card_key, phash)`` of the items that have a perceptual hash."""
    query = select(DatasetItem.id, DatasetItem.card_key, DatasetItem.phash).where(
        DatasetItem.dataset_id == dataset_id, DatasetItem.phash.is_not(None)
    )
    for item_id, card, phash in session.execute(query.execution_options(yield_per=5000)):
        yield item_id, card, phash or ""


def neighbours(session: Session, item: DatasetItem) -> tuple[str | None, str | None]:
    """Return the ids of the items before and after one in its dataset."""
    here = (item.position, item.id)
    pair = (DatasetItem.position, DatasetItem.id)

    def beside(after: bool) -> str | None:
        first, second = pair
        condition: ColumnElement[bool] = (
            or_(first > here[0], (first == here[0]) & (second > here[1]))
            if after
            else or_(first < here[0], (first == here[0]) & (second < here[1]))
        )
        order = (first, second) if after else (first.desc(), second.desc())
        return session.scalar(
            select(DatasetItem.id)
            .where(DatasetItem.dataset_id == item.dataset_id, condition)
            .order_by(*order)
            .limit(1)
        )

    return beside(False), beside(True)


def count(session: Session, dataset_id: str, where: Filter | None = None) -> int:
    """Return how many items of a dataset there are."""
    query = (where or Filter()).apply(select(func.count(DatasetItem.id)), dataset_id)
    return session.scalar(query) or 0


def next_position(session: Session, dataset_id: str) -> int:
    """Return the position behind the last item."""
    last = session.scalar(select(func.max(DatasetItem.position)).where(DatasetItem.dataset_id == dataset_id))
    return 0 if last is None else last + 1


def known_origins(session: Session, dataset_id: str, origins: Sequence[str]) -> set[str]:
    """Return those of the origins that items of the dataset have."""
    found = set[str]()
    for some in batched(sorted(set(origins)), _AT_ONCE):
        query = select(DatasetItem.origin).where(DatasetItem.dataset_id == dataset_id)
        found.update(filter(None, session.scalars(query.where(DatasetItem.origin.in_(some)))))
    return found


def by_names(session: Session, dataset_id: str, names: Sequence[str]) -> dict[str, Record]:
    """Return what tells items of these names apart: {name: (id, name, state, sha256 of the first layer)}."""
    found: dict[str, Record] = {}
    for some in batched(names, _AT_ONCE):
        rows = session.execute(_with_first_layer(dataset_id).where(DatasetItem.name.in_(some)))
        found.update((row.name, row) for row in rows)
    return found


def known(session: Session, dataset_id: str) -> Iterator[Record]:
    """Yield ``(id, name, state, sha256, media_type, width_px, height_px)`` of every item."""
    query = _with_first_layer(dataset_id).order_by(DatasetItem.id)
    yield from session.execute(query.execution_options(yield_per=5000))


def _with_first_layer(dataset_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            DatasetItem.id,
            DatasetItem.name,
            DatasetItem.state,
            ItemLayer.blob_sha256.label("sha256"),
            ItemLayer.media_type,
            DatasetItem.width_px,
            DatasetItem.height_px,
        )
        .join(ItemLayer, (ItemLayer.item_id == DatasetItem.id) & (ItemLayer.position == 0), isouter=True)
        .where(DatasetItem.dataset_id == dataset_id)
    )


def stream(
    session: Session, dataset_id: str, where: Filter | None = None, *, after: str = ""
) -> Iterator[tuple[Sequence[Record], dict[str, list[Record]]]]:
    """Yield all items behind an id, sorted by id, 500 at a time, each time with their layers by item.

    Rows of items have every column; rows of layers ``name, role, blob_sha256, media_type, picture_sha256``.
    """
    query = (where or Filter()).apply(select(DatasetItem.__table__), dataset_id)
    while rows := session.execute(
        query.where(DatasetItem.id > after).order_by(DatasetItem.id).limit(_AT_ONCE)
    ).all():
        after = rows[-1].id
        yield rows, layers_of(session, [row.id for row in rows])


def layers_of(session: Session, item_ids: Sequence[str]) -> dict[str, list[Record]]:
    """Return the layers of some items by item, in their order."""
    found: dict[str, list[Record]] = {item_id: [] for item_id in item_ids}
    rows = session.execute(
        select(
            ItemLayer.item_id,
            ItemLayer.name,
            ItemLayer.role,
            ItemLayer.blob_sha256,
            ItemLayer.media_type,
            ItemLayer.picture_sha256,
        )
        .where(ItemLayer.item_id.in_(item_ids))
        .order_by(ItemLayer.item_id, ItemLayer.position)
    )
    for row in rows:
        found[row.item_id].append(row)
    return found


def layer(session: Session, item_id: str, name: str) -> ItemLayer:
    """Return one layer of an item. Raises NotFoundError that lists the names there are."""
    row = session.scalar(select(ItemLayer).where(ItemLayer.item_id == item_id, ItemLayer.name == name))
    if row is None:
        have = [one.name for one in get(session, item_id).layers]
        raise NotFoundError(
            f"The item has no layer {name!r}.",
            f"It has: {', '.join(have)}." if have else "It has no layers.",
        )
    return row


def insert_items(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert items, every column given but ``created_at``."""
    if rows:
        session.execute(insert(DatasetItem), [{"created_at": now_ms(), **row} for row in rows])


def insert_layers(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert layers, every column given."""
    if rows:
        session.execute(insert(ItemLayer), list(rows))


def update_items(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update items by primary key: each row has ``id`` and the columns to change."""
    if rows:
        session.execute(update(DatasetItem), list(rows))


def set_layer(session: Session, item_id: str, layer: Mapping[str, Any]) -> None:
    """Write ``blob_sha256``, ``media_type`` and ``picture_sha256`` of an item's layer of that name."""
    session.execute(
        update(ItemLayer)
        .where(ItemLayer.item_id == item_id, ItemLayer.name == layer["name"])
        .values({name: layer[name] for name in ("blob_sha256", "media_type", "picture_sha256")})
    )


def raise_label_states(session: Session, states: Mapping[str, str], changed: Collection[str]) -> None:
    """Say of items that they are labelled or predicted, as an import brought it; ``labelled`` stays.

    Args:
        session: a write transaction.
        states: label state by item.
        changed: items that got annotations; their revision is raised.
    """
    for state, below in (("labelled", ("unlabelled", "predicted")), ("predicted", ("unlabelled",))):
        for some in batched([item_id for item_id, wanted in states.items() if wanted == state], _AT_ONCE):
            session.execute(
                update(DatasetItem)
                .where(DatasetItem.id.in_(some), DatasetItem.label_state.in_(below))
                .values(label_state=state)
                .execution_options(synchronize_session=False)
            )
    for some in batched(sorted(changed), _AT_ONCE):
        session.execute(
            update(DatasetItem)
            .where(DatasetItem.id.in_(some))
            .values(revision=DatasetItem.revision + 1)
            .execution_options(synchronize_session=False)
        )


def taken_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Return those of these ids that some item has, in whichever dataset."""
    return {
        one
        for some in batched(ids, _AT_ONCE)
        for one in session.scalars(select(DatasetItem.id).where(DatasetItem.id.in_(some)))
    }


def delete_many(session: Session, dataset_id: str, ids: Sequence[str]) -> int:
    """Delete items of a dataset with their annotations; return how many there were."""
    gone = 0
    for some in batched(ids, _AT_ONCE):
        done = session.execute(
            delete(DatasetItem).where(DatasetItem.dataset_id == dataset_id, DatasetItem.id.in_(some))
        )
        gone += int(getattr(done, "rowcount", 0))
    session.execute(update(Dataset).where(Dataset.id == dataset_id).values(updated_at=now_ms()))
    return gone


def fingerprint(session: Session, dataset_id: str) -> tuple[int, ...]:
    """Return figures that change with every change of a dataset's items or annotations."""
    row = session.execute(
        select(
            func.count(DatasetItem.id),
            func.coalesce(func.sum(DatasetItem.revision), 0),
            func.coalesce(func.max(DatasetItem.position), 0),
            func.coalesce(func.sum(func.length(DatasetItem.state)), 0),
            func.coalesce(func.sum(func.length(DatasetItem.label_state)), 0),
        ).where(DatasetItem.dataset_id == dataset_id)
    ).one()
    return tuple(int(value) for value in row)


_ORDER = (DatasetItem.position, DatasetItem.id)

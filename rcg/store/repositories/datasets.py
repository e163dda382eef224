"""Datasets: find, list with what is in them, make, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from rcg.datasets.schema import LabelSchema
from rcg.errors import ConflictError, NotFoundError
from rcg.store.dataset_models import (
    AnnotationOp,
    AnnotationRow,
    Dataset,
    DatasetItem,
    DatasetVersion,
    ItemLayer,
)
from rcg.store.db import now_ms
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories.page import Page, contains, paginate

Sort = Literal["newest", "oldest", "name", "changed"]
PREVIEWS = 4


@dataclass
class Counts:
    """What is in a dataset.

    Attributes:
        items: by ``(state, label state)``.
        classes: annotations by class.
        versions: how many; latest_id, latest_number: the newest one, None without any.
        previews: ids of its first items that have a thumbnail, with the thumbnail's hash.
    """

    items: dict[tuple[str, str], int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    versions: int = 0
    latest_id: str | None = None
    latest_number: int | None = None
    previews: list[tuple[str, str]] = field(default_factory=list)


def find(session: Session, id_or_name: str) -> Dataset | None:
    """Return the dataset of that id, else of that name, or None."""
    return session.get(Dataset, id_or_name) or session.scalar(
        select(Dataset).where(Dataset.name == id_or_name)
    )


def get(session: Session, id_or_name: str) -> Dataset:
    """As :func:`find`. Raises NotFoundError that names datasets with a name like it."""
    row = find(session, id_or_name)
    if row is None:
        like = session.scalars(
            select(Dataset.name).where(Dataset.name.ilike(contains(id_or_name), escape="\\")).limit(3)
        ).all()
        hint = f"Did you mean {' or '.join(map(repr, like))}?" if like else "GET /api/datasets lists them."
        raise NotFoundError(f"There is no dataset {id_or_name!r}.", hint)
    return row


def listing(
    session: Session,
    *,
    q: str = "",
    kind: str | None = None,
    sort: Sort = "newest",
    offset: int = 0,
    limit: int = 50,
) -> Page[Dataset]:
    """Return one page of datasets; ``q`` is text that name or description contain, any case."""
    query = select(Dataset)
    if kind:
        query = query.where(Dataset.kind == kind)
    for word in q.split():
        pattern = contains(word)
        query = query.where(
            or_(*(column.ilike(pattern, escape="\\") for column in (Dataset.name, Dataset.description)))
        )
    order: dict[str, tuple[Any, ...]] = {
        "newest": (Dataset.created_at.desc(), Dataset.id),
        "oldest": (Dataset.created_at, Dataset.id),
        "name": (func.lower(Dataset.name), Dataset.id),
        "changed": (Dataset.updated_at.desc(), Dataset.id),
    }
    return paginate(session, query.order_by(*order[sort]), offset=offset, limit=limit)


def counts(session: Session, dataset_ids: Sequence[str]) -> dict[str, Counts]:
    """Return what is in each of these datasets: four queries, however many they are."""
    found = {dataset_id: Counts() for dataset_id in dataset_ids}
    if not found:
        return found
    states = session.execute(
        select(DatasetItem.dataset_id, DatasetItem.state, DatasetItem.label_state, func.count())
        .where(DatasetItem.dataset_id.in_(dataset_ids))
        .group_by(DatasetItem.dataset_id, DatasetItem.label_state, DatasetItem.state)
    )
    for dataset_id, state, label_state, count in states:
        found[dataset_id].items[state, label_state] = count
    for dataset_id, classes in annotation_rows.classes_of_datasets(session, dataset_ids).items():
        found[dataset_id].classes = classes
    versions = session.execute(
        select(DatasetVersion.dataset_id, DatasetVersion.id, DatasetVersion.number)
        .where(DatasetVersion.dataset_id.in_(dataset_ids))
        .order_by(DatasetVersion.number)
    )
    for owner_id, version_id, number in versions:
        one = found[owner_id or ""]
        one.versions, one.latest_id, one.latest_number = one.versions + 1, version_id, number
    for dataset_id, item_id, sha256 in _previews(session, dataset_ids):
        found[dataset_id].previews.append((item_id, sha256))
    return found


def _previews(session: Session, dataset_ids: Sequence[str]) -> Sequence[tuple[str, str, str]]:
    first = (
        select(DatasetItem.id)
        .where(DatasetItem.dataset_id == Dataset.id, DatasetItem.thumbnail_sha256.is_not(None))
        .order_by(DatasetItem.position)
        .limit(PREVIEWS)
        .correlate(Dataset)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Dataset.id, DatasetItem.id, DatasetItem.thumbnail_sha256)
        .join(DatasetItem, DatasetItem.id.in_(first))
        .where(Dataset.id.in_(dataset_ids))
        .order_by(Dataset.id, DatasetItem.position)
    )
    return [(dataset_id, item_id, sha256 or "") for dataset_id, item_id, sha256 in rows]


def add(session: Session, *, name: str, kind: str, schema: LabelSchema, description: str = "") -> Dataset:
    """Make an empty dataset. Raises ConflictError when the name is taken."""
    refuse_taken(session, name)
    row = Dataset(name=name, kind=kind, description=description, label_schema=schema.model_dump(mode="json"))
    session.add(row)
    session.flush()
    return row


def refuse_taken(session: Session, name: str) -> None:
    """Raise ConflictError when a dataset has this name."""
    if session.scalar(select(Dataset.id).where(Dataset.name == name)):
        raise ConflictError(
            f"There is a dataset named {name!r} already.", "Choose another name, or add to that one."
        )


def free_name(session: Session, name: str) -> str:
    """Return the name, or the first of ``name 2``, ``name 3`` ... that is free."""
    number = 1
    wanted = name
    while session.scalar(select(Dataset.id).where(Dataset.name == wanted)):
        number += 1
        wanted = f"{name} {number}"
    return wanted


def touch(dataset: Dataset) -> None:
    """Note that a dataset was changed."""
    dataset.updated_at = now_ms()


def delete(session: Session, dataset: Dataset) -> None:
    """Delete a dataset with its items and annotations. Its versions stay, of no dataset; its files, too."""
    empty(session, dataset.id)
    session.execute(delete_rows(Dataset).where(Dataset.id == dataset.id))
    session.expunge(dataset)


def empty(session: Session, dataset_id: str, limit: int | None = None) -> int:
    """Delete items of a dataset with all that hangs on them; return how many.

    Args:
        session: a write transaction.
        dataset_id: whose items.
        limit: at most so many; None: all. A hundred thousand at once would keep every other writer waiting.
    """
    ids = select(DatasetItem.id).where(DatasetItem.dataset_id == dataset_id).order_by(DatasetItem.id)
    chosen = ids.limit(limit) if limit is not None else ids
    # Children first: rows that a foreign key has to find one by one take three times as long.
    for child in (AnnotationRow, AnnotationOp, ItemLayer):
        session.execute(
            delete_rows(child).where(child.item_id.in_(chosen)).execution_options(synchronize_session=False)
        )
    done = session.execute(
        delete_rows(DatasetItem)
        .where(DatasetItem.id.in_(chosen))
        .execution_options(synchronize_session=False)
    )
    return int(getattr(done, "rowcount", 0))


def schema_of(dataset: Dataset) -> LabelSchema:
    """Return a dataset's label schema."""
    return LabelSchema.model_validate(dataset.label_schema)


def names_with(session: Session, prefix: str) -> Sequence[str]:
    """Return the names of datasets that begin with a text."""
    return session.scalars(select(Dataset.name).where(Dataset.name.startswith(prefix, autoescape=True))).all()


def count(session: Session) -> int:
    """Return how many datasets there are."""
    return session.scalar(select(func.count()).select_from(Dataset)) or 0


def count_by_kind(session: Session) -> dict[str, int]:
    """Return how many datasets there are of each kind that has any, the most first."""
    number = func.count()
    rows = session.execute(
        select(Dataset.kind, number).group_by(Dataset.kind).order_by(number.desc(), Dataset.kind)
    )
    return {kind: int(count) for kind, count in rows}

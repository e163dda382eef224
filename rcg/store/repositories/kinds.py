"""Kinds of dataset that users defined."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from rcg.datasets.schema import Kind
from rcg.store.dataset_models import Dataset, KindRow


def all_own(session: Session) -> dict[str, Kind]:
    """Return every kind of the user's own by name, in the order of their names."""
    rows = session.scalars(select(KindRow).order_by(KindRow.name))
    return {row.name: Kind.model_validate(row.body) for row in rows}


def put(session: Session, kind: Kind) -> bool:
    """Keep a kind under its name; return whether it is new."""
    row = session.get(KindRow, kind.name)
    new = row is None
    if row is None:
        row = KindRow(name=kind.name)
        session.add(row)
    row.body = kind.model_dump(mode="json")
    session.flush()
    return new


def delete(session: Session, name: str) -> None:
    """Forget a kind."""
    row = session.get(KindRow, name)
    if row is not None:
        session.delete(row)
        session.flush()


def datasets_of(session: Session, name: str) -> Sequence[str]:
    """Return the names of the datasets of a kind."""
    return session.scalars(select(Dataset.name).where(Dataset.kind == name).order_by(Dataset.name)).all()

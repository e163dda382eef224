"""Rigs: the only queries on their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from rcg.errors import ConflictError, NotFoundError
from rcg.store.capture_models import Rig
from rcg.store.db import now_ms


def find(session: Session, rig_id: str) -> Rig | None:
    """Return the rig of that id, else of that name, or None."""
    return session.get(Rig, rig_id) or session.scalar(select(Rig).where(Rig.name == rig_id))


def get(session: Session, rig_id: str) -> Rig:
    """As :func:`find`. Raises NotFoundError."""
    row = find(session, rig_id)
    if row is None:
        raise NotFoundError(f"There is no rig {rig_id[:100]!r}.", "GET /api/rigs lists them.")
    return row


def listing(session: Session) -> Sequence[Rig]:
    """Return every rig: the default first, then by name."""
    return session.scalars(select(Rig).order_by(Rig.is_default.desc(), func.lower(Rig.name), Rig.id)).all()


def default(session: Session) -> Rig | None:
    """Return the rig that new captures take, or None where there is no rig."""
    return session.scalar(select(Rig).where(Rig.is_default))


def add(session: Session, **values: Any) -> Rig:
    """Make a rig; the first is the default. Raises ConflictError when the name is taken."""
    _check_name(session, values["name"], None)
    row = Rig(**values, is_default=default(session) is None)
    session.add(row)
    session.flush()
    return row


def change(session: Session, row: Rig, **values: Any) -> None:
    """Change some columns. Raises ConflictError when the name is taken."""
    if "name" in values:
        _check_name(session, values["name"], row)
    for column, value in values.items():
        setattr(row, column, value)
    row.updated_at = max(now_ms(), row.updated_at + 1)
    session.flush()


def make_default(session: Session, row: Rig) -> None:
    """Have new captures take this rig."""
    session.execute(update(Rig).values(is_default=False))
    row.is_default = True
    session.flush()


def delete(session: Session, row: Rig) -> None:
    """Delete a rig; another becomes the default if it was. Captures keep their lights."""
    was_default = row.is_default
    session.delete(row)
    session.flush()
    heir = session.scalar(select(Rig).order_by(Rig.updated_at.desc(), Rig.id)) if was_default else None
    if heir is not None:
        heir.is_default = True
        session.flush()


def _check_name(session: Session, name: str, row: Rig | None) -> None:
    other = session.scalar(select(Rig).where(func.lower(Rig.name) == name.lower()))
    if other is not None and other is not row:
        raise ConflictError(
            f"There is a rig {other.name!r} already.", "Give this one another name.", rig_id=other.id
        )

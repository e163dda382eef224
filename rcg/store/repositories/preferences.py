"""What the owner told RCG of this home: the only queries on that table."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from rcg.store.db import now_ms
from rcg.store.preference_models import Preference

MAT = "mat"


def find(session: Session, key: str) -> Preference | None:
    """Return what was told under a key, or None."""
    return session.get(Preference, key)


def put(session: Session, key: str, value: dict[str, Any]) -> Preference:
    """Keep a value under a key in place of what was there."""
    row = session.get(Preference, key)
    if row is None:
        row = Preference(key=key, value=value)
        session.add(row)
    row.value, row.updated_at = value, now_ms()
    session.flush()
    return row


def forget(session: Session, key: str) -> None:
    """Drop what was told under a key; nothing when there is nothing."""
    row = session.get(Preference, key)
    if row is not None:
        session.delete(row)
        session.flush()


def mat_scale(session: Session) -> float | None:
    """Return printed over nominal size of the mat, or None when its bar was not measured."""
    row = find(session, MAT)
    return None if row is None else float(row.value["bar_mm"]) / 100.0

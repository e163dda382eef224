"""A page of a list: rows, how many there are in all, and where the next page starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

Row = TypeVar("Row")

MAX_PAGE = 200


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows ``offset .. offset + len(rows)`` of ``total``."""

    rows: Sequence[Row]
    total: int
    offset: int
    limit: int

    @property
    def next_offset(self) -> int | None:
        """Where the next page starts, None on the last one."""
        after = self.offset + len(self.rows)
        return after if after < self.total else None


def paginate(session: Session, query: Select[Any], *, offset: int, limit: int) -> Page[Any]:
    """Run an ordered query for one page; ``limit`` is held between 1 and 200."""
    limit = max(1, min(limit, MAX_PAGE))
    offset = max(0, offset)
    counted: Select[Any] = select(func.count()).select_from(query.order_by(None).subquery())
    total = session.scalar(counted) or 0
    rows = session.scalars(query.offset(offset).limit(limit)).all()
    return Page(rows, total, offset, limit)


def contains(text: str) -> str:
    """Return the LIKE pattern for "has this text in it", with ``\\`` as the escape."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def batched(values: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Yield the values in lists of ``size``: how many fit into one statement, or one stretch of memory."""
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some

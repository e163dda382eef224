"""Cards: find, list, make, change, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from rcg.errors import NotFoundError
from rcg.store.models import Capture, Card, Grade
from rcg.store.repositories.page import Page, contains, paginate

Sort = Literal["newest", "oldest", "name", "score"]


def find(session: Session, card_id: str) -> Card | None:
    """Return the card with its captures, their frames and its grades, or None."""
    return session.scalar(
        select(Card)
        .where(Card.id == card_id)
        .options(selectinload(Card.captures).selectinload(Capture.frames), selectinload(Card.grades))
    )


def get(session: Session, card_id: str) -> Card:
    """As :func:`find`. Raises NotFoundError."""
    card = find(session, card_id)
    if card is None:
        raise NotFoundError(f"There is no card {card_id!r}.", "GET /api/cards lists them.")
    return card


def listing(
    session: Session, *, q: str = "", sort: Sort = "newest", offset: int = 0, limit: int = 50
) -> Page[Card]:
    """Return one page of cards, with captures, frames and grades loaded.

    Args:
        session: where to look.
        q: text that the name, set or notes contain, any case.
        sort: ``newest`` or ``oldest`` made, ``name``, or ``score`` of the latest grade, ungraded last.
        offset: cards to skip.
        limit: cards to return, 1..200.
    """
    query = select(Card).options(
        selectinload(Card.captures).selectinload(Capture.frames),
        selectinload(Card.grades).selectinload(Grade.layers),
    )
    for word in q.split():
        pattern = contains(word)
        query = query.where(
            or_(*(column.ilike(pattern, escape="\\") for column in (Card.name, Card.set_name, Card.notes)))
        )
    latest = (
        select(Grade.score)
        .where(Grade.card_id == Card.id)
        .order_by(Grade.created_at.desc(), Grade.id)
        .limit(1)
        .scalar_subquery()
    )
    order: dict[str, tuple[Any, ...]] = {
        "newest": (Card.created_at.desc(), Card.id),
        "oldest": (Card.created_at, Card.id),
        "name": (func.lower(Card.name), Card.id),
        "score": (latest.desc().nulls_last(), Card.created_at.desc(), Card.id),
    }
    return paginate(session, query.order_by(*order[sort]), offset=offset, limit=limit)


def add(
    session: Session,
    *,
    name: str,
    set_name: str = "",
    notes: str = "",
    width_mm: float | None = None,
    height_mm: float | None = None,
) -> Card:
    """Make a card. Sizes in mm; None takes the default size when it is graded."""
    card = Card(name=name, set_name=set_name, notes=notes, width_mm=width_mm, height_mm=height_mm)
    session.add(card)
    session.flush()
    return card


def delete(session: Session, card: Card) -> None:
    """Delete a card with its captures and grades. Its files stay until they are collected."""
    session.delete(card)
    session.flush()


def count(session: Session) -> int:
    """Return how many cards there are."""
    return session.scalar(select(func.count()).select_from(Card)) or 0


def recent(session: Session, limit: int = 8) -> Sequence[Card]:
    """Return the newest cards."""
    return listing(session, limit=limit).rows

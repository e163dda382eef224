"""Rows as pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from rcg.store.models import Card, Grade


@dataclass(frozen=True)
class CardTile:
    """A card in a grid or a table."""

    id: str
    href: str
    name: str
    set_name: str
    sides: str
    state: str
    overall: str | None
    score: float | None
    thumbnail: str | None
    created_at: int


def layer_url(grade_id: str, side: str, name: str) -> str:
    """Where a picture of a grade is served."""
    return f"/api/grades/{grade_id}/layers/{side}/{quote(name, safe=':')}"


def thumbnail(grade: Grade) -> str | None:
    """The small picture of a grade: the front's where there is one."""
    found = [layer for layer in grade.layers if layer.name == "thumbnail"]
    found.sort(key=lambda layer: layer.side != "front")
    return layer_url(grade.id, found[0].side, "thumbnail") if found else None


def tile(card: Card) -> CardTile:
    """A card with its latest grade; captures, frames and grades with layers are loaded."""
    latest = card.grades[0] if card.grades else None
    sides = [side for side in ("front", "back") if any(c.side == side and c.frames for c in card.captures)]
    if latest:
        state = f"score {latest.score:.0f}" if latest.score is not None else "centering only"
    else:
        state = "not graded" if sides else "no frames"
    return CardTile(
        id=card.id,
        href=f"/grade/cards/{card.id}",
        name=card.name,
        set_name=card.set_name,
        sides=", ".join(sides),
        state=state,
        overall=latest.overall if latest else None,
        score=latest.score if latest else None,
        thumbnail=thumbnail(latest) if latest else None,
        created_at=card.created_at,
    )


def tiles(cards: Iterable[Card]) -> list[CardTile]:
    """Cards as tiles."""
    return [tile(card) for card in cards]

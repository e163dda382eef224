"""The list of cards."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from rcg.store.repositories import cards
from rcg.web import views
from rcg.web.pages import ContainerDep, PagesDep

router = APIRouter()
PER_PAGE = 60
SORTS = (("newest", "Newest first"), ("oldest", "Oldest first"), ("name", "By name"), ("score", "By score"))


@router.get("/")
def cards_page(
    pages: PagesDep,
    container: ContainerDep,
    q: str = "",
    sort: str = "newest",
    view: str = "grid",
    offset: int = 0,
) -> Response:
    """Cards as a grid or a table; search, order, view and place stand in the address."""
    order: cards.Sort = sort if sort in get_args(cards.Sort) else "newest"  # type: ignore[assignment]
    view = view if view in {"grid", "table"} else "grid"
    with container.db.read() as session:
        found = cards.listing(session, q=q, sort=order, offset=offset, limit=PER_PAGE)
        total = cards.count(session)
        tiles = views.tiles(found.rows)

    def link(**changes: object) -> str:
        state = {"q": q, "sort": order, "view": view, "offset": 0} | changes
        kept = {key: value for key, value in state.items() if value not in ("", 0, "newest", "grid")}
        return "/grade/" + (f"?{urlencode(kept)}" if kept else "")

    return pages.page(
        "grade/cards.html",
        title="Cards",
        here="/grade/",
        cards=tiles,
        total=total,
        found=found.total,
        q=q,
        sort=order,
        sorts=SORTS,
        view=view,
        offset=found.offset,
        limit=found.limit,
        next_offset=found.next_offset,
        link=link,
    )

"""The list of datasets, and making one."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api.services.datasets import catalogue
from rcg.api.services.datasets import kinds as kind_service
from rcg.datasets.schema import Kind
from rcg.store.db import Session
from rcg.store.repositories import datasets
from rcg.web.commands import curl
from rcg.web.pages import ContainerDep, PagesDep, base_url
from rcg.web.studio.kind_cards import kind_cards
from rcg.web.studio.path import counted

router = APIRouter()
PER_PAGE = 60
SORTS = (
    ("newest", "Newest first"),
    ("changed", "Changed last"),
    ("oldest", "Oldest first"),
    ("name", "By name"),
)


@router.get("/")
def datasets_page(
    request: Request,
    pages: PagesDep,
    container: ContainerDep,
    q: str = "",
    kind: str = "",
    sort: str = "newest",
    offset: int = 0,
) -> Response:
    """Datasets as tiles; search, kind, order and place stand in the address, ``new`` opens the dialog."""
    order: datasets.Sort = sort if sort in get_args(datasets.Sort) else "newest"  # type: ignore[assignment]
    with container.db.read() as session:
        known = kind_service.known(session)
        by_kind = datasets.count_by_kind(session)
        taken = _taken(session, known)
    chosen = kind if kind in known or kind in by_kind else ""
    page = catalogue.listing(container, q=q, kind=chosen or None, sort=order, offset=offset, limit=PER_PAGE)

    def link(**changes: object) -> str:
        state = {"q": q, "kind": chosen, "sort": order, "offset": 0} | changes
        kept = {key: value for key, value in state.items() if value not in ("", 0, "newest")}
        return "/studio/" + (f"?{urlencode(kept)}" if kept else "")

    wanted = request.query_params.get("new", "")
    return pages.page(
        "studio/datasets.html",
        title="Datasets",
        here="/studio/",
        datasets=page.items,
        page=page,
        total=sum(by_kind.values()),
        q=q,
        kind=chosen,
        sort=order,
        sorts=SORTS,
        kind_filters=[
            (name, known[name].title if name in known else name, count) for name, count in by_kind.items()
        ],
        kinds=kind_cards(known, taken),
        chosen_kind=wanted if wanted in known else "surface_damage",
        link=link,
        counted=counted,
        commands={
            "curl": curl(
                base_url(request),
                container.settings,
                '--json \'{"name": "Dents", "kind": "surface_damage"}\'',
                path="/api/datasets",
            ),
            "cli": "rcg dataset create Dents --kind surface_damage\nrcg dataset list",
        },
    )


def _taken(session: Session, known: dict[str, Kind]) -> set[str]:
    return {name for kind in known.values() for name in datasets.names_with(session, kind.title)}

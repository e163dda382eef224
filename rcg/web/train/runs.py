"""The list of runs."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.store.repositories import datasets, runs
from rcg.web.commands import curl
from rcg.web.pages import ContainerDep, PagesDep, base_url
from rcg.web.train import views

router = APIRouter()
PER_PAGE = 50
STATES: dict[str, tuple[str, ...]] = {
    "": (),
    "active": runs.ACTIVE,
    "done": ("done",),
    "failed": ("failed",),
    "cancelled": ("cancelled",),
}
WORDS = (
    ("", "All"),
    ("active", "Active"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
)
SORTS = (
    ("newest", "Newest first"),
    ("oldest", "Oldest first"),
    ("name", "By name"),
    ("dataset", "By dataset"),
    ("best", "By best value"),
)


@router.get("/")
def runs_page(
    request: Request,
    pages: PagesDep,
    container: ContainerDep,
    q: str = "",
    state: str = "",
    sort: str = "newest",
    offset: int = 0,
) -> Response:
    """Runs as a table; search, filter, order and place stand in the address."""
    order: runs.Sort = sort if sort in get_args(runs.Sort) else "newest"  # type: ignore[assignment]
    state = state if state in STATES else ""
    with container.db.read() as session:
        found = runs.listing(session, q=q, states=STATES[state], sort=order, offset=offset, limit=PER_PAGE)
        by_state = runs.count_by_state(session)
        any_dataset = datasets.count(session) > 0
        shown = [views.run_view(run) for run in found.rows]

    def link(**changes: object) -> str:
        kept = {"q": q, "state": state, "sort": order, "offset": 0} | changes
        query = {key: value for key, value in kept.items() if value not in ("", 0, "newest")}
        return "/train/" + (f"?{urlencode(query)}" if query else "")

    return pages.page(
        "train/runs.html",
        title="Train",
        here="/train/",
        runs=shown,
        total=sum(by_state.values()),
        found=found.total,
        counts={key: sum(by_state.get(name, 0) for name in names) for key, names in STATES.items()},
        any_dataset=any_dataset,
        q=q,
        state=state,
        states=WORDS,
        sort=order,
        sorts=SORTS,
        offset=found.offset,
        limit=found.limit,
        next_offset=found.next_offset,
        link=link,
        measures=views.measures(),
        metric_value=views.metric_value,
        metric_title=views.metric_title,
        commands={
            "curl": curl(base_url(request), container.settings, path="/api/training"),
            "cli": "rcg train --dataset NAME --preset quick --wait",
        },
    )

"""Models: the list, and one with its figures, its lineage and what to do with it."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.datasets.kinds import shipped
from rcg.store.db import Session
from rcg.store.repositories import datasets, kinds, models, runs
from rcg.web.commands import curl
from rcg.web.pages import ContainerDep, PagesDep, base_url
from rcg.web.train import views

router = APIRouter(prefix="/models")
PER_PAGE = 50
LISTED = 200
SORTS = (("newest", "Newest first"), ("oldest", "Oldest first"), ("name", "By name"), ("kind", "By kind"))


@router.get("")
def models_page(
    request: Request,
    pages: PagesDep,
    container: ContainerDep,
    q: str = "",
    sort: str = "newest",
    used: str = "",
    offset: int = 0,
) -> Response:
    """Models as a table; search, order and place stand in the address."""
    order: models.Sort = sort if sort in get_args(models.Sort) else "newest"  # type: ignore[assignment]
    only = True if used == "yes" else None
    with container.db.read() as session:
        found = models.listing(session, q=q, sort=order, in_use=only, offset=offset, limit=PER_PAGE)
        shown = [views.model_view(model) for model in found.rows]
        in_use = len(models.in_use(session))
        any_dataset = datasets.count(session) > 0
        titles = _kinds(session)

    def link(**changes: object) -> str:
        kept = {"q": q, "sort": order, "used": used, "offset": 0} | changes
        query = {key: value for key, value in kept.items() if value not in ("", 0, "newest")}
        return "/train/models" + (f"?{urlencode(query)}" if query else "")

    return pages.page(
        "train/models.html",
        title="Models",
        here="/train/models",
        models=shown,
        found=found.total,
        in_use=in_use,
        any_dataset=any_dataset,
        kinds=titles,
        q=q,
        sort=order,
        sorts=SORTS,
        used=used,
        offset=found.offset,
        limit=found.limit,
        next_offset=found.next_offset,
        link=link,
        metric_value=views.metric_value,
        metric_title=views.metric_title,
        commands={
            "curl": curl(base_url(request), container.settings, path="/api/models"),
            "cli": "rcg train --dataset NAME --preset quick --wait",
        },
    )


@router.get("/{model_id}")
def model_page(model_id: str, request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """One model."""
    with container.db.read() as session:
        model = views.model_view(models.get(session, model_id))
        run = runs.find(session, model.run_id) if model.run_id else None
        rows = datasets.listing(session, kind=model.kind, sort="changed", limit=LISTED).rows
        counts = datasets.counts(session, [row.id for row in rows])
        offers = [(row.id, row.name, _unlabelled(counts[row.id])) for row in rows]
        context: dict[str, Any] = {"run": views.run_view(run) if run else None, "kinds": _kinds(session)}
    return pages.page(
        "train/model.html",
        title=model.name,
        here="/train/models",
        crumbs=(("Models", "/train/models"), (model.name, None)),
        model=model,
        offers=offers,
        metric_value=views.metric_value,
        metric_title=views.metric_title,
        commands={
            "curl": curl(
                base_url(request),
                container.settings,
                "-X POST -H 'content-type: application/json'",
                """-d '{"use": true}'""",
                path=f"/api/models/{model_id}/use",
            ),
            "cli": "rcg train --dataset NAME --wait",
        },
        **context,
    )


def _unlabelled(counts: datasets.Counts) -> int:
    return sum(number for (_, label), number in counts.items.items() if label == "unlabelled")


def _kinds(session: Session) -> dict[str, str]:
    own = {name: kind.title for name, kind in kinds.all_own(session).items()}
    return {name: kind.title for name, kind in shipped().items()} | own

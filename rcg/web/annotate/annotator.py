"""The annotator: choosing a dataset, the way to its first open item, and the page that draws on items."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rcg.api.services.datasets import kinds as kind_service
from rcg.api.services.datasets.views import thumbnail_url
from rcg.errors import NotFoundError
from rcg.store.repositories import annotation_ops, datasets, items
from rcg.store.repositories.annotation_ops import Progress
from rcg.web.commands import curl
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter()
PER_PAGE = 60
TOOLS = (
    ("select", "Select", "V", "mouse-pointer-2"),
    ("box", "Box", "B", "square"),
    ("polygon", "Polygon", "P", "hexagon"),
    ("hole", "Hole in a polygon", "H", "circle-dashed"),
    ("quad", "Card corners", "Q", "vector-square"),
    ("points", "Points", "K", "spline"),
)
_SHAPES = ("box", "polygon", "hole", "quad")


@dataclass(frozen=True)
class Choice:
    """A dataset as the annotator's first page offers it."""

    id: str
    name: str
    kind_title: str
    thumbnails: list[str]
    progress: Progress

    @property
    def left(self) -> int:
        """Items that no person has labelled."""
        return self.progress.items - self.progress.labelled

    @property
    def share(self) -> float:
        """The labelled part, 0..1."""
        return self.progress.labelled / self.progress.items if self.progress.items else 0.0


@router.get("/")
def choose_page(
    pages: PagesDep, container: ContainerDep, q: str = "", dataset: str = "", offset: int = 0
) -> Response:
    """Datasets with what is left to label, the last changed first; ``dataset`` goes to one of them."""
    if dataset:
        return RedirectResponse(f"/annotate/{quote(dataset, safe='')}", 303)
    with container.db.read() as session:
        page = datasets.listing(session, q=q, sort="changed", offset=offset, limit=PER_PAGE)
        ids = [row.id for row in page.rows]
        known = kind_service.known(session)
        counts = datasets.counts(session, ids)
        progress = annotation_ops.progress(session, ids)
        total = datasets.count(session)
    choices = [
        Choice(
            row.id,
            row.name,
            known[row.kind].title if row.kind in known else row.kind,
            [thumbnail_url(item_id, sha256) for item_id, sha256 in counts[row.id].previews],
            progress[row.id],
        )
        for row in page.rows
    ]
    return pages.page(
        "annotate/choose.html",
        title="Annotate",
        here="/annotate/",
        choices=choices,
        total=total,
        page=page,
        q=q,
    )


@router.get("/{dataset}")
def first_open(dataset: str, pages: PagesDep, container: ContainerDep) -> Response:
    """Go to the first item that is not labelled, else to the first one."""
    with container.db.read() as session:
        row = datasets.get(session, dataset)
        item = annotation_ops.next_open(session, row.id) or annotation_ops.first(session, row.id)
    if item is None:
        return pages.page(
            "annotate/empty.html",
            title=row.name,
            here="/annotate/",
            crumbs=(("Annotate", "/annotate/"), (row.name, None)),
            dataset=row,
        )
    return RedirectResponse(f"/annotate/{row.id}/{item}", 303, {"cache-control": "no-store"})


@router.get("/{dataset}/{item_id}")
def annotator_page(
    dataset: str, item_id: str, request: Request, pages: PagesDep, container: ContainerDep
) -> Response:
    """The annotator at an item. The script loads the item; the page holds what stays the same."""
    with container.db.read() as session:
        row = datasets.get(session, dataset)
        item = items.get(session, item_id)
        if item.dataset_id != row.id:
            raise NotFoundError(
                f"The dataset {row.name!r} has no item {item_id!r}.", f"/annotate/{row.id} opens it."
            )
        kind = kind_service.known(session).get(row.kind)
        schema = datasets.schema_of(row)
        name, width, height = item.name, item.width_px, item.height_px
    config = {
        "dataset": row.id,
        "name": row.name,
        "item": item_id,
        "schema": schema.model_dump(mode="json"),
        "layers": kind.layers if kind else [],
    }
    shown = _SHAPES if schema.task == "instance" else ()
    names = {"select", *shown, *(["points"] if schema.points else [])}
    path = f"/api/items/{quote(item_id)}/annotations"
    return pages.page(
        "annotate/annotator.html",
        title=f"{name}, {row.name}",
        here="/annotate/",
        crumbs=(("Annotate", "/annotate/"), (row.name, f"/studio/datasets/{row.id}"), (name, None)),
        config=config,
        dataset=row,
        schema=schema,
        width=width,
        height=height,
        tools=[tool for tool in TOOLS if tool[0] in names],
        commands={
            "curl": curl(base_url(request), container.settings, path=path),
            "cli": f"rcg dataset export {shlex.quote(row.name)} DIR --format coco_json",
        },
    )

"""A new run: dataset and version, architecture, preset, every option, pre-flight, launch."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.datasets.kinds import shipped
from rcg.store.dataset_models import Dataset
from rcg.store.repositories import datasets, kinds
from rcg.training.metrics import METRICS
from rcg.training.spec import PRESETS
from rcg.web.commands import curl
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter()
LISTED = 200
PRESET_WORDS = {
    "quick": "First answers in minutes",
    "balanced": "What most runs should be",
    "best": "As good as the data allow, however long",
}


@dataclass(frozen=True)
class Offer:
    """A dataset to train on, with what is in it."""

    id: str
    name: str
    kind: str
    items: int
    labelled: int
    classes: list[tuple[str, int]]
    latest: int | None


@router.get("/new")
def new_page(
    request: Request,
    pages: PagesDep,
    container: ContainerDep,
    dataset: str = "",
    version: str = "",
    arch: str = "",
    preset: str = "",
) -> Response:
    """The form; what is chosen stands in the address."""
    with container.db.read() as session:
        chosen = datasets.find(session, dataset) if dataset else None
        rows = list(datasets.listing(session, sort="changed", limit=LISTED).rows)
        if chosen is not None and chosen.id not in {row.id for row in rows}:
            rows.insert(0, chosen)
        own = {name: kind.title for name, kind in kinds.all_own(session).items()}
        titles = {name: kind.title for name, kind in shipped().items()} | own
        counts = datasets.counts(session, [row.id for row in rows])
        offers = [_offer(row, counts[row.id], titles) for row in rows]
    if not dataset:
        chosen_id = next((offer.id for offer in offers if offer.labelled), offers[0].id if offers else "")
    else:
        chosen_id = chosen.id if chosen else ""
    return pages.page(
        "train/new.html",
        title="New run",
        here="/train/",
        crumbs=(("Train", "/train/"), ("New run", None)),
        offers=offers,
        chosen_id=chosen_id,
        missing=dataset if dataset and chosen is None else "",
        presets=[(name, name.capitalize(), PRESET_WORDS[name]) for name in PRESETS],
        preset=preset if preset in PRESETS else PRESETS[0],
        about={
            "dataset": chosen_id,
            "version": int(version) if version.isdecimal() else None,
            "arch": arch,
            "preset": preset if preset in PRESETS else "",
            "from": request.query_params.get("from", ""),
            "metrics": [{"value": name, "title": metric.title} for name, metric in METRICS.items()],
            "curl": _launch(request, container),
        },
    )


def _offer(row: Dataset, counts: datasets.Counts, titles: dict[str, str]) -> Offer:
    ready = {label: number for (state, label), number in counts.items.items() if state != "broken"}
    classes = sorted(counts.classes.items(), key=lambda pair: -pair[1])
    return Offer(
        id=row.id,
        name=row.name,
        kind=titles.get(row.kind, row.kind),
        items=sum(counts.items.values()),
        labelled=sum(number for label, number in ready.items() if label == "labelled"),
        classes=classes,
        latest=counts.latest_number,
    )


def _launch(request: Request, container: ContainerDep) -> str:
    """The call that launches, with BODY where the page's script puts the choices."""
    arguments = ("-X POST -H 'content-type: application/json'", "-d 'BODY'")
    return curl(base_url(request), container.settings, *arguments, path="/api/training/start")

"""One dataset: the steps of its path, its items, classes and versions, and how well it is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api import dataset_schemas as schemas
from rcg.api.item_schemas import ItemPage
from rcg.api.services.datasets import catalogue
from rcg.api.services.datasets import health as health_service
from rcg.api.services.datasets import items as item_service
from rcg.api.services.datasets import kinds as kind_service
from rcg.api.services.datasets import versions as version_service
from rcg.container import Container
from rcg.datasets.kinds import shipped
from rcg.datasets.schema import Split
from rcg.store.repositories import dataset_figures, datasets, jobs, recipes
from rcg.store.repositories.items import Filter
from rcg.web.commands import Commands, curl
from rcg.web.pages import ContainerDep, PagesDep, base_url
from rcg.web.studio import filters
from rcg.web.studio.fit import readiness
from rcg.web.studio.path import Figures, counted, steps, train_address

router = APIRouter(prefix="/datasets")
FIRST = 48
"""items in the page as it comes; its script loads the others as they come into view"""
TABS = (("items", "Items"), ("classes", "Classes"), ("versions", "Versions"), ("health", "Health"))
FORMATS = (
    ("coco_json", "COCO JSON", "One annotations.json; boxes, polygons with holes, points."),
    ("yolo_txt", "YOLO text", "A text file for each image, data.yaml with the split."),
    ("pascal_voc", "Pascal VOC", "An XML file for each image; boxes."),
    ("custom_json", "Custom JSON", "RCG's own form: everything, in one file to read by a script."),
    (
        "folder",
        "Folder of revolutionary_datasets",
        "images, annotations, metadata.json, as older scripts read it.",
    ),
)
IMPORTS = (("auto", "Find out"), *((name, title) for name, title, _ in FORMATS[:4]))


@router.get("/{dataset_id}")
def dataset_page(dataset_id: str, request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """A dataset. ``tab`` and the filters stand in the address."""
    detail = catalogue.get(container, dataset_id)
    at = filters.chosen(request.query_params)
    tab = request.query_params.get("tab", "items")
    first = _first_items(container, detail, at)
    with container.db.read() as session:
        by_class = dataset_figures.items_by_class(session, detail.id)
        flagged = dataset_figures.flagged(session, detail.id)
        own_recipes = [(row.id, row.name) for row in recipes.listing(session)]
    return pages.page(
        "studio/dataset.html",
        title=detail.name,
        here="/studio/",
        crumbs=(("Datasets", "/studio/"), (detail.name, None)),
        dataset=detail,
        tab=tab if tab in dict(TABS) else "items",
        tabs=_tabs(detail),
        groups=filters.chips(detail, at, by_class=by_class, flagged=flagged),
        at=at,
        first=first,
        adding=not detail.items or "add" in request.query_params,
        recipes=own_recipes,
        formats=FORMATS,
        imports=IMPORTS,
        can_render=detail.kind in shipped(),
        used=detail.classes,
        going=_going(detail),
        commands=_commands(request, container, detail),
        **_state(container, detail),
    )


@router.get("/{dataset_id}/path")
def path_fragment(dataset_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """The steps and the jobs about it, as they stand now."""
    detail = catalogue.get(container, dataset_id)
    return pages.fragment("studio/dataset_path.html", dataset=detail, **_state(container, detail))


@router.get("/{dataset_id}/versions")
def versions_fragment(dataset_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """The table of versions."""
    detail = catalogue.get(container, dataset_id)
    return pages.fragment("studio/dataset_versions.html", dataset=detail, **_state(container, detail))


@router.get("/{dataset_id}/side")
def side_fragment(dataset_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """What is not well with it, and what could learn it, in short."""
    return pages.fragment("studio/dataset_side.html", **_judged(container, dataset_id))


@router.get("/{dataset_id}/health")
def health_fragment(dataset_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """The same with every figure."""
    return pages.fragment("studio/dataset_health.html", **_judged(container, dataset_id))


def _judged(container: Container, dataset_id: str) -> dict[str, Any]:
    detail = catalogue.get(container, dataset_id)
    state = _state(container, detail)
    with container.db.read() as session:
        kind = kind_service.known(session).get(detail.kind)
        row = datasets.get(session, detail.id)
        found = health_service.of(session, row) if kind else None
        judged = health_service.judged(row, found) if found else None
    return {
        "dataset": detail,
        "problems": found.problems if found else [],
        "seen": found.health.statistics if found else None,
        "readiness": readiness(detail, judged) if judged else None,
        "train": state["steps"][-1],
        **state,
    }


def _state(container: Container, detail: schemas.DatasetDetail) -> dict[str, Any]:
    """What changes while the page is open."""
    made = version_service.of_dataset(container, detail.id)
    with container.db.read() as session:
        next_item = dataset_figures.next_to_label(session, detail.id)
        shown = jobs.listing(session, subject=catalogue.subject(detail.id), limit=3).rows
        # What ended well shows by what it brought; what failed stays until something newer was started.
        listed = [
            job for index, job in enumerate(shown) if job.state in jobs.ACTIVE or (not index and job.error)
        ]
    newest = made[0] if made else None
    beyond = detail.labelled - int(newest.summary.get("items", 0)) if newest else None
    figures = Figures(
        items=detail.items,
        labelled=detail.label_states["labelled"],
        annotations=detail.annotations,
        pending=detail.states["pending"],
        broken=detail.states["broken"],
        predicted=detail.label_states["predicted"],
        versions=detail.versions,
        version=newest.number if newest else None,
        beyond=max(beyond, 0) if beyond is not None else None,
        relabelled=newest is not None
        and not detail.label_states["predicted"]
        and detail.annotations != newest.summary.get("annotations"),
        next_item=next_item,
    )
    return {
        "steps": steps(detail.id, figures),
        "versions": made,
        "dataset_jobs": listed,
        "counted": counted,
        "train_address": train_address,
    }


def _first_items(container: Container, detail: schemas.DatasetDetail, at: dict[str, str]) -> ItemPage:
    """The first of the items that the filters find; an unknown value finds what no filter would."""
    split: Split | None = at["split"] if at.get("split") in ("train", "val", "test") else None  # type: ignore[assignment]
    where = Filter(
        label_state=at.get("label_state"),
        state=at.get("state"),
        class_name=at.get("class"),
        q=at.get("q", ""),
        flagged=True if at.get("flagged") == "true" else None,
        ids=_ids_with(container, detail, at["problem"]) if at.get("problem") else (),
    )
    return item_service.listing(container, detail.id, where, split=split, offset=0, limit=FIRST)


def _ids_with(container: Container, detail: schemas.DatasetDetail, code: str) -> list[str]:
    """The items that have a problem; when none has it any more, an id that no item has."""
    problems = health_service.report(container, detail.id)["problems"]
    return next((one["item_ids"] for one in problems if one["code"] == code), []) or ["none"]


def _tabs(detail: schemas.DatasetDetail) -> list[tuple[str, str, int | None]]:
    counts = {
        "items": detail.items,
        "classes": len(detail.label_schema.classes),
        "versions": detail.versions,
    }
    return [(key, word, counts.get(key)) for key, word in TABS]


def _going(detail: schemas.DatasetDetail) -> str:
    kept = (
        f" Its {counted(detail.versions, 'version')} stay with the runs and models made from them."
        if detail.versions
        else ""
    )
    return (
        f"{counted(detail.items, 'item')} and {counted(detail.annotations, 'annotation')} go with it.{kept}"
    )


def _commands(request: Request, container: Container, detail: schemas.DatasetDetail) -> dict[str, Commands]:
    base, settings, name = base_url(request), container.settings, detail.name
    quoted = f"'{name}'" if " " in name or ":" in name else name
    return {
        "fill": Commands(
            curl(base, settings, "-F files=@1.jpg -F files=@2.jpg", path=f"/api/datasets/{detail.id}/files"),
            f"rcg dataset import {quoted} DIR\nrcg dataset health {quoted}",
        ),
        "version": Commands(
            curl(base, settings, "-X POST", path=f"/api/datasets/{detail.id}/versions"),
            f"rcg dataset version {quoted} --seed 0\nrcg dataset export {quoted} OUT.zip --format coco_json\n"
            f"rcg train --dataset {quoted} --preset quick --wait",
        ),
    }

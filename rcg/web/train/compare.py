"""Two runs beside each other: their curves over each other, their figures, and what was set differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from rcg.store.repositories import models, runs
from rcg.store.training_models import Run
from rcg.web.pages import ContainerDep, PagesDep
from rcg.web.train import views

router = APIRouter()
LISTED = 200
_SAME_FOR_ALL = ("format",)


@router.get("/compare")
def compare_page(pages: PagesDep, container: ContainerDep, a: str = "", b: str = "") -> Response:
    """Two runs; which ones stands in the address."""
    with container.db.read() as session:
        rows = list(runs.listing(session, limit=LISTED).rows)
        first = runs.get(session, a) if a else next(iter(rows), None)
        second = runs.get(session, b) if b else _partner(first, rows)
        chosen = [run for run in (first, second) if run is not None]
        shown = [views.run_view(run) for run in chosen]
        found = [models.of_run(session, run.id) for run in chosen]
        results = [views.model_view(model) if model else None for model in found]
        specs = [run.spec for run in chosen]
        offers = [(run.id, f"{run.name}, {run.dataset_name}", run.kind) for run in rows]
    classes: dict[str, Any] = {}
    for spec in specs:
        classes |= views.classes_of(container.blobs, (spec.get("dataset") or {}).get("manifest_sha256"))
    return pages.page(
        "train/compare.html",
        title="Compare runs",
        here="/train/",
        crumbs=(("Train", "/train/"), ("Compare", None)),
        offers=offers,
        runs=shown,
        figures=_figures(results),
        differences=differences(*specs) if len(specs) == 2 else [],
        about={
            "runs": [{"id": run.id, "name": run.name} for run in shown],
            "metric": shown[0].measure.name if shown and shown[0].measure else None,
            "measures": views.measures(),
            "classes": classes,
        },
        metric_value=views.metric_value,
        metric_title=views.metric_title,
    )


def _partner(run: Run | None, rows: list[Run]) -> Run | None:
    """The run to lay beside: the newest other one, of the same dataset or kind if there is one."""
    if run is None:
        return None
    others = [row for row in rows if row.id != run.id]
    same_data = (row for row in others if row.dataset_id == run.dataset_id)
    same_kind = (row for row in others if row.kind == run.kind)
    return next(same_data, None) or next(same_kind, None) or next(iter(others), None)


def _figures(results: list[views.ModelView | None]) -> list[tuple[str, str, list[float | None]]]:
    """Rows of the table: title, metric, value of each; metrics first, then the deciding one per class."""
    names = list(dict.fromkeys(name for result in results if result for name in result.metrics))
    rows = [
        (views.metric_title(name), name, [result.metrics.get(name) if result else None for result in results])
        for name in names
    ]
    classes = list(
        dict.fromkeys((row.name, row.title) for result in results if result for row in result.classes)
    )
    for name, title in classes:
        values = [
            next((row.value for row in result.classes if row.name == name), None) if result else None
            for result in results
        ]
        metric = next(result.metric for result in results if result)
        rows.append((title, metric, values))
    return rows


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Where two specs differ: dotted name, one's value, the other's."""
    first, second = _flat(a), _flat(b)
    keys = list(dict.fromkeys([*first, *second]))
    return [(key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)]


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        if not prefix and key in _SAME_FOR_ALL:
            continue
        if isinstance(inner, Mapping) and key != "recipe":
            flat |= _flat(inner, f"{prefix}{key}.")
        else:
            flat[prefix + key] = inner.get("name") or "own" if isinstance(inner, Mapping) else inner
    return flat

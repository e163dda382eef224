"""One run: live while it trains, its result when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.jobs.twin import original_of, twin_of
from rcg.store.db import Session
from rcg.store.repositories import models, runs
from rcg.store.training_models import Run
from rcg.web.commands import curl
from rcg.web.pages import ContainerDep, PagesDep, base_url
from rcg.web.train import views

router = APIRouter(prefix="/runs")
STOPPED = {
    "target": "the target was reached",
    "patience": "it had stopped getting better",
    "time": "its time was up",
    "epochs": "its epochs were done",
    "steps": "its steps were done",
    "user": "you stopped it",
    "nan": "the loss was no number any more",
}


@router.get("/{run_id}")
def run_page(run_id: str, request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """A run with its charts, samples, gauges and log, which the page's script fills and follows."""
    with container.db.read() as session:
        run = runs.get(session, run_id)
        context = _head(session, run)
        spec = run.spec
        manifest = (spec.get("dataset") or {}).get("manifest_sha256")
        spec_sha256 = run.spec_sha256
    return pages.page(
        "train/run.html",
        title=context["run"].name,
        here="/train/",
        crumbs=(("Train", "/train/"), (context["run"].name, None)),
        spec=spec,
        spec_sha256=spec_sha256,
        manifest_sha256=manifest,
        about={
            "id": run_id,
            "metric": context["run"].measure.name if context["run"].measure else None,
            "target": _aim(context["run"]),
            "measures": views.measures(),
            "classes": views.classes_of(container.blobs, manifest),
        },
        commands={
            "curl": curl(base_url(request), container.settings, path=f"/api/training/{run_id}"),
            "cli": _command(spec),
        },
        **context,
    )


@router.get("/{run_id}/head")
def run_head(run_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """The head alone: state, what can be done now, and the result."""
    with container.db.read() as session:
        return pages.fragment("train/run_head.html", **_head(session, runs.get(session, run_id)))


def _head(session: Session, run: Run) -> dict[str, Any]:
    view = views.run_view(run)
    model = models.of_run(session, run.id)
    queue = [views.run_view(other) for other in runs.before(session, run)] if run.state == "queued" else []
    return {
        "run": view,
        "model": views.model_view(model) if model else None,
        "queue": queue,
        "relief": _relief(session, run),
        "stopped": STOPPED.get(run.stopped_by, run.stopped_by.replace("_", " ")),
        "metric_value": views.metric_value,
        "metric_title": views.metric_title,
    }


@dataclass(frozen=True)
class Relief:
    """Two runs that differ in nothing but relief; ``other`` is the one that is not shown."""

    with_id: str
    without_id: str
    other: views.RunView


def _relief(session: Session, run: Run) -> Relief | None:
    twin, original = twin_of(session, run), original_of(session, run)
    if twin is not None:
        return Relief(run.id, twin.id, views.run_view(twin))
    return Relief(original.id, run.id, views.run_view(original)) if original is not None else None


def _aim(run: views.RunView) -> dict[str, Any] | None:
    return {"metric": run.target.metric, "value": run.target.value} if run.target else None


def _command(spec: dict[str, Any]) -> str:
    dataset = spec.get("dataset") or {}
    parts = ["rcg train", f"--dataset '{dataset.get('name', 'NAME')}'", f"--arch {spec.get('architecture')}"]
    return " \\\n  ".join([*parts, f"--preset {spec.get('preset')}", f"--steps {spec.get('steps')} --wait"])

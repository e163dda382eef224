"""Runs: plan, pre-flight, launch, control, look."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse

from rcg.api import training_schemas as schemas
from rcg.api.deps import ContainerDep
from rcg.api.routers.cards import Limit, Offset
from rcg.api.services.training import (
    choices,
    comparison,
    control,
    first_model,
    history,
    launch,
    listing,
)
from rcg.store.repositories.runs import Sort

router = APIRouter(tags=["training"])
RunId = Annotated[str, Path(min_length=1, max_length=64, description="id of a run")]
_IMMUTABLE = {"cache-control": "private, max-age=31536000, immutable"}


@router.get("/architectures")
def architectures(
    container: ContainerDep,
    dataset_id: Annotated[str | None, Query(max_length=100, description="id or name: judge for it")] = None,
) -> list[schemas.ArchitectureOut]:
    """What can be trained; for a dataset, what fits it and why the others do not."""
    return choices.architectures(container, dataset_id)


@router.post("/training/plan")
def plan(body: schemas.PlanIn, container: ContainerDep) -> schemas.PlanOut:
    """The spec of a run before it is launched, with a reason for every value, and what to know of it."""
    return choices.preview(container, body)


@router.post("/training/preflight", status_code=202)
def preflight(body: schemas.PlanIn, container: ContainerDep) -> schemas.PreflightOut:
    """Queue three dry steps; the job's result says seconds per step, memory, duration and mistakes."""
    return launch.preflight(container, body)


@router.post("/training/start", status_code=201)
def start(body: schemas.StartIn, container: ContainerDep) -> schemas.RunOut:
    """Launch a run. With the same `launch_token` again, the same run is returned."""
    return launch.start(container, body)


@router.post("/training/first-model", status_code=202)
def build_first_model(container: ContainerDep) -> schemas.FirstModelOut:
    """Render cards, make a dataset of them and train on it. Asking again says how far it is."""
    return first_model.build(container)


@router.get("/training")
def list_runs(
    container: ContainerDep,
    q: Annotated[str, Query(max_length=200, description="text in name, dataset or architecture")] = "",
    state: Annotated[list[schemas.RunState] | None, Query(description="may be given several times")] = None,
    dataset: Annotated[str | None, Query(max_length=100, description="id or name")] = None,
    sort: Sort = "newest",
    offset: Offset = 0,
    limit: Limit = 50,
) -> schemas.RunPage:
    """A page of runs."""
    return listing.page(
        container, q=q, states=state or (), dataset=dataset, sort=sort, offset=offset, limit=limit
    )


@router.get("/training/{run_id}")
def get_run(run_id: RunId, container: ContainerDep) -> schemas.RunOut:
    """A run: how it stands, what may be asked of it, its spec."""
    return listing.get(container, run_id)


@router.delete("/training/{run_id}", status_code=204)
def delete_run(run_id: RunId, container: ContainerDep) -> None:
    """Delete a run that does not train, with its history and checkpoints. Its models stay."""
    control.delete(container, run_id)


@router.get("/training/{run_id}/events")
def run_events(
    run_id: RunId,
    container: ContainerDep,
    after: Annotated[int, Query(ge=-1, description="rows after this seq")] = -1,
    limit: Annotated[int, Query(ge=1, le=5000)] = 2000,
    points: Annotated[
        int | None,
        Query(ge=2, le=20_000, description="thin the steps of a long run to about so many; all at once"),
    ] = None,
) -> schemas.EventsOut:
    """What happened, row by row. The same rows come live as `event: run` of GET /api/events.

    `seq` rises and has no gaps but those that a resumed run leaves where it went back to a checkpoint, and
    those that `points` makes.
    """
    if points is not None and after < 0:
        return history.overview(container, run_id, points)
    return history.page(container, run_id, after, limit)


@router.get("/training/{run_id}/samples/{step}/{file}", response_class=FileResponse)
def run_sample(
    run_id: RunId,
    step: Annotated[int, Path(ge=0)],
    file: Annotated[str, Path(max_length=20, description="as the row names it")],
    container: ContainerDep,
) -> FileResponse:
    """The picture of a sample, or its shapes as JSON."""
    path = history.sample_file(container, run_id, step, file)
    kind = "image/webp" if path.suffix == ".webp" else "application/json"
    return FileResponse(path, media_type=kind, headers=_IMMUTABLE if path.suffix == ".webp" else None)


@router.get("/training/{run_id}/comparison")
def run_comparison(run_id: RunId, container: ContainerDep) -> schemas.ComparisonOut:
    """A first model with and without relief, beside each other on held-out cards."""
    return comparison.compare(container, run_id)


@router.post("/training/{run_id}/pause")
def pause_run(run_id: RunId, container: ContainerDep) -> schemas.RunOut:
    """Pause after this step; a run that waits at once."""
    return control.pause(container, run_id)


@router.post("/training/{run_id}/resume")
def resume_run(run_id: RunId, container: ContainerDep) -> schemas.RunOut:
    """Go on from the newest checkpoint."""
    return control.resume(container, run_id)


@router.post("/training/{run_id}/stop")
def stop_run(run_id: RunId, container: ContainerDep) -> schemas.RunOut:
    """End now; the best so far becomes the model."""
    return control.stop(container, run_id)


@router.post("/training/{run_id}/cancel")
def cancel_run(run_id: RunId, container: ContainerDep) -> schemas.RunOut:
    """End without a model; checkpoints stay."""
    return control.cancel(container, run_id)


@router.post("/training/{run_id}/evaluate")
def evaluate_run(run_id: RunId, container: ContainerDep) -> schemas.RunOut:
    """Evaluate after this step."""
    return control.evaluate(container, run_id)


@router.post("/training/{run_id}/extend")
def extend_run(run_id: RunId, body: schemas.ExtendIn, container: ContainerDep) -> schemas.RunOut:
    """Make it longer; one that is done goes on."""
    return control.extend(container, run_id, body.steps)

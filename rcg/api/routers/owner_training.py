"""The training routes as the owner's scripts call them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from rcg.api import training_schemas as schemas
from rcg.api.deps import ContainerDep
from rcg.api.routers.training import RunId
from rcg.api.services.training import owner

router = APIRouter(tags=["training"])


@router.get("/training/{run_id}/progress")
def progress(run_id: RunId, container: ContainerDep) -> schemas.ProgressOut:
    """How far a run is."""
    return owner.progress(container, run_id)


@router.get("/training/{run_id}/metrics")
def metrics(run_id: RunId, container: ContainerDep) -> schemas.MetricsOut:
    """What a run has measured so far."""
    return owner.metrics(container, run_id)


@router.get("/training/{run_id}/logs")
def logs(
    run_id: RunId, container: ContainerDep, limit: Annotated[int, Query(ge=1, le=10_000)] = 500
) -> schemas.TrainingLogsOut:
    """A run's log, its end."""
    return owner.logs(container, run_id, limit)


@router.post("/revolutionary-training/initialize", status_code=202)
def initialize(body: schemas.StartIn, container: ContainerDep) -> schemas.InitializeOut:
    """Queue a pre-flight: three dry steps that say how long a run takes, how much memory, what is wrong."""
    return owner.initialize(container, body)


@router.post("/revolutionary-training/execute", status_code=201)
def execute(body: schemas.ExecuteIn, container: ContainerDep) -> schemas.RunOut:
    """Launch what was initialised, or what the body says."""
    return owner.execute(container, body, "quick")


@router.post("/revolutionary-training/execute-advanced", status_code=201)
def execute_advanced(body: schemas.ExecuteIn, container: ContainerDep) -> schemas.RunOut:
    """The same, with the preset `balanced` where none is named."""
    return owner.execute(container, body, "balanced")


@router.get("/revolutionary-training/status")
def status(container: ContainerDep) -> schemas.TrainingStatusOut:
    """What trains, waits, and ended last."""
    return owner.status(container)

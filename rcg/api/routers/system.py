"""The computer, the settings, the log, the standards and the schema of a report."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from rcg.api import schemas
from rcg.api.deps import ContainerDep
from rcg.api.services import system

router = APIRouter(tags=["system"])


@router.get("/health", responses={503: {"description": "not ready, or degraded"}})
async def health(request: Request, container: ContainerDep) -> JSONResponse:
    """Whether RCG is ready: every area and part by name. Details are for the signed-in."""
    known = getattr(request.state, "principal", None) is not None
    ok, body = await system.health(container, details=known)
    return JSONResponse(body, 200 if ok else 503, headers={"cache-control": "no-store"})


@router.get("/system")
def get_system(container: ContainerDep) -> schemas.SystemOut:
    """Load, memory, disk, GPUs, and how much is stored."""
    return system.system(container)


@router.get("/standards")
def standards() -> list[dict[str, Any]]:
    """The grading standards, as data with their provenance."""
    return system.standards()


@router.get("/schema/grade")
def grade_schema() -> dict[str, Any]:
    """The JSON schema of a report."""
    return system.grade_schema()


@router.get("/settings")
def settings(container: ContainerDep) -> list[schemas.SettingOut]:
    """Every setting as it holds now and where it was set; secrets hidden."""
    return system.settings(container)


@router.get("/logs")
def logs(
    container: ContainerDep, lines: Annotated[int, Query(ge=1, le=5000, description="how many")] = 200
) -> schemas.LogsOut:
    """The end of the server's log."""
    return system.log_end(container, lines)

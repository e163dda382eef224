"""Grades: reports and their pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from rcg.api import schemas
from rcg.api.deps import ContainerDep
from rcg.api.services import grading
from rcg.grading.schema import GradeReport

router = APIRouter(tags=["grades"])
_IMMUTABLE = "private, max-age=31536000, immutable"
_REPORT: dict[int | str, dict[str, Any]] = {200: {"model": GradeReport}}


@router.get("/cards/{card_id}/grades")
def grades_of_card(card_id: str, container: ContainerDep) -> list[schemas.GradeSummary]:
    """A card's grades, newest first."""
    return grading.of_card(container, card_id)


@router.get("/grades/{grade_id}", responses=_REPORT)
def get_grade(grade_id: str, request: Request, container: ContainerDep) -> Response:
    """The report as JSON, byte for byte as it was made."""
    data, sha256, _ = grading.report(container, grade_id)
    return _unchanged(request, sha256) or Response(
        data, media_type="application/json", headers={"etag": f'"{sha256}"', "cache-control": _IMMUTABLE}
    )


@router.get("/grades/{grade_id}/report.json", responses=_REPORT)
def download_grade(grade_id: str, container: ContainerDep) -> Response:
    """The report as a file to save."""
    data, _, name = grading.report(container, grade_id)
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:60] or "card"
    return Response(
        data,
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{plain}.grade.json"'},
    )


@router.get("/grades/{grade_id}/layers")
def list_layers(grade_id: str, container: ContainerDep) -> Sequence[schemas.LayerOut]:
    """The pictures that come with a report."""
    return grading.layers(container, grade_id)


@router.get("/grades/{grade_id}/layers/{side}/{name}", response_class=FileResponse)
def get_layer(
    grade_id: str, side: schemas.SideName, name: str, request: Request, container: ContainerDep
) -> Response:
    """One picture. It never changes, so it may be kept for ever."""
    sha256, media_type = grading.layer_file(container, grade_id, side, name)
    return _unchanged(request, sha256) or FileResponse(
        container.blobs.path(sha256),
        media_type=media_type,
        headers={"etag": f'"{sha256}"', "cache-control": _IMMUTABLE},
    )


def _unchanged(request: Request, sha256: str) -> Response | None:
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if f'"{sha256}"' not in known:
        return None
    return Response(status_code=304, headers={"etag": f'"{sha256}"', "cache-control": _IMMUTABLE})

"""The mat to print, and how large it was printed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from rcg.api.deps import ContainerDep
from rcg.api.mat_schemas import BarIn, PrintOut
from rcg.api.services import mats
from rcg.capture.mat.sheet import Paper, preview, sheet

router = APIRouter(prefix="/mat", tags=["mat"])
PaperQuery = Annotated[Paper, Query(description="the paper in the printer")]


@router.get("", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
def get_mat(paper: PaperQuery = "a4", *, download: bool = False) -> Response:
    """The mat as a PDF; the same paper gives the same bytes. Print it at 100 %."""
    how = "attachment" if download else "inline"
    return Response(
        sheet(paper),
        media_type="application/pdf",
        headers={
            "content-disposition": f'{how}; filename="rcg-mat-{paper}.pdf"',
            "cache-control": "no-cache",
        },
    )


@router.get("/preview", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
def get_preview(paper: PaperQuery = "a4") -> Response:
    """The same sheet as a picture, for a page."""
    return Response(preview(paper), media_type="image/svg+xml", headers={"cache-control": "no-cache"})


@router.get("/print")
def get_print(container: ContainerDep) -> PrintOut:
    """How large the mat was printed, as far as it was measured."""
    return mats.printed(container)


@router.put("/print")
def put_print(body: BarIn, container: ContainerDep) -> PrintOut:
    """Say how long the 100 mm bar is on paper. Gradings from now on take a card's size from a mat in view."""
    return mats.measured(container, body.bar_mm)


@router.delete("/print", status_code=204)
def forget_print(container: ContainerDep) -> None:
    """Forget it, as after printing anew."""
    mats.forget(container)

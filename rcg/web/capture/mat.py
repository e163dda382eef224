"""The mat: preview, print, and how large it came out of the printer."""

from __future__ import annotations

import shlex

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api.services import mats
from rcg.capture.mat.sheet import PAPERS
from rcg.web.commands import Commands, curl
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter()
HERE = "/capture/mat"


@router.get("/mat")
def mat_page(request: Request, pages: PagesDep, container: ContainerDep, paper: str = "a4") -> Response:
    """The sheet to print."""
    labels = {label.lower(): label for label in PAPERS}
    chosen = paper if paper in labels else "a4"
    printed = mats.printed(container)
    return pages.page(
        "capture/mat.html",
        title="Mat",
        here="/capture/desk",
        crumbs=[("Capture", "/capture/desk"), ("Mat", None)],
        papers=labels,
        paper=chosen,
        printed=printed,
        commands=_commands(request, container, chosen),
    )


def _commands(request: Request, container: ContainerDep, paper: str) -> Commands:
    file = shlex.quote(f"rcg-mat-{paper}.pdf")
    call = curl(base_url(request), container.settings, f"-o {file}", path=f"/api/mat?paper={paper}")
    return Commands(curl=call, cli=f"rcg mat --paper {paper} --out {file}")

"""The living page of parts: every component once, with made-up contents, for those who build pages."""

from __future__ import annotations

from types import SimpleNamespace

from fastapi import APIRouter
from starlette.responses import Response

from rcg.store.db import now_ms
from rcg.web.pages import PagesDep

router = APIRouter()


@router.get("/design")
def design(pages: PagesDep) -> Response:
    """Every part; the theme switch shows the other one."""
    now = now_ms()

    def job(state: str, title: str, **more: object) -> SimpleNamespace:
        blank = {
            "id": f"example-{state}",
            "title": title,
            "state": state,
            "cancel_requested": False,
            "progress": 0.0,
            "message": "",
            "started_at": None,
            "finished_at": None,
            "result": None,
            "error": None,
        }
        return SimpleNamespace(**(blank | more))

    jobs = [
        job(
            "running",
            "Grade “Example card”",
            progress=0.42,
            message="solving normals, front",
            started_at=now - 4000,
        ),
        job("queued", "Grade “Another card”"),
        job(
            "failed", "Grade “Third card”", error={"detail": "The card is cut off by the frame at the left."}
        ),
        job("done", "Render a sample card", finished_at=now - 90_000),
    ]
    tile = SimpleNamespace(
        href="#tile",
        name="Example card",
        set_name="Example set",
        state="score 912",
        overall="9",
        thumbnail=None,
    )
    return pages.page("shell/design.html", title="Parts of the pages", jobs=jobs, tile=tile)

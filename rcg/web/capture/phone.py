"""The page a phone photographs with, always dark; and the desk, which begins sessions and mirrors them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api.services.capture import sessions, watching
from rcg.capture.lights import kinds
from rcg.container import Container
from rcg.store.repositories import cards, rigs
from rcg.web import bundle
from rcg.web.pages import ContainerDep, PagesDep, base_url
from rcg.web.shell.settings import QrIn, network_addresses, qr_code

router = APIRouter()
HERE = "/capture/desk"
RECENT = 8


@router.get("/")
def phone_page(pages: PagesDep, container: ContainerDep, card: str = "") -> Response:
    """The camera. ``card``: which to begin with; its script reads from the address which session goes on."""
    return pages.page(
        "capture/phone.html",
        title="Capture",
        chosen=_card(container, card),
        **_choices(container),
    )


@router.get("/probe")
def probe_page(pages: PagesDep) -> Response:
    """Measures this device's camera; its script keeps the better way of taking frames."""
    return pages.page("capture/probe.html", title="What this camera can do")


@router.get("/sw.js")
def worker() -> Response:
    """The worker that lets the camera's page open without the server; asked for anew each time."""
    names = json.loads((bundle.DIST / "capture-shell.json").read_text("utf-8"))
    files = [f"/static/dist/{name}" for name in names]
    script = (bundle.DIST / "sw.js").read_text("utf-8")
    build = hashlib.sha256(json.dumps([files, script]).encode()).hexdigest()[:12]
    shell = json.dumps({"build": build, "files": files})
    return Response(
        f"const SHELL={shell};{script}",
        media_type="text/javascript",
        headers={"cache-control": "no-cache", "service-worker-allowed": "/capture/"},
    )


@router.get("/manifest.webmanifest")
def manifest() -> Response:
    """What a phone needs to put the camera on its home screen."""
    icons = [
        {
            "src": f"/static/icon-{size}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    body = {
        "id": "/capture/",
        "name": "RCG Capture",
        "short_name": "RCG",
        "start_url": "/capture/",
        "scope": "/capture/",
        "display": "standalone",
        "background_color": "#0b0d10",
        "theme_color": "#0b0d10",
        "icons": icons,
    }
    return Response(
        json.dumps(body), media_type="application/manifest+json", headers={"cache-control": "no-cache"}
    )


@router.get("/desk")
def desk_page(
    request: Request, pages: PagesDep, container: ContainerDep, session: str = "", card: str = ""
) -> Response:
    """The desk: begin, see what the phone sees, go on to the report."""
    addresses = network_addresses(container.settings, request)
    shown = sessions.get(container, session).model_dump(mode="json") if session else None
    return pages.page(
        "capture/desk.html",
        title="Capture",
        here=HERE,
        session=shown,
        folders=watching.folders(container).items,
        addresses=addresses or [base_url(request)],
        reachable=bool(addresses),
        chosen=_card(container, card),
        finished=sessions.listing(container, only_open=False, card_id=None, limit=RECENT).items,
        **_choices(container),
    )


def _choices(container: Container) -> dict[str, Any]:
    with container.db.read() as session:
        found = rigs.listing(session)
        return {
            "rigs": [
                {
                    "id": row.id,
                    "name": row.name,
                    "way": kinds.way(row.driver).title,
                    "default": row.is_default,
                }
                for row in found
            ],
            "open_sessions": sessions.listing(container, only_open=True, card_id=None, limit=RECENT).items,
        }


def _card(container: Container, card_id: str) -> dict[str, str] | None:
    if not card_id:
        return None
    with container.db.read() as session:
        row = cards.get(session, card_id)
        return {"id": row.id, "name": row.name}


@router.post("/qr")
def qr(body: QrIn) -> Response:
    """A QR code as SVG; the link comes in the body, so that it stands in no log."""
    return qr_code(body.url)

"""Settings: this server, who is signed in, tokens, the values in force, and the end of the log."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import segno
from fastapi import APIRouter
from pydantic import BaseModel, SecretStr, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from rcg import __version__
from rcg.container import Container
from rcg.server.announce import addresses
from rcg.settings import Settings
from rcg.store.models import SignInSession
from rcg.web import formatting
from rcg.web.pages import ContainerDep, PagesDep, base_url, principal_of

router = APIRouter(prefix="/settings")
SCOPES = (
    ("read", "look at everything but original files"),
    ("capture", "add cards and frames, start grading"),
    ("label", "make and fill datasets, annotate, make versions"),
    ("train", "start and steer trainings, use models"),
    ("admin", "everything, tokens and devices included"),
)
LOG_LINES = 200
_TAIL_BYTES = 64_000
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")


@dataclass(frozen=True)
class LogLine:
    """A line of the server's log and how grave it is."""

    text: str
    level: str


@router.get("")
def settings_page(request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """Everything about this installation."""
    principal = principal_of(request)
    lines, reason = log_tail(container.settings.log_dir)
    return pages.page(
        "shell/settings.html",
        title="Settings",
        here="/settings",
        server=_server(request, container),
        addresses=network_addresses(container.settings, request),
        sessions=[_session(row, principal.id if principal else None) for row in container.auth.sessions()],
        tokens=container.auth.tokens(),
        scopes=SCOPES,
        values=list(flat(container.settings)),
        log_lines=lines,
        log_reason=reason,
    )


@router.get("/log")
def log(pages: PagesDep, container: ContainerDep) -> Response:
    """The last lines of the log."""
    lines, reason = log_tail(container.settings.log_dir)
    return pages.fragment("shell/log_lines.html", log_lines=lines, log_reason=reason)


class QrIn(BaseModel):
    """What the code is to hold."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=500)]


@router.post("/qr")
def qr(body: QrIn) -> Response:
    """A QR code as SVG. The link comes in the body, so that its secret stands in no address and no log."""
    return qr_code(body.url)


def qr_code(url: str) -> Response:
    """Draw a QR code as SVG."""
    out = io.BytesIO()
    segno.make(url, error="m").save(
        out, kind="svg", scale=4, border=3, xmldecl=False, omitsize=True, light="#fff"
    )
    return Response(out.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})


def log_tail(folder: Path, lines: int = LOG_LINES) -> tuple[list[LogLine], str]:
    """The last lines of ``rcg.log``, or none and the reason."""
    path = folder / "rcg.log"
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        return [], f"{path}: {error.strerror}."
    found = [LogLine(line, _level(line)) for line in text.splitlines()[-lines:]]
    return found, f"{path} is empty."


def flat(settings: BaseModel, prefix: str = "") -> list[tuple[str, str]]:
    """Every setting by its full name, secrets as dots."""
    rows: list[tuple[str, str]] = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            rows += flat(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, _shown(name, value)))
    return rows


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, SecretStr):
        return "••••••"
    if name == "url":  # a URL may carry a password
        return re.sub(r"//([^/@:]*):[^/@]*@", r"//\1:••••••@", str(value))
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _server(request: Request, container: Container) -> list[tuple[str, Any]]:
    settings = container.settings
    return [
        ("Address", base_url(request)),
        ("In this network", ", ".join(network_addresses(settings, request)) or formatting.NONE),
        ("Version", __version__),
        ("Running since", formatting.when(container.started_at)),
        ("Data", settings.data_dir),
        ("Log", settings.log_dir / "rcg.log"),
        ("Certificates", settings.certs_dir),
    ]


def network_addresses(settings: Settings, request: Request) -> list[str]:
    """Where other devices reach this server, addresses before names, which not every phone can look up."""
    own = ("localhost", "127.0.0.1", "[::1]")
    urls = addresses(settings.server.host, request.url.port or 443)
    others = [url for url in urls if urlsplit(url).netloc.rsplit(":", 1)[0] not in own]
    return sorted(others, key=lambda url: (".local:" in url, "[" in url))


def _session(row: SignInSession, current: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "device": row.device,
        "kind": row.kind,
        "last_seen_at": row.last_seen_at,
        "current": row.id == current,
    }


def _level(line: str) -> str:
    found = _LEVEL.search(line[:80])
    return (
        {"ERROR": "error", "CRITICAL": "error", "WARNING": "warning"}.get(found.group(1), "") if found else ""
    )

"""How a device comes to trust this server: its authority's public certificate, and steps for each system."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.errors import NotFoundError, UnavailableError
from rcg.server import local_client
from rcg.settings import Settings
from rcg.web.pages import ContainerDep, PagesDep, principal_of

router = APIRouter(prefix="/certificate")


@router.get("")
def certificate_page(request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """The steps. Open to all: a phone needs them before it can sign in.

    The fingerprint is for comparing, so the page says to read the other one on the computer's own screen.
    """
    found = authority(container.settings)
    return pages.page(
        "shell/certificate.html",
        title="Trust this server",
        fingerprint=fingerprint(found) if found else "",
        signed_in=principal_of(request) is not None,
    )


@router.get("/rcg-ca.crt")
def certificate_file(container: ContainerDep) -> Response:
    """The authority's public certificate, in the form that phones take."""
    found = authority(container.settings)
    if found is None:
        raise NotFoundError(
            "This server's certificate has no authority of RCG's.", "Nothing is to be trusted."
        )
    return Response(
        found,
        media_type="application/x-x509-ca-cert",
        headers={"content-disposition": 'attachment; filename="rcg-ca.crt"', "cache-control": "no-cache"},
    )


def authority(settings: Settings) -> bytes | None:
    """Return the authority's certificate (DER), or None where there is none to trust."""
    try:
        path: Path | None = local_client.read(settings.data_dir).ca
        return ssl.PEM_cert_to_DER_cert(path.read_text("ascii")) if path else None
    except (UnavailableError, OSError, ValueError):
        return None


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate as browsers show it, ``AB:CD:...``."""
    return hashlib.sha256(der).digest().hex(":").upper()

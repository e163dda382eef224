"""The two public pages: how to sign in, and the one a sign-in link opens."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from rcg.web.pages import PagesDep

router = APIRouter()


def local(address: str) -> str:
    """An address of this site to go on to; anything else becomes the dashboard."""
    straight = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if straight and all(ord(char) >= 32 for char in address) else "/"


@router.get("/sign-in")
def sign_in(pages: PagesDep, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """How to sign in, with a field for a link."""
    return pages.page("shell/sign_in.html", title="Sign in", next=local(next))


@router.get("/link")
def link(pages: PagesDep, next: str = "/") -> Response:  # noqa: A002
    """Where a sign-in link leads: the browser reads the secret from the fragment and redeems it."""
    return pages.page("shell/link.html", title="Sign in", next=local(next))


@router.get("/pair")
def pair(pages: PagesDep, next: str = "/capture/") -> Response:  # noqa: A002
    """Where a pairing code leads; also takes the six digits of who types."""
    return pages.page("shell/pair.html", title="Pair this phone", next=local(next))


@router.get("/favicon.ico")
def favicon() -> Response:
    """Browsers ask for this name whatever the page says."""
    return RedirectResponse("/static/icon.svg", 301)

"""Rendering: one Jinja environment, the frame's context, errors as pages in the words of the JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rcg import __version__
from rcg.container import Container
from rcg.errors import RcgError
from rcg.web import formatting
from rcg.web.bundle import WEB, Bundle
from rcg.web.onward import onward

if TYPE_CHECKING:
    from rcg.api.auth import Principal


Crumb = tuple[str, str | None]
"""a step of the breadcrumb: its words and its address"""

NAVIGATION: tuple[tuple[str, str, str], ...] = (
    ("/", "Dashboard", "house"),
    ("/capture/desk", "Capture", "camera"),
    ("/grade/", "Cards", "wallet-cards"),
    ("/annotate/", "Annotate", "pen-tool"),
    ("/studio/", "Datasets", "database"),
    ("/augment/", "Augment", "blend"),
    ("/train/", "Train", "chart-spline"),
    ("/train/models", "Models", "boxes"),
    ("/jobs", "Jobs", "list-checks"),
    ("/settings", "Settings", "settings"),
)
IN_THE_BAR = frozenset({"/", "/capture/desk", "/grade/", "/studio/", "/train/"})
"""what a phone's bottom bar shows; the others stand behind its last button"""
_FILTERS = (
    "number",
    "unit",
    "pair",
    "size",
    "seconds",
    "time_left",
    "when",
    "words",
    "sentence",
    "age",
    "old",
)


class Pages:
    """Renders templates with the frame round them.

    Args:
        bundle: where scripts and styles are.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.environment = Environment(
            loader=FileSystemLoader(WEB / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(
            {name: getattr(formatting, name) for name in _FILTERS},
            asset=bundle.url,
            navigation=NAVIGATION,
            in_the_bar=IN_THE_BAR,
            version=__version__,
            onward=onward,
        )

    def page(
        self,
        template: str,
        *,
        title: str,
        here: str = "",
        crumbs: Sequence[Crumb] = (),
        status: int = 200,
        **context: Any,
    ) -> HTMLResponse:
        """Render a whole page; ``here`` is the address of its entry in the navigation."""
        context |= {"title": title, "here": here, "crumbs": crumbs or ((title, None),)}
        return self.fragment(template, status=status, **context)

    def fragment(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Render a part of a page."""
        html = self.environment.get_template(template).render(context | {"status": status})
        return HTMLResponse(html, status, {"cache-control": "no-store"})

    def error(self, request: Request, error: RcgError) -> Response | None:
        """An error as a page for who wants one; None for scripts and fragments, which get the JSON."""
        wants_page = "text/html" in request.headers.get("accept", "")
        if not wants_page or "hx-request" in request.headers:
            return None
        signed_in = getattr(request.state, "principal", None) is not None
        return self.page(
            "error.html",
            title=HTTPStatus(error.status).phrase.capitalize(),
            status=error.status,
            problem=error.as_json(),
            signed_in=signed_in,
        )


def pages_of(request: Request) -> Pages:
    """The renderer of the app that serves a request."""
    pages: Pages = request.app.state.pages
    return pages


def container_of(request: Request) -> Container:
    """The container of the app that serves a request."""
    container: Container = request.app.state.container
    return container


def base_url(request: Request) -> str:
    """The address by which this browser reached the server, for commands to copy."""
    return f"{request.url.scheme}://{request.url.netloc}"


def principal_of(request: Request) -> Principal | None:
    """Who asks; None on the public pages."""
    principal: Principal | None = getattr(request.state, "principal", None)
    return principal


PagesDep = Annotated[Pages, Depends(pages_of)]
ContainerDep = Annotated[Container, Depends(container_of)]

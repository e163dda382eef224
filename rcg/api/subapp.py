"""How every mounted app is made: Starlette shares neither handlers nor state with a mount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from rcg import __version__
from rcg.api.errors import ErrorPage, install_errors

if TYPE_CHECKING:
    from rcg.container import Container


def make_subapp(
    container: Container, title: str, *, error_page: ErrorPage | None = None, **options: Any
) -> FastAPI:
    """Make an app for mounting: the container on its state, errors in the one form, no docs of its own.

    Args:
        container: ends up as ``app.state.container``.
        title: for people.
        error_page: renders an error as a page, for requests that want one.
        options: passed to FastAPI, e.g. ``openapi_url``.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        **{"openapi_url": None, **options},
    )
    app.state.container = container
    install_errors(app, error_page)
    return app

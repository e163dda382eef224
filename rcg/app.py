"""The root application: security around everything, health at the root, the sub-apps mounted by the start.

Starlette runs no lifespan of a mounted app and shares neither handlers nor middleware with it, so there is
one lifespan (:class:`rcg.server.startup.Startup`), and security is ASGI middleware on this root.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from rcg.api.errors import install_errors
from rcg.api.security import SecurityMiddleware
from rcg.container import Container, build
from rcg.server.health_routes import routes
from rcg.server.startup import Startup
from rcg.settings import Settings


def create_app(settings: Settings, *, pages: bool = True) -> FastAPI:
    """Make the whole application of one server; entering its lifespan starts every part and waits for them.

    ``rcg serve`` does the same in another order: it answers health while this module is still being loaded.

    Args:
        settings: of the server.
        pages: False mounts the API alone, for a command that is its own server.
    """
    startup = Startup(settings, pages=pages)
    container, app = assemble(startup)
    startup.use(container, app)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with startup.running():
            yield

    app.router.lifespan_context = lifespan
    return app


def assemble(startup: Startup) -> tuple[Container, FastAPI]:
    """Wire the parts and make the root application for them; nothing is opened or started."""
    container = build(startup)
    app = FastAPI(title="RCG", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.container = container
    app.router.routes.extend(routes(startup.health, startup.lag))
    install_errors(app)
    app.add_middleware(
        SecurityMiddleware,
        auth=container.auth,
        limits=container.settings.limits,
        allowed_hosts=container.hosts,
    )
    return container, app

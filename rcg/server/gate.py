"""The application that uvicorn sees: health from the first moment, everything else when the start has ended.

It needs little to be loaded, so that ``/health/live`` answers while the rest of RCG is still being imported.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

from rcg.errors import UnavailableError
from rcg.server.health_routes import routes
from rcg.server.startup import Startup

HEALTH_PATHS = ("/health", "/api/health")


class StartGate:
    """ASGI application around the one that :class:`Startup` loads: half-started parts never see a request."""

    def __init__(self, startup: Startup) -> None:
        self.startup = startup
        self._health = Router(routes=list(routes(startup.health, startup.lag)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass requests on once ready; until then answer health here, where nobody is signed in yet."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self.startup.progress.ready and self.startup.app is not None:
            await self.startup.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013, "reason": "starting"})
        elif is_health(scope["path"]):
            await self._health(scope, receive, send)
        else:
            await self._refuse(send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.startup.running(wait=False))
            await send({"type": "lifespan.startup.complete"})
            await receive()
        done: Message = {"type": "lifespan.shutdown.complete"}
        await send(done)

    async def _refuse(self, send: Send) -> None:
        step = self.startup.progress.current
        error = UnavailableError(
            f"RCG is starting: step {step}." if step else "RCG is starting.", "Try again in a moment."
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"retry-after", b"1"),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(error.as_json()).encode()})


def is_health(path: str) -> bool:
    """Whether a path belongs to health, which answers from the first moment on."""
    return any(path == root or path.startswith(f"{root}/") for root in HEALTH_PATHS)

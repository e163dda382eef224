"""Answers 503 to everything but health while the server is starting, naming the step it is at."""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Receive, Scope, Send

from rcg.errors import UnavailableError
from rcg.server.progress import StartProgress

HEALTH_PATHS = ("/health", "/api/health")


class StartGate:
    """ASGI middleware outside of everything: half-started parts never see a request."""

    def __init__(self, app: ASGIApp, progress: StartProgress) -> None:
        self.app = app
        self.progress = progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let lifespan and health through, everything once ready."""
        if self.progress.ready or scope["type"] == "lifespan" or is_health(scope["path"]):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013, "reason": "starting"})
        else:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        step = self.progress.current
        error = UnavailableError(
            f"RCG is starting: step {step}." if step else "RCG is starting.", "Try again in a moment."
        )
        body = json.dumps(error.as_json()).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"retry-after", b"1"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def is_health(path: str) -> bool:
    """Whether a path belongs to health, which answers from the first moment on."""
    return any(path == root or path.startswith(f"{root}/") for root in HEALTH_PATHS)

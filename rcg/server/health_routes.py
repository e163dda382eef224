"""The addresses of health: at the root, and ``/api/health`` for those who look there first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from rcg import __version__
from rcg.server.health import HealthBoard
from rcg.server.lag import LoopLag

DEAD_S = 10.0
"""an event loop this late serves nobody"""
_HEADERS = {"cache-control": "no-store"}


def routes(board: HealthBoard, lag: LoopLag) -> list[Route]:
    """``/health/live``, and ``/health/ready`` with its other names."""

    async def live(_request: Request) -> JSONResponse:
        body = {
            "status": "live",
            "version": __version__,
            "loop_lag_ms": round(lag.last * 1000, 1),
            "loop_lag_worst_ms": round(lag.worst * 1000, 1),
        }
        return JSONResponse(body, 200 if lag.last < DEAD_S else 503, _HEADERS)

    async def ready(request: Request) -> JSONResponse:
        signed_in = getattr(request.state, "principal", None) is not None
        ok, body = await board.ready(details=signed_in)
        return JSONResponse(body, 200 if ok else 503, _HEADERS)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/health", ready),
        Route("/api/health", ready),
    ]

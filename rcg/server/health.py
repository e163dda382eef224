"""Live and ready. Live costs nothing and says how late the event loop is; ready asks every part, briefly.

``/health/live``: 200 as long as the event loop turns. ``/health/ready``: 503 until every part is well; names
every area and part. What is wrong and what to do is for the signed-in; others learn names and ok, no more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rcg.errors import RcgError
from rcg.server.progress import StartProgress

CHECK_TIMEOUT_S = 1.0
CACHE_S = 1.0
PARTS = ("database", "valkey", "workers", "disk", "certificate")
"""named from the first moment on, before their checks exist"""


@dataclass(frozen=True)
class Verdict:
    """How a part is: ``detail`` says what is, ``hint`` what to do when it is not well."""

    ok: bool
    detail: str = ""
    hint: str = ""


Check = Callable[[], Awaitable[Verdict]]


class HealthBoard:
    """The checks of one server, each with a time limit, their verdicts kept for a second."""

    def __init__(self, progress: StartProgress) -> None:
        self.progress = progress
        self.areas: dict[str, str] = {}
        self._checks: dict[str, Check] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._checked_at = -CACHE_S
        self._lock = asyncio.Lock()

    def add(self, name: str, check: Check) -> None:
        """Register a part."""
        self._checks[name] = check

    def add_area(self, name: str, path: str) -> None:
        """Register a mounted area by its name and path."""
        self.areas[name] = path

    async def verdicts(self) -> dict[str, Verdict]:
        """Every part's verdict, at most ``CACHE_S`` old; nothing is asked before the start has ended."""
        if not self.progress.ready:
            waiting = Verdict(ok=False, detail=self._start_sentence())
            return dict.fromkeys([*PARTS, *self._checks], waiting)
        async with self._lock:
            if time.monotonic() - self._checked_at >= CACHE_S:
                found = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
                self._verdicts = dict(zip(self._checks, found, strict=True))
                self._checked_at = time.monotonic()
            return self._verdicts

    async def ready(self, *, details: bool) -> tuple[bool, dict[str, Any]]:
        """Whether everything is well, and the JSON that says so, with or without details."""
        verdicts = await self.verdicts()
        ok = self.progress.ready and all(verdict.ok for verdict in verdicts.values())
        body: dict[str, Any] = {
            "status": "ready" if ok else "degraded" if self.progress.ready else "starting"
        }
        if not self.progress.ready:
            body["step"] = self.progress.current
        body["areas"] = {name: _area(self.progress.ready, path, details) for name, path in self.areas.items()}
        body["parts"] = {name: _part(verdict, details) for name, verdict in verdicts.items()}
        return ok, body

    def _start_sentence(self) -> str:
        return f"starting: step {self.progress.current}" if self.progress.current else "starting"


def _part(verdict: Verdict, details: bool) -> dict[str, Any]:
    if not details:
        return {"ok": verdict.ok}
    return {"ok": verdict.ok, "detail": verdict.detail, "hint": verdict.hint}


def _area(ready: bool, path: str, details: bool) -> dict[str, Any]:
    return {"ok": ready, "path": path} if details else {"ok": ready}


async def _ask(check: Check) -> Verdict:
    try:
        return await asyncio.wait_for(check(), CHECK_TIMEOUT_S)
    except TimeoutError:
        return Verdict(ok=False, detail=f"no answer within {CHECK_TIMEOUT_S:g} s", hint="See logs/rcg.log.")
    except RcgError as error:
        return Verdict(ok=False, detail=error.detail, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - a check that breaks is a verdict, not a broken health page
        return Verdict(ok=False, detail=f"{type(error).__name__}: {error}", hint="See logs/rcg.log.")

"""The stream of events, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rcg.container import Container
    from rcg.jobs.events import Event

HEARTBEAT_S = 15.0
_RETRY_MS = 2000


async def stream(container: Container, after_id: str | None) -> AsyncIterator[bytes]:
    """Yield events as they happen, from the one after ``after_id`` on.

    First comes ``hello``; then a comment whenever nothing happened for 15 s, so that a dead line is noticed.
    Ends when the server stops, because a server waits for its open answers.
    """
    hub = container.jobs.events
    # Who comes new starts from the present's id, so that nothing is missed between here and the subscription;
    # who resumes gets no id before what was missed, or a line that breaks in the middle would skip the rest.
    now = hub.last_id if after_id is None else None
    yield f"retry: {_RETRY_MS}\n".encode() + encode("hello", {}, now)
    events = hub.subscribe(after_id or now)
    stopping = asyncio.ensure_future(container.stopping.wait())
    coming = _next(events)
    try:
        while True:
            both: set[asyncio.Future[Any]] = {stopping, coming}
            await asyncio.wait(both, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                return
            if not coming.done():
                yield b": still here\n\n"
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            yield encode(event.kind, event.as_json(), event.id)
            coming = _next(events)
    finally:
        for task in (stopping, coming):
            task.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await task
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def _next(events: AsyncIterator[Event]) -> asyncio.Future[Event]:
    return asyncio.ensure_future(anext(events))


def encode(kind: str, data: dict[str, Any], event_id: str | None = None) -> bytes:
    """Return one event in the form of the standard. JSON on one line, so that no line can begin a field."""
    head = f"id: {event_id}\n" if event_id else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {kind}\ndata: {text}\n\n".encode()

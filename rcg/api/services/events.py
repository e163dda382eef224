"""The stream of events, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rcg.container import Container

HEARTBEAT_S = 15.0
_RETRY_MS = 2000


async def stream(container: Container, after_id: str | None) -> AsyncIterator[bytes]:
    """Yield events as they happen, from the one after ``after_id`` on.

    First comes ``hello``; then a comment whenever nothing happened for 15 s, so that a dead line is noticed. Ends
    when the server stops, because a server waits for its open answers.
    """
    yield f"retry: {_RETRY_MS}\n".encode() + encode("hello", {})
    events = container.jobs.events.subscribe(after_id)
    stopping = asyncio.ensure_future(container.stopping.wait())
    coming = asyncio.ensure_future(anext(events))
    try:
        while True:
            await asyncio.wait({stopping, coming}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                return
            if not coming.done():
                yield b": still here\n\n"
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            yield encode(event.kind, event.data, event.id)
            coming = asyncio.ensure_future(anext(events))
    finally:
        for task in (stopping, coming):
            task.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await task
        await events.aclose()


def encode(kind: str, data: dict[str, Any], event_id: str | None = None) -> bytes:
    """Return one event in the form of the standard. JSON on one line, so that no line can begin a field."""
    head = f"id: {event_id}\n" if event_id else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {kind}\ndata: {text}\n\n".encode()

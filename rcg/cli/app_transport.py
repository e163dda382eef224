"""Carries httpx requests straight to an ASGI application in this process, both bodies piece by piece."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Scope

_PIECES = 16
"""how many pieces of an answer may wait for their reader"""


class AppTransport(httpx.BaseTransport):
    """For ``httpx.Client(transport=...)``.

    Args:
        app: the application, already started.
        loop: where it lives; it runs in another thread.
    """

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the application. Raises what it raises before it has answered."""
        answer = _Answer()
        asyncio.run_coroutine_threadsafe(self._ask(request, answer), self._loop)
        first = answer.next()
        assert first is not None, "the application answered nothing"
        return httpx.Response(first["status"], headers=first["headers"], stream=_Stream(answer))

    async def _ask(self, request: httpx.Request, answer: _Answer) -> None:
        pieces = iter(request.stream)  # type: ignore[arg-type]  # a synchronous client sends a synchronous stream
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if sent:
                await asyncio.to_thread(answer.closed.wait)
                return {"type": "http.disconnect"}
            piece = await asyncio.to_thread(next, pieces, None)
            sent = piece is None
            return {"type": "http.request", "body": piece or b"", "more_body": not sent}

        async def send(message: Message) -> None:
            await asyncio.to_thread(answer.put, message)

        try:
            await self._app(_scope(request), receive, send)
        except BaseException as error:
            await asyncio.to_thread(answer.fail, error)
            if not isinstance(error, Exception):
                raise
        finally:
            await asyncio.to_thread(answer.end)


class _Answer:
    """What the application sends, handed from its thread to the caller's."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self._messages: queue.Queue[Message | BaseException | None] = queue.Queue(_PIECES)

    def put(self, message: Message | BaseException | None) -> None:
        """Hand over; waits while the reader is behind, drops what nobody reads any more."""
        while not self.closed.is_set():
            try:
                self._messages.put(message, timeout=0.2)
            except queue.Full:
                continue
            return

    def fail(self, error: BaseException) -> None:
        """The application broke."""
        self.put(error)

    def end(self) -> None:
        """Nothing more comes."""
        self.put(None)

    def next(self) -> Message | None:
        """Return the next message, None at the end. Raises what the application raised."""
        message = self._messages.get()
        if isinstance(message, BaseException):
            self.closed.set()
            raise message
        return message


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: _Answer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        while (message := self._answer.next()) is not None:
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return

    def close(self) -> None:
        self._answer.closed.set()


def _scope(request: httpx.Request) -> Scope:
    path = request.url.path
    headers: list[Any] = [(name.lower(), value) for name, value in request.headers.raw]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": headers,
        "server": (request.url.host, request.url.port or 443),
        "client": ("127.0.0.1", 0),
        "state": {},
    }

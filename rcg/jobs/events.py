"""Events for browsers: one capped Stream in Valkey, fanned out to every open page of this server.

An event's id is ``<epoch>.<stream id>``. The epoch is new with every start and every reconnect to Valkey:
over such a gap events can be lost, so whoever resumes with an older epoch gets ``reset`` and loads its page's
state anew.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import valkey

from rcg.jobs.link import LOST, ValkeyLink
from rcg.jobs.outbox import Outbox

logger = logging.getLogger("rcg.jobs.events")
CAP = 10_000
"""Entries kept in the Stream and in memory for those who resume."""
_WAITING = 2_000
_READ_MS = 500


@dataclass(frozen=True)
class Event:
    """Something that happened: ``state``, ``progress``, ``log``, ``metric``, ``sample``, ... or ``reset``."""

    id: str
    kind: str
    data: dict[str, Any]
    job_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What a browser gets as the event's data."""
        return {"kind": self.kind, "job_id": self.job_id, **self.data}


class _Subscriber:
    """One open page: a bounded queue in its own event loop. A page too slow to read starts anew."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def push(self, event: Event | None, reset: Event) -> None:
        """Called in the subscriber's loop."""
        if self.queue.qsize() >= _WAITING:
            while not self.queue.empty():
                self.queue.get_nowait()
            event = reset if event is not None else None
        self.queue.put_nowait(event)


class EventHub:
    """Publishes to the Stream, reads it once, and gives each subscriber what it has not seen.

    Args:
        link: the connection.
        outbox: writes the events.
    """

    def __init__(self, link: ValkeyLink, outbox: Outbox) -> None:
        self._link = link
        self._outbox = outbox
        self._lock = threading.Lock()
        self._subscribers: set[_Subscriber] = set()
        self._seen: deque[Event] = deque(maxlen=CAP)
        self._dropped = False
        self._begun = False
        self._epoch = secrets.token_hex(4)
        self._position = "0-0"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="rcg events", daemon=True)

    @property
    def _client(self) -> Any:
        return self._link.client  # Any: the stubs of valkey mix the types of its two clients

    @property
    def _stream(self) -> str:
        return f"{self._link.prefix}:events"

    @property
    def last_id(self) -> str:
        """The id from which a page that is rendered now should subscribe."""
        with self._lock:
            return self._seen[-1].id if self._seen else f"{self._epoch}.0-0"

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def publish(self, kind: str, data: dict[str, Any], job_id: str | None = None) -> None:
        """Add an event. Never blocks; lost when Valkey is down, which subscribers learn by ``reset``."""
        fields = {"kind": kind, "job": job_id or "", "data": json.dumps(data, separators=(",", ":"))}
        self._outbox.put(lambda: self._client.xadd(self._stream, fields, maxlen=CAP, approximate=True))

    async def subscribe(self, after_id: str | None = None) -> AsyncIterator[Event]:
        """Yield events as they come, after ``after_id`` if it is still known, else from now.

        The first is ``reset`` when ``after_id`` is of an older epoch or no longer kept. Ends with the hub.
        """
        subscriber = _Subscriber(asyncio.get_running_loop())
        with self._lock:
            for event in self._missed(after_id):
                subscriber.queue.put_nowait(event)
            if self._closing.is_set():
                subscriber.queue.put_nowait(None)
            self._subscribers.add(subscriber)
        try:
            while (coming := await subscriber.queue.get()) is not None:
                yield coming
        finally:
            with self._lock:
                self._subscribers.discard(subscriber)

    def begin_epoch(self) -> None:
        """After a connect or reconnect: read from the Stream's present end on, tell everyone to reload."""
        newest = self._client.xrevrange(self._stream, count=1)
        with self._lock:
            self._position = newest[0][0] if newest else "0-0"
            if not self._begun:
                self._begun = True
                return
            self._epoch = secrets.token_hex(4)
            self._seen.clear()
            self._dropped = False
            self._send(self._reset())

    def close(self) -> None:
        """End every subscription, now and to come, so that no open page holds up the server's stop."""
        with self._lock:
            self._closing.set()
            self._send(None)

    def stop(self) -> None:
        """Close, and end the reading thread."""
        self.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _missed(self, after_id: str | None) -> list[Event]:
        if after_id is None:
            return []
        if after_id == f"{self._epoch}.0-0" and not self._dropped:
            return list(self._seen)
        for index, event in enumerate(self._seen):
            if event.id == after_id:
                return list(self._seen)[index + 1 :]
        return [self._reset()]

    def _reset(self) -> Event:
        return Event(self._seen[-1].id if self._seen else f"{self._epoch}.0-0", "reset", {})

    def _read(self) -> None:
        while not self._closing.is_set():
            if not self._link.up.wait(timeout=0.5):
                continue
            with self._lock:
                epoch, position = self._epoch, self._position
            try:
                answer = self._client.xread({self._stream: position}, count=500, block=_READ_MS)
            except LOST:
                self._closing.wait(0.1)
                continue
            except valkey.ValkeyError:
                logger.exception("reading events failed")
                self._closing.wait(1.0)
                continue
            if answer:
                self._take(epoch, _entries(answer))

    def _take(self, epoch: str, entries: list[tuple[str, dict[str, str]]]) -> None:
        with self._lock:
            if epoch != self._epoch:
                return  # read before a reconnect: positions of two lives of Valkey must not be mixed
            for entry_id, fields in entries:
                self._position = entry_id
                data = json.loads(fields["data"])
                event = Event(f"{epoch}.{entry_id}", fields["kind"], data, fields["job"] or None)
                self._dropped = self._dropped or len(self._seen) == CAP
                self._seen.append(event)
                self._send(event)

    def _send(self, event: Event | None) -> None:
        reset = self._reset()
        for subscriber in tuple(self._subscribers):
            try:
                subscriber.loop.call_soon_threadsafe(subscriber.push, event, reset)
            except RuntimeError:  # its loop has been closed without ending the subscription
                self._subscribers.discard(subscriber)


def _entries(answer: Any) -> list[tuple[str, dict[str, str]]]:
    if isinstance(answer, dict):
        return [entry for parts in answer.values() for part in parts for entry in part]
    return [entry for _, entries in answer for entry in entries]

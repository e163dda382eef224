"""Hints that a job waits, as Valkey Streams: one per resource class and priority band, with a consumer group.

An entry only says "look at this row". It is acknowledged and deleted when its job has ended or when the row
says that there is nothing to do. Losing an entry costs time (the reconciler writes it again), doubling one
costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import valkey

from rcg.jobs.link import ValkeyLink

RESOURCES = ("cpu", "gpu", "io", "net", "train")
BANDS = (0, 1, 2)
GROUP = "slots"
_READ_AT_ONCE = 1000


@dataclass(frozen=True)
class Entry:
    """A hint that was delivered: where it lies, its id there, and the job it speaks of."""

    stream: str
    entry_id: str
    job_id: str


class Dispatch:
    """The Streams of jobs.

    Args:
        link: the connection.
    """

    def __init__(self, link: ValkeyLink) -> None:
        self._link = link

    @property
    def _client(self) -> Any:
        return self._link.client  # Any: the stubs of valkey mix the types of its two clients

    def stream(self, resource: str, band: int) -> str:
        """The key of one Stream."""
        return f"{self._link.prefix}:jobs:{resource}:{min(max(band, BANDS[0]), BANDS[-1])}"

    def streams(self) -> list[str]:
        """Every Stream's key."""
        return [self.stream(resource, band) for resource in RESOURCES for band in BANDS]

    def prepare(self) -> None:
        """Make the consumer group on every Stream that lacks it."""
        for stream in self.streams():
            try:
                self._client.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except valkey.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    def clear(self) -> None:
        """Forget every hint, also those delivered to consumers that are no more."""
        self._client.delete(*self.streams())
        self.prepare()

    def add(self, job_id: str, resource: str, band: int) -> None:
        """Say that a job waits."""
        self._client.xadd(self.stream(resource, band), {"job": job_id})

    def take(self, consumer: str, resource: str, wait_ms: int) -> Entry | None:
        """The next hint for a slot, lowest band first; wait for one at most so many milliseconds."""
        streams = [self.stream(resource, band) for band in BANDS]
        for stream in streams:
            if found := self._read(consumer, [stream], None):
                return found[0]
        found = self._read(consumer, streams, wait_ms)
        for entry in found[1:]:  # hints can come into several bands at once; a slot does one job at a time
            self._client.xadd(entry.stream, {"job": entry.job_id})
            self.settle(entry)
        return found[0] if found else None

    def beat(self, consumer: str, entry: Entry) -> None:
        """Keep a delivered hint from being taken for abandoned."""
        self._client.xclaim(entry.stream, GROUP, consumer, 0, [entry.entry_id], justid=True)

    def settle(self, entry: Entry) -> None:
        """Acknowledge a hint and delete it."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xack(entry.stream, GROUP, entry.entry_id)
            pipe.xdel(entry.stream, entry.entry_id)
            pipe.execute()

    def abandoned(self, consumer: str, idle_ms: int) -> list[Entry]:
        """Take over the hints whose consumers have not beaten for so long."""
        found = []
        for stream in self.streams():
            _, entries, _ = self._client.xautoclaim(
                stream, GROUP, consumer, idle_ms, "0-0", count=_READ_AT_ONCE
            )
            found += [Entry(stream, entry_id, fields["job"]) for entry_id, fields in entries if fields]
        return found

    def known(self) -> set[str]:
        """The jobs of which there is a hint, waiting or delivered."""
        jobs: set[str] = set()
        for stream in self.streams():
            start = "-"
            while entries := self._client.xrange(stream, start, "+", count=_READ_AT_ONCE):
                jobs.update(fields["job"] for _, fields in entries)
                start = f"({entries[-1][0]}"
        return jobs

    def forget(self, consumers: Iterable[str]) -> None:
        """Remove consumers that are about to end."""
        for stream in self.streams():
            for consumer in consumers:
                self._client.xgroup_delconsumer(stream, GROUP, consumer)

    def _read(self, consumer: str, streams: list[str], wait_ms: int | None) -> list[Entry]:
        answer = self._client.xreadgroup(GROUP, consumer, dict.fromkeys(streams, ">"), count=1, block=wait_ms)
        return [
            Entry(stream, entry_id, fields["job"])
            for stream, entries in _pairs(answer)
            for entry_id, fields in entries
        ]


def _pairs(answer: Any) -> list[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """The streams of an answer: a list of pairs, or with the newer protocol a dict of lists of lists."""
    if isinstance(answer, dict):
        return [(stream, [entry for part in parts for entry in part]) for stream, parts in answer.items()]
    return [(stream, entries) for stream, entries in answer or []]

"""What a running job says, kept and passed on: not every word, but always the last."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from sqlalchemy.exc import DBAPIError

from rcg.jobs import rows
from rcg.jobs.events import EventHub
from rcg.jobs.handler import Keep
from rcg.jobs.joblog import JobLog
from rcg.store.db import Database

logger = logging.getLogger("rcg.jobs")
EVENT_EVERY_S = 0.2
ROW_EVERY_S = 1.0


class Reporter:
    """Of one attempt. Progress goes to pages five times a second and to the row once, at most.

    Args:
        keep: writes what events say into the kind's own rows; None: they are only published.
    """

    def __init__(
        self, db: Database, hub: EventHub, log: JobLog, job_id: str, attempt: int, keep: Keep | None = None
    ) -> None:
        self._keep_events = keep
        self._events: list[dict[str, Any]] = []
        self.heard_at = time.monotonic()
        self._db = db
        self._hub = hub
        self._log = log
        self._job_id = job_id
        self._attempt = attempt
        self._lock = threading.Lock()
        self._closed = False
        self._latest: tuple[float, str] | None = None
        self._published: tuple[float, str] | None = None
        self._kept: tuple[float, str] | None = None
        self._published_at = self._kept_at = 0.0

    def progress(self, fraction: float, message: str) -> None:
        """Note how far the job is; :meth:`flush` passes it on when it is time."""
        self.heard_at = time.monotonic()
        with self._lock:
            if not self._closed:
                self._latest = (min(max(fraction, 0.0), 1.0), message)
        self.flush()

    def log(self, text: str, level: str) -> None:
        """Add a line to the job's log."""
        self.heard_at = time.monotonic()
        self._hub.publish("log", self._log.add(text, level, self._attempt), self._job_id)

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Publish an event of another kind."""
        self.heard_at = time.monotonic()
        self._hub.publish(kind, data, self._job_id)
        if self._keep_events is not None:
            with self._lock:
                self._events.append(data)

    def close(self) -> None:
        """Say no more: the job's end comes next, and nothing may come after it."""
        with self._lock:
            events, self._events = self._events, []
            self._latest = None
            self._closed = True
        if events:
            self._keep(None, events)

    def flush(self) -> None:
        """Pass the latest progress on if it is due; called now and then, so that the last word gets out."""
        now = time.monotonic()
        events: list[dict[str, Any]] = []
        with self._lock:
            latest = self._latest
            publish = latest != self._published and now - self._published_at >= EVENT_EVERY_S
            news = (latest is not None and latest != self._kept) or bool(self._events)
            keep = news and now - self._kept_at >= ROW_EVERY_S
            if publish:
                self._published, self._published_at = latest, now
            if keep:
                self._kept, self._kept_at = latest, now
                events, self._events = self._events, []
        if publish and latest is not None:
            data = {"progress": latest[0], "message": latest[1], "attempt": self._attempt}
            self._hub.publish("progress", data, self._job_id)
        if keep:
            self._keep(latest, events)

    def _keep(self, latest: tuple[float, str] | None, events: list[dict[str, Any]]) -> None:
        try:
            with self._db.write() as session:
                if latest is not None:
                    rows.note_progress(session, self._job_id, self._attempt, *latest)
                if events and self._keep_events is not None:
                    self._keep_events(session, self._job_id, events)
        except DBAPIError as error:  # progress is not worth a job: the next one is written again
            logger.warning("progress of job %s is not kept: %s", self._job_id, error.orig)

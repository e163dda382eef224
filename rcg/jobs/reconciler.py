"""Makes Valkey and the rows agree: what the rows say is true, what Valkey lacks it is told again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from rcg.jobs import rows
from rcg.jobs.dispatch import Dispatch
from rcg.jobs.link import ValkeyLink
from rcg.jobs.model import Limits
from rcg.store.db import Database, now_ms
from rcg.store.models import Job

logger = logging.getLogger("rcg.jobs")
SERVER_ALIVE_S = 15


class Reconciler:
    """Finds running jobs whose server is gone, and queued jobs of which Valkey has no hint.

    Args:
        exclusive: no other server works on this database; else the other servers' signs of life in Valkey
            decide.
        holds: whether a slot of this server is busy with an attempt of a job.
        changed: told of every row that was changed, after the commit.
        later: told of every queued row that is not yet due.
    """

    def __init__(
        self,
        db: Database,
        link: ValkeyLink,
        dispatch: Dispatch,
        worker: str,
        limits: Limits,
        *,
        exclusive: bool,
        holds: Callable[[str], bool],
        changed: Callable[[Job], None],
        later: Callable[[Job], None],
    ) -> None:
        self._db = db
        self._link = link
        self._dispatch = dispatch
        self._worker = worker
        self._limits = limits
        self._exclusive = exclusive
        self._holds = holds
        self._changed = changed
        self._later = later

    def begin(self) -> None:
        """After a connect: with the Valkey to ourselves every old hint goes, for its consumer is gone."""
        if self._exclusive:
            self._dispatch.clear()
        else:
            self._dispatch.prepare()
        self.say_alive()

    def say_alive(self) -> None:
        """Give a sign of life of this server."""
        self._link.client.set(self._alive_key(self._worker), "1", ex=SERVER_ALIVE_S)

    def say_gone(self) -> None:
        """Take the sign of life back."""
        self._link.client.delete(self._alive_key(self._worker))

    def reconcile(self) -> int:
        """Repair every difference; returns how many rows were lost or unknown to Valkey."""
        self._dispatch.prepare()
        return self._find_lost() + self._find_unknown()

    def _find_lost(self) -> int:
        with self._db.read() as session:
            orphans = [
                (job.id, job.attempt) for job in rows.running(session) if self._is_gone(job.worker, job.id)
            ]
        for job_id, attempt in orphans:
            with self._db.write() as session:
                job = rows.lost(session, job_id, attempt, self._limits)
            if job is not None:
                logger.warning(
                    "job %s was lost with its server (%d times); it is %s", job.id, job.losses, job.state
                )
                self._changed(job)
        return len(orphans)

    def _find_unknown(self) -> int:
        known = self._dispatch.known()
        with self._db.read() as session:
            waiting = [job for job in rows.queued(session) if job.id not in known and not self._holds(job.id)]
        now = now_ms()
        for job in waiting:
            if job.due_at <= now:
                self._dispatch.add(job.id, job.resource, job.band)
            else:
                self._later(job)
        return len(waiting)

    def _is_gone(self, worker: str | None, job_id: str) -> bool:
        if worker == self._worker:
            return not self._holds(job_id)
        if self._exclusive or worker is None:
            return True
        if time.monotonic() - self._link.up_since < SERVER_ALIVE_S + 5:
            return False  # Valkey may have lost the signs of life; give the others time to renew them
        return not self._link.client.exists(self._alive_key(worker))

    def _alive_key(self, worker: str) -> str:
        return f"{self._link.prefix}:server:{worker}"

"""The few things that have to be done again and again while the server runs, in one thread."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import valkey
from sqlalchemy.exc import DBAPIError

from rcg.jobs import rows
from rcg.jobs.dispatch import Dispatch
from rcg.jobs.link import ValkeyLink
from rcg.jobs.reconciler import Reconciler
from rcg.jobs.slots import Slot
from rcg.store.db import Database, now_ms
from rcg.store.models import Job

logger = logging.getLogger("rcg.jobs")
TICK_S = 0.1
BEAT_S = 3.0
CANCELS_S = 1.0
DISK_S = 2.0
ABANDONED_MS = 15_000


class Upkeep:
    """Beats, due jobs, cancel requests, free disk space, abandoned hints, reconciling.

    Args:
        reconcile_s: how often the rows and Valkey are compared without a reason.
        min_free_mb: below this no job starts.
    """

    def __init__(
        self,
        db: Database,
        link: ValkeyLink,
        dispatch: Dispatch,
        reconciler: Reconciler,
        slots: Sequence[Slot],
        *,
        data_dir: Path,
        reconcile_s: float,
        min_free_mb: int,
    ) -> None:
        self.paused = ""
        self.reconcile_soon = threading.Event()
        self._db = db
        self._link = link
        self._dispatch = dispatch
        self._reconciler = reconciler
        self._slots = slots
        self._data_dir = data_dir
        self._min_free_mb = min_free_mb
        self._later: dict[str, Job] = {}
        self._later_lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="rcg upkeep", daemon=True)
        self._duties: list[tuple[float, Callable[[], object]]] = [
            (TICK_S, self._flush_progress),
            (TICK_S, self._add_due),
            (CANCELS_S, self._pass_on_cancels),
            (BEAT_S, self._beat),
            (DISK_S, self.check_disk),
            (reconcile_s, self.reconcile_soon.set),
            (TICK_S, self._reconcile_if_asked),
        ]

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def later(self, job: Job) -> None:
        """Say that a job waits when it is due."""
        with self._later_lock:
            self._later[job.id] = job

    def check_disk(self) -> None:
        """Hold jobs back while the disk is nearly full, and say so on their rows."""
        free_mb = shutil.disk_usage(self._data_dir).free // 1_000_000
        low = free_mb < self._min_free_mb
        reason = f"waits for disk space: {free_mb} MB free, {self._min_free_mb} MB needed" if low else ""
        if bool(reason) != bool(self.paused):
            logger.warning("every job %s", reason or "goes on: there is disk space again")
            with self._db.write() as session:
                rows.note_waiting(session, reason)
            if not low:
                self.reconcile_soon.set()
        self.paused = reason

    def _work(self) -> None:
        due = [time.monotonic() + every for every, _ in self._duties]
        while not self._stopping.wait(TICK_S):
            for index, (every, duty) in enumerate(self._duties):
                if time.monotonic() >= due[index]:
                    due[index] = time.monotonic() + every
                    self._do(duty)

    def _do(self, duty: Callable[[], object]) -> None:
        try:
            duty()
        except (valkey.ConnectionError, valkey.TimeoutError) as error:
            logger.debug("%s waits for Valkey: %s", duty.__name__, error)
        except (valkey.ValkeyError, DBAPIError, OSError):
            logger.exception("upkeep: %s", getattr(duty, "__name__", duty))

    def _flush_progress(self) -> None:
        for slot in self._slots:
            if current := slot.current:
                current.reporter.flush()

    def _add_due(self) -> None:
        if not self._link.up.is_set():
            return
        now = now_ms()
        with self._later_lock:
            due = [job for job in self._later.values() if job.due_at <= now]
            for job in due:
                del self._later[job.id]
        for job in due:
            self._dispatch.add(job.id, job.resource, job.band)

    def _pass_on_cancels(self) -> None:
        """Stop what was cancelled at another server, and what another server took for lost and runs."""
        busy = {current.job_id: current for slot in self._slots if (current := slot.current)}
        if not busy:
            return
        with self._db.read() as session:
            found = {job.id: job for job in rows.among(session, list(busy))}
        for job_id, current in busy.items():
            job = found.get(job_id)
            if job is None or job.attempt > current.attempt:
                current.control.stop("lost")
            elif job.cancel_requested:
                current.control.stop("cancel")

    def _beat(self) -> None:
        if not self._link.up.is_set():
            return
        self._reconciler.say_alive()
        for slot in self._slots:
            if entry := slot.entry:
                self._dispatch.beat(slot.consumer, entry)
        abandoned = self._dispatch.abandoned(f"{self._slots[0].consumer}:upkeep", ABANDONED_MS)
        for entry in abandoned:
            self._dispatch.settle(entry)
        if abandoned:
            self.reconcile_soon.set()

    def _reconcile_if_asked(self) -> None:
        if self.reconcile_soon.is_set() and self._link.up.is_set():
            self.reconcile_soon.clear()
            self._reconciler.reconcile()

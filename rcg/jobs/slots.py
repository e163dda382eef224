"""A slot: a thread that claims a job, has a runner compute it, and takes its result in."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import valkey

from rcg.jobs import rows
from rcg.jobs.chain import Submit
from rcg.jobs.dispatch import Dispatch, Entry
from rcg.jobs.events import EventHub
from rcg.jobs.faults import describe
from rcg.jobs.handler import HANDLERS, Handler
from rcg.jobs.joblog import JobLog, job_folder
from rcg.jobs.link import LOST, ValkeyLink
from rcg.jobs.loading import load
from rcg.jobs.model import Limits
from rcg.jobs.outcomes import Settling
from rcg.jobs.reporter import Reporter
from rcg.jobs.runner import Control, Failed, Outcome, Runner, Task
from rcg.store.db import Database
from rcg.store.models import Job

logger = logging.getLogger("rcg.jobs")
TAKE_MS = 500


@dataclass(frozen=True)
class Surroundings:
    """What every slot of one server shares."""

    db: Database
    link: ValkeyLink
    dispatch: Dispatch
    hub: EventHub
    worker: str
    data_dir: Path
    threads: int
    limits: Limits
    changed: Callable[[Job], None]
    """told of every row that a slot changed, after the commit"""
    paused: Callable[[], str]
    """why no job may start now; empty when nothing holds them up"""
    amiss: Callable[[], None]
    """told when Valkey lacks something that should be there"""
    submit: Submit | None = None
    """how a job that ends asks for another"""


@dataclass
class Current:
    """The attempt a slot is busy with."""

    job_id: str
    attempt: int
    control: Control
    reporter: Reporter
    runner: Runner
    since: float


class Slot:
    """One job at a time of one resource class.

    Args:
        name: of the thread and the consumer.
        resource: the class of jobs it serves.
        shared: what it shares with the other slots.
        choose: which runner computes a job of a handler here.
        runners: every runner that ``choose`` may give; closed with the slot.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        shared: Surroundings,
        choose: Callable[[Handler, Job], Runner],
        runners: tuple[Runner, ...],
    ) -> None:
        self.name = name
        self.resource = resource
        self.consumer = f"{shared.worker}:{name}"
        self.entry: Entry | None = None
        self.current: Current | None = None
        self._shared = shared
        self._choose = choose
        self._runners = runners
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"rcg slot {name}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop_claiming(self) -> None:
        """Claim no more jobs, and ask the running one to stop because the server ends."""
        self._stopping.set()
        if current := self.current:
            current.control.stop("stop")

    def stop_job(self, job_id: str, why: str) -> None:
        """Ask the job to stop if it runs here."""
        if (current := self.current) and current.job_id == job_id:
            current.control.stop(why)

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; whether it has ended."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def kill(self) -> None:
        """End the running job by force, where its runner can."""
        if current := self.current:
            current.runner.kill()

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                self._once()
        finally:
            for runner in self._runners:
                runner.close()

    def _once(self) -> None:
        if not self._shared.link.up.wait(timeout=0.5):
            return
        if self._shared.paused():
            self._stopping.wait(0.5)
            return
        try:
            self.entry = self._shared.dispatch.take(self.consumer, self.resource, TAKE_MS)
        except LOST:
            self._stopping.wait(0.1)
            return
        except valkey.ResponseError as error:  # somebody emptied the Valkey: the reconciler fills it again
            logger.warning("slot %s cannot read its queue: %s", self.name, error)
            self._shared.amiss()
            self._stopping.wait(0.5)
            return
        if self.entry is None:
            for runner in self._runners:
                runner.rest()
            return
        try:
            self._serve(self.entry)
        except Exception:
            logger.exception("slot %s: job %s", self.name, self.entry.job_id)
            self._stopping.wait(1.0)
        finally:
            self._settle(self.entry)

    def _serve(self, entry: Entry) -> None:
        if self._stopping.is_set() or self._shared.paused():
            return  # the row stays queued; the reconciler finds it
        with self._shared.db.write() as session:
            job = rows.claim(session, entry.job_id, self._shared.worker)
        if job is None:
            return  # a duplicate, not yet due, cancelled or gone
        self._shared.changed(job)
        handler = HANDLERS.get(job.kind)
        runner = self._choose(handler, job) if handler else self._runners[0]
        log = JobLog(self._shared.data_dir, job.id)
        keep = load(handler.keep) if handler and handler.keep else None
        reporter = Reporter(self._shared.db, self._shared.hub, log, job.id, job.attempt, keep)
        self.current = Current(job.id, job.attempt, Control(), reporter, runner, time.monotonic())
        if self._stopping.is_set():
            self.current.control.stop("stop")
        try:
            outcome = self._compute(job, handler, self.current)
            reporter.close()
            settling = Settling(
                self._shared.db, self._shared.limits, log, self._stopping, self._shared.submit
            )
            if ended := settling.settle(job, handler, outcome, self.current.control):
                self._shared.changed(ended)
        finally:
            self.current = None

    def _compute(self, job: Job, handler: Handler | None, current: Current) -> Outcome:
        if handler is None:
            return Failed(_unknown_kind(job.kind))
        scratch = job_folder(self._shared.data_dir, job.id) / f"attempt-{job.attempt}"
        try:
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            task = Task(
                job.id, job.attempt, handler.compute, job.spec,
                self._shared.data_dir, scratch, self._shared.threads,
            )  # fmt: skip
            return current.runner.run(task, current.reporter, current.control)
        except OSError as error:
            return Failed(describe(error))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            with contextlib.suppress(OSError):  # a job that wrote no log leaves no folder
                scratch.parent.rmdir()

    def _settle(self, entry: Entry) -> None:
        self.entry = None
        try:
            self._shared.dispatch.settle(entry)
        except valkey.ValkeyError as error:  # a hint that stays is a duplicate, and those are dropped
            logger.info("hint of job %s stays: %s", entry.job_id, error)


def _unknown_kind(kind: str) -> dict[str, str]:
    return {
        "error": "unknown_kind",
        "detail": f"This version of RCG knows no jobs of kind {kind!r}.",
        "hint": f"Known kinds: {', '.join(sorted(HANDLERS))}. Was the job queued by a newer version?",
    }

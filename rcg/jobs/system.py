"""The job system of one server: built by hand from its parts, started and stopped in order."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import socket
from dataclasses import dataclass, field, replace
from typing import Any

import valkey
from sqlalchemy.orm import Session

from rcg.errors import ConflictError, InputError, NotFoundError, UnavailableError
from rcg.jobs import cuda, health, model, rows
from rcg.jobs.announce import after_commit, shown
from rcg.jobs.child_runner import ChildLimits, ChildRunner
from rcg.jobs.datalock import DataLock
from rcg.jobs.dispatch import Dispatch
from rcg.jobs.events import EventHub
from rcg.jobs.handler import HANDLERS, Handler
from rcg.jobs.joblog import JobLog
from rcg.jobs.link import ValkeyLink
from rcg.jobs.model import Limits
from rcg.jobs.outbox import Outbox
from rcg.jobs.reconciler import Reconciler
from rcg.jobs.runner import Runner
from rcg.jobs.slots import Slot, Surroundings
from rcg.jobs.spawner import Spawner
from rcg.jobs.thread_runner import ThreadRunner
from rcg.jobs.upkeep import Upkeep
from rcg.settings import Settings
from rcg.store.db import Database, now_ms
from rcg.store.models import Job, new_id

logger = logging.getLogger("rcg.jobs")
SERVED = ("cpu", "io", "net", "train")
"""Resource classes with slots here; a job of another class computes in a ``cpu`` slot."""
_TRAINING_NICER = 5
"""how much further than other children a training gives way"""


@dataclass(frozen=True)
class Policy:
    """Figures that only tests change.

    Attributes:
        limits: crashes, losses, rests.
        child: how long a child may take; None: as ``workers.stall_s`` says.
        reconcile_s: how often rows and Valkey are compared without a reason.
        stop_s: how long a job may take to stop when the server ends; then its child is killed.
    """

    limits: Limits = field(default_factory=Limits)
    child: ChildLimits | None = None
    reconcile_s: float = 30.0
    stop_s: float = 5.0


class JobSystem:
    """Queues jobs, computes them, tells of them. Building it opens nothing; it starts once and stops once.

    Args:
        settings: ``valkey``, ``workers``, ``limits`` and the data folder.
        db: the database; its tables exist before the start.
        policy: figures that tests shorten.
    """

    def __init__(self, settings: Settings, db: Database, policy: Policy | None = None) -> None:
        self.settings = settings
        self.db = db
        self.policy = policy or Policy()
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.lock = DataLock(settings.data_dir)
        self.threads = settings.workers.threads or max(1, (os.cpu_count() or 2) - 1)
        # A training gives way to everything else, so it may have every core.
        self.training_threads = settings.workers.threads or os.cpu_count() or 1
        self._spawner = Spawner()
        self._link = ValkeyLink(settings, self._spawner)
        self._outbox = Outbox(self._link)
        self._dispatch = Dispatch(self._link)
        self.events = EventHub(self._link, self._outbox)
        self._slots = self._make_slots()
        self._reconciler = Reconciler(
            db, self._link, self._dispatch, self.worker, self.policy.limits,
            exclusive=not (settings.valkey.url and settings.database.url),
            holds=self._holds, changed=self._changed, later=self._later,
        )  # fmt: skip
        self._upkeep = Upkeep(
            db, self._link, self._dispatch, self._reconciler, self._slots,
            data_dir=settings.data_dir, reconcile_s=self.policy.reconcile_s,
            min_free_mb=settings.limits.min_free_disk_mb,
        )  # fmt: skip
        self._started = False
        self._took_lock = False

    async def start(self) -> None:
        """Start Valkey, the slots and the upkeep. Takes the data folder's lock unless this process has it.

        Raises StartError in words for the user; then nothing is left running.
        """
        await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Stop in order: subscriptions end, running jobs are asked, then given back; Valkey stops."""
        self.events.close()
        await asyncio.to_thread(self._stop)

    def submit(
        self,
        session: Session,
        kind: str,
        spec: dict[str, Any],
        *,
        title: str,
        subject: str | None = None,
        band: int = 1,
    ) -> Job:
        """Add a job in the caller's transaction; it is dispatched after the commit.

        Args:
            session: of ``Database.write()``.
            kind: one of ``HANDLERS``.
            spec: JSON, as the handler's ``compute`` expects it.
            title: for people: what it does to what.
            subject: about what, ``"card:<id>"``.
            band: 0 before everything else, 1 normal, 2 in the background.

        Raises InputError for an unknown kind, UnavailableError when the disk is nearly full.
        """
        handler = HANDLERS.get(kind)
        if handler is None:
            raise InputError(f"There is no kind of job {kind!r}.", f"Known: {', '.join(sorted(HANDLERS))}.")
        self._refuse_full_disk()
        job = Job(
            id=new_id(), kind=kind, title=title, subject=subject, band=band, spec=spec,
            resource=handler.resource if handler.resource in SERVED else SERVED[0],
        )  # fmt: skip
        session.add(job)
        after_commit(session, job, self._changed)
        return job

    def withdraw(self, session: Session, job_id: str) -> Job | None:
        """Cancel a job that waits, in the caller's transaction; None when it runs or has ended."""
        job = session.get(Job, job_id)
        if job is None or job.state != model.QUEUED:
            return None
        job = rows.cancel(session, job_id)
        if job is not None:
            after_commit(session, job, self._changed)
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancel: a queued job at once, a running one as soon as it stops. Cancelling twice is no error.

        Raises NotFoundError, and ConflictError for a job that has ended otherwise.
        """
        with self.db.write() as session:
            job = rows.cancel(session, job_id)
            if job is None:
                job = _get(session, job_id)
                if job.state != model.CANCELLED:
                    raise ConflictError(f"The job {job.title!r} has already ended: it is {job.state}.")
                return job
        self._changed(job)
        for slot in self._slots:
            slot.stop_job(job_id, "cancel")
        return job

    def retry(self, job_id: str) -> Job:
        """Run a failed, cancelled or dead job again. Raises NotFoundError and ConflictError."""
        with self.db.write() as session:
            job = rows.retry(session, job_id)
            if job is None:
                job = _get(session, job_id)
                raise ConflictError(
                    f"The job {job.title!r} is {job.state}.",
                    "Only a failed, cancelled or dead job can be run again.",
                )
        self._changed(job)
        return job

    def tell(self, job: Job) -> None:
        """Say how a job stands, for who shows something that has changed beside it."""
        self.events.publish("state", shown(job), job.id)

    def log(self, job_id: str, limit: int = 500) -> list[dict[str, Any]]:
        """The newest lines of a job's log, oldest first: ``t`` (ms), ``level``, ``attempt``, ``text``."""
        if not job_id.isalnum():
            raise NotFoundError(f"There is no job {job_id!r}.")
        return JobLog(self.settings.data_dir, job_id).read(limit)

    def health(self) -> list[health.PartHealth]:
        """Valkey and the workers, from what their threads last saw; never blocks."""
        return [health.of_valkey(self._link), health.of_workers(self._slots, self._upkeep)]

    @property
    def valkey_pid(self) -> int | None:
        """The process number of the embedded Valkey."""
        return self._link.server.pid if self._link.server else None

    def _start(self) -> None:
        if not self.lock.held:
            self.lock.acquire()
            self._took_lock = True
        self._spawner.start()
        try:
            self._sweep_scratch()
            self._link.on_up = self._on_valkey_up
            self._link.start()
            self._reconciler.reconcile()
            self._upkeep.check_disk()
        except BaseException:
            self._link.stop()
            self._spawner.stop()
            self._release_lock()
            raise
        for start in (self._outbox.start, self.events.start, self._upkeep.start):
            start()
        for slot in self._slots:
            slot.start()
        self._started = True

    def _stop(self) -> None:
        if not self._started:
            return
        self._started = False
        for slot in self._slots:
            slot.stop_claiming()
        self._link.wake()
        self._end_slots()
        self._upkeep.stop()
        self._outbox.stop()
        self.events.stop()
        self._say_goodbye()
        self._link.stop()
        self._spawner.stop()
        self._release_lock()

    def _sweep_scratch(self) -> None:
        """Remove what attempts left behind whose server was killed."""
        for folder in (self.settings.data_dir / "jobs").glob("*/attempt-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _end_slots(self) -> None:
        patience = self.policy.stop_s / max(1, len(self._slots))
        late = [slot for slot in self._slots if not slot.join(patience if slot.current else 2.0)]
        for slot in late:
            slot.kill()
        for slot in late:
            if not slot.join(2.0) and (current := slot.current):
                logger.warning("job %s does not stop; it is given back without its end", current.job_id)
                with self.db.write() as session:
                    rows.released(session, current.job_id, current.attempt)

    def _say_goodbye(self) -> None:
        if not self._link.up.is_set():
            return
        try:
            self._reconciler.say_gone()
            self._dispatch.forget([slot.consumer for slot in self._slots])
        except valkey.ValkeyError as error:
            logger.info("Valkey was gone before the goodbye: %s", error)

    def _release_lock(self) -> None:
        if self._took_lock:
            self.lock.release()
            self._took_lock = False

    def _on_valkey_up(self) -> None:
        self._reconciler.begin()
        self.events.begin_epoch()
        self._amiss()

    def _changed(self, job: Job) -> None:
        """A row was changed and committed: say so, and if it waits, see that a slot hears of it."""
        self.events.publish("state", shown(job), job.id)
        if job.state != model.QUEUED:
            return
        if job.due_at > now_ms():
            self._later(job)
        else:
            job_id, resource, band = job.id, job.resource, job.band
            self._outbox.put(lambda: self._dispatch.add(job_id, resource, band))

    def _later(self, job: Job) -> None:
        self._upkeep.later(job)

    def _paused(self) -> str:
        return self._upkeep.paused

    def _amiss(self) -> None:
        self._upkeep.reconcile_soon.set()

    def _holds(self, job_id: str) -> bool:
        return any(
            (slot.current and slot.current.job_id == job_id) or (slot.entry and slot.entry.job_id == job_id)
            for slot in self._slots
        )

    def _refuse_full_disk(self) -> None:
        free_mb = shutil.disk_usage(self.settings.data_dir).free // 1_000_000
        needed = self.settings.limits.min_free_disk_mb
        if free_mb < needed:
            raise UnavailableError(
                f"The disk of {self.settings.data_dir} has {free_mb} MB free; RCG keeps {needed} MB.",
                "Free some space, or lower limits.min_free_disk_mb.",
            )

    def _make_slots(self) -> list[Slot]:
        workers = self.settings.workers
        shared = Surroundings(
            self.db, self._link, self._dispatch, self.events, self.worker, self.settings.data_dir,
            self.threads, self.policy.limits, self._changed, self._paused, self._amiss, self.submit,
        )  # fmt: skip
        training = replace(shared, threads=self.training_threads)
        places = [(f"cpu:{number}", shared) for number in range(workers.cpu_slots)]
        # A download lasts as long as the line likes, and must not hold up what a page waits for.
        places += [("io:0", shared), ("net:0", shared)]
        places += [(f"train:{number}", training) for number in range(workers.train_slots)]
        return [self._make_slot(name, around) for name, around in places]

    def _make_slot(self, name: str, shared: Surroundings) -> Slot:
        workers = self.settings.workers
        resource = name.partition(":")[0]
        limits = self.policy.child or ChildLimits(stall_s=workers.stall_s)
        nice = workers.nice
        if resource == "train":
            # A process per training: nothing of one is left in the memory of the next. None is ever replaced
            # before its job has ended, however long that takes.
            limits = replace(limits, jobs=1)
            nice = min(19, nice + _TRAINING_NICER) if nice else 0
        thread = ThreadRunner()
        child = ChildRunner(self._spawner, limits, threads=shared.threads, nice=nice)

        def choose(handler: Handler, job: Job) -> Runner:
            return child if handler.isolated and self._in_child(handler, job) else thread

        return Slot(name, resource, shared, choose, (thread, child))

    def _in_child(self, handler: Handler, job: Job) -> bool:
        isolation = self.settings.workers.isolation
        if isolation != "auto":
            return isolation == "child"
        # On the CPU a thread would starve the pages. What crashed before would take the server along this
        # time, and the crash of a thread was counted as the loss of the server.
        on_cuda = handler.cuda and job.spec.get("device") != "cpu" and cuda.usable()
        return not on_cuda or job.crashes > 0 or job.losses > 0


def _get(session: Session, job_id: str) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFoundError(f"There is no job {job_id!r}.", "GET /api/jobs lists them.")
    return job

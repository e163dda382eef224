"""A job system on a real Valkey and SQLite, and the kinds of jobs of ``jobs_work``."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import func, select

from rcg.jobs.child_runner import ChildLimits
from rcg.jobs.handler import HANDLERS, Handler
from rcg.jobs.model import Limits
from rcg.jobs.system import JobSystem, Policy
from rcg.settings import Settings, ValkeySettings, WorkerSettings
from rcg.store.db import Database
from rcg.store.models import Base, Card, Job

_KINDS = (
    "add", "fail", "break_down", "unprintable", "full_disk", "obedient", "hung", "crash", "slow_once",
    "stubborn", "family",
)  # fmt: skip
QUICK = Policy(
    limits=Limits(rest_ms=20),
    child=ChildLimits(stall_s=30, term_after_s=0.3, kill_after_s=0.3),
    reconcile_s=0.5,
    stop_s=1.0,
)


def _kinds() -> Iterator[Handler]:
    for name in _KINDS:
        yield Handler(f"test_{name}", f"jobs_work:{name}", "jobs_work:accept")
    yield Handler("test_refused", "jobs_work:add", "jobs_work:refuse")
    yield Handler("test_plain", "jobs_work:add")
    yield Handler("test_thread", "jobs_work:add", "jobs_work:accept", isolated=False)
    yield Handler("test_io", "jobs_work:add", "jobs_work:accept", resource="io", isolated=False)


@contextmanager
def known_kinds() -> Iterator[None]:
    """Have the kinds of this module known to the job system."""
    kinds = {handler.kind: handler for handler in _kinds()}
    HANDLERS.update(kinds)
    yield
    for kind in kinds:
        del HANDLERS[kind]


def make_settings(
    folder: Path, *, isolation: str = "child", url: str | None = None, slots: int = 1
) -> Settings:
    return Settings(
        data_dir=folder / "data",
        log_dir=folder / "logs",
        certs_dir=folder / "certs",
        workers=WorkerSettings(isolation=isolation, cpu_slots=slots, threads=1, nice=0),
        valkey=ValkeySettings(url=url),
    )


def make_system(settings: Settings, policy: Policy = QUICK) -> JobSystem:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database.in_folder(settings.data_dir)
    Base.metadata.create_all(db.engine)
    return JobSystem(settings, db, policy)


@asynccontextmanager
async def running(settings: Settings, policy: Policy = QUICK) -> AsyncIterator[JobSystem]:
    system = make_system(settings, policy)
    await system.start()
    try:
        yield system
    finally:
        await system.stop()
        system.db.close()


def submit(system: JobSystem, kind: str, **spec) -> str:
    with system.db.write() as session:
        return system.submit(session, f"test_{kind}", spec, title=f"Test {kind}").id


def job(system: JobSystem, job_id: str) -> Job:
    with system.db.read() as session:
        return session.get_one(Job, job_id)


def effects(system: JobSystem) -> dict[str, int]:
    """How many results were taken in, per job."""
    with system.db.read() as session:
        rows = session.execute(select(Card.name, func.count()).group_by(Card.name)).all()
    return dict(rows)


async def ended(system: JobSystem, *job_ids: str, within_s: float = 20) -> list[Job]:
    """Wait until the jobs have ended."""
    await until(lambda: all(job(system, one).state not in {"queued", "running"} for one in job_ids), within_s)
    return [job(system, one) for one in job_ids]


def scenario(test):
    """Run an async test function in an event loop of its own."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return run


async def until(condition, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.02)

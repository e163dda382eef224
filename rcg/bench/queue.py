"""The queue by itself: how soon a job starts, how many a second run; real Valkey, real database."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Literal

from sqlalchemy import func, select

from rcg.bench.table import Table, percentile
from rcg.jobs.handler import HANDLERS, Handler
from rcg.jobs.system import JobSystem
from rcg.settings import Settings, WorkerSettings
from rcg.store.db import Database
from rcg.store.migrate import migrate
from rcg.store.models import Job

KIND = "bench-noop"
SINGLE_JOBS = 40
BURST_JOBS = 500
Isolation = Literal["thread", "child"]
_ISOLATIONS: tuple[Isolation, ...] = ("thread", "child")
_PATIENCE_S = 120.0


def bench_queue(table: Table) -> None:
    """Add enqueue-to-start and jobs per second, for jobs in a thread and in the warm child."""
    HANDLERS[KIND] = Handler(KIND, "rcg.bench.noop:compute")
    try:
        for isolation in _ISOLATIONS:
            with tempfile.TemporaryDirectory(prefix="rcg-bench-") as folder:
                asyncio.run(_measure(table, Path(folder), isolation))
    finally:
        del HANDLERS[KIND]


async def _measure(table: Table, folder: Path, isolation: Isolation) -> None:
    settings = Settings(data_dir=folder, workers=WorkerSettings(isolation=isolation))
    db = Database.in_folder(folder)
    await asyncio.to_thread(migrate, db)
    system = JobSystem(settings, db)
    await system.start()
    try:
        await asyncio.to_thread(_run, table, system, db, isolation)
    finally:
        await system.stop()
        db.close()


def _run(table: Table, system: JobSystem, db: Database, isolation: str) -> None:
    _submit(system, db, 1)
    _wait(db, 1)
    waits: list[float] = []
    for _ in range(SINGLE_JOBS):
        job_id = _submit(system, db, 1)[0]
        _wait(db, 1 + len(waits) + 1)
        with db.read() as session:
            job = session.get_one(Job, job_id)
            waits.append(float((job.started_at or 0) - job.created_at))
    table.add(f"enqueue to start, p95, idle, {isolation}", percentile(waits, 95), "ms", "<= 300 ms")
    began = time.perf_counter()
    _submit(system, db, BURST_JOBS)
    _wait(db, 1 + SINGLE_JOBS + BURST_JOBS)
    rate = BURST_JOBS / (time.perf_counter() - began)
    name = f"jobs per second, {BURST_JOBS} at once, one slot, {isolation}"
    table.add(name, rate, "1/s", "10 needed", "each is three durable commits")


def _submit(system: JobSystem, db: Database, count: int) -> list[str]:
    with db.write() as session:
        return [system.submit(session, KIND, {"n": n}, title="benchmark").id for n in range(count)]


def _wait(db: Database, done: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with db.read() as session:
            if (session.scalar(select(func.count()).where(Job.state == "done")) or 0) >= done:
                return
        time.sleep(0.005)
    raise TimeoutError(f"{done} benchmark jobs were not done within {_PATIENCE_S:.0f} s")

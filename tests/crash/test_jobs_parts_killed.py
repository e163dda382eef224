"""SIGKILL of a child and of Valkey, its folder deleted, poison, hung and ghostly jobs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from dataclasses import replace

import psutil
import pytest
from jobs_kit import QUICK, effects, ended, job, make_settings, running, scenario, submit, until
from sqlalchemy import func, select

from rcg.jobs import rows
from rcg.store.models import Job

pytestmark = pytest.mark.crash
JOBS = 100


def done_of(system) -> int:
    with system.db.read() as session:
        return session.scalar(select(func.count()).select_from(Job).where(Job.state == "done"))


async def all_done_once(system, ids) -> None:
    jobs = await ended(system, *ids, within_s=40)
    assert {one.state for one in jobs} == {"done"}
    assert effects(system) == dict.fromkeys(ids, 1)


@scenario
async def test_100_jobs_survive_kills_of_their_children(tmp_path):
    policy = replace(QUICK, limits=replace(QUICK.limits, crashes=10))
    async with running(make_settings(tmp_path, slots=2), policy) as system:
        ids = [submit(system, "add", a=n, b=1, pause_s=0.01) for n in range(JOBS)]
        killed = 0
        for share in range(1, 9):
            await until(lambda share=share: done_of(system) >= share * JOBS // 10)
            for child in psutil.Process().children():
                if child.pid != system.valkey_pid:
                    child.kill()
                    killed += 1
        await all_done_once(system, ids)
        assert killed >= 8


@scenario
async def test_100_jobs_survive_kills_of_valkey(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        ids = []
        for _ in range(4):
            ids += [submit(system, "add", a=1, b=1) for _ in range(JOBS // 4)]
            restarts = system._link.restarts
            os.kill(system.valkey_pid, signal.SIGKILL)
            ids.append(submit(system, "add", a=1, b=1))  # while there is none
            await until(lambda restarts=restarts: system._link.restarts > restarts and system.health()[0].ok)
        await all_done_once(system, ids)
        assert not list((tmp_path / "data").glob("valkey.broken-*"))


@scenario
async def test_100_jobs_survive_valkeys_folder_being_deleted(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        ids = [submit(system, "add", a=n, b=1) for n in range(JOBS)]
        await until(lambda: done_of(system) >= 5)
        shutil.rmtree(tmp_path / "data" / "valkey")
        assert done_of(system) < JOBS
        await all_done_once(system, ids)
        await until(lambda: system._link.restarts == 1)
        assert (tmp_path / "data" / "valkey" / "appendonlydir").is_dir()


@scenario
async def test_valkeys_socket_being_deleted_is_repaired(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        shutil.rmtree(system._link.server.socket_path.parent)
        await until(lambda: system._link.restarts == 1 and system.health()[0].ok)
        await all_done_once(system, [submit(system, "add", a=1, b=1)])


@scenario
async def test_a_poison_job_dies_with_its_last_words_and_hurts_no_other(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        poison = submit(system, "crash", counter=str(tmp_path / "tries"), times=3)
        others = [submit(system, "add", a=n, b=1) for n in range(10)]
        (dead,) = await ended(system, poison)
        assert (dead.state, dead.crashes, dead.attempt) == ("dead", 3, 3)
        assert "SIGSEGV" in dead.error["detail"]
        assert "last words of a poison job" in dead.error["data"]["stderr"]
        assert "Segmentation fault" in dead.error["data"]["stderr"]
        await all_done_once(system, others)
        system.retry(poison)  # the fourth try succeeds
        (done,) = await ended(system, poison)
        assert (done.state, done.crashes, done.error, done.attempt) == ("done", 0, None, 4)


@scenario
async def test_a_job_that_crashes_twice_is_done_on_its_third_try(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        job_id = submit(system, "crash", counter=str(tmp_path / "tries"), times=2)
        (done,) = await ended(system, job_id)
        assert (done.state, done.crashes, done.result["tries"]) == ("done", 2, 3)


@scenario
async def test_a_hung_job_that_ignores_sigterm_is_killed_on_cancel(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        job_id = submit(system, "hung", started=str(tmp_path / "started"), talks=True)
        await until((tmp_path / "started").exists)
        system.cancel(job_id)
        assert job(system, job_id).state == "running"
        (cancelled,) = await ended(system, job_id)
        assert (cancelled.state, cancelled.crashes) == ("cancelled", 0)
        await all_done_once(system, [submit(system, "add", a=1, b=1)])


@scenario
async def test_what_a_child_started_dies_with_it(tmp_path):
    policy = replace(QUICK, limits=replace(QUICK.limits, crashes=1))
    async with running(make_settings(tmp_path), policy) as system:
        (dead,) = await ended(system, submit(system, "family", pid=str(tmp_path / "pid")))
        assert "SIGKILL" in dead.error["detail"]
        grandchild = int((tmp_path / "pid").read_text())
        await until(lambda: not psutil.pid_exists(grandchild) or _is_zombie(grandchild), within_s=5)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@scenario
async def test_the_result_of_an_attempt_that_was_taken_for_lost_is_refused(tmp_path):
    async with running(make_settings(tmp_path, isolation="thread", slots=2)) as system:
        job_id = submit(system, "stubborn", folder=str(tmp_path))
        await until((tmp_path / f"{job_id}.1").exists)
        with system.db.write() as session:
            lost = rows.lost(session, job_id, 1, QUICK.limits)
        system._changed(lost)
        await until((tmp_path / f"{job_id}.2").exists)  # two attempts now compute at the same time
        (tmp_path / "go").touch()
        (done,) = await ended(system, job_id)
        await until(lambda: all(slot.current is None for slot in system._slots))
        assert (done.state, done.result["accepted"], effects(system)) == ("done", 2, {job_id: 1})


@scenario
async def test_a_running_job_finishes_while_valkey_is_down(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        job_id = submit(system, "slow_once", folder=str(tmp_path))
        await until((tmp_path / f"{job_id}.1").exists)
        os.kill(system.valkey_pid, signal.SIGSTOP)
        (tmp_path / "go").touch()
        await all_done_once(system, [job_id])
        assert job(system, job_id).attempt == 1
        await until(lambda: system._link.restarts == 1 and system.health()[0].ok)
        await asyncio.sleep(0.6)
        assert job(system, job_id).attempt == 1

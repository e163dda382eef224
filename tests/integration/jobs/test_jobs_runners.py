"""One suite for both runners, on a real Valkey and a real SQLite file."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_kit import QUICK, effects, ended, job, make_settings, running, scenario, submit, until

from rcg.errors import ConflictError, NotFoundError


@pytest.fixture(params=["thread", "child"])
def isolation(request):
    return request.param


@scenario
async def test_a_job_computes_reports_and_is_taken_in_once(tmp_path, isolation):
    async with running(make_settings(tmp_path, isolation=isolation)) as system:
        job_id = submit(system, "add", a=2, b=3)
        (done,) = await ended(system, job_id)
        assert (done.state, done.result["sum"], done.attempt, done.progress) == ("done", 5, 1, 1.0)
        assert (done.result["pid"] == os.getpid()) == (isolation == "thread")
        assert done.result["threads"] == 1
        assert effects(system) == {job_id: 1}
        assert [line["text"] for line in system.log(job_id)] == ["2 and 3"]
        assert not list((tmp_path / "data" / "jobs" / job_id).glob("attempt-*"))


@scenario
async def test_errors_of_a_job_are_told_in_their_own_words(tmp_path, isolation):
    async with running(make_settings(tmp_path, isolation=isolation)) as system:
        ids = [
            submit(system, "fail"),
            submit(system, "break_down", zero=0),
            submit(system, "unprintable"),
            submit(system, "full_disk"),
            submit(system, "refused", a=1, b=2),
        ]
        wrong, broken, unprintable, full, refused = await ended(system, *ids)
        assert {one.state for one in (wrong, broken, unprintable, full, refused)} == {"failed"}
        assert wrong.error == {
            "error": "invalid_input",
            "detail": "There is no card in frame 3.",
            "hint": "Take it again.",
            "data": {"frame": 3},
        }
        assert broken.error["detail"] == "ZeroDivisionError: division by zero"
        assert "break_down" in broken.error["data"]["traceback"]
        assert "not JSON serializable" in unprintable.error["detail"]
        assert full.error["error"] == "disk_full"
        assert refused.error["detail"] == "The result does not fit."
        assert effects(system) == {}


@scenario
async def test_a_running_job_is_cancelled(tmp_path, isolation):
    async with running(make_settings(tmp_path, isolation=isolation)) as system:
        job_id = submit(system, "obedient", started=str(tmp_path / "started"))
        await until((tmp_path / "started").exists)
        assert system.cancel(job_id).cancel_requested
        (cancelled,) = await ended(system, job_id)
        assert (cancelled.state, effects(system)) == ("cancelled", {})
        assert system.cancel(job_id).state == "cancelled"
        follow_up = submit(system, "add", a=1, b=1)
        assert (await ended(system, follow_up))[0].state == "done"


@scenario
async def test_a_waiting_job_is_cancelled_at_once_and_can_be_retried(tmp_path, isolation):
    async with running(make_settings(tmp_path, isolation=isolation)) as system:
        blocker = submit(system, "obedient", started=str(tmp_path / "started"))
        await until((tmp_path / "started").exists)
        job_id = submit(system, "add", a=1, b=1)
        assert system.cancel(job_id).state == "cancelled"
        assert system.retry(job_id).state == "queued"
        system.cancel(blocker)
        assert (await ended(system, job_id))[0].state == "done"
        with pytest.raises(ConflictError, match="already ended"):
            system.cancel(job_id)
        with pytest.raises(ConflictError):
            system.retry(job_id)
        with pytest.raises(NotFoundError):
            system.retry("nobody")


@scenario
async def test_the_lowest_band_goes_first_and_each_band_in_order(tmp_path, isolation):
    async with running(make_settings(tmp_path, isolation=isolation)) as system:
        blocker = submit(system, "obedient", started=str(tmp_path / "started"))
        await until((tmp_path / "started").exists)
        ids = []
        with system.db.write() as session:
            for band in (2, 1, 0, 1, 0):
                added = system.submit(session, "test_add", {"a": 0, "b": 0}, title="t", band=band)
                ids.append(added.id)
        system.cancel(blocker)
        done = await ended(system, *ids)
        order = sorted(range(5), key=lambda index: done[index].started_at)
        starts = [one.started_at for one in done]
        assert (
            max(starts[2], starts[4]) <= min(starts[1], starts[3]) <= max(starts[1], starts[3]) <= starts[0]
        ), order
        assert starts[2] <= starts[4]
        assert starts[1] <= starts[3]


@scenario
async def test_a_stopping_server_gives_its_job_back_uncounted(tmp_path, isolation):
    settings = make_settings(tmp_path, isolation=isolation)
    async with running(settings) as system:
        job_id = submit(system, "slow_once", folder=str(tmp_path))
        await until((tmp_path / f"{job_id}.1").exists)
    async with running(settings) as system:
        await until((tmp_path / f"{job_id}.2").exists)
        (tmp_path / "go").touch()
        (done,) = await ended(system, job_id)
        assert (done.state, done.attempt, done.losses, done.crashes) == ("done", 2, 0, 0)
        assert effects(system) == {job_id: 1}


@scenario
async def test_a_job_of_an_unknown_kind_fails_with_a_sentence(tmp_path, isolation):
    from rcg.jobs.handler import HANDLERS

    settings = make_settings(tmp_path, isolation=isolation)
    async with running(settings) as system:
        await asyncio.to_thread(lambda: [slot.stop_claiming() for slot in system._slots])
        job_id = submit(system, "plain", a=1, b=1)
    handler = HANDLERS.pop("test_plain")
    try:
        async with running(settings) as system:
            (failed,) = await ended(system, job_id)
            assert (failed.state, failed.error["error"]) == ("failed", "unknown_kind")
    finally:
        HANDLERS["test_plain"] = handler


@scenario
async def test_a_job_that_is_not_isolated_runs_in_the_server_also_with_children(tmp_path):
    async with running(make_settings(tmp_path, isolation="child")) as system:
        jobs = await ended(system, submit(system, "thread", a=1, b=1), submit(system, "io", a=1, b=1))
        assert [one.result["pid"] for one in jobs] == [os.getpid()] * 2


@scenario
async def test_a_child_is_kept_for_the_next_job_and_replaced_when_worn(tmp_path):
    policy = replace(QUICK, child=replace(QUICK.child, jobs=2))
    async with running(make_settings(tmp_path), policy) as system:
        pids = []
        for _ in range(4):
            (done,) = await ended(system, submit(system, "add", a=1, b=1))
            pids.append(done.result["pid"])
        assert pids[0] == pids[1] != pids[2] == pids[3]


@scenario
async def test_a_silent_child_is_ended_and_says_where_it_was(tmp_path):
    policy = replace(QUICK, limits=replace(QUICK.limits, crashes=1), child=replace(QUICK.child, stall_s=3))
    async with running(make_settings(tmp_path), policy) as system:
        (dead,) = await ended(system, submit(system, "hung", started=str(tmp_path / "started")))
        assert (dead.state, dead.crashes) == ("dead", 1)
        assert "said nothing for 3 s" in dead.error["detail"]
        assert "jobs_work.py" in dead.error["data"]["stderr"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@scenario
async def test_a_child_is_nice_limited_and_first_to_go_when_memory_ends(tmp_path):
    settings = make_settings(tmp_path)
    settings = settings.model_copy(update={"workers": settings.workers.model_copy(update={"nice": 5})})
    async with running(settings) as system:
        (done,) = await ended(system, submit(system, "add", a=1, b=1))
        process = Path(f"/proc/{done.result['pid']}")
        environment = process.joinpath("environ").read_bytes().split(b"\0")
        assert b"OMP_NUM_THREADS=1" in environment
        assert process.joinpath("oom_score_adj").read_text().strip() == "500"
        assert "Max core file size        0" in process.joinpath("limits").read_text()
        niceness = os.getpriority(os.PRIO_PROCESS, 0) + 5
        assert os.getpriority(os.PRIO_PROCESS, done.result["pid"]) == niceness
        if (group := process / "autogroup").exists():
            assert group.read_text().split()[-1] == str(niceness), "its session gives way too"


@scenario
async def test_progress_reaches_the_row_while_the_job_runs(tmp_path, isolation):
    async with running(make_settings(tmp_path, isolation=isolation)) as system:
        job_id = submit(system, "obedient", started=str(tmp_path / "started"))
        await until(lambda: job(system, job_id).progress == 0.5)
        assert job(system, job_id).message == "waiting to be cancelled"
        system.cancel(job_id)
        await ended(system, job_id)

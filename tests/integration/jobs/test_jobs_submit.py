from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from jobs_kit import ended, job, make_settings, running, scenario, submit, until

from rcg.errors import InputError, NotFoundError, UnavailableError
from rcg.store.models import Job


@scenario
async def test_a_job_is_dispatched_after_the_commit_of_the_outermost_transaction(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        told: list[str] = []
        changed = system._changed
        system._changed = lambda row: (told.append(row.id), changed(row))
        with system.db.write() as session:
            with session.begin_nested():
                added = system.submit(session, "test_add", {"a": 1, "b": 1}, title="t")
            assert told == []
        assert told == [added.id]
        assert (await ended(system, added.id))[0].state == "done"


@scenario
async def test_a_job_whose_transaction_failed_is_never_told_of(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        told: list[str] = []
        system._changed = lambda row: told.append(row.id)
        with suppress(ZeroDivisionError), system.db.write() as session:
            system.submit(session, "test_add", {}, title="t")
            _ = 1 / 0
        with system.db.read() as session:
            assert session.query(Job).count() == 0
        assert told == []


@scenario
async def test_an_unknown_kind_and_a_full_disk_are_refused(tmp_path):
    settings = make_settings(tmp_path)
    async with running(settings) as system:
        with pytest.raises(InputError, match="no kind of job 'tea'"), system.db.write() as session:
            system.submit(session, "tea", {}, title="t")
        limits = settings.limits.model_copy(update={"min_free_disk_mb": 10**9})
        system.settings = settings.model_copy(update={"limits": limits})
        with pytest.raises(UnavailableError, match="MB free"):
            submit(system, "add", a=1, b=1)


@scenario
async def test_jobs_wait_while_the_disk_is_nearly_full_and_say_so(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        system._upkeep._min_free_mb = 10**9
        system._upkeep.check_disk()
        job_id = submit(system, "add", a=1, b=1)
        workers = system.health()[1]
        assert not workers.ok
        assert "waits for disk space" in workers.detail
        await asyncio.sleep(0.6)
        assert job(system, job_id).state == "queued"
        system._upkeep._min_free_mb = 0
        assert (await ended(system, job_id))[0].state == "done"
        assert system.health()[1].ok


@scenario
async def test_hints_that_are_lost_or_doubled_change_nothing(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        system._outbox.put = lambda writing: None  # every hint is lost on its way
        job_id = submit(system, "add", a=1, b=1)
        assert (await ended(system, job_id))[0].state == "done"  # the reconciler saw the row
        for _ in range(5):
            system._dispatch.add(job_id, "cpu", 1)
        system._dispatch.add("nobody", "cpu", 1)
        await until(lambda: not system._dispatch.known())
        assert job(system, job_id).attempt == 1


@scenario
async def test_an_emptied_valkey_is_filled_again(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        system._link.client.flushall()
        job_id = submit(system, "add", a=1, b=1)
        assert (await ended(system, job_id))[0].state == "done"


@scenario
async def test_the_log_of_a_job_is_read_by_its_id_alone(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        assert system.log("0" * 32) == []
        with pytest.raises(NotFoundError):
            system.log("../../etc")

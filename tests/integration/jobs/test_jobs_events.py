from __future__ import annotations

import asyncio
import os
import signal

from jobs_kit import ended, make_settings, running, scenario, submit, until


async def collect(system, after_id=None, into=None):
    events = [] if into is None else into
    async for event in system.events.subscribe(after_id):
        events.append(event)
    return events


@scenario
async def test_every_subscriber_sees_a_job_from_its_queueing_to_its_end(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        seen: list[list] = [[], []]
        tasks = [asyncio.create_task(collect(system, into=events)) for events in seen]
        await asyncio.sleep(0)
        job_id = submit(system, "add", a=1, b=1, steps=5, pause_s=0.25)
        await until(lambda: all(any(e.data.get("state") == "done" for e in events) for events in seen))
        for events in seen:
            states = [event.data["state"] for event in events if event.kind == "state"]
            assert states == ["queued", "running", "done"]
            assert events[-1].data["state"] == "done"
            assert {"progress", "log", "metric"} <= {event.kind for event in events}
            assert {event.job_id for event in events} == {job_id}
            steps = [event.data["progress"] for event in events if event.kind == "progress"]
            assert steps == sorted(steps)
    await asyncio.wait_for(asyncio.gather(*tasks), 5)  # the stop ended the subscriptions


@scenario
async def test_a_page_resumes_where_it_stopped(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        start = system.events.last_id
        await ended(system, submit(system, "add", a=1, b=1))
        for number in range(3):
            system.events.publish("sample", {"n": number})
        await until(lambda: len(system.events._seen) > 3 and system.events._seen[-1].data == {"n": 2})
        events: list = []
        task = asyncio.create_task(collect(system, start, events))
        await until(lambda: events and events[-1].data == {"n": 2})
        resumed: list = []
        later = asyncio.create_task(collect(system, events[1].id, resumed))
        await until(lambda: len(resumed) == len(events) - 2)
        assert [event.id for event in resumed] == [event.id for event in events[2:]]
    await asyncio.gather(task, later)


@scenario
async def test_whoever_resumes_with_an_id_that_is_not_known_is_told_to_reload(tmp_path):
    settings = make_settings(tmp_path)
    async with running(settings) as system:
        system.events.publish("sample", {})
        await until(lambda: len(system.events._seen) == 1)
        old = system.events.last_id
    async with running(settings) as system:
        first = await anext(system.events.subscribe(old))
        assert (first.kind, first.id) == ("reset", system.events.last_id)


@scenario
async def test_open_pages_are_told_to_reload_when_valkey_was_away(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        events: list = []
        task = asyncio.create_task(collect(system, into=events))
        system.events.publish("sample", {"n": 1})
        await until(lambda: len(events) == 1)
        os.kill(system.valkey_pid, signal.SIGKILL)
        await until(lambda: events[-1].kind == "reset")
        system.events.publish("sample", {"n": 2})
        await until(lambda: events[-1].data == {"n": 2})
        assert events[0].id.split(".")[0] != events[-1].id.split(".")[0]
    await asyncio.wait_for(task, 5)


@scenario
async def test_a_page_too_slow_to_read_starts_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("rcg.jobs.events._WAITING", 10)
    async with running(make_settings(tmp_path)) as system:
        slow = system.events.subscribe(system.events.last_id)
        system.events.publish("sample", {"n": -1})
        assert (await anext(slow)).data == {"n": -1}
        for number in range(30):
            system.events.publish("sample", {"n": number})
        await until(lambda: len(system.events._seen) == 31)
        await asyncio.sleep(0.1)
        assert (await anext(slow)).kind == "reset"
        await slow.aclose()


@scenario
async def test_a_subscription_after_the_close_ends_at_once(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        system.events.close()
        assert await asyncio.wait_for(collect(system), 2) == []

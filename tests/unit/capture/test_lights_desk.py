"""The desk: one driver per rig, one call at a time, closed when idle, reached anew after a failure."""

import asyncio

import pytest

from rcg.capture.lights import Ack, LightError, LightInfo
from rcg.capture.lights.desk import LightDesk, Setup
from rcg.capture.lights.told import Told
from rcg.errors import ConflictError


class Device:
    """Notes what is done to it, and that nothing is done twice at once."""

    def __init__(self, delay_s=0.01, tell=None):
        self.events, self.delay_s, self.busy, self.fails = [], delay_s, False, False
        if tell:
            self.told = Told(tell)

    async def _work(self, what):
        assert not self.busy, "two calls at once"
        self.busy = True
        await asyncio.sleep(self.delay_s)
        self.busy = False
        self.events.append(what)

    async def open(self):
        await self._work("open")
        return LightInfo(("1", "2", "3", "4"), None, None, "device")

    async def show(self, light):
        if hasattr(self, "told"):
            return Ack(light, await self.told.ask(light, "please", 5))
        await self._work(light)
        if self.fails:
            raise LightError("It is gone.", "Plug it in.", device="device")
        return Ack(light, 1.0)

    async def close(self):
        await self._work("close")


SETUP = Setup("r", "any", {}, 4)


def desk(tmp_path, made, **options):
    said = []

    def make(_setup, surroundings):
        made.append(Device(tell=surroundings.tell if options.get("told") else None))
        return made[-1]

    found = LightDesk(tmp_path, said.append, options.get("idle_s", 60), make)
    return found, said


def test_calls_come_one_at_a_time_through_one_driver(tmp_path):
    made = []
    lights, said = desk(tmp_path, made)

    async def go():
        acks = await asyncio.gather(*(lights.show(SETUP, str(k)) for k in (1, 2, 3, 4)))
        assert [ack.light for ack in acks] == ["1", "2", "3", "4"]
        assert lights.now("r").light == "4"
        await lights.close()
        assert not lights.now("r").open

    asyncio.run(go())
    (device,) = made
    assert device.events == ["open", "1", "2", "3", "4", "close"]
    assert [(event["type"], event["light"]) for event in said] == [("lit", str(k)) for k in (1, 2, 3, 4)]


def test_an_idle_driver_is_closed_and_opened_by_the_next_light(tmp_path):
    made = []
    lights, _ = desk(tmp_path, made, idle_s=0.08)

    async def go():
        await lights.show(SETUP, "1")
        await asyncio.sleep(0.05)
        await lights.show(SETUP, "2")
        await asyncio.sleep(0.05)
        assert lights.now("r").open, "a light that was asked for meanwhile starts the minute anew"
        await asyncio.sleep(0.1)
        assert not lights.now("r").open
        await lights.show(SETUP, "3")
        await lights.close()

    asyncio.run(go())
    assert [device.events for device in made] == [["open", "1", "2", "close"], ["open", "3", "close"]]


def test_a_failure_closes_and_the_next_call_reaches_anew(tmp_path):
    made = []
    lights, _ = desk(tmp_path, made)

    async def go():
        await lights.show(SETUP, "1")
        made[0].fails = True
        with pytest.raises(LightError, match="gone"):
            await lights.show(SETUP, "2")
        assert not lights.now("r").open
        await lights.show(SETUP, "2")
        await lights.close()

    asyncio.run(go())
    assert [device.events for device in made] == [["open", "1", "2", "close"], ["open", "2", "close"]]


def test_changed_settings_make_a_new_driver(tmp_path):
    made = []
    lights, _ = desk(tmp_path, made)

    async def go():
        await lights.show(SETUP, "1")
        await lights.show(Setup("r", "any", {"x": 1}, 4), "1")
        await lights.close()

    asyncio.run(go())
    assert [device.events for device in made] == [["open", "1", "close"]] * 2


def test_a_request_that_waits_gives_way_to_a_newer_one_and_answers_are_by_number(tmp_path):
    made = []
    lights, said = desk(tmp_path, made, told=True)

    async def go():
        first = asyncio.create_task(lights.show(SETUP, "1"))
        await asyncio.sleep(0.05)
        assert lights.now("r").pending.light == "1"
        second = asyncio.create_task(lights.show(SETUP, "2"))
        with pytest.raises(LightError, match="Another light"):
            await first
        await asyncio.sleep(0.02)
        asked = [event for event in said if event["type"] == "light"]
        assert [event["light"] for event in asked] == ["1", "2"]
        with pytest.raises(ConflictError):
            lights.answer("r", asked[0]["seq"])
        lights.answer("r", asked[1]["seq"])
        assert (await second).light == "2"
        assert lights.now("r").pending is None
        with pytest.raises(ConflictError):
            lights.answer("nobody", 1)
        await lights.close()

    asyncio.run(go())
    assert len(made) == 1, "being overtaken is no failure of the device"
    assert made[0].events == ["open", "close"]


def test_two_rigs_do_not_wait_for_each_other(tmp_path):
    made = []
    lights, said = desk(tmp_path, made, told=True)

    async def go():
        one = asyncio.create_task(lights.show(SETUP, "1"))
        two = asyncio.create_task(lights.show(Setup("other", "any", {}, 4), "1"))
        await asyncio.sleep(0.05)
        asked = {event["rig"]: event["seq"] for event in said}
        lights.answer("other", asked["other"])
        await two
        assert not one.done()
        lights.answer("r", asked["r"])
        await one
        await lights.close()

    asyncio.run(go())


def test_a_driver_that_cannot_work_here_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    lights = LightDesk(tmp_path, lambda _event: None)
    with pytest.raises(LightError, match="cannot work on this computer") as failed:
        asyncio.run(lights.open(Setup("r", "serial", {"port": "/dev/ttyACM0"}, 8)))
    assert "pip install" in failed.value.hint

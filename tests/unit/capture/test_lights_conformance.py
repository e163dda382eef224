"""Every way to switch lights keeps the same promises, against devices that speak the real protocols."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from fake_lights import FakeBoard, FakeSomebody, FakeWled, make_scene, seen

from rcg.capture.lights import ALL, LightDriver, LightError
from rcg.capture.lights.manual import ManualConfig, ManualDriver
from rcg.capture.lights.screen import ScreenConfig, ScreenDriver
from rcg.capture.lights.serial_line import SerialConfig, SerialDriver
from rcg.capture.lights.sim import SimConfig, SimDriver
from rcg.capture.lights.wled import WledConfig, WledDriver
from rcg.errors import InputError

NAMES = tuple(str(number) for number in range(1, 9))


@dataclass
class Rig:
    driver: LightDriver
    device: Any
    lit: Any  # () -> set of names, by the device's own account
    before: Any  # () -> what the device shows, for comparing


def wled(_tmp_path):
    fake = FakeWled()

    def lit():
        leds = fake.leds_lit()
        groups = {name: set(range(8 * (int(name) - 1), 8 * int(name))) for name in NAMES}
        assert leds == set().union(*(group for group in groups.values() if group & leds)), "half a light"
        return {name for name, group in groups.items() if group <= leds}

    return Rig(WledDriver(WledConfig(url=fake.url), 8), fake, lit, lambda: {**fake.state})


def serial(_tmp_path):
    pytest.importorskip("serial", reason="pyserial is not installed")
    fake = FakeBoard()
    driver = SerialDriver(SerialConfig(port=fake.port, answer_s=0.5), 8)
    return Rig(driver, fake, lambda: {str(number) for number in fake.lit}, None)


def somebody(make):
    fake = FakeSomebody()
    fake.driver = make(fake.tell)

    def lit():
        return set(NAMES) if fake.light == ALL else {fake.light} - {None}

    return Rig(fake.driver, fake, lit, None)


def screen(_tmp_path):
    return somebody(lambda tell: ScreenDriver(ScreenConfig(answer_s=2), 8, tell, "/capture/light/x"))


def manual(_tmp_path):
    return somebody(lambda tell: ManualDriver(ManualConfig(patience_s=2), 8, tell))


def sim(tmp_path):
    folder = make_scene(tmp_path / "card")
    lumas = {40 + 10 * int(name): {name} for name in NAMES} | {20: set(), 85: set(NAMES)}
    driver = SimDriver(SimConfig(scene="card"), tmp_path, 8)
    return Rig(driver, None, lambda: lumas[round(seen(folder))], lambda: seen(folder))


@pytest.fixture(params=[manual, screen, wled, serial, sim], ids=lambda make: make.__name__)
def rig(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    if hasattr(made.device, "stop"):
        made.device.stop()


def test_opening_names_the_lights_in_order_and_leaves_the_card_dark(rig):
    async def go():
        info = await rig.driver.open()
        dark = rig.lit()
        await rig.driver.close()
        return info, dark

    info, dark = asyncio.run(go())
    assert info.names == NAMES
    assert info.answered
    if rig.driver.__class__ is not ManualDriver:  # nothing is asked of a person before the first light
        assert dark == set()


def test_each_light_is_on_alone_when_its_acknowledgement_comes(rig):
    async def go():
        await rig.driver.open()
        for light in ["1", "2", "8", "5", "5", "3", "4", "6", "7", "1"]:
            ack = await rig.driver.show(light)
            assert (ack.light, rig.lit()) == (light, {light})
            assert 0 <= ack.took_ms < 2000
        await rig.driver.close()

    asyncio.run(go())


def test_all_and_none(rig):
    async def go():
        await rig.driver.open()
        await rig.driver.show(ALL)
        assert rig.lit() == set(NAMES)
        await rig.driver.show(None)
        assert rig.lit() == set()
        await rig.driver.close()

    asyncio.run(go())


def test_a_light_that_the_rig_has_not_is_refused_and_changes_nothing(rig):
    async def go():
        await rig.driver.open()
        await rig.driver.show("3")
        for wrong in ("9", "0", "up", ""):
            with pytest.raises(InputError, match="no light") as refused:
                await rig.driver.show(wrong)
            assert "1 to 8" in refused.value.hint
        assert rig.lit() == {"3"}
        await rig.driver.close()

    asyncio.run(go())


def test_closing_puts_back_what_was_there_and_the_driver_can_be_opened_again(rig):
    async def go():
        before = rig.before() if rig.before else None
        await rig.driver.open()
        await rig.driver.show("6")
        await rig.driver.close()
        if rig.before:
            assert rig.before() == before
        await rig.driver.open()
        await rig.driver.show("2")
        assert rig.lit() == {"2"}
        await rig.driver.close()
        await rig.driver.close()  # twice does no harm

    asyncio.run(go())


def test_every_error_says_what_to_do(rig):
    """A device that is silent from the start."""
    if rig.device is None:
        pytest.skip("a simulated rig has no device")
    if isinstance(rig.device, FakeSomebody):
        rig.device.answers = False
        config = rig.driver._config.model_copy(
            update={"answer_s": 0.1} if hasattr(rig.driver._config, "answer_s") else {"patience_s": 0.1}
        )
        rig.driver._config = config
    else:
        rig.device.stop()

    async def go():
        await rig.driver.open()
        await rig.driver.show("1")

    with pytest.raises(LightError) as failed:
        asyncio.run(go())
    assert failed.value.detail
    assert failed.value.hint
    assert failed.value.data["device"]
    asyncio.run(rig.driver.close())

"""What goes wrong with lights: each case a LightError that names the device and the way out."""

import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from fake_lights import FakeBoard, FakeSomebody, FakeWled, make_scene
from pydantic import ValidationError

from rcg.capture.lights import LightError, y4m
from rcg.capture.lights.screen import ScreenConfig, ScreenDriver
from rcg.capture.lights.serial_line import SerialConfig, SerialDriver, ports
from rcg.capture.lights.sim import SimConfig, SimDriver
from rcg.capture.lights.told import Superseded, place, words
from rcg.capture.lights.wled import WledConfig, WledDriver
from rcg.errors import InputError


def failing(driver, *lights):
    async def go():
        try:
            await driver.open()
            for light in lights:
                await driver.show(light)
        finally:
            await driver.close()

    with pytest.raises(LightError) as failed:
        asyncio.run(go())
    return failed.value


def opened(driver):
    async def go():
        info = await driver.open()
        await driver.close()
        return info

    return asyncio.run(go())


@pytest.fixture
def wled():
    made = []

    def make(**options):
        made.append(FakeWled(**options))
        return made[-1]

    yield make
    for fake in made:
        fake.stop()


@pytest.fixture
def board():
    pytest.importorskip("serial", reason="pyserial is not installed")
    made = []

    def make(**options):
        made.append(FakeBoard(**options))
        return made[-1]

    yield make
    for fake in made:
        fake.stop()


# WLED


def test_wled_that_is_gone():
    fake = FakeWled()
    fake.stop()
    error = failing(WledDriver(WledConfig(url=fake.url), 8))
    assert "cannot be reached" in error.detail
    assert fake.url in error.detail
    assert error.data["sent"] == "GET /json/info"


def test_wled_that_goes_while_a_card_is_lit(wled):
    fake = wled()
    driver = WledDriver(WledConfig(url=fake.url), 8)

    async def go():
        await driver.open()
        await driver.show("1")
        fake.stop()
        fake.delay_s = 1  # the kept connection's thread does not answer in time either
        driver._http.timeout = 0.2
        try:
            await driver.show("2")
        finally:
            await driver.close()

    with pytest.raises(LightError, match=r"cannot be reached|did not answer") as failed:
        asyncio.run(go())
    assert '"id": 1, "on": true' in failed.value.data["sent"]


def test_a_slow_wled(wled):
    error = failing(WledDriver(WledConfig(url=wled(delay_s=0.5).url, answer_s=0.1), 8))
    assert "did not answer within 0.1 s" in error.detail
    assert "allow it more time" in error.hint


def test_a_wled_with_too_few_leds(wled):
    error = failing(WledDriver(WledConfig(url=wled(leds=60).url), 8))
    assert "needs 64 LEDs" in error.detail
    assert "has 60" in error.detail


@pytest.mark.parametrize("answer", [{"success": True}, {"state": "ok"}, {"seg": "none"}])
def test_a_wrong_answer_of_wled(wled, answer):
    fake = wled()
    fake.broken = answer
    error = failing(WledDriver(WledConfig(url=fake.url), 8))
    assert "without the state of its segments" in error.detail
    assert error.data["got"]


def test_a_wled_that_something_else_drives(wled):
    assert "other software (E1.31)" in failing(
        WledDriver(WledConfig(url=wled(live=True, lm="E1.31").url), 8)
    ).detail  # fmt: skip
    fake = wled()
    driver = WledDriver(WledConfig(url=fake.url), 8)

    async def go():
        await driver.open()
        fake.broken = "deaf"
        try:
            await driver.show("4")
        finally:
            fake.broken = None
            await driver.close()

    with pytest.raises(LightError, match="told to show light 4, and says that it shows no light"):
        asyncio.run(go())


def test_an_address_that_is_no_wled(tmp_path):
    class Router(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Router</html>")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Router)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    error = failing(WledDriver(WledConfig(url=f"http://127.0.0.1:{server.server_port}"), 8))
    server.shutdown()
    server.server_close()
    assert "is no WLED controller (HTTP 200)" in error.detail
    assert "Router" in error.data["got"]


def test_a_wled_on_the_internet_is_not_asked():
    assert "not in your network (8.8.8.8)" in failing(WledDriver(WledConfig(url="http://8.8.8.8"), 8)).detail


@pytest.mark.parametrize(
    "url",
    ["wled.local", "ftp://wled.local", "http://me:pw@wled.local", "http://wled.local/json?x", "http://a b"],
)
def test_addresses_that_are_none(url):
    with pytest.raises(ValidationError):
        WledConfig(url=url)


def test_wled_is_asked_in_the_calls_of_its_documentation(wled):
    fake = wled(leds=40)
    fake.info["leds"]["maxpwr"] = 850
    driver = WledDriver(
        WledConfig(url=fake.url, per_light=4, first_led=2, clockwise=False, brightness=200), 8
    )

    async def go():
        info = await driver.open()
        assert fake.state["bri"] == 200
        await driver.show("2")
        lit = fake.leds_lit()
        await driver.close()
        return info, lit

    info, lit = asyncio.run(go())
    # Counter-clockwise: light 1 keeps the first group, light 2 has the last of the eight.
    assert lit == set(range(2 + 7 * 4, 2 + 8 * 4))
    assert any("limiter is on (850 mA)" in note for note in info.notes)
    assert any("200 of 255" in note for note in info.notes)
    setting_up, showing, restoring = fake.calls
    assert setting_up["seg"][0] | {"start": 2, "stop": 6, "on": False} == setting_up["seg"][0]
    assert showing == {
        "tt": 0, "v": True, "udpn": {"nn": True}, "seg": [{"id": k, "on": k == 1} for k in range(8)],
    }  # fmt: skip
    assert restoring["bri"] == 127
    assert [item for item in restoring["seg"] if item.get("stop") == 0] == [
        {"id": k, "stop": 0} for k in range(1, 8)
    ]
    assert fake.most_at_once == 1


def test_wled_gets_its_playlist_back_by_the_preset_that_holds_it(wled):
    fake = wled()
    fake.state["pl"] = 5
    opened(WledDriver(WledConfig(url=fake.url), 8))
    assert fake.calls[-1] == {"ps": 5, "udpn": {"nn": True}}


def test_segments_beyond_the_lights_are_taken_away_and_put_back(wled):
    fake = wled(leds=100)
    fake.state["seg"] = [fake._segment(k, start=10 * k, stop=10 * k + 10) for k in range(10)]
    before = [{**item} for item in fake.state["seg"]]
    driver = WledDriver(WledConfig(url=fake.url), 4)

    async def go():
        await driver.open()
        await driver.show("1")
        assert len(fake.state["seg"]) == 4
        await driver.close()

    asyncio.run(go())
    assert fake.state["seg"] == before


# serial


def test_a_board_with_another_count(board):
    error = failing(SerialDriver(SerialConfig(port=board(count=6).port), 8))
    assert "has 6 lights and the rig 8" in error.detail
    assert error.data["got"] == "RCG-LIGHT 1 6"


def test_a_board_of_another_protocol(board):
    error = failing(SerialDriver(SerialConfig(port=board(greeting="RCG-LIGHT 2 8").port), 8))
    assert "speaks protocol 2" in error.detail


def test_something_else_on_the_port(board):
    error = failing(
        SerialDriver(SerialConfig(port=board(greeting="Marlin 2.1").port, boot_s=0.3, answer_s=0.1), 8)
    )
    assert "no RCG light: it answered 'Marlin 2.1'" in error.detail


def test_a_silent_board(board):
    fake = board()
    fake.answer = lambda _line: None
    error = failing(SerialDriver(SerialConfig(port=fake.port, boot_s=0.3, answer_s=0.1), 8))
    assert "Nobody answered" in error.detail
    assert fake.heard.count("?") > 1, "a board that starts is asked again"


def test_a_wrong_and_a_slow_answer_of_a_board(board):
    fake = board()
    fake.answer = lambda line: "OK 4" if line == "L3" else fake._said(line)
    error = failing(SerialDriver(SerialConfig(port=fake.port), 8), "3")
    assert "answered 'OK 4' to L3" in error.detail
    slow = board()
    slow.answer = lambda line: None if line == "L3" else slow._said(line)
    error = failing(SerialDriver(SerialConfig(port=slow.port, answer_s=0.1), 8), "3")
    assert "did not answer within 0.1 s" in error.detail
    assert error.data["sent"] == "L3"


def test_a_port_that_is_busy_and_one_that_is_not_there(board):
    import serial

    fake = board()
    with serial.Serial(fake.port, exclusive=True):
        error = failing(SerialDriver(SerialConfig(port=fake.port), 8))
    assert "in use by another program" in error.detail
    error = failing(SerialDriver(SerialConfig(port="/dev/ttyACM98"), 8))
    assert "nothing at the port /dev/ttyACM98" in error.detail
    assert "Ports of this computer" in error.hint


def test_a_board_that_is_pulled_out(board):
    fake = board()
    driver = SerialDriver(SerialConfig(port=fake.port, answer_s=0.2), 8)

    async def go():
        await driver.open()
        fake.unplug()
        try:
            await driver.show("1")
        finally:
            await driver.close()

    with pytest.raises(LightError, match=r"is gone|did not answer"):
        asyncio.run(go())


def test_without_pyserial_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    error = failing(SerialDriver(SerialConfig(port="/dev/ttyACM0"), 8))
    assert "pip install 'rcg[serial]'" in error.hint
    assert ports() == []


@pytest.mark.parametrize("port", ["/etc/passwd", "/dev/sda", "/dev/../etc/passwd", "ttyACM0", "COM1234"])
def test_only_serial_ports_are_opened(port):
    with pytest.raises(ValidationError):
        SerialConfig(port=port)


# screen and person


def test_no_screen_names_the_page_to_open():
    fake = FakeSomebody()
    fake.answers = False
    driver = fake.driver = ScreenDriver(ScreenConfig(answer_s=0.05), 8, fake.tell, "/capture/light/abc")
    error = failing(driver)
    assert "Open /capture/light/abc" in error.hint


def test_an_answer_to_an_older_request_counts_for_nothing():
    fake = FakeSomebody()
    fake.answers = False
    driver = fake.driver = ScreenDriver(ScreenConfig(answer_s=5), 8, fake.tell, "/p")

    async def go():
        first = asyncio.create_task(driver.show("1"))
        await asyncio.sleep(0.01)
        driver.told.give_way()
        with pytest.raises(Superseded):
            await first
        second = asyncio.create_task(driver.show("2"))
        await asyncio.sleep(0.01)
        old, new = (request.seq for request in fake.heard)
        assert new > old
        assert not driver.told.answer(old)
        assert not second.done()
        assert driver.told.answer(new)
        assert (await second).light == "2"
        assert not driver.told.answer(new), "once is enough"

    asyncio.run(go())


def test_a_person_is_told_the_side():
    assert [place(str(k), 8) for k in (1, 3, 4, 7)] == [
        "the top",
        "the right",
        "the bottom right",
        "the left",
    ]
    assert [place(str(k), 4) for k in (1, 2, 3, 4)] == ["the top", "the right", "the bottom", "the left"]
    assert words("2", 12) == "Light the card from 30 degrees clockwise from the top (stop 2)."
    assert words(None, 8) == "Switch the lamp off."


# sim


@pytest.mark.parametrize("lost", ["3.y4m", "ambient.y4m"])
def test_a_scene_that_lacks_a_frame(tmp_path, lost):
    (make_scene(tmp_path / "card") / lost).unlink()
    error = failing(SimDriver(SimConfig(), tmp_path, 8))
    assert lost in error.detail
    assert "camera.y4m" in error.hint


def test_a_scene_of_two_sizes_and_one_of_another_format(tmp_path):
    folder = make_scene(tmp_path / "card")
    y4m.write(folder / "4.y4m", 8, 8, bytes(96))
    assert "Frame 4" in failing(SimDriver(SimConfig(), tmp_path, 8)).detail
    (folder / "4.y4m").write_bytes(b"YUV4MPEG2 W16 H12 F10:1 C444\nFRAME\n" + bytes(576))
    assert "no Y4M file of 4:2:0" in failing(SimDriver(SimConfig(), tmp_path, 8)).detail


def test_a_scene_is_named_never_a_path():
    for wrong in ("../x", "/etc", "a/b", "", "."):
        with pytest.raises(ValidationError):
            SimConfig(scene=wrong)


def test_the_cameras_file_is_overwritten_in_place(tmp_path):
    """A browser keeps it open: a file that is replaced would never be seen."""
    camera = make_scene(tmp_path / "card") / "camera.y4m"
    driver = SimDriver(SimConfig(), tmp_path, 8)

    async def go():
        await driver.open()
        with camera.open("rb") as kept:
            before = os.fstat(kept.fileno()).st_ino
            await driver.show("5")
            kept.seek(-288, os.SEEK_END)
            return before, kept.read(1)

    inode, luma = asyncio.run(go())
    assert camera.stat().st_ino == inode
    assert luma == bytes([90])


def test_i420_of_known_colours():
    """BT.601 in studio range: white 235, black 16, red (81, 90, 240)."""
    image = np.zeros((2, 6, 3), np.uint8)
    image[:, :2] = 255
    image[:, 4:] = [255, 0, 0]
    assert list(y4m.i420(image)) == [235, 235, 16, 16, 81, 81] * 2 + [128, 128, 90] + [128, 128, 240]
    with pytest.raises(InputError, match="3 x 2"):
        y4m.i420(np.zeros((2, 3), np.uint8))

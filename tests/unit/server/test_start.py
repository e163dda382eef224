"""What the start is made of: steps, watchdog, gate, health, port, folders, the last good start."""

import asyncio
import errno
import json
import logging
import os
import socket
import threading

import pytest
from starlette.testclient import TestClient

from rcg.errors import StartError
from rcg.server import announce, folders, last_good, port
from rcg.server.gate import StartGate
from rcg.server.health import HealthBoard, Verdict
from rcg.server.progress import StartProgress
from rcg.server.startup import Startup
from rcg.settings import LimitSettings, ServerSettings, Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", certs_dir=tmp_path / "certs")


def test_a_step_is_logged_with_begin_end_and_duration(caplog):
    caplog.set_level(logging.INFO)
    progress = StartProgress()
    with progress.step("one"):
        assert progress.current == "one"
    progress.finish()
    assert [record.message.split(" after ")[0] for record in caplog.records] == [
        "step one: begins", "step one: ended", "ready",
    ]  # fmt: skip
    assert [step.name for step in progress.done] == ["one"]


def test_a_failed_step_is_logged_with_its_traceback_and_remembered(caplog):
    progress = StartProgress()
    error = StartError("no")
    with pytest.raises(StartError), progress.step("two"):
        raise error
    assert progress.failed is error
    assert caplog.records[-1].exc_info is not None


def test_a_stuck_step_is_named():
    progress = StartProgress(stuck_s=0.02)
    named = threading.Event()
    said = []
    progress.on_stuck = lambda sentence: (said.append(sentence), named.set())
    with progress.step("slow"):
        assert named.wait(10)
    assert "'slow'" in said[0]


def test_before_ready_health_answers_and_all_else_names_the_step(settings):
    startup = Startup(settings)
    client = TestClient(StartGate(startup))
    with startup.progress.step("database"):
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        other = client.get("/api/cards")
    assert ready.status_code == 503
    assert ready.json()["step"] == "database"
    assert {"database", "valkey", "workers", "disk", "certificate"} <= set(ready.json()["parts"])
    assert other.status_code == 503
    assert other.json()["detail"] == "RCG is starting: step database."
    assert client.get("/healthy").status_code == 503
    assert client.get("/healthy").json()["error"] == "unavailable"


def board(**checks) -> HealthBoard:
    progress = StartProgress()
    progress.finish()
    found = HealthBoard(progress)
    for name, check in checks.items():
        found.add(name, check)
    return found


async def good() -> Verdict:
    return Verdict(ok=True, detail="fine")


def test_ready_is_all_parts_well_and_details_are_for_the_signed_in():
    async def bad() -> Verdict:
        return Verdict(ok=False, detail="full", hint="make room")

    found = board(database=good, disk=bad)
    found.add_area("grade", "/grade")
    ok, body = asyncio.run(found.ready(details=False))
    assert not ok
    assert body == {
        "status": "degraded",
        "areas": {"grade": {"ok": True}},
        "parts": {"database": {"ok": True}, "disk": {"ok": False}},
    }
    _, body = asyncio.run(found.ready(details=True))
    assert body["parts"]["disk"] == {"ok": False, "detail": "full", "hint": "make room"}
    assert asyncio.run(board(database=good).ready(details=False))[0]


def test_a_check_that_hangs_or_breaks_is_a_verdict(monkeypatch):
    monkeypatch.setattr("rcg.server.health.CHECK_TIMEOUT_S", 0.02)

    async def hangs() -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError

    async def breaks() -> Verdict:
        raise OSError(errno.EIO, "broken")

    ok, body = asyncio.run(board(database=good, valkey=hangs, disk=breaks).ready(details=True))
    assert not ok
    assert body["parts"]["database"]["ok"]
    assert "no answer" in body["parts"]["valkey"]["detail"]
    assert "broken" in body["parts"]["disk"]["detail"]


def test_parts_are_asked_at_most_once_a_second():
    asked = []

    async def counted() -> Verdict:
        asked.append(1)
        return Verdict(ok=True)

    async def ask_often(found: HealthBoard) -> None:
        await asyncio.gather(*(found.ready(details=False) for _ in range(20)))

    asyncio.run(ask_often(board(database=counted)))
    assert len(asked) == 1


def test_a_taken_port_names_its_holder_and_a_free_one():
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(StartError) as caught:
            port.take("127.0.0.1", taken)
    assert f"Port {taken} is taken by" in caught.value.detail
    assert f"process {os.getpid()}" in caught.value.detail
    suggested = int(caught.value.hint.split("--port ")[1].split()[0])
    assert suggested > taken


def test_an_address_of_another_computer_is_refused_in_words():
    with pytest.raises(StartError, match=r"'192\.0\.2\.77' is no address of this computer"):
        port.take("192.0.2.77", 0)


def test_any_address_takes_ipv4_and_where_there_is_ipv6_the_same_port_of_it():
    found = port.take("0.0.0.0", 0)
    try:
        assert {listener.getsockname()[1] for listener in found.sockets} == {found.port}
        assert found.sockets[0].family == socket.AF_INET
    finally:
        for listener in found.sockets:
            listener.close()


def test_a_file_in_place_of_the_data_folder_is_said_in_words(settings):
    settings.data_dir.touch()
    with pytest.raises(
        StartError, match="cannot be the data_dir: it, or a folder above it, is a file"
    ) as caught:
        folders.open_folders(settings)
    assert "RCG_DATA_DIR" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said_in_words(settings):
    settings.data_dir.mkdir(mode=0o500)
    with pytest.raises(StartError, match=r"\(data_dir\) cannot be written: Permission denied"):
        folders.open_folders(settings)


def test_a_full_disk_is_said_in_words(settings, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("rcg.server.folders.os.write", full)
    with pytest.raises(StartError, match="is full"):
        folders.open_folders(settings)
    assert list(settings.data_dir.iterdir()) == []


def test_little_room_refuses_jobs_and_not_the_start(settings):
    tight = settings.model_copy(update={"limits": LimitSettings(min_free_disk_mb=10**9)})
    folders.open_folders(tight)
    room = folders.disk(tight)
    assert not room.ok
    assert "Free some space" in room.hint


def test_a_failed_start_says_what_changed_since_the_last_good_one(settings):
    assert last_good.sentence(settings.data_dir, settings) == ""
    settings.data_dir.mkdir()
    last_good.save(settings.data_dir, last_good.present(settings, "0001"))
    assert "neither settings nor versions have changed" in last_good.sentence(settings.data_dir, settings)
    other = settings.model_copy(update={"server": ServerSettings(port=1234)})
    assert "server.port: 8443 -> 1234" in last_good.sentence(settings.data_dir, other)
    state = last_good.load(settings.data_dir)
    state["versions"]["rcg"] = "0.0.1"
    (settings.data_dir / last_good.FILE_NAME).write_text(json.dumps(state))
    assert "rcg: 0.0.1 -> " in last_good.sentence(settings.data_dir, settings)
    (settings.data_dir / last_good.FILE_NAME).write_text("{half")
    assert last_good.sentence(settings.data_dir, settings) == ""


def test_the_curl_line_survives_folders_with_spaces(tmp_path):
    line = announce.curl_line(
        "https://localhost:1", tmp_path / "my certs/ca.pem", tmp_path / "my data/cli.header"
    )
    assert f"--cacert '{tmp_path}/my certs/ca.pem'" in line
    assert f"-H '@{tmp_path}/my data/cli.header'" in line
    assert "$" not in line

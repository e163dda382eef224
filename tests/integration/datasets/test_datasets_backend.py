"""The command line's backend: one interface, with a server and without one."""

import json
import subprocess
import sys
import threading
import time

import pytest

from rcg.cli.backend import open_backend
from rcg.client import AnswerError
from rcg.errors import UnavailableError
from rcg.settings_sources import load


def test_without_a_server_the_routes_answer_all_the_same(backend):
    assert backend.here
    assert backend.get("/me")["scopes"] == ["admin", "capture", "label", "read", "train"]
    made = backend.post("/datasets", {"name": "A", "kind": "surface_damage"})
    assert backend.get("/datasets/A")["id"] == made["id"]
    assert backend.patch("/datasets/A", {"description": "changed"})["description"] == "changed"
    assert backend.get("/datasets", q="nothing", kind=None)["total"] == 0
    backend.delete("/datasets/A")
    with pytest.raises(AnswerError) as refused:
        backend.get("/datasets/A")
    assert (refused.value.answer_status, refused.value.answer_code) == (404, "not_found")


def test_files_go_in_and_out_piece_by_piece(backend, home):
    backend.post("/datasets", {"name": "A", "kind": "surface_damage"})
    noise = home / "noise.bin"
    noise.write_bytes(bytes(range(256)) * 40_000)
    answer = backend.upload("/datasets/A/files", [("a/b.jpg", noise)])
    assert "no image" in answer["files"][0]["reason"]
    version = "0" * 32
    with pytest.raises(AnswerError):
        backend.download(f"/versions/{version}/manifest", home / "out.jsonl")
    assert not list(home.glob("*out.jsonl*")), "what was refused leaves no file"


def test_the_pages_are_not_mounted(backend):
    assert backend._http.get("/").status_code == 404
    assert backend._http.get("/health/ready").status_code == 200


def test_a_second_command_is_told_who_is_at_work(backend, monkeypatch):
    monkeypatch.setattr("rcg.cli.backend._WAIT_FOR_START_S", 0.3)
    code = (
        "import rcg.cli.backend as b; b._WAIT_FOR_START_S = 0.3\n"
        "from rcg.errors import UnavailableError\n"
        "try:\n    b.open_backend().__enter__()\nexcept UnavailableError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Another rcg command (process" in done.stdout


def test_with_a_server_the_command_talks_to_it(home, monkeypatch):
    monkeypatch.setenv("RCG_SERVER__HOST", "127.0.0.1")
    server = subprocess.Popen(
        [sys.executable, "-m", "rcg", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        # Opened while the server still starts: the command waits for it instead of starting a second one.
        until = time.monotonic() + 30
        while not (home / "data" / "server.lock").exists() and time.monotonic() < until:
            time.sleep(0.02)
        with open_backend(load()) as backend:
            assert not backend.here
            assert backend.url.startswith("https://")
            assert backend.post("/datasets", {"name": "A", "kind": "surface_damage"})["name"] == "A"
    finally:
        server.terminate()
        server.wait(30)
    with open_backend(load()) as backend:
        assert backend.here, "the server has gone, so this process does the work"
        assert backend.get("/datasets")["total"] == 1


def test_what_keeps_the_application_from_starting_is_said(home):
    (home / "data").mkdir()
    (home / "data" / "rcg.sqlite3").write_bytes(b"no database" * 100)
    with pytest.raises(Exception, match="damaged or is no database"), open_backend(load()):
        pass
    assert not [one for one in threading.enumerate() if one.name == "rcg application"]


def test_a_broken_token_file_is_written_anew(home):
    (home / "data").mkdir()
    (home / "data" / "cli.json").write_text("{")
    try:
        with open_backend(load()) as backend:
            backend.get("/me")
    except UnavailableError as error:
        pytest.fail(str(error))
    assert json.loads((home / "data" / "cli.json").read_text())["token"]

from __future__ import annotations

import os
import socket
from pathlib import Path

from rcg.jobs import socket_folder


def listening(folder: Path) -> socket.socket:
    folder.mkdir(mode=0o700)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / socket_folder.SOCKET))
    server.listen()
    return server


def test_the_path_is_short_and_stable_whatever_the_data_folder(monkeypatch, tmp_path):
    long = Path("/" + "x" * 250 + "/" + "y" * 250)
    first = socket_folder.socket_folder(long)
    assert first == socket_folder.socket_folder(long) != socket_folder.socket_folder(tmp_path)
    assert len(str(first / socket_folder.SOCKET)) <= 100
    monkeypatch.setattr(socket_folder.tempfile, "gettempdir", lambda: str(long))
    assert socket_folder.socket_folder(long).parent == Path("/tmp")


def test_only_folders_in_which_nobody_listens_are_swept(monkeypatch, tmp_path_factory):
    base = tmp_path_factory.mktemp("s")
    prefix = socket_folder._prefix()
    ours, alive, dead = (base / f"{prefix}{name}" for name in ("ours", "alive", "dead"))
    ours.mkdir()
    (base / f"{prefix}starting").mkdir()
    (base / f"{prefix}empty").mkdir()
    os.utime(base / f"{prefix}empty", (0, 0))
    server = listening(alive)
    listening(dead).close()
    socket_folder.sweep(ours)
    assert sorted(path.name.removeprefix(prefix) for path in base.iterdir()) == ["alive", "ours", "starting"]
    server.close()

"""A report's file is there whole or not at all, and what went wrong is said."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from rcg.errors import InputError
from rcg.files import write_for_user


def test_a_folder_where_nothing_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mkstemp(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    with pytest.raises(InputError, match=r"report\.json cannot be written: Read-only file system"):
        write_for_user(tmp_path / "report.json", b"{}")


def test_a_disk_that_fills_leaves_nothing_and_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.json"
    target.write_bytes(b"before")

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(InputError, match="No space left"):
        write_for_user(target, b"{}")
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
    assert target.read_bytes() == b"before"

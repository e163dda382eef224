# ruff: noqa: PT012 -- a writer is used in several steps, and any of them may raise
import errno
import hashlib
import os
import resource
import stat
import subprocess
import sys

import pytest

from rcg.errors import InputError, NotFoundError, TooLargeError, UnavailableError
from rcg.store.blobs import BlobStore

DATA = b"one frame under one light" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def blobs(tmp_path):
    return BlobStore(tmp_path / "blobs")


def files(blobs):
    return sorted(path for path in blobs.folder.rglob("*") if path.is_file())


def test_what_is_added_is_read_back_from_its_place_read_only(blobs):
    info = blobs.add(DATA)
    assert (info.sha256, info.bytes, info.new) == (SHA, len(DATA), True)
    assert blobs.path(SHA) == blobs.folder / SHA[:2] / SHA[2:4] / SHA
    assert blobs.read(SHA) == DATA
    assert blobs.size(SHA) == len(DATA)
    assert stat.S_IMODE(blobs.path(SHA).stat().st_mode) == 0o444
    assert files(blobs) == [blobs.path(SHA)]


def test_adding_twice_keeps_one_and_says_so(blobs):
    blobs.add(DATA)
    before = blobs.path(SHA).stat().st_ino
    assert blobs.add(DATA).new is False
    assert blobs.path(SHA).stat().st_ino == before
    assert files(blobs) == [blobs.path(SHA)]


def test_pieces_make_the_same_blob(blobs):
    with blobs.writer(expected=SHA) as writer:
        for at in range(0, len(DATA), 777):
            writer.write(DATA[at : at + 777])
        assert writer.head == DATA[:32]
        assert writer.commit().sha256 == SHA
    assert blobs.read(SHA) == DATA


def test_another_hash_than_expected_is_refused_and_leaves_nothing(blobs):
    with pytest.raises(InputError, match=SHA), blobs.writer(expected="0" * 64) as writer:
        writer.write(DATA)
        writer.commit()
    assert files(blobs) == []


def test_a_write_that_is_left_leaves_nothing(blobs):
    with pytest.raises(ConnectionError), blobs.writer() as writer:
        writer.write(DATA)
        raise ConnectionError("the phone went away")
    assert files(blobs) == []


def test_over_the_limit(blobs):
    with pytest.raises(TooLargeError), blobs.writer(max_bytes=10) as writer:
        writer.write(b"0123456789")
        writer.write(b"x")
    assert files(blobs) == []


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", SHA.upper(), SHA + "0", SHA[:-1] + "\n", "a/" + SHA]
)
def test_what_is_no_hash_never_becomes_a_path(blobs, name):
    with pytest.raises(InputError):
        blobs.path(name)


def test_what_is_not_there(blobs):
    assert not blobs.has(SHA)
    for ask in (blobs.read, blobs.size):
        with pytest.raises(NotFoundError, match=SHA):
            ask(SHA)


def test_too_little_free_space_is_refused_before_a_byte_is_written(tmp_path):
    blobs = BlobStore(tmp_path / "blobs", min_free_mb=10**9)
    with pytest.raises(UnavailableError, match="disk is full"):
        blobs.add(DATA)
    assert files(blobs) == []


def test_announced_size_counts_against_free_space(blobs):
    with pytest.raises(UnavailableError, match="disk is full"):
        blobs.writer(size=10**18)


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_at_any_step_leaves_nothing(blobs, monkeypatch, step):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UnavailableError, match="disk is full") as caught, blobs.writer() as writer:
        if step == "write":
            monkeypatch.setattr(writer, "_file", FullFile(writer._file))
        elif step == "fsync":
            monkeypatch.setattr(os, "fsync", full)
        else:
            monkeypatch.setattr("pathlib.Path.replace", full)
        writer.write(DATA)
        writer.commit()
    assert caught.value.status == 503
    assert files(blobs) == []


class FullFile:
    def __init__(self, file):
        self.file = file

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_a_real_file_size_limit_leaves_nothing(tmp_path):
    """The kernel itself refuses the write, in a process of its own, as it does on a full disk."""
    code = f"""
import pathlib, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.getrlimit(resource.RLIMIT_FSIZE)[1]}))
from rcg.errors import UnavailableError
from rcg.store.blobs import BlobStore
try:
    BlobStore(pathlib.Path({str(tmp_path)!r})).add(bytes(300_000))
except UnavailableError as error:
    print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "unavailable", done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_sweeping_removes_what_a_killed_process_left(blobs):
    blobs.add(DATA)
    (blobs.temporary / "left").write_bytes(b"half a frame")
    assert blobs.sweep_temporary() == 1
    assert files(blobs) == [blobs.path(SHA)]

"""Files that are there whole or not at all, and the words for a disk that is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rcg.errors import UnavailableError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def disk_errors(doing: str, rescue: str = "") -> Iterator[None]:
    """Turn a full disk into the error that a person can act on.

    Args:
        doing: what failed, as in "writing the checkpoint of step 80".
        rescue: what is safe.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise UnavailableError(
            f"The disk is full: {doing} failed.{' ' + rescue if rescue else ''}",
            "Make room on the disk of the data folder, then resume the run.",
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file by temp, fsync, rename, fsync of the folder. What stood there stays on failure."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

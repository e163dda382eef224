"""Files that are there whole or not at all: written under another name, put on disk, then renamed."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from rcg.errors import InputError

SHARED, PRIVATE = 0o644, 0o600
_CANNOT = frozenset({errno.EINVAL, errno.ENOTSUP})
Write = Callable[[IO[bytes]], Any]


def write_atomically(path: Path, content: bytes | Write, *, mode: int = SHARED) -> None:
    """Replace a file in one step. What stood there stays on failure, and nothing else is left behind.

    Args:
        path: of the file; its folder is there.
        content: the bytes, or what writes them into an open file.
        mode: of the new file, which it has before it has its name.

    Raises:
        OSError: it cannot be written, or the disk is full.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_for_user(path: Path, content: bytes | Write) -> None:
    """Write a file that a user named, in one step.

    Raises:
        InputError: it cannot be written, or the disk is full.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}.", "Choose another place, or make room."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make new names, renames and removals in a folder survive a power cut, where its file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(handle)

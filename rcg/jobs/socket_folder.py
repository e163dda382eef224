"""Where the embedded Valkey's socket lies: a short path, in a folder of our own.

A socket's path may have about 100 bytes, and a data folder's path can be longer than that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import stat
import tempfile
import time
from pathlib import Path

from rcg.errors import StartError

SOCKET = "v.sock"
_MAX_PATH = 100  # bytes; the system's limit is 108 on Linux, 104 on macOS

_STARTING_S = 60.0  # a younger folder without a socket may be that of a server about to start


def socket_folder(data_dir: Path) -> Path:
    """The folder that belongs to a data folder; the same at every start."""
    name = f"{_prefix()}{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base / name / SOCKET)) > _MAX_PATH:
        base = Path("/tmp")  # noqa: S108 - the folder below is 0700 and checked to be ours
    return base / name


def make_private(folder: Path) -> None:
    """Make the folder, or check that it is ours alone: whoever owns it could put a socket there.

    Raises StartError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StartError(
            f"The folder {folder} for Valkey's socket exists and is not yours alone.",
            "Remove it, or set TMPDIR to a folder of your own.",
        )


def sweep(beside: Path) -> None:
    """Remove our folders in which nobody listens any more: those of servers that were killed."""
    for folder in beside.parent.glob(f"{_prefix()}*"):
        file = folder / SOCKET
        if folder == beside:
            continue
        if file.is_socket():
            if not _listens(file):
                shutil.rmtree(folder, ignore_errors=True)
        elif time.time() - folder.stat().st_mtime > _STARTING_S:
            with contextlib.suppress(OSError):  # not empty: not ours to judge
                folder.rmdir()


def _listens(file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(file))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True  # not known: leave it alone
    return True


def _prefix() -> str:
    return f"rcg-{os.getuid()}-"

"""One server per data folder: a lock that the system releases by itself when its holder dies."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import ClassVar

from rcg.errors import StartError

FILE_NAME = "server.lock"


class FolderInUseError(StartError):
    """Another process has the data folder; ``data`` has its ``pid`` and its ``port``, as far as known."""


class DataLock:
    """The right to be the one server of a data folder.

    Args:
        data_dir: made when it does not exist.
    """

    _held_here: ClassVar[set[Path]] = set()

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self._descriptor: int | None = None

    @property
    def path(self) -> Path:
        """The lock file; its content names the holder and is only for people."""
        return self.data_dir / FILE_NAME

    @property
    def held(self) -> bool:
        """Whether this process holds the folder's lock, through this object or another."""
        return self.data_dir in self._held_here

    def acquire(self, port: int | None = None) -> None:
        """Take the lock, at once or never. Raises StartError naming the holder."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise StartError(
                    f"The data folder {self.data_dir} cannot be locked: {error.strerror}.",
                    "Put the data folder on a local disk (setting data_dir, environment RCG_DATA_DIR).",
                ) from error
            raise FolderInUseError(
                f"The data folder {self.data_dir} is in use by another RCG server ({self._holder()}).",
                "Stop that server, or give this one its own folder: RCG_DATA_DIR.",
                **self._noted(),
            ) from None
        self._descriptor = descriptor
        self._held_here.add(self.data_dir)
        self.note_port(port)

    def note_port(self, port: int | None) -> None:
        """Write who holds the lock, for whoever is refused."""
        if self._descriptor is None:
            return
        text = json.dumps({"pid": os.getpid(), "port": port}).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)

    def release(self) -> None:
        """Give the lock back. Releasing what is not held does nothing."""
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        self._held_here.discard(self.data_dir)

    def _open(self) -> int:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                f"The data folder {self.data_dir} cannot be written: {error.strerror}.",
                "Make it writable for you, or choose another one: RCG_DATA_DIR.",
            ) from error

    def _noted(self) -> dict[str, int]:
        """What the holder wrote of itself: ``pid`` and ``port``, where it did."""
        try:
            holder = json.loads(self.path.read_text())
            return {name: int(holder[name]) for name in ("pid", "port") if holder.get(name)}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _holder(self) -> str:
        holder = self._noted()
        if "pid" not in holder:
            return "it has not yet written its process number"
        return f"process {holder['pid']}" + (f", port {holder['port']}" if "port" in holder else "")

"""The folders RCG writes to: made, tried, and with room on their disk."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rcg.errors import StartError
from rcg.settings import Settings

BARELY_MB = 20
"""with less than this the database itself cannot work"""


@dataclass(frozen=True)
class Disk:
    """Room on the disk of a folder, in megabytes (10^6 bytes)."""

    folder: Path
    free_mb: int
    wanted_mb: int

    @property
    def ok(self) -> bool:
        """Whether uploads and jobs are taken."""
        return self.free_mb >= self.wanted_mb

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.free_mb:,} MB free on the disk of {self.folder} ({self.wanted_mb:,} MB wanted)"

    @property
    def hint(self) -> str:
        """The way out, empty when there is room."""
        if self.ok:
            return ""
        return "Free some space, or put data_dir on another disk. Until then uploads and jobs are refused."


def disk(settings: Settings) -> Disk:
    """Room on the disk of the data folder."""
    free = shutil.disk_usage(settings.data_dir).free // 1_000_000
    return Disk(settings.data_dir, free, settings.limits.min_free_disk_mb)


def open_folders(settings: Settings) -> None:
    """Make the folders and write into each.

    Raises:
        StartError: naming the folder, what is wrong with it and what to do.
    """
    for setting, folder in (("data_dir", settings.data_dir), ("log_dir", settings.log_dir)):
        _try(setting, folder)
    room = disk(settings)
    if room.free_mb < BARELY_MB:
        raise StartError(
            f"The disk is full: {room.sentence}.", "Free some space, or put data_dir on another disk."
        )


def _try(setting: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # photographs are their owner's
        handle, name = tempfile.mkstemp(dir=folder, prefix=".writable-")
        try:
            os.write(handle, b"x")
            os.fsync(handle)
        finally:
            os.close(handle)
            Path(name).unlink()
    except OSError as error:
        raise _unwritable(setting, folder, error) from error


def _unwritable(setting: str, folder: Path, error: OSError) -> StartError:
    variable = f"RCG_{setting.upper()}"
    if error.errno == errno.ENOSPC:
        return StartError(
            f"The disk of {folder} is full.", f"Free some space, or set {setting} to another disk."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StartError(
            f"{folder} cannot be the {setting}: it, or a folder above it, is a file.",
            f"Move the file away, or set {setting} in config/rcg.toml (or {variable}) to a folder.",
        )
    return StartError(
        f"The folder {folder} ({setting}) cannot be written: {error.strerror or error}.",
        f"Give it to this user, or set {setting} in config/rcg.toml (or {variable}) to another folder.",
    )

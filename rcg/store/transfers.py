"""Folders in which the server hands files to a job and takes them back: uploads on their way in, lists that
are too long for a job's spec, rows that a job made. Nothing in them is kept for good.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from rcg.store.base import new_id

FOLDER = "transfers"
_KEPT_S = 14 * 24 * 3600
"""as long as a failed job can be sensibly tried again"""


class Transfers:
    """Those of one data folder.

    Args:
        data_dir: the data folder.
    """

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / FOLDER

    def new(self) -> Path:
        """Make a folder of a fresh name; what is older than two weeks goes."""
        self.sweep(time.time() - _KEPT_S)
        folder = self.root / new_id()
        folder.mkdir(parents=True)
        return folder

    def of(self, name: str) -> Path:
        """Return a folder by its name."""
        return self.root / name

    def drop(self, name: str) -> None:
        """Remove a folder and all in it; one that is gone is no error."""
        shutil.rmtree(self.root / name, ignore_errors=True)

    def sweep(self, before: float) -> None:
        """Remove folders made before a time, seconds since 1970."""
        if self.root.is_dir():
            for folder in self.root.iterdir():
                if folder.stat().st_mtime < before:
                    shutil.rmtree(folder, ignore_errors=True)

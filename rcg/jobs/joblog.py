"""The log of one job: lines of JSON in its folder, bounded, the newest kept."""

from __future__ import annotations

import json
import logging
from collections import deque
from pathlib import Path
from typing import Any

from rcg.store.db import now_ms

logger = logging.getLogger("rcg.jobs")
BOUND_BYTES = 500_000
_LINE_CHARS = 4_000


def job_folder(data_dir: Path, job_id: str) -> Path:
    """Where a job keeps its log and, while it runs, its scratch folders."""
    return data_dir / "jobs" / job_id


class JobLog:
    """Writes and reads a job's log: the current file and the one before it, each at most half a megabyte."""

    def __init__(self, data_dir: Path, job_id: str) -> None:
        self._path = job_folder(data_dir, job_id) / "log.jsonl"
        self._older = self._path.with_name("log.1.jsonl")

    def add(self, text: str, level: str = "info", attempt: int = 0) -> dict[str, Any]:
        """Add a line and return it. A disk that takes no more lines does not stop the job."""
        line = {"t": now_ms(), "level": level, "attempt": attempt, "text": text[-_LINE_CHARS:]}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > BOUND_BYTES:
                self._path.replace(self._older)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            logger.warning("the log of job %s cannot be written: %s", self._path.parent.name, error)
        return line

    def read(self, limit: int = 500) -> list[dict[str, Any]]:
        """The newest lines, oldest first; a line cut off by a crash is left out."""
        lines: deque[dict[str, Any]] = deque(maxlen=limit)
        for path in (self._older, self._path):
            if path.exists():
                lines.extend(_lines(path))
        return list(lines)


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found

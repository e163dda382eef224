"""What happened in a run: one JSON object a line, kept per attempt, read as one history.

``seq`` rises over all attempts and is never given twice. An attempt's ``start`` says the step that it went on
from: what was computed past that step before is superseded, and :func:`read` leaves it out. Warnings, the log
and the machine's figures stay: they happened.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

from rcg.training.disk import disk_errors

Kind = Literal[
    "start",
    "step",
    "eval",
    "sample",
    "sys",
    "eta",
    "checkpoint",
    "log",
    "warning",
    "extend",
    "state",
    "result",
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
COMPUTED: Final = frozenset({"step", "eval", "sample", "eta", "checkpoint", "extend", "result"})
"""kinds of rows that going on from an earlier step undoes"""
Row = dict[str, Any]

_ATTEMPT = re.compile(r"attempt-(\d+)")
_SEQ = re.compile(rb'\{"seq":(\d+),')
_START = b'"kind":"start"'


def attempts(run_dir: Path) -> list[tuple[int, Path]]:
    """Return the attempts of a run, (number, folder), the first one first."""
    found = [(match, path) for path in run_dir.glob("attempt-*") if (match := _ATTEMPT.fullmatch(path.name))]
    return sorted((int(match[1]), path) for match, path in found)


class EventLog:
    """Writes the events of one attempt. A row is in the file before anyone hears of it.

    Args:
        run_dir: the run's folder.
        attempt: this attempt's number, larger than those before it.
        tell: is given every row after it was written.
    """

    def __init__(self, run_dir: Path, attempt: int, tell: Callable[[Row], None] | None = None) -> None:
        folder = run_dir / f"attempt-{attempt}"
        folder.mkdir(parents=True, exist_ok=True)
        self.attempt = attempt
        self.path = folder / "events.jsonl"
        self.seq = last_seq(run_dir)
        self._tell = tell
        self._file = self.path.open("ab", buffering=0)
        if self._file.tell() and not self.path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")

    def append(self, kind: Kind, **data: Any) -> Row:
        """Write one event and return it. Raises UnavailableError when the disk is full."""
        row: Row = {
            "seq": self.seq + 1,
            "attempt": self.attempt,
            "t": time.time_ns() // 1_000_000,
            "kind": kind,
            **data,
        }
        line = json.dumps(row, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with disk_errors("writing down what happens"):
            self._file.write(line)
        self.seq += 1
        if self._tell is not None:
            self._tell(row)
        return row

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(run_dir: Path, after_seq: int = -1) -> Iterator[Row]:
    """Yield the rows of a run after ``after_seq``, in order, without those that are superseded.

    A line cut short by a kill is left out.
    """
    starts = _starts(run_dir)
    for _, folder in attempts(run_dir):
        for seq, line in _lines(folder / "events.jsonl"):
            if seq <= after_seq:
                continue
            row = _parse(line)
            if row is None:
                continue
            past = row.get("step", 0) if row["kind"] in COMPUTED else 0
            if any(seq < start and past > step for start, step in starts):
                continue
            yield row


def last_seq(run_dir: Path) -> int:
    """Return the largest ``seq`` of a run; -1 when nothing happened yet."""
    return max((_last_seq(path / "events.jsonl") for _, path in attempts(run_dir)), default=-1)


def _starts(run_dir: Path) -> list[tuple[int, int]]:
    """Return ``seq`` and step of every time that a run went on."""
    found: list[tuple[int, int]] = []
    for _, folder in attempts(run_dir):
        for seq, line in _lines(folder / "events.jsonl"):
            if _START in line and (row := _parse(line)) is not None and row["kind"] == "start":
                found.append((seq, int(row.get("from_step", 0))))
    return found


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if line.endswith(b"\n") and (match := _SEQ.match(line)):
                yield int(match[1]), line


def _parse(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _last_seq(path: Path) -> int:
    return max((seq for seq, _ in _lines(path)), default=-1)

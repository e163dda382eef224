"""Where a job computes, behind one interface: a task goes in, an outcome comes out."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rcg.errors import CancelledError


@dataclass(frozen=True)
class Task:
    """One attempt of one job, as a runner needs it: nothing of the database, all of it JSON."""

    job_id: str
    attempt: int
    target: str
    """the function that computes, ``"package.module:function"``"""
    spec: dict[str, Any]
    data_dir: Path
    scratch: Path
    threads: int

    @property
    def run(self) -> str:
        """A name for this attempt that no other has."""
        return f"{self.job_id}.{self.attempt}"


@dataclass(frozen=True)
class Done:
    """It computed a result."""

    result: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """It ended with an error; running again would not help."""

    error: dict[str, Any]


@dataclass(frozen=True)
class Stopped:
    """It stopped because it was asked to."""


@dataclass(frozen=True)
class Crashed:
    """Its process died, or was killed for having hung."""

    error: dict[str, Any]


Outcome = Done | Failed | Stopped | Crashed


@dataclass
class Control:
    """How a slot asks its job to stop: because of a person (``cancel``) or the server's end (``stop``)."""

    asked: threading.Event = field(default_factory=threading.Event)
    why: str = ""

    def stop(self, why: str) -> None:
        """Ask, once."""
        if not self.asked.is_set():
            self.why = why
            self.asked.set()

    def check(self) -> None:
        """Raise CancelledError once it was asked; ``data`` says why."""
        if self.asked.is_set():
            words = "The server stops." if self.why == "stop" else "The job was stopped."
            raise CancelledError(words, why=self.why)


class Report(Protocol):
    """Where a running job's words go."""

    def progress(self, fraction: float, message: str) -> None:
        """How far it is, 0..1."""

    def log(self, text: str, level: str) -> None:
        """A line for its log."""

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """An event of another kind."""


class Runner(Protocol):
    """Runs one task at a time."""

    def run(self, task: Task, report: Report, control: Control) -> Outcome:
        """Run it to its end, or stop it when ``control`` asks."""

    def rest(self) -> None:
        """Called now and then while there is nothing to do."""

    def kill(self) -> None:
        """Called from another thread: end the running task by force, where that is possible."""

    def close(self) -> None:
        """Give back whatever it holds."""

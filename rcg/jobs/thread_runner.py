"""Computes in the slot's own thread, in the server: nothing to start, but a crash takes the server along."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcg.errors import CancelledError
from rcg.jobs.faults import describe
from rcg.jobs.loading import load
from rcg.jobs.runner import Control, Done, Failed, Outcome, Report, Stopped, Task


@dataclass
class _ThreadContext:
    """The world as a job in a thread sees it (:class:`rcg.jobs.handler.JobContext`)."""

    job_id: str
    attempt: int
    data_dir: Path
    scratch: Path
    threads: int
    report: Report
    control: Control

    def progress(self, fraction: float, message: str = "") -> None:
        self.check()
        self.report.progress(float(fraction), message)

    def log(self, text: str, level: str = "info") -> None:
        self.report.log(text, level)

    def event(self, kind: str, data: dict[str, Any]) -> None:
        self.report.event(kind, json.loads(json.dumps(data)))

    def check(self) -> None:
        self.control.check()

    def beat(self) -> None:
        """Nothing listens for it: a thread cannot be ended for its silence."""


class ThreadRunner:
    """Runs a task in the calling thread. It can only ask a job to stop, not make it."""

    def run(self, task: Task, report: Report, control: Control) -> Outcome:
        """Run it; the spec and the result go through JSON, so that both runners give a job the same."""
        context = _ThreadContext(
            task.job_id, task.attempt, task.data_dir, task.scratch, task.threads, report, control
        )
        try:
            context.check()
            result = load(task.target)(context, json.loads(json.dumps(task.spec)))
            return Done(json.loads(json.dumps(result)))
        except CancelledError:
            return Stopped()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a job's error is its outcome
            return Failed(describe(error))

    def rest(self) -> None:
        """Holds nothing."""

    def kill(self) -> None:
        """Not possible: a thread cannot be killed."""

    def close(self) -> None:
        """Holds nothing."""

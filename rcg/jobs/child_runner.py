"""Computes in a warm child process: a crash costs one attempt, and whatever hangs can be killed."""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import dataclass
from typing import Any

from rcg.jobs.child_process import ChildProcess
from rcg.jobs.runner import Control, Crashed, Done, Failed, Outcome, Report, Stopped, Task
from rcg.jobs.spawner import Spawner

logger = logging.getLogger("rcg.jobs.child")
LOOK_S = 0.1


@dataclass(frozen=True)
class ChildLimits:
    """How long a child may take, and when it is replaced by a fresh one.

    Attributes:
        stall_s: a child that says nothing for so long while computing is taken for hung.
        term_after_s: SIGTERM so long after a request to stop.
        kill_after_s: SIGKILL so long after the SIGTERM.
        jobs: replaced after so many.
        resident_mb: replaced when it keeps more memory than this after a job.
        idle_s: ended after so long without work, which gives its memory back.
    """

    stall_s: float = 600
    term_after_s: float = 10
    kill_after_s: float = 20
    jobs: int = 200
    resident_mb: float = 2_000
    idle_s: float = 900


class ChildRunner:
    """Keeps one child and gives it one task at a time."""

    def __init__(self, spawner: Spawner, limits: ChildLimits, *, threads: int, nice: int) -> None:
        self._spawner = spawner
        self._limits = limits
        self._threads = threads
        self._nice = nice
        self._child: ChildProcess | None = None
        self._idle_since = time.monotonic()

    def run(self, task: Task, report: Report, control: Control) -> Outcome:
        """Run it in the child, which is started when there is none."""
        child = self._ready_child()
        child.forget_words()
        child.send(
            run={
                "run": task.run,
                "job_id": task.job_id,
                "attempt": task.attempt,
                "target": task.target,
                "spec": task.spec,
                "data_dir": str(task.data_dir),
                "scratch": str(task.scratch),
                "threads": task.threads,
            }
        )
        outcome = _Watch(child, task, report, control, self._limits).until_end()
        self._after(child)
        return outcome

    def rest(self) -> None:
        """End a child that has been idle for long."""
        if self._child and time.monotonic() - self._idle_since > self._limits.idle_s:
            self.close()

    def kill(self) -> None:
        """Kill the child from another thread; the running task then ends."""
        if child := self._child:
            child.signal_group(signal.SIGKILL)

    def close(self) -> None:
        """End the child."""
        if self._child:
            self._child.close()
            self._child = None

    def _ready_child(self) -> ChildProcess:
        if self._child and not self._child.alive:
            logger.info("the idle child is gone (it %s); a new one is started", self._child.how_it_ended())
            self.close()
        if self._child is None:
            self._child = ChildProcess(self._spawner, threads=self._threads, nice=self._nice)
            self._idle_since = time.monotonic()
        return self._child

    def _after(self, child: ChildProcess) -> None:
        self._idle_since = time.monotonic()
        child.jobs_done += 1
        worn = child.jobs_done >= self._limits.jobs or child.resident_mb() > self._limits.resident_mb
        if worn or not child.alive:
            self.close()


class _Watch:
    """Follows one task in the child to its end."""

    def __init__(
        self, child: ChildProcess, task: Task, report: Report, control: Control, limits: ChildLimits
    ) -> None:
        self._child = child
        self._task = task
        self._report = report
        self._control = control
        self._limits = limits
        self._heard_at = time.monotonic()
        self._asked_at: float | None = None
        self._last_signal: signal.Signals | None = None

    def until_end(self) -> Outcome:
        """Read what the child says; stop it when asked; notice when it dies or hangs."""
        while True:
            alive = self._child.alive
            for message in self._child.receive(LOOK_S) if alive else self._child.drain():
                self._heard_at = time.monotonic()
                if outcome := self._take(message):
                    return outcome
            if not alive:
                return self._died()
            self._press()
            if self._asked_at is None and time.monotonic() - self._heard_at > self._limits.stall_s:
                return self._stalled()

    def _take(self, message: dict[str, Any]) -> Outcome | None:
        match message:
            case {"progress": [fraction, text]}:
                self._report.progress(fraction, text)
            case {"log": [text, level]}:
                self._report.log(text, level)
            case {"event": [kind, data]}:
                self._report.event(kind, data)
            case {"result": result}:
                return Done(result)
            case {"error": error}:
                return Failed(error)
            case {"stopped": True}:
                return Stopped()
        return None

    def _press(self) -> None:
        """Ask first, then SIGTERM, then SIGKILL, each to the child and whatever it started."""
        if not self._control.asked.is_set():
            return
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._child.send(stop=self._task.run, why=self._control.why)
        waited = now - self._asked_at
        if waited >= self._limits.term_after_s + self._limits.kill_after_s:
            self._signal(signal.SIGKILL)
        elif waited >= self._limits.term_after_s:
            self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self._last_signal != number:
            self._last_signal = number
            logger.warning("job %s does not stop when asked; %s is sent", self._task.job_id, number.name)
            self._child.signal_group(number)

    def _died(self) -> Outcome:
        if self._control.asked.is_set():
            return Stopped()
        return self._crash(f"The process that computed this job {self._child.how_it_ended()}.")

    def _stalled(self) -> Outcome:
        self._child.show_where()
        self._child.close()
        return self._crash(
            f"The process that computed this job said nothing for {self._limits.stall_s:g} s and was ended."
        )

    def _crash(self, detail: str) -> Crashed:
        return Crashed(
            {
                "error": "job_crashed",
                "detail": detail,
                "hint": "Its last words are below. Retry the job, or report it with these words.",
                "data": {"stderr": self._child.last_words()},
            }
        )

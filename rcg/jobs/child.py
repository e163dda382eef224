"""The child process: reads tasks as JSON lines on standard input, computes, answers with JSON lines.

    in:   {"run": {...}}  {"stop": <run>, "why": <why>}
    out:  {"ready": <pid>}  {"progress": [<fraction>, <text>]}  {"log": [<text>, <level>]}
          {"event": [<kind>, {...}]}  {"beat": true}  {"result": {...}}  {"error": {...}}  {"stopped": true}

The end of the input is the end of the process and of all it started. What a job prints goes to standard
error, of which the server keeps the last part for the report of a crash.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import queue
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from rcg.errors import CancelledError
from rcg.jobs.faults import describe
from rcg.jobs.launcher import die_with_parent
from rcg.jobs.loading import load
from rcg.jobs.runner import Control

PROGRESS_EVERY_S = 0.05


class Pipe:
    """The lines to the server, written whole by whichever thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, **message: Any) -> None:
        """Write one message. When the server is gone there is nobody to work for."""
        line = json.dumps(message, separators=(",", ":"))
        try:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()
        except OSError:
            end_group()


class ChildContext:
    """The world as a job in a child sees it (:class:`rcg.jobs.handler.JobContext`)."""

    def __init__(self, pipe: Pipe, task: dict[str, Any], control: Control) -> None:
        self.job_id: str = task["job_id"]
        self.attempt: int = task["attempt"]
        self.data_dir = Path(task["data_dir"])
        self.scratch = Path(task["scratch"])
        self.threads: int = task["threads"]
        self._pipe = pipe
        self._control = control
        self._said = 0.0

    def progress(self, fraction: float, message: str = "") -> None:  # noqa: D102 - described in JobContext
        self.check()
        now = time.monotonic()
        if now - self._said >= PROGRESS_EVERY_S or fraction >= 1:
            self._said = now
            self._pipe.send(progress=[float(fraction), message])

    def log(self, text: str, level: str = "info") -> None:  # noqa: D102
        self._pipe.send(log=[text, level])

    def event(self, kind: str, data: dict[str, Any]) -> None:  # noqa: D102
        self._pipe.send(event=[kind, data])

    def check(self) -> None:  # noqa: D102
        self._control.check()

    def beat(self) -> None:  # noqa: D102
        self._pipe.send(beat=True)


class Listener(threading.Thread):
    """Reads the server's lines: tasks for the main thread, requests to stop for the running one."""

    def __init__(self) -> None:
        super().__init__(name="listener", daemon=True)
        self.tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._controls: dict[str, Control] = {}
        self._lock = threading.Lock()

    def control(self, run: str) -> Control:
        """Asked to stop when this run shall; also when that was said before it began."""
        with self._lock:
            return self._controls.setdefault(run, Control())

    def forget(self, run: str) -> None:
        """The run is over."""
        with self._lock:
            self._controls.pop(run, None)

    def run(self) -> None:
        """Read until the input ends, and that is the end of this process: the server closed it or died."""
        for line in sys.stdin:
            message = json.loads(line)
            if "run" in message:
                self.tasks.put(message["run"])
            elif "stop" in message:
                self.control(message["stop"]).stop(message["why"])
        end_group()


def end_group() -> None:
    """Kill this process and whatever it started."""
    os.killpg(0, signal.SIGKILL)


def confine(nice: int) -> None:
    """Make this process a good neighbour: it gives way, goes first when memory ends, dumps no core."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    niceness = os.nice(nice)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError):  # Linux only, and not in every container
        Path("/proc/self/oom_score_adj").write_text("500")
    calm_session(niceness)


def calm_session(niceness: int) -> None:
    """Lower the priority of the session that this process leads: where Linux shares the processor among
    sessions first (autogroups), a process's own niceness counts only within its session.
    """
    with (
        contextlib.suppress(OSError),  # no Linux, or one without them
        Path("/proc/self/autogroup").open("wb", buffering=0) as file,
    ):
        # Nothing was written: ten times a second is as often as all users together may ask.
        while file.write(str(niceness).encode()) is None:
            time.sleep(0.1)


def compute(pipe: Pipe, task: dict[str, Any], control: Control) -> None:
    """Run one task and send its outcome."""
    context = ChildContext(pipe, task, control)
    try:
        context.check()
        pipe.send(result=load(task["target"])(context, task["spec"]))
    except CancelledError:
        pipe.send(stopped=True)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a job's error is its outcome
        pipe.send(error=describe(error))


def main() -> None:
    """Serve tasks until the input ends. Arguments: the server's process number, how nice to be."""
    parent_pid, nice = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent_pid)
    confine(nice)
    pipe = Pipe(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)  # a job's print() must not disturb the protocol
    listener = Listener()
    listener.start()
    pipe.send(ready=os.getpid())
    while True:
        task = listener.tasks.get()
        compute(pipe, task, listener.control(task["run"]))
        listener.forget(task["run"])


if __name__ == "__main__":
    main()

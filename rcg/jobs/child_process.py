"""The server's end of a child: its start, its pipes, its last words, its end."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import Any

import psutil

from rcg.jobs.spawner import Spawner

STDERR_KEPT = 8_192
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM",
)  # fmt: skip


class ChildProcess:
    """One child, alive until it dies or is killed.

    Args:
        spawner: the thread that starts it and whose end would end it.
        threads: compute threads its libraries may use.
        nice: how far it gives way, 0..19.
    """

    def __init__(self, spawner: Spawner, *, threads: int, nice: int) -> None:
        self.jobs_done = 0
        self._closed = False
        self._threads = threads
        self._process = spawner.spawn(
            [sys.executable, "-P", "-u", "-m", "rcg.jobs.child", str(os.getpid()), str(nice)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment(),
        )  # fmt: skip
        self._words = bytearray()
        self._line = bytearray()
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Its process number, which is also that of its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, **message: Any) -> None:
        """Write one message. That a dying child does not read it shows at its end."""
        if self._process.stdin is None:
            return
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self, timeout_s: float) -> list[dict[str, Any]]:
        """The messages that have come, waiting for the first at most so long."""
        messages: list[dict[str, Any]] = []
        for key, _ in self._selector.select(timeout_s):
            data = os.read(key.fd, 65_536)
            if not data:
                self._selector.unregister(key.fileobj)
            elif key.fileobj is self._process.stderr:
                self._words += data
                del self._words[:-STDERR_KEPT]
            else:
                self._line += data
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray(rest)
        messages += [json.loads(line) for line in lines]
        return messages

    def drain(self) -> list[dict[str, Any]]:
        """What it still said before its death. What it started is killed, for that holds the pipes open."""
        self.signal_group(signal.SIGKILL)
        messages: list[dict[str, Any]] = []
        deadline = time.monotonic() + 1.0
        while self._selector.get_map() and time.monotonic() < deadline:
            messages += self.receive(0.05)
        return messages

    def forget_words(self) -> None:
        """Begin a new job's words."""
        self._words.clear()

    def last_words(self) -> str:
        """The last of what it printed, also after its death."""
        return self._words.decode(errors="replace").strip()

    def how_it_ended(self) -> str:
        """Its end in words: a signal by name, or the exit status."""
        code = self._process.wait(timeout=5)
        if code >= 0:
            return f"ended with status {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        extra = ", which the system also sends when memory runs out" if -code == signal.SIGKILL else ""
        return f"was killed by {name}{extra}"

    def resident_mb(self) -> float:
        """Its memory in megabytes; 0 when it is gone."""
        try:
            return float(psutil.Process(self.pid).memory_info().rss) / 1e6
        except psutil.Error:
            return 0.0

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to it and whatever it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a zombie
            os.killpg(self.pid, number)

    def show_where(self) -> None:
        """Have it print where each of its threads is."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            self.receive(0.1)

    def close(self) -> None:
        """End it and whatever it started. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        self.signal_group(signal.SIGKILL)
        self._process.wait(timeout=10)
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _environment(self) -> dict[str, str]:
        threads = dict.fromkeys(_THREAD_VARIABLES, str(self._threads))
        path = os.pathsep.join(entry for entry in sys.path if entry)
        return {**os.environ, **threads, "PYTHONPATH": path}

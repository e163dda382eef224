"""A real ``rcg serve`` in its own folders, as a process, and what it left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

LIMIT_S = 90.0
"""how long a busy computer may take for anything; nobody measures here"""


class Running:
    """One server process.

    Args:
        folder: its data, logs and certs lie below.
        args: further arguments of ``rcg serve``.
        env: further environment.
    """

    def __init__(self, folder: Path, *args: str, **env: str) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self._before = 0
        self._before = len(self.log)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rcg", "serve", *args],
            env=environment(folder) | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def log(self) -> str:
        """What stands in its log so far, without what an earlier server wrote."""
        file = self.folder / "logs/rcg.log"
        return file.read_text()[self._before :] if file.exists() else ""

    @property
    def cli(self) -> dict[str, str]:
        """What the server wrote for this computer's command line."""
        return json.loads((self.folder / "data/cli.json").read_text())

    def until(self, what: str, seen) -> None:
        """Wait until ``seen()`` is true; fail with the log when the process ends or time is up."""
        end = time.monotonic() + LIMIT_S
        while not seen():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"ended with {self.process.returncode} before {what}: {self.process.communicate()}"
                )
            assert time.monotonic() < end, f"no {what} in {LIMIT_S} s:\n{self.log}"
            time.sleep(0.02)

    def until_ready(self) -> Running:
        """Wait for the end of the start."""
        self.until("ready", lambda: re.search(r"rcg.start: ready after", self.log))
        return self

    def client(self, *, token: bool = True) -> httpx.Client:
        """A client that trusts this server's authority, signed in unless told otherwise."""
        context = ssl.create_default_context(cafile=str(self.folder / "certs/rcg-ca.pem"))
        headers = {"authorization": f"Bearer {self.cli['token']}"} if token else {}
        return httpx.Client(
            base_url=self.cli["url"], headers=headers, verify=context, timeout=LIMIT_S, trust_env=False
        )

    def family(self) -> list[psutil.Process]:
        """The processes below it (Valkey, children), found through the chain of parents."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal, wait for the end; exit code and both outputs."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        out, err = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, out, err

    def ended(self) -> tuple[int, str, str]:
        """Wait for an end that comes by itself."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, out, err

    def kill(self) -> None:
        """End it whatever happens: for the end of a test."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


def environment(folder: Path) -> dict[str, str]:
    """An environment whose RCG lives in ``folder`` on a free port, without the caller's settings."""
    base = {name: value for name, value in os.environ.items() if not name.startswith("RCG_")}
    return base | {
        "RCG_DATA_DIR": str(folder / "data"),
        "RCG_LOG_DIR": str(folder / "logs"),
        "RCG_CERTS_DIR": str(folder / "certs"),
        "RCG_SERVER__PORT": "0",
        "OMP_NUM_THREADS": "1",
    }


def rcg(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line to its end."""
    command = [sys.executable, "-m", "rcg", *args]
    return subprocess.run(
        command, env=environment(folder) | env, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still live after a while."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]

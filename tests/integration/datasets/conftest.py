"""A data folder of its own, and the command line's way to it: no server runs, so the application starts."""

import os
import subprocess
import sys

import pytest

from rcg.cli.backend import open_backend
from rcg.settings_sources import load


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    monkeypatch.setenv("RCG_WORKERS__ISOLATION", "thread")
    monkeypatch.setenv("RCG_WORKERS__THREADS", "1")
    return tmp_path


@pytest.fixture
def backend(home):
    with open_backend(load()) as opened:
        yield opened


@pytest.fixture
def rcg(home):
    """Run a command; return what it printed. ``code`` is the exit code that is expected."""

    def run(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "rcg", *words],
            capture_output=True, text=True, timeout=300, env=dict(os.environ), check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    return run

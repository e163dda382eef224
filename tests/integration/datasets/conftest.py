"""A data folder of its own, and the command line's way to it: no server runs, so the application starts."""

import sys

import pytest

from rcg.cli import main
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
def rcg(home, monkeypatch, capsys):
    """Run a command as ``rcg`` would; return what it printed. ``code`` is the exit code that is expected."""

    def run(*words, code=0):
        monkeypatch.setattr(sys, "argv", ["rcg", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, error = capsys.readouterr()
        assert (ended.value.code or 0) == code, out + error
        return out if code == 0 else out + error

    return run

"""``scripts/setup``: what it runs, when it runs nothing, and what it says when something is missing.

The Python it finds is a stand-in that notes its calls, so that nothing is installed here; that the real one
works is shown by whoever runs these tests through ``scripts/test``.
"""

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
STAND_IN = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
  -c*) echo "${PROBE:-ok 3.12.1}" ;;
  "-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; echo "version = 3.12.1" > "$3/pyvenv.cfg" ;;
  "-m pip --version") exit 0 ;;
  "-m pip install"*)
    [ -z "${SLEEP:-}" ] || sleep "$SLEEP"
    [ -z "${FAIL:-}" ] || { echo "$FAIL"; exit 1; }
    echo "Collecting numpy==2.4.6"
    echo "Collecting pillow"
    case "$*" in *--editable*) echo "#!$PWD/.venv/bin/python" > .venv/bin/rcg; chmod +x .venv/bin/rcg; esac ;;
esac
"""


class Checkout:
    """A checkout with what scripts/setup reads, and the stand-in for Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        (self.folder / "scripts").mkdir(parents=True)
        shutil.copy(CHECKOUT / "scripts/setup", self.folder / "scripts/setup")
        (self.folder / "rcg/web/frontend/src").mkdir(parents=True)
        for name in ("pyproject.toml", "hatch_build.py", "rcg/web/bundle.py", "rcg/web/frontend/src/main.ts"):
            (self.folder / name).write_text("x\n")
        for name in ("requirements.lock", "requirements-dev.lock"):
            (self.folder / name).write_text("numpy==2.4.6\npillow==13.0.0\n")
        self.calls = folder / "calls"
        self.python = folder / "python"
        self.python.write_text(STAND_IN)
        self.python.chmod(0o755)

    def environment(self, env: dict[str, str]) -> dict[str, str]:
        return {**os.environ, "PYTHON": str(self.python), "CALLS": str(self.calls), **env}

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "scripts/setup", *args],
            cwd="/",
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def setup(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*args, **env)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def installs(self) -> list[str]:
        """What pip was asked to install since the last look."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return [
            "project" if "--editable" in line else "packages" for line in lines if "-m pip install" in line
        ]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_the_first_run_installs_with_hashes_and_says_what_it_does(checkout):
    done = checkout.setup()
    assert done.returncode == 0, done.stderr
    calls = checkout.calls.read_text()
    assert "--require-hashes" in calls
    assert "-r requirements.lock" in calls
    assert "--no-deps --editable ." in calls
    assert [line.split(" (")[0] for line in done.stdout.splitlines() if line.startswith("rcg:")] == [
        "rcg: using Python 3.12.1",
        f"rcg: making the environment {checkout.folder}/.venv",
        "rcg: installing the packages of requirements.lock",
        "rcg: installing RCG from this folder and building its pages",
        "rcg: set up.",
    ]


def test_the_second_run_does_nothing_at_all(checkout):
    checkout.setup()
    checkout.calls.unlink()
    done = checkout.setup()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not checkout.calls.exists()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("requirements.lock", ["packages", "project"]),
        ("pyproject.toml", ["project"]),
        ("rcg/web/frontend/src/main.ts", ["project"]),
        ("rcg/web/bundle.py", ["project"]),
        ("requirements-dev.lock", []),
    ],
)
def test_a_change_is_taken_in_and_no_more_than_it_needs(checkout, file, expected):
    checkout.setup()
    checkout.installs()
    with (checkout.folder / file).open("a") as changed:
        changed.write("y\n")
    assert checkout.setup().returncode == 0
    assert checkout.installs() == expected


def test_a_set_up_for_tests_serves_for_running(checkout):
    assert checkout.setup("--dev").returncode == 0
    assert "-r requirements-dev.lock" in checkout.calls.read_text()
    checkout.installs()
    checkout.setup()
    assert checkout.installs() == []


def test_a_failure_is_one_sentence_and_the_next_run_goes_on(checkout):
    failed = checkout.setup(FAIL="ERROR: [Errno 28] No space left on device")
    assert failed.returncode == 1
    assert "The packages could not be installed: the disk is full. Run this again to go on" in failed.stderr
    checkout.installs()
    assert checkout.setup().returncode == 0
    assert checkout.installs() == ["packages", "project"]
    assert not (checkout.folder / ".venv-lock").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_is_resumed(checkout, how):
    process = checkout.start(SLEEP="30")
    wait_for(lambda: checkout.calls.exists() and "--require-hashes" in checkout.calls.read_text())
    os.killpg(process.pid, how)
    process.communicate(timeout=30)
    assert process.returncode != 0
    checkout.installs()
    assert checkout.setup().returncode == 0
    assert checkout.installs() == ["packages", "project"]


def test_of_two_at_once_one_waits_and_finds_it_done(checkout):
    first, second = checkout.start(SLEEP="1"), checkout.start(SLEEP="1")
    outs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert checkout.installs() == ["packages", "project"]
    assert sum("another set-up is running here" in out for out in outs) == 1


def test_an_environment_of_a_moved_checkout_is_made_anew(checkout):
    checkout.setup()
    moved = checkout.folder.with_name("moved")
    checkout.folder.rename(moved)
    checkout.folder = moved
    checkout.installs()
    assert "making the environment" in checkout.setup().stdout
    assert checkout.installs() == ["packages", "project"]


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("old 3.9.2", "is no Python 3.11 or newer"),
        ("novenv 3.11", "lacks"),
    ],
)
def test_an_unfit_python_is_said_in_one_sentence(checkout, probe, said):
    done = checkout.setup(PROBE=probe)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    if probe.startswith("novenv"):
        said = "sudo apt install python3-venv" if Path("/etc/debian_version").exists() else "without its venv"
    assert said in done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_a_python_that_does_not_exist_is_said_in_one_sentence(checkout):
    done = checkout.setup(PYTHON="/nowhere/python3")
    assert done.returncode == 1
    assert "PYTHON=/nowhere/python3 is no Python 3.11 or newer" in done.stderr


def test_windows_shells_are_sent_to_wsl(checkout, tmp_path):
    uname = tmp_path / "bin/uname"
    uname.parent.mkdir()
    uname.write_text("#!/bin/sh\necho MINGW64_NT-10.0\n")
    uname.chmod(uname.stat().st_mode | stat.S_IXUSR)
    done = checkout.setup(PATH=f"{uname.parent}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "WSL2" in done.stderr


def wait_for(seen) -> None:
    end = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)

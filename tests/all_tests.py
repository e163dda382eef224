"""Runs every test, in two rows side by side: ``python tests/all_tests.py``.

In front, one file after the other, what kills processes or watches a camera's scene, then the other browser
tests. They wait half of their time. Behind, with what processor they leave, the tests that only compute.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTEST = [sys.executable, "-m", "pytest"]
LIGHTS = ["tests/browser/test_capture_phone.py", "tests/browser/test_rigs.py"]
SHARED = ["--numprocesses", "auto", "--dist", "loadfile"]
FRONT = (
    ["tests/crash", *LIGHTS],
    ["tests/browser", *(f"--ignore={file}" for file in LIGHTS), *SHARED, "--maxprocesses", "2"],
)
BEHIND = ["tests/unit", "tests/integration", *SHARED, "--maxprocesses", "4", "--no-loadscope-reorder"]
GIVES_WAY = 10
"""niceness of the row behind"""


def give_way() -> None:
    """Lower this process's priority, and that of its session where Linux shares among sessions first."""
    os.nice(GIVES_WAY)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(GIVES_WAY))


def main() -> int:
    """Run both rows and return the first exit status that is not 0."""
    began = time.monotonic()
    subprocess.run([sys.executable, "tests/warm_up.py"], check=False)
    with tempfile.TemporaryFile() as said:
        behind = subprocess.Popen(
            [*PYTEST, *BEHIND],
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=give_way,  # noqa: PLW1509  this program has one thread
        )
        try:
            ends = [subprocess.run([*PYTEST, *arguments], check=False).returncode for arguments in FRONT]
            print("The tests that only compute, which ran beside those above:", flush=True)
            ends.append(behind.wait())
        except KeyboardInterrupt:
            os.killpg(behind.pid, signal.SIGINT)
            behind.wait()
            raise
        finally:
            said.seek(0)
            sys.stdout.buffer.write(said.read())
            print(f"All in {time.monotonic() - began:.0f} s.", flush=True)
    return next((status for status in ends if status), 0)


if __name__ == "__main__":
    with contextlib.chdir(Path(__file__).parents[1]):
        sys.exit(main())

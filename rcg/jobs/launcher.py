"""Start a program that ends when its starter ends. Run as a script, with the standard library only.

    python launcher.py exec|watch PARENT_PID PROGRAM ARGUMENT...

``exec`` (Linux): the kernel kills the program when the thread that started it dies (PR_SET_PDEATHSIG, which
survives exec). ``watch`` (macOS, or anywhere): stay as the program's parent and end it when standard input
closes, which happens however the starter dies.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Ask Linux to kill this process when the thread that started it dies; leave when that has happened."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)  # the starter died before the request was made


def _watch(command: Sequence[str]) -> int:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end_with_starter() -> None:
        while os.read(0, 1024):
            pass
        program.kill()

    threading.Thread(target=end_with_starter, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    return program.wait()


def main(arguments: Sequence[str]) -> NoReturn:
    """Run the program as the first argument says; its exit status is ours."""
    mode, parent_pid, *command = arguments
    if mode == "watch":
        sys.exit(_watch(command))
    die_with_parent(int(parent_pid))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])

"""The thread from which every process is started.

Linux kills a process with PR_SET_PDEATHSIG when the *thread* that started it dies. Started from a slot
or from a pool's thread it would be killed when that thread ends; started from here it lives until RCG ends.
"""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

_Order = tuple[Sequence[str], dict[str, Any], "Future[subprocess.Popen[bytes]]"]


class Spawner:
    """Starts processes for other threads."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="rcg spawner", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def spawn(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program in its own session; options are those of Popen. Raises OSError as Popen does."""
        future: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((command, {"start_new_session": True, **options}, future))
        return future.result(timeout=30)

    def stop(self) -> None:
        """End the thread, and by that whatever it started and still runs."""
        self._orders.put(None)
        self._thread.join(timeout=5)

    def _work(self) -> None:
        while order := self._orders.get():
            command, options, future = order
            try:
                process: Any = subprocess.Popen(command, **options)  # Any: options decide its type
                future.set_result(process)
            except Exception as error:  # noqa: BLE001 - it is raised in the thread that asked
                future.set_exception(error)

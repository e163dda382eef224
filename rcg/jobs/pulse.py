"""A sign of life from a job whose single steps are long: as long as its process computes, it is not hung."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

LOOK_S = 5.0
WORKED_S = 5.0


class Pulse:
    """Calls ``beat`` for every five seconds of processor time that this process used.

    A step that takes minutes uses them; what waits for a lock for ever does not, and stays silent.

    Args:
        beat: how to say it; ``JobContext.beat``.
        look_s: how often to look.
        worked_s: seconds of processor time that count as work.
    """

    def __init__(self, beat: Callable[[], None], look_s: float = LOOK_S, worked_s: float = WORKED_S) -> None:
        self._beat = beat
        self._look_s = look_s
        self._worked_s = worked_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(timeout=1)

    def _watch(self) -> None:
        told = time.process_time()
        while not self._over.wait(self._look_s):
            now = time.process_time()
            if now - told >= self._worked_s:
                told = now
                self._beat()

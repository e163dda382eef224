"""The start as named, timed steps: begin, end and duration are logged, and a step that hangs is named."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

logger = logging.getLogger("rcg.start")
STUCK_S = 5.0


@dataclass(frozen=True)
class StepTime:
    """A step that has ended, and how long it took."""

    name: str
    seconds: float


class StartProgress:
    """Follows the start of one server; read by the gate (503 until ready), by health and the terminal."""

    def __init__(self, stuck_s: float = STUCK_S) -> None:
        self.stuck_s = stuck_s
        self.current: str | None = None
        self.done: list[StepTime] = []
        self.ready = False
        self.failed: BaseException | None = None
        self.on_stuck: Callable[[str], None] = lambda _sentence: None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run a step under its name. A watchdog thread says so when it has not ended after ``stuck_s``."""
        self.current = name
        logger.info("step %s: begins", name)
        began = time.monotonic()
        ended = threading.Event()
        watchdog = threading.Thread(target=self._watch, args=(name, ended), name=f"watch {name}", daemon=True)
        watchdog.start()
        try:
            yield
        except asyncio.CancelledError:
            logger.info("step %s: interrupted after %.3f s", name, time.monotonic() - began)
            raise
        except BaseException as error:
            self.failed = error
            logger.exception("step %s: failed after %.3f s", name, time.monotonic() - began)
            raise
        finally:
            ended.set()
        seconds = time.monotonic() - began
        self.done.append(StepTime(name, seconds))
        logger.info("step %s: ended after %.3f s", name, seconds)

    def finish(self) -> None:
        """Mark the start as complete."""
        self.current = None
        self.ready = True
        logger.info("ready after %.3f s in %d steps", sum(step.seconds for step in self.done), len(self.done))

    def _watch(self, name: str, ended: threading.Event) -> None:
        waited = 0.0
        while not ended.wait(self.stuck_s):
            waited += self.stuck_s
            sentence = f"start step {name!r} has been running for {waited:.0f} s"
            logger.warning("%s", sentence)
            self.on_stuck(sentence)

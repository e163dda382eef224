"""What is to be written to Valkey, written by one thread: a commit or a page never waits for Valkey.

When Valkey is down the writings are dropped: a job's row stays queued and the reconciler says it again at the
reconnect; events are lost, and every subscriber is told to load its page's state anew.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

import valkey

from rcg.jobs.link import ValkeyLink

logger = logging.getLogger("rcg.jobs")
Writing = Callable[[], object]


class Outbox:
    """A queue of writings and the thread that does them."""

    def __init__(self, link: ValkeyLink) -> None:
        self._link = link
        self._writings: queue.SimpleQueue[Writing | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="rcg outbox", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, writing: Writing) -> None:
        """Have something written soon; never blocks and never fails."""
        self._writings.put(writing)

    def stop(self) -> None:
        """Write what is left and end."""
        self._writings.put(None)
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while writing := self._writings.get():
            if not self._link.up.is_set():
                continue
            try:
                writing()
            except valkey.ValkeyError as error:
                logger.info("not written to Valkey, the rows still know it: %s", error)

"""How late the event loop runs: a ticker asks to be woken every 100 ms and records its delay."""

from __future__ import annotations

import asyncio
import time
from collections import deque

TICK_S = 0.1


class LoopLag:
    """Delays of the last minute, in seconds; ``worst`` and ``last`` for ``/health/live``."""

    def __init__(self) -> None:
        self._delays: deque[float] = deque([0.0], maxlen=int(60 / TICK_S))

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(TICK_S)
            self._delays.append(max(0.0, time.monotonic() - began - TICK_S))

    @property
    def last(self) -> float:
        """The newest delay."""
        return self._delays[-1]

    @property
    def worst(self) -> float:
        """The longest delay of the last minute."""
        return max(self._delays)

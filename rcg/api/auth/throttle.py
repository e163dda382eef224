"""A token bucket per address, in memory: guessing a one-time link is slow, and costs the others nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rcg.errors import RcgError

_KEPT = 10_000


class TooManyRequestsError(RcgError):
    """Too many tries in a short time."""

    code = "too_many_requests"
    status = 429


class Throttle:
    """Allows ``burst`` tries at once and ``per_minute`` after that, for each key.

    Args:
        per_minute: refill.
        burst: size of the bucket.
        clock: seconds, monotonic.
    """

    def __init__(self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._burst = float(burst)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Count one try. Raises TooManyRequestsError, naming the seconds to wait."""
        now = self._clock()
        with self._lock:
            level, at = self._buckets.get(key, (self._burst, now))
            level = min(self._burst, level + (now - at) * self._rate)
            if level < 1:
                wait = int((1 - level) / self._rate) + 1
                raise TooManyRequestsError(
                    "Too many tries from this address.",
                    f"Wait {wait} seconds and try again.",
                    retry_after_s=wait,
                )
            if len(self._buckets) >= _KEPT:
                self._buckets = {k: v for k, v in self._buckets.items() if now - v[1] < 60 / self._rate}
            self._buckets[key] = (level - 1, now)

"""Making things in order, a few at a time: what is asked for next is being made already."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key")
Made = TypeVar("Made")
_DECODERS = 8
"""more hold too many large pictures at a time"""


def decoders(threads: int) -> int:
    """Return how many images to read at a time with so many threads to compute: one waits for the disk."""
    return min(threads + 1, _DECODERS)


def ahead(make: Callable[[Key], Made], keys: Iterable[Key], workers: int) -> Iterator[Made]:
    """Yield ``make(key)`` for every key, in order, made by so many threads.

    At most ``workers + 1`` are in memory. What ``make`` raises comes out in its turn and ends the making.
    """
    coming = iter(keys)
    if workers <= 1:
        yield from map(make, coming)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        begun: deque[Future[Made]] = deque(pool.submit(make, key) for key in islice(coming, workers))
        while begun:
            made = begun.popleft().result()
            begun.extend(pool.submit(make, key) for key in islice(coming, 1))
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

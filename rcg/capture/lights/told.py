"""Lights that somebody else switches when told: a person with a lamp, a page on a screen.

A request has a number; it is done when somebody answers that number.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from rcg.capture.lights.driver import ALL, Light, LightError


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        seq: number of the request, rising for ever; an older one needs no answer any more.
        light: that shall be on, alone.
        words: for people.
        ack: whether an answer is waited for.
    """

    seq: int
    light: Light
    words: str
    ack: bool = True


Tell = Callable[[Request], None]
"""passes a request on to whoever shows it; must not block"""


class Superseded(LightError):  # noqa: N818 - it says what happened
    """Another light was asked for before this one was acknowledged."""

    code = "light_superseded"
    status = 409


class Told:
    """Asks, and waits for the answer.

    Attributes:
        pending: the request that waits for its answer.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._seq = 0
        self._answer: asyncio.Future[None] | None = None
        self.pending: Request | None = None

    async def ask(self, light: Light, words: str, within_s: float) -> float:
        """Ask for a light; return the milliseconds until it was answered.

        Raises:
            TimeoutError: nobody answered.
            Superseded: :meth:`give_way` was called.
        """
        started = time.perf_counter()
        answer = self._answer = asyncio.get_running_loop().create_future()
        request = self.pending = self._next(light, words)
        try:
            self._tell(request)
            await asyncio.wait_for(answer, within_s)
        finally:
            if self.pending is request:
                self.pending = self._answer = None
        return 1000 * (time.perf_counter() - started)

    def mention(self, light: Light, words: str) -> None:
        """Tell without waiting for an answer."""
        self._tell(self._next(light, words, ack=False))

    def answer(self, seq: int) -> bool:
        """Take an answer; False when nothing of that number is waited for."""
        waiting, answer = self.pending, self._answer
        if waiting is None or answer is None or waiting.seq != seq or answer.done():
            return False
        answer.set_result(None)
        return True

    def give_way(self) -> None:
        """End the wait: another light is wanted."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                Superseded(
                    "Another light was asked for before this one was acknowledged.",
                    "Ask for it again when the other is done.",
                )
            )

    def _next(self, light: Light, words: str, *, ack: bool = True) -> Request:
        # By the clock, so that a page that outlives a restart takes no old number for a new one.
        self._seq = max(self._seq + 1, time.time_ns() // 1_000_000)
        return Request(self._seq, light, words, ack)


_EIGHT = (
    "the top", "the top right", "the right", "the bottom right",
    "the bottom", "the bottom left", "the left", "the top left",
)  # fmt: skip


def place(name: str, count: int) -> str:
    """Say where a light of a ring is, as the camera sees it.

    >>> place("3", 8)
    'the right'
    >>> place("2", 12)
    '30 degrees clockwise from the top'
    """
    eighths = (int(name) - 1) * 8 / count
    if eighths.is_integer():
        return _EIGHT[int(eighths)]
    return f"{(int(name) - 1) * 360 / count:g} degrees clockwise from the top"


def words(light: Light, count: int) -> str:
    """Say what a person shall do for a light."""
    if light is None:
        return "Switch the lamp off."
    if light == ALL:
        return "Light the card evenly, from all sides."
    return f"Light the card from {place(light, count)} (stop {light})."

"""What every way to switch lights has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from rcg.errors import InputError, RcgError

ALL: Literal["all"] = "all"
MIN_LIGHTS, MAX_LIGHTS = 4, 16

Light = str | None
"""a light: ``"1"`` at the card's top, then clockwise as the camera sees it; ``"all"``; or None: dark"""


class LightError(RcgError):
    """A light did not do what it was told: which device, what was sent, what came back, and the way out."""

    code = "light_failed"
    status = 502

    def __init__(
        self, detail: str, hint: str, *, device: str = "", sent: str = "", got: str = "", **data: Any
    ) -> None:
        facts = {"device": device, "sent": sent[:300], "got": got[:300]}
        super().__init__(detail, hint, **{key: value for key, value in facts.items() if value}, **data)


@dataclass(frozen=True)
class LightInfo:
    """What answered when a driver was opened.

    Attributes:
        names: of the lights, in order round the card.
        settle_ms: from the acknowledgement until a camera sees the light steadily, where the device tells it
            or nothing can change it; None: unknown until a camera measures it.
        positions_mm: (x, y, z) of each light from the card's centre; None: the device knows of none.
        answered: who answered, for people, e.g. ``"WLED 0.15.0 (ring), 64 LEDs"``.
        notes: what to know before photometry, e.g. that a brightness limiter is at work.
    """

    names: tuple[str, ...]
    settle_ms: float | None
    positions_mm: tuple[tuple[float, float, float], ...] | None
    answered: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ack:
    """A light is on, and nothing else is.

    Attributes:
        light: that was asked for.
        took_ms: from the request until the device said so.
    """

    light: Light
    took_ms: float


class LightDriver(Protocol):
    """One device with lights. Calls come one at a time; every failure is a :class:`LightError`."""

    async def open(self) -> LightInfo:
        """Reach the device, remember what it showed, and switch every light off."""

    async def show(self, light: Light) -> Ack:
        """Have one light on (or ``"all"``, or None) and no other; returns when that is acknowledged."""

    async def close(self) -> None:
        """Put back what was there before :meth:`open`. Never raises for a device that is gone."""


def ring_names(count: int) -> tuple[str, ...]:
    """Return the names of a ring's lights, ``("1", ..., str(count))``.

    Raises InputError unless there are 4 to 16.
    """
    if not MIN_LIGHTS <= count <= MAX_LIGHTS:
        raise InputError(
            f"A rig of {count} lights cannot be used.", f"Use {MIN_LIGHTS} to {MAX_LIGHTS}; 8 is normal."
        )
    return tuple(str(number) for number in range(1, count + 1))


def check_light(light: Light, names: Sequence[str]) -> None:
    """Raise InputError when a rig has no light of that name."""
    if light is not None and light != ALL and light not in names:
        raise InputError(
            f"This rig has no light {light!r}.",
            f"It has {names[0]} to {names[-1]}; 'all' and null (dark) are known too.",
        )

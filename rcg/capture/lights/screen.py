"""A screen as the light: a page shows a white patch on black where light k is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rcg.capture.lights.driver import Ack, Light, LightError, LightInfo, check_light, ring_names
from rcg.capture.lights.told import Tell, Told, words

FLASHES_PER_S = 3
"""changes of light a second that the page allows itself, for people with photosensitive epilepsy"""


class ScreenConfig(BaseModel):
    """How the page draws the patches.

    Attributes:
        patch: diameter of a patch as a share of the screen's shorter side.
        turn_deg: clockwise turn of the ring on the screen.
        mirrored: the screen looks down at the card, so that its left is the card's right.
        answer_s: how long the page may take.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    patch: float = Field(
        0.3,
        ge=0.05,
        le=0.6,
        title="Patch",
        description="its diameter as a share of the screen's shorter side",
    )
    turn_deg: Literal[0, 90, 180, 270] = Field(
        0, title="Turn, degrees", description="where light 1 is on the screen, clockwise from its top"
    )
    mirrored: bool = Field(
        False,
        title="Mirrored",
        description="the screen looks down at the card, so that left and right change",
    )
    answer_s: float = Field(
        4, ge=0.05, le=30, title="Answer within, s", description="how long the page may take to show a light"
    )


class ScreenDriver:
    """Tells the page ``/capture/light/RIG``.

    Args:
        config: the patches.
        count: how many there are.
        tell: passes the request on to the page.
        page: the page's address, for the way out of an error.
    """

    def __init__(self, config: ScreenConfig, count: int, tell: Tell, page: str) -> None:
        self._config = config
        self._names = ring_names(count)
        self._page = page
        self.told = Told(tell)

    async def open(self) -> LightInfo:
        """See that a screen shows the page, and have it go dark."""
        ack = await self.show(None)
        return LightInfo(
            self._names, None, None, f"a screen, which went dark in {ack.took_ms:.0f} ms",
            (
                "A screen is a weak light: work in a dark room.",
                "Switch off automatic brightness and warm colours (night light, True Tone) on it.",
            ),
        )  # fmt: skip

    async def show(self, light: Light) -> Ack:
        """Have the page paint; it answers when two frames have been drawn."""
        check_light(light, self._names)
        try:
            took_ms = await self.told.ask(light, words(light, len(self._names)), self._config.answer_s)
        except TimeoutError as error:
            raise LightError(
                f"No screen answered within {self._config.answer_s:g} s.",
                f"Open {self._page} on the tablet or monitor that gives the light, press Start there, and "
                "keep the page in front.",
                device="screen", sent=f"light {light}",
            ) from error  # fmt: skip
        return Ack(light, took_ms)

    async def close(self) -> None:
        """Let the page go dark; whether it still listens does not matter."""
        self.told.give_way()
        self.told.mention(None, words(None, len(self._names)))

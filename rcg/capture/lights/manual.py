"""A person with a lamp: told where to hold it, and taps when it is there."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from rcg.capture.lights.driver import Ack, Light, LightError, LightInfo, check_light, ring_names
from rcg.capture.lights.told import Tell, Told, words


class ManualConfig(BaseModel):
    """How long RCG waits for the person."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    patience_s: float = Field(
        120, ge=0.05, le=600, title="Patience, s", description="how long to wait for a tap before giving up"
    )


class ManualDriver:
    """Asks a person.

    Args:
        config: the patience.
        count: how many stops there are round the card.
        tell: passes the request on to the person's page.
    """

    def __init__(self, config: ManualConfig, count: int, tell: Tell) -> None:
        self._config = config
        self._names = ring_names(count)
        self.told = Told(tell)

    async def open(self) -> LightInfo:
        """Nothing has to be reached: the person is there or is not."""
        return LightInfo(
            self._names, None, None, "a person with a lamp",
            ("Relief depends on where the lamp is held: keep the same distance and height at every stop.",),
        )  # fmt: skip

    async def show(self, light: Light) -> Ack:
        """Ask for a light; the person's tap is the acknowledgement."""
        check_light(light, self._names)
        asked = words(light, len(self._names))
        try:
            took_ms = await self.told.ask(light, asked, self._config.patience_s)
        except TimeoutError as error:
            raise LightError(
                f"Nobody tapped within {self._config.patience_s:g} s after: {asked}",
                "Tap 'Lit' when the lamp is in its place, or give the rig more patience.",
                device="manual", sent=asked,
            ) from error  # fmt: skip
        return Ack(light, took_ms)

    async def close(self) -> None:
        """Nothing was changed, so there is nothing to put back."""
        self.told.give_way()

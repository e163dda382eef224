"""What the routes of rigs take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from rcg.api.schemas import In, Name
from rcg.capture.lights.places import Named, Places

DriverName = Literal["manual", "screen", "wled", "serial", "sim"]
LightOf = Annotated[
    str | None, Field(max_length=10, description='"1" to "16", "all", or null for dark', examples=["3"])
]
Settle = Annotated[
    float | None,
    Field(
        ge=0, le=10_000, allow_inf_nan=False,
        description="ms from the acknowledgement until a camera sees the light; null: not measured",
    ),
]  # fmt: skip


class RigIn(In):
    """A rig to make."""

    name: Name
    driver: DriverName
    config: dict[str, Any] = Field(
        default_factory=dict, max_length=40, description="the driver's settings; GET /api/rigs/drivers"
    )
    lights: Places = Field(default_factory=Named, description="where the lights are")
    settle_ms: Settle = None


class RigPatch(In):
    """What of a rig to change; what is left out stays."""

    name: Name | None = None
    driver: DriverName | None = None
    config: dict[str, Any] | None = Field(None, max_length=40)
    lights: Places | None = None
    settle_ms: Settle = None
    is_default: Literal[True] | None = Field(None, description="new captures take this rig")


class RigOut(BaseModel):
    """A rig."""

    id: str
    name: str
    driver: DriverName
    config: dict[str, Any] = Field(description="complete: what was not given has the driver's default")
    lights: Places
    names: list[str] = Field(description="of the lights, in order round the card")
    calibrated: bool = Field(description="whether relief comes in true units: the lights' places are known")
    settle_ms: float | None = Field(description="measured by a camera; null: not yet")
    wait_ms: float = Field(description="to wait after the acknowledgement: settle_ms, else a cautious guess")
    calibration: dict[str, Any]
    is_default: bool
    missing: str | None = Field(description="what has to be installed before it works on this computer")
    created_at: int
    updated_at: int


class RigsOut(BaseModel):
    """Every rig: the default first, then by name."""

    items: list[RigOut]


class DriverOut(BaseModel):
    """A way to switch lights."""

    name: DriverName
    title: str
    says: str
    needs: str
    missing: str | None = Field(description="what has to be installed first; null: it works here")
    acknowledged_by: Literal["person", "page", "device"]
    wait_ms: float = Field(description="taken between acknowledgement and exposure until it is measured")
    config: dict[str, Any] = Field(description="JSON schema of its settings")


class PortOut(BaseModel):
    """A serial port of this computer."""

    port: str
    says: str


class DriversOut(BaseModel):
    """Every way to switch lights, and the serial ports of this computer."""

    items: list[DriverOut]
    ports: list[PortOut]


class LightIn(In):
    """Which light to switch on, alone."""

    light: LightOf


class LightOut(BaseModel):
    """A light that is on."""

    light: LightOf
    took_ms: float = Field(description="until it was acknowledged")
    wait_ms: float = Field(description="to wait from now until a camera sees it steadily")


class PendingOut(BaseModel):
    """What a person or a page is asked to do."""

    seq: int
    light: LightOf
    words: str


class NowOut(BaseModel):
    """What a rig is doing."""

    open: bool = Field(description="whether the device is in use by this server")
    light: LightOf
    pending: PendingOut | None
    answered: str | None = Field(description="who answered when it was opened")
    notes: list[str]


class AckIn(In):
    """The answer of a person or a page."""

    seq: int = Field(ge=0, le=2**53 - 1, description="number of the request")


class TestIn(In):
    """What to test."""

    __test__ = False  # pytest takes the name for a test
    lights: list[Annotated[str, Field(max_length=2)]] | None = Field(
        None, max_length=16, description="null: every light once (by hand: the first alone)"
    )


class TestedLight(BaseModel):
    """A light that was tested."""

    light: str
    took_ms: float


class TestOut(BaseModel):
    """How a rig answered."""

    __test__ = False
    answered: str
    notes: list[str]
    lights: list[TestedLight]
    dark_ms: float
    median_ms: float = Field(description="of the time until a light was acknowledged")
    p95_ms: float
    settle_ms: float | None
    says: str = Field(description="what this measured, and what only a camera can")

"""What the routes of capture sessions take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from rcg.api.schemas import CardIn, In, Sha256, SideName

SessionState = Literal["ready", "shooting", "complete", "cancelled"]
Mode = Literal["stream", "photo", "file", "folder"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
FrameLight = Annotated[
    str, StringConstraints(pattern=r"^(ambient|[1-9][0-9]?)$"), Field(description='"ambient", or a light')
]
_MAX_THUMBNAIL = 64_000  # characters of base64


class SessionIn(In):
    """A session to begin."""

    rig: str | None = Field(None, max_length=200, description="id or name; null: the default rig")
    card_id: str | None = Field(None, max_length=32, description="an existing card; null: a new one")
    card: CardIn | None = Field(None, description="of a new card; null: it is named by the time")
    sides: list[SideName] = Field(
        ["front"], min_length=1, max_length=2, description="in the order of shooting"
    )
    ambient: bool = Field(True, description="whether a frame without light is wanted as well")

    @field_validator("sides")
    @classmethod
    def _each_once(cls, sides: list[SideName]) -> list[SideName]:
        if len(set(sides)) != len(sides):
            raise ValueError("name each side once")
        return sides


class NextCardIn(In):
    """The card that follows on the same rig."""

    card_id: str | None = Field(None, max_length=32)
    card: CardIn | None = None


class SideIn(In):
    """The side to put in front of the camera; null: the next that lacks frames."""

    side: SideName | None = None


class SessionLightIn(In):
    """A light to show: one of the wanted frames, or all at once for setting the exposure."""

    light: Annotated[str, StringConstraints(pattern=r"^(ambient|all|[1-9][0-9]?)$")]


class SessionLightOut(BaseModel):
    """A light that is on."""

    light: str
    took_ms: float = Field(description="until it was acknowledged")
    settle_ms: float = Field(description="to wait from now until a camera sees it steadily")


class QualityIn(In):
    """What the device measured on a frame.

    Attributes:
        sharpness: variance of the Laplacian of the grey values (0 to 255) at full scale.
        clipped: share of the pixels on the card that are at their brightest, 0 to 1.
        dark: share that is black.
        mean: mean grey value, 0 to 255.
    """

    sharpness: float | None = Field(None, ge=0, allow_inf_nan=False)
    clipped: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    dark: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    mean: float | None = Field(None, ge=0, le=255, allow_inf_nan=False)


class SessionFrameIn(In):
    """A stored file as the frame of a light."""

    sha256: Sha256
    side: SideName
    mode: Mode
    taken_at: int = Field(ge=0, le=2**53 - 1, description="ms since 1970, by the clock of the device")
    width: int | None = Field(None, ge=1, le=100_000)
    height: int | None = Field(None, ge=1, le=100_000)
    settings: dict[str, Any] = Field(
        default_factory=dict, max_length=60, description="of the camera, as it reported them for this frame"
    )
    held: list[Words] = Field(default_factory=list, max_length=10, description="what was locked")
    quality: QualityIn = QualityIn()
    thumbnail: str | None = Field(None, max_length=_MAX_THUMBNAIL, description="a small JPEG in base64")


class FrameCheck(BaseModel):
    """Whether a frame was lit from where its light stands, by the mat's patches."""

    state: Literal["waiting", "right", "wrong", "unknown"]
    words: str = Field(description="for people: the reason")
    looks_like: str | None = Field(None, description="the light that it seems to be")


class SessionFrameOut(BaseModel):
    """A frame that a session took."""

    side: SideName
    light: str
    sha256: str
    mode: Mode
    taken_at: int
    quality: QualityIn
    thumbnail_url: str | None
    check: FrameCheck | None = Field(None, description="of a lamp held by hand; null: not checked")


class FrameTaken(BaseModel):
    """What became of a frame: the server has the bytes of ``sha256``, so the device may forget them."""

    sha256: str
    kept: bool = Field(description="false: a newer frame of this light was here, and stays")
    changed: bool = Field(description="false: it was here already")
    session: SessionOut


class RigOfSession(BaseModel):
    """The lights of a session."""

    id: str
    name: str
    driver: str
    acknowledged_by: Literal["person", "page", "device"]


class CardOfSession(BaseModel):
    """The card of a session."""

    id: str
    name: str
    set_name: str


class SessionOut(BaseModel):
    """A capture session as it stands."""

    id: str
    revision: int = Field(description="rises with every change: what comes with a lower one is older")
    state: SessionState
    rig: RigOfSession | None = Field(description="null: it was deleted")
    card: CardOfSession | None = Field(description="null: it was deleted")
    sides: list[SideName]
    side: SideName = Field(description="in front of the camera")
    next_side: SideName | None = Field(description="that lacks frames still, this one aside")
    wanted: list[str] = Field(description="frames of each side, in the order of shooting")
    missing: list[str] = Field(description="of the side in front of the camera")
    frames: list[SessionFrameOut]
    captures: dict[str, str] = Field(description="side -> id of its capture, once it is complete")
    mode: Mode | None
    photometric: bool = Field(description="false: a frame came from a camera app, which alters brightness")
    job_id: str | None = Field(description="the grading, which starts when every side is complete")
    problem: dict[str, Any] | None = Field(description="why no grading was started")
    device: str
    created_at: int
    ended_at: int | None


class SessionsOut(BaseModel):
    """Sessions, newest first."""

    items: list[SessionOut]


class GuidanceIn(In):
    """What a camera page sees right now, for other pages to mirror."""

    words: Words
    gates: dict[str, bool] = Field(default_factory=dict, max_length=10)
    light: str | None = Field(None, max_length=10)


FrameTaken.model_rebuild()

"""What the routes of rigs' calibration take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from rcg.api.schemas import In
from rcg.capture.lights.calibration import CalibrateOptions

What = Literal["ball", "flat", "ring"]
Part = Literal["lights", "flat"]


class CalibrateIn(In):
    """What to measure, on captures that are here already."""

    what: What = Field(description="ball: a shiny ball; flat: a white card; ring: places refined on one")
    capture_ids: list[Annotated[str, Field(max_length=32)]] = Field(
        min_length=1, max_length=8, description="several for a ball that was moved between them"
    )
    options: CalibrateOptions = CalibrateOptions()


class KeepIn(In):
    """What to keep with a rig: the result of a job, or a calibration that was measured elsewhere."""

    job_id: str | None = Field(None, max_length=32)
    calibration: dict[str, Any] | None = Field(None, max_length=30)


class RestoreIn(In):
    """Which part of a rig's calibration to take back."""

    what: Part


class SettleIn(In):
    """How long a camera saw a light take to become steady."""

    light: str = Field(max_length=10, description="name of the light")
    seconds: float = Field(
        ge=0, le=10, allow_inf_nan=False, description="from the acknowledgement until the light is steady"
    )


class RigCapture(BaseModel):
    """A capture that was made with a rig."""

    id: str
    card_id: str
    card: str
    side: str
    lights: int
    created_at: int


class RigCaptures(BaseModel):
    """The newest captures of a rig."""

    items: list[RigCapture]

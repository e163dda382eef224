"""Where a rig's lights are, and what the engine makes of it.

Axes are the card's: x right, y up, z towards the camera, from the card's centre, in mm. Light 1 is at the
top, the others follow clockwise as the camera sees it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from rcg.capture.lights.driver import MAX_LIGHTS, MIN_LIGHTS, ring_names
from rcg.photometric.lights import LightsSpec, resolve

Vector = tuple[
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
]
Count = Annotated[int, Field(ge=MIN_LIGHTS, le=MAX_LIGHTS, title="Lights")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ring(_Strict):
    """Lights evenly spaced on a circle parallel to the card: exact enough for near lights.

    Attributes:
        count: how many.
        radius_mm: from the axis through the card's centre to a light.
        height_mm: above the card; or
        elevation_deg: of a light above the card's plane, seen from its centre. One of the two.
        first_deg: where light 1 is, clockwise from the card's top.
    """

    kind: Literal["ring"] = "ring"
    count: Count = 8
    radius_mm: float = Field(gt=0, le=5000)
    height_mm: float | None = Field(None, gt=0, le=5000)
    elevation_deg: float | None = Field(None, ge=2, le=88)
    first_deg: float = Field(0, ge=-360, le=360)

    @model_validator(mode="after")
    def _one_height(self) -> Ring:
        if (self.height_mm is None) == (self.elevation_deg is None):
            raise ValueError("give either height_mm or elevation_deg")
        return self


class Positions(_Strict):
    """A measured place for each light.

    Attributes:
        positions_mm: (x, y, z) of light 1, 2, ...
    """

    kind: Literal["positions"] = "positions"
    positions_mm: list[Vector] = Field(min_length=MIN_LIGHTS, max_length=MAX_LIGHTS)


class Directions(_Strict):
    """Far lights: only where they shine from is known.

    Attributes:
        directions: (x, y, z) from the card to light 1, 2, ..., of any length.
    """

    kind: Literal["directions"] = "directions"
    directions: list[Vector] = Field(min_length=MIN_LIGHTS, max_length=MAX_LIGHTS)


class Named(_Strict):
    """Only the order round the card is known; the elevation is assumed, so relief is not calibrated."""

    kind: Literal["named"] = "named"
    count: Count = 8
    elevation_deg: float = Field(45, gt=0, lt=90)


Places = Annotated[Ring | Positions | Directions | Named, Field(discriminator="kind")]
PLACES: TypeAdapter[Ring | Positions | Directions | Named] = TypeAdapter(Places)


def count_of(places: Places) -> int:
    """Return how many lights there are."""
    if isinstance(places, Positions):
        return len(places.positions_mm)
    return len(places.directions) if isinstance(places, Directions) else places.count


def positions_mm(places: Places) -> npt.NDArray[np.float64] | None:
    """Return (n, 3) places in mm, or None where only directions or names are known."""
    if isinstance(places, Positions):
        return np.array(places.positions_mm, np.float64)
    if not isinstance(places, Ring):
        return None
    height = places.height_mm
    if height is None:
        height = places.radius_mm * float(np.tan(np.deg2rad(places.elevation_deg or 0)))
    angle = np.deg2rad(places.first_deg + 360 * np.arange(places.count) / places.count)
    flat = places.radius_mm * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return np.column_stack([flat, np.full(places.count, height)])


def directions(places: Places) -> npt.NDArray[np.float64]:
    """Return (n, 3) unit vectors from the card's centre to the lights."""
    return resolve(lights_spec(places), ring_names(count_of(places))).directions


def lights_spec(places: Places) -> LightsSpec:
    """Return the lights of a capture that is made with a rig: what its frames "1", "2", ... were lit by.

    Places in mm become near lights and directions far ones, both calibrated; names alone assume an elevation,
    which the report says.
    """
    if isinstance(places, Named):
        return LightsSpec(kind="azimuth", elevation_deg=places.elevation_deg, ring=places.count)
    near = positions_mm(places)
    vectors = near if near is not None else np.array(places.directions)  # type: ignore[union-attr]
    key = "direction" if near is None else "position_mm"
    rows = [
        f'[[lights]]\nname = "{name}"\n{key} = [{", ".join(f"{value:.4f}" for value in vector + 0.0)}]'
        for name, vector in zip(ring_names(len(vectors)), vectors, strict=True)
    ]
    return LightsSpec(kind="rig", text="\n\n".join(rows) + "\n")


def check(places: Places) -> None:
    """Raise LightsError when the engine cannot work with the lights (from below, all on one side, ...)."""
    resolve(lights_spec(places), ring_names(count_of(places)))


def is_calibrated(places: Places) -> bool:
    """Whether relief is in true units: places or directions are known."""
    return not isinstance(places, Named)

"""What was measured of a rig's lights, as it is kept with the rig and sent about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, TypeAdapter, model_validator

from rcg.capture.lights.driver import MAX_LIGHTS, MIN_LIGHTS, ring_names
from rcg.capture.lights.places import (
    Named,
    Places,
    Vector,
    _Strict,
    count_of,
    directions,
    is_calibrated,
    lights_spec,
    positions_mm,
)
from rcg.errors import InputError
from rcg.photometric.flat_field import TERMS, FlatField
from rcg.photometric.light_text import rig_text
from rcg.photometric.lights import LightsSpec, resolve
from rcg.photometric.types import Measured

Number = Annotated[float, Field(allow_inf_nan=False)]
OLD_DAYS = 180
"""an older calibration is worth doing again: lamps age, rigs are moved"""


class LightMeasured(_Strict):
    """One light.

    Attributes:
        name: of the rig's light.
        vector: its place in mm, or its direction.
        se_deg: standard error of the direction.
        se_mm: standard errors of the place.
        intensity: relative brightness.
    """

    name: str = Field(max_length=10)
    vector: Vector
    se_deg: Number | None = None
    se_mm: Vector | None = None
    intensity: float = Field(1.0, gt=0, le=1000)


class Figure(_Strict):
    """A number of the rig before and after."""

    name: str = Field(max_length=60)
    unit: str = Field(max_length=10)
    before: Number
    after: Number
    se: Number
    determined: bool


class LightsCalibration(_Strict):
    """Where the lights are, as a ball or a white card told.

    Attributes:
        by: ``ball`` or ``ring``.
        at: when, milliseconds since 1970 UTC.
        near: the vectors are places; otherwise directions.
        distance: ``measured``, or ``told`` where a ball gave directions and the rig the distances.
        before, after: relative misfit over the card (``ring``).
        figures: what was fitted (``ring``).
    """

    what: Literal["lights"] = "lights"
    by: Literal["ball", "ring"]
    at: int = Field(ge=0, le=2**53)
    near: bool
    distance: Literal["measured", "told", "unknown"] = "unknown"
    lights: list[LightMeasured] = Field(min_length=MIN_LIGHTS, max_length=MAX_LIGHTS)
    before: Number | None = None
    after: Number | None = None
    figures: list[Figure] = Field(default_factory=list, max_length=3 * MAX_LIGHTS + 5)
    remarks: list[str] = Field(default_factory=list, max_length=20)


class FlatMeasured(_Strict):
    """How one light shines on the card; see :class:`rcg.photometric.calibrate.flat.FlatLight`."""

    name: str = Field(max_length=10)
    level: Number
    unevenness: Number
    residual: Number


class FlatCalibration(_Strict):
    """How evenly the lights shine, as a white card told."""

    what: Literal["flat"] = "flat"
    at: int = Field(ge=0, le=2**53)
    half_mm: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    log: list[list[Number]] = Field(min_length=MIN_LIGHTS, max_length=MAX_LIGHTS)
    lights: list[FlatMeasured] = Field(min_length=MIN_LIGHTS, max_length=MAX_LIGHTS)
    dust: Number = 0.0
    texture: Number = 0.0
    where: str = Field("", max_length=200)
    remarks: list[str] = Field(default_factory=list, max_length=20)

    @model_validator(mode="after")
    def _rows(self) -> FlatCalibration:
        if len(self.log) != len(self.lights) or any(len(row) != TERMS for row in self.log):
            raise ValueError(f"log needs a row of {TERMS} numbers for each light")
        return self

    def field(self) -> FlatField:
        """Return it as the engine takes it."""
        return FlatField(self.half_mm, np.array(self.log, np.float64), day(self.at))


class CalibrateOptions(_Strict):
    """What is known when photographs are measured.

    Attributes:
        ball_mm: the ball's diameter; places in millimetres need it.
        fov_deg: field of view of the camera across the longer side of its pictures.
        balls: how many balls are in each picture.
        circle: (x, y, radius) of the ball in pixels, where it cannot be found by itself.
        card_mm: width and height of the white card.
        px_per_mm: of the photographs, where the white card fills them.
    """

    ball_mm: float | None = Field(None, gt=0, le=500)
    fov_deg: float | None = Field(None, ge=2, le=150)
    balls: int = Field(1, ge=1, le=8)
    circle: tuple[Number, Number, Annotated[float, Field(gt=0)]] | None = None
    card_mm: tuple[Annotated[float, Field(ge=20, le=500)], Annotated[float, Field(ge=20, le=500)]] = (63, 88)
    px_per_mm: float | None = Field(None, gt=0, le=1000)


Calibration = Annotated[LightsCalibration | FlatCalibration, Field(discriminator="what")]
CALIBRATION: TypeAdapter[LightsCalibration | FlatCalibration] = TypeAdapter(Calibration)


def day(at_ms: int) -> str:
    """Return the day of a time: ``2026-11-26``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")


def kept(calibration: dict[str, Any] | None) -> tuple[LightsCalibration | None, FlatCalibration | None]:
    """Return what a rig has of places and flat field."""
    found = calibration or {}
    lights = LightsCalibration.model_validate(found["lights"]) if found.get("lights") else None
    flat = FlatCalibration.model_validate(found["flat"]) if found.get("flat") else None
    return lights, flat


def spec_of(places: Places, calibration: dict[str, Any] | None, rig: str) -> LightsSpec:
    """Return the lights of a capture that is made with a rig: what was measured goes before what was told."""
    lights, flat = kept(calibration)
    if lights is None and flat is None:
        return lights_spec(places)
    return LightsSpec(kind="rig", text=rig_file(places, calibration, rig))


def rig_file(places: Places, calibration: dict[str, Any] | None, rig: str) -> str:
    """Return a rig as a file: its lights, by what they were measured, and its flat field."""
    lights, flat = kept(calibration)
    vectors, near = vectors_of(places, lights)
    measured = Measured(lights.by, day(lights.at), rig) if lights else None
    return rig_text(
        ring_names(len(vectors)), vectors, near=near, rig=rig, measured=measured,
        intensities=[light.intensity for light in lights.lights] if lights else None,
        assumed_elevation_deg=places.elevation_deg if lights is None and isinstance(places, Named) else None,
        flat_field=flat.field() if flat else None,
    )  # fmt: skip


def vectors_of(places: Places, lights: LightsCalibration | None) -> tuple[npt.NDArray[np.float64], bool]:
    """Return (n, 3) places in mm and True, or directions and False: measured, else told."""
    if lights is not None:
        return np.array([light.vector for light in lights.lights], np.float64), lights.near
    near = positions_mm(places)
    return (directions(places), False) if near is None else (near, True)


def check(places: Places, found: LightsCalibration | FlatCalibration) -> None:
    """Raise InputError when what was measured does not belong to a rig, or the engine cannot work with it."""
    names = list(ring_names(count_of(places)))
    mine = [light.name for light in found.lights]
    if mine != names:
        raise InputError(
            f"The calibration is of the lights {', '.join(mine)}; the rig has {', '.join(names)}.",
            "Measure the rig as it is now.",
        )
    resolve(spec_of(places, {found.what: found.model_dump(mode="json")}, "rig"), names)


def calibrated(places: Places, calibration: dict[str, Any] | None) -> bool:
    """Whether relief is in true units: places or directions are told or measured."""
    return is_calibrated(places) or bool((calibration or {}).get("lights"))

"""The two files that say where lights are: ``.lp`` of reflectance imaging, and RCG's rig in TOML.

Vectors are in the axes of the upright photograph: x right, y up, z from the card to the camera.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rcg.errors import InputError
from rcg.photometric.flat_field import TERMS, FlatField
from rcg.photometric.types import Measured


class LightsError(InputError):
    """The lights cannot be used: a broken file, or lights that do not fit the frames."""

    code = "wrong_lights"


@dataclass(frozen=True)
class ListedLights:
    """What a light file lists.

    Attributes:
        names: as written; None where the rows have no names and follow the order of the frames.
        vectors: (n, 3) directions, or positions in mm where ``near``.
        near: the vectors are positions.
        intensities: (n,) relative.
        px_per_mm: the camera's scale on the card, where the file tells it.
        assumed_elevation_deg: the directions have this elevation by assumption; None: they are known.
        flat_field: how evenly the lights shine, in the order of the rows.
        measured: by what they were measured.
    """

    names: tuple[str, ...] | None
    vectors: npt.NDArray[np.float64]
    near: bool
    intensities: npt.NDArray[np.float64]
    px_per_mm: float | None = None
    assumed_elevation_deg: float | None = None
    flat_field: FlatField | None = None
    measured: Measured | None = None

    def __len__(self) -> int:
        return len(self.vectors)


def parse_lp(text: str) -> ListedLights:
    """Parse a ``.lp`` file: a count, then ``name x y z`` per light.

    Names may hold spaces and paths. Bare rows ``x y z`` (with or without the count) are taken in the order of
    the frames. Blank lines and lines that begin with ``#`` are passed over.

    Raises:
        LightsError: a row that cannot be read (with its line), or a count that differs from the rows.
    """
    rows = [(number, line.strip()) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1)]
    rows = [(number, line) for number, line in rows if line and not line.startswith("#")]
    count = None
    if rows and rows[0][1].isdigit():
        count = int(rows.pop(0)[1])
    if not rows:
        raise LightsError(
            "The .lp file lists no lights.",
            "Write a count, then one row per light: its frame's file name and x y z.",
        )
    names: list[str | None] = []
    vectors = []
    for number, line in rows:
        name, vector = _lp_row(line, number)
        names.append(name)
        vectors.append(vector)
    if count is not None and count != len(rows):
        raise LightsError(
            f"The .lp file says {count} lights and lists {len(rows)}.", "Correct the count in its first line."
        )
    named = [name for name in names if name is not None]
    if named and len(named) != len(names):
        raise LightsError(
            f"The .lp file names {len(named)} of its {len(names)} lights.", "Name every light, or none."
        )
    return ListedLights(
        tuple(named) or None, np.array(vectors, np.float64), near=False, intensities=np.ones(len(rows))
    )


def _lp_row(line: str, number: int) -> tuple[str | None, list[float]]:
    parts = line.rsplit(maxsplit=3)
    name = " ".join(parts[:-3]).strip().strip('"') or None
    try:
        vector = [float(part) for part in parts[-3:]]
    except ValueError:
        vector = []
    if len(vector) != 3 or not np.isfinite(vector).all():
        raise LightsError(
            f"Line {number} of the .lp file cannot be read: {line[:80]!r}.", "A row is: name x y z, or x y z."
        )
    return name, vector


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Vector = tuple[float, float, float]
_DAY = r"^\d{4}-\d{2}-\d{2}$"


class RigLight(_Strict):
    """One light of a rig: where it is, or where it shines from."""

    name: str = Field(min_length=1)
    direction: Vector | None = Field(None, description="from the card to the light")
    position_mm: Vector | None = Field(None, description="from the card's centre")
    intensity: float = Field(1.0, gt=0, description="relative to the other lights")

    @model_validator(mode="after")
    def _one_place(self) -> RigLight:
        if (self.direction is None) == (self.position_mm is None):
            raise ValueError("give either direction or position_mm")
        return self


class RigCamera(_Strict):
    """What is known of the rig's camera."""

    px_per_mm: float | None = Field(None, gt=0, description="pixels of a frame per millimetre on the card")


class RigMeasured(_Strict):
    """By what the lights were measured, and on which day."""

    by: Literal["ball", "ring"]
    at: str = Field(pattern=_DAY)


class RigFlatField(_Strict):
    """How evenly the lights shine: see :class:`rcg.photometric.flat_field.FlatField`."""

    at: str | None = Field(None, pattern=_DAY)
    half_mm: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    log: list[list[Annotated[float, Field(allow_inf_nan=False)]]] = Field(
        description=f"{TERMS} coefficients for each light, in the order of [[lights]]"
    )


class Rig(_Strict):
    """A rig file."""

    name: str | None = None
    assumed_elevation_deg: float | None = Field(
        None, gt=0, lt=90, description="the directions' elevation is a guess; relief is uncalibrated"
    )
    lights: list[RigLight] = Field(min_length=1)
    camera: RigCamera = RigCamera()
    measured: RigMeasured | None = None
    flat_field: RigFlatField | None = None

    @model_validator(mode="after")
    def _flat_for_each(self) -> Rig:
        rows = self.flat_field.log if self.flat_field else []
        if self.flat_field and (len(rows) != len(self.lights) or any(len(row) != TERMS for row in rows)):
            raise ValueError(f"flat_field.log needs {len(self.lights)} rows of {TERMS} numbers")
        return self


def parse_rig(text: str) -> ListedLights:
    """Parse a rig: ``[[lights]]`` with ``name`` and ``direction`` or ``position_mm``, and ``[camera]``.

    Raises:
        LightsError: no TOML, an unknown or missing key (named), or directions and positions mixed.
    """
    try:
        rig = Rig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LightsError(
            f"The rig file is not TOML: {error}.", "See the rig.toml that rcg render writes."
        ) from error
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LightsError(
            f"The rig file is wrong at {place}: {first['msg']}.",
            "Keys: [[lights]] name, direction or position_mm, intensity; [camera] px_per_mm; [measured] by, "
            "at; [flat_field] at, half_mm, log; assumed_elevation_deg.",
        ) from error
    near: set[bool] = {light.position_mm is not None for light in rig.lights}
    if len(near) > 1:
        raise LightsError(
            "The rig file mixes directions and positions.",
            "Give direction for every light, or position_mm for every.",
        )
    return ListedLights(
        tuple(light.name for light in rig.lights),
        np.array([light.position_mm or light.direction for light in rig.lights], np.float64),
        near=near.pop(),
        intensities=np.array([light.intensity for light in rig.lights], np.float64),
        px_per_mm=rig.camera.px_per_mm,
        assumed_elevation_deg=rig.assumed_elevation_deg,
        flat_field=_flat_field(rig.flat_field),
        measured=Measured(rig.measured.by, rig.measured.at, rig.name) if rig.measured else None,
    )


def _flat_field(flat: RigFlatField | None) -> FlatField | None:
    return FlatField(flat.half_mm, np.array(flat.log, np.float64), flat.at) if flat else None


def parse(kind: Literal["lp", "rig", "azimuth"], text: str) -> ListedLights:
    """Parse a light file of a known kind. ``azimuth`` has no file and raises LightsError."""
    if kind == "azimuth":
        raise LightsError("Lights that are told by name have no file.", "Give a .lp or a rig .toml file.")
    return parse_lp(text) if kind == "lp" else parse_rig(text)

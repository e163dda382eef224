"""What a scene may have beyond the ordinary card: foil, a gloss coat, chips, a sleeve, cast shadows.

All of it is opt-in. A scene whose ``effects`` is None renders as it always has. Lengths are millimetres,
angles degrees, shares 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EffectName = Literal["foil", "coat", "chips", "sleeve", "shadows", "creases", "print_lines", "stains"]
EFFECTS: tuple[EffectName, ...] = (
    "foil",
    "coat",
    "chips",
    "sleeve",
    "shadows",
    "creases",
    "print_lines",
    "stains",
)


@dataclass(frozen=True)
class FoilPatch:
    """Where foil lies under the ink: a rounded rectangle in card millimetres."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    radius_mm: float = 1.0

    @property
    def area_mm2(self) -> float:
        """Area of the rectangle, its rounding left aside."""
        return self.width_mm * self.height_mm


@dataclass(frozen=True)
class Foil:
    """Metal foil, embossed with facets, seen through transparent ink.

    Each facet (a cell of ``facet_mm``) has its own tilt and its own grating. Two things come back from it. A
    GGX lobe of metal (``f0``, ``roughness``) about the facet's normal, coloured by the ink that it passes
    twice. And the orders of the grating: with ``u`` the part of l + v in the card's plane, across the
    grooves, the order m of wavelength w shines where ``pitch u = m w`` (the grating equation), and only while
    the part of l + v along the grooves is small. The ink scatters less over metal than over paper:
    ``diffuse`` of it stays.

    Attributes:
        patches: where it lies.
        facet_mm: side of a facet.
        tilt_deg: standard deviation of a facet's tilt about each axis.
        f0: reflectance of the metal.
        roughness: of a facet; GGX alpha is its square.
        diffuse: share of the ink's diffuse reflectance that is left.
        rainbow: brightness of the grating's orders against a white sheet; 0 for plain foil.
        pitch_um: distance of the grooves.
    """

    patches: tuple[FoilPatch, ...]
    facet_mm: float = 0.2
    tilt_deg: float = 6.0
    f0: float = 0.55
    roughness: float = 0.2
    diffuse: float = 0.55
    rainbow: float = 2.0
    pitch_um: float = 1.2


@dataclass(frozen=True)
class Coat:
    """A second, clear coat: gloss lacquer. Its lobe is sharper than the card's own (``Surface.gloss_f0``)."""

    f0: float = 0.04
    roughness: float = 0.12


@dataclass(frozen=True)
class Chip:
    """A bite out of the outline: what lies within ``radius_mm`` of a point at the edge is gone."""

    x_mm: float
    y_mm: float
    radius_mm: float


@dataclass(frozen=True)
class Sleeve:
    """A clear film over the card that reaches ``reach_mm`` past it on every side.

    Light passes it twice (``transmission`` each time), it shines itself (``f0``, ``roughness`` about a normal
    that waves by ``wave_deg`` over centimetres) and scatters a little (``haze``, of white).
    """

    reach_mm: float = 1.5
    transmission: float = 0.95
    f0: float = 0.05
    roughness: float = 0.18
    wave_deg: float = 1.5
    haze: float = 0.01


@dataclass(frozen=True)
class Shadows:
    """Shadows that the card's own relief casts on it; half shadows are as wide as the lamp makes them."""

    lamp_mm: float = 5.0
    reach_mm: float = 2.0


@dataclass(frozen=True)
class Effects:
    """Everything opt-in of a scene."""

    foil: Foil | None = None
    coat: Coat | None = None
    chips: tuple[Chip, ...] = ()
    sleeve: Sleeve | None = None
    shadows: Shadows | None = None

"""What a rendered side is made of, as plain data: the cut, the print, the relief, the rig, the camera, the
table.

A :class:`Scene` holds every number that the renderer uses, so a test can change one (``dataclasses.replace``)
and render again, and truth is computed from it and not from pixels. :mod:`rcg.photometric.render.draw` draws
scenes at random.

Lengths are millimetres, depths micrometres, angles degrees (counter-clockwise positive), colours linear RGB
reflectance in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rcg.grading.schema import SideName
from rcg.photometric.render.effects import Effects
from rcg.photometric.render.mat_sheet import MatSheet
from rcg.photometric.types import Encoding

Colour = tuple[float, float, float]
Place = Literal["top_left", "top_right", "bottom_right", "bottom_left", "left", "right", "top", "bottom"]
FRAME_WIDTH, FRAME_HEIGHT = 1500, 2000


@dataclass(frozen=True)
class Cut:
    """The card as it was cut. ``corner_radius_mm`` (top left, top right, bottom right, bottom left) is larger
    than ``radius_mm`` where a corner has worn round."""

    width_mm: float = 63.0
    height_mm: float = 88.0
    radius_mm: float = 3.0
    corner_radius_mm: tuple[float, float, float, float] = (3.0, 3.0, 3.0, 3.0)
    thickness_mm: float = 0.305


@dataclass(frozen=True)
class Print:
    """The printed frame on the card: a rounded rectangle whose centre is off by ``offset_mm`` and turned by
    ``tilt_deg``.

    ``border_mm`` is the nominal border (left and right, top and bottom) of a print in perfect register.
    """

    border_mm: tuple[float, float]
    offset_mm: tuple[float, float]
    tilt_deg: float
    radius_mm: float
    border_name: str
    border_rgb: Colour
    panel_rgb: Colour
    line_inset_mm: float
    design: SideName

    def half_size_mm(self, cut: Cut) -> tuple[float, float]:
        """Half width and half height of the printed frame."""
        return cut.width_mm / 2 - self.border_mm[0], cut.height_mm / 2 - self.border_mm[1]


@dataclass(frozen=True)
class Dent:
    """A bowl with a Gaussian profile. ``width_mm`` is 4 standard deviations across the narrow axis."""

    x_mm: float
    y_mm: float
    width_mm: float
    depth_um: float
    elongation: float = 1.0
    angle_deg: float = 0.0


@dataclass(frozen=True)
class Scratch:
    """A furrow along a circular arc with a Gaussian profile; ``width_mm`` is 4 standard deviations.

    The arc's middle is at ``x_mm, y_mm``, running there in direction ``angle_deg``; ``bend_per_mm`` is its
    curvature. ``bared`` is the share of stock that shows in its middle, 0 where the print has held.
    """

    x_mm: float
    y_mm: float
    angle_deg: float
    length_mm: float
    bend_per_mm: float
    width_mm: float
    depth_um: float
    bared: float = 0.0


@dataclass(frozen=True)
class Whitening:
    """Bare stock at an edge or corner: an irregular ellipse about a point of the outline."""

    place: Place
    x_mm: float
    y_mm: float
    along_mm: float
    inward_mm: float
    angle_deg: float


@dataclass(frozen=True)
class Stain:
    """A darkened patch without relief, an irregular ellipse. ``loss`` is the share of light it takes."""

    x_mm: float
    y_mm: float
    width_mm: float
    elongation: float
    angle_deg: float
    loss: float


@dataclass(frozen=True)
class Crease:
    """A fold: a ridge (or, with a negative height, a valley) along a straight line.

    Its profile is ``height / cosh(across / w)`` with ``w`` a quarter of ``width_mm``: a sharp back with long
    flanks. ``bared`` is the share of stock that shows along its back, where the print has cracked.
    """

    x_mm: float
    y_mm: float
    angle_deg: float
    length_mm: float
    width_mm: float
    height_um: float
    bared: float = 0.0


@dataclass(frozen=True)
class PrintLine:
    """A line of the press, without relief: ink lacking or too much. ``change`` is the relative change of
    reflectance in its middle, negative for a dark line; ``width_mm`` is 4 standard deviations."""

    x_mm: float
    y_mm: float
    angle_deg: float
    length_mm: float
    width_mm: float
    change: float


@dataclass(frozen=True)
class Surface:
    """Relief and stock. ``curl_um`` is the sag along x, along y and along the diagonal."""

    dents: tuple[Dent, ...] = ()
    scratches: tuple[Scratch, ...] = ()
    whitening: tuple[Whitening, ...] = ()
    stains: tuple[Stain, ...] = ()
    curl_um: tuple[float, float, float] = (0.0, 0.0, 0.0)
    grain_um: float = 0.3
    grain_mm: float = 0.06
    grain_albedo: float = 0.012
    gloss_f0: float = 0.04
    gloss_roughness: float = 0.25
    creases: tuple[Crease, ...] = ()
    print_lines: tuple[PrintLine, ...] = ()


@dataclass(frozen=True)
class Rig:
    """Point lights. Positions are relative to the card's centre in image axes: x right and y up in the
    photograph, z along the card's normal. ``intensities`` are relative; the engine is not told them."""

    positions_mm: npt.NDArray[np.float64]
    intensities: npt.NDArray[np.float64]
    ambient: float = 0.01


@dataclass(frozen=True)
class Camera:
    """A pinhole over the card, and how it wanders from frame to frame.

    Attributes:
        frame_size: width, height in pixels.
        px_per_mm: scale at the card's centre in the reference frame.
        distance_mm: from the card's centre.
        rotation_deg: of the card in the frame.
        tilt_deg: of the camera about the frame's x and y axes.
        shift_px: of the card's centre from the frame's centre (x right, y down).
        drift_px: (n, 2) shift of each frame's picture against the first (x right, y down); the first row is
            zero.
        drift_deg: (n,) turn of each frame's picture about the frame's centre; the first is zero.
        sway: (n, 3, 3) homographies of each frame's picture, after drift and turn: a camera held in the hand.
            None: none.
    """

    frame_size: tuple[int, int]
    px_per_mm: float
    distance_mm: float
    rotation_deg: float
    tilt_deg: tuple[float, float]
    shift_px: tuple[float, float]
    drift_px: npt.NDArray[np.float64]
    drift_deg: npt.NDArray[np.float64]
    sway: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Sensor:
    """What happens to the light after the lens. ``noise=False`` gives the expectation, unquantised.

    ``gains`` (n, 3) multiply each frame's channels: an exposure and a white balance that drift. ``curve`` is
    the exponent of a tone curve before encoding; 1 is an honest camera.
    """

    noise: bool = True
    electrons: float = 12000.0
    read_electrons: float = 4.0
    bits: int = 12
    blur_px: float = 0.6
    vignette: float = 0.12
    headroom: float = 0.85
    encoding: Encoding = "srgb"
    gains: npt.NDArray[np.float64] | None = None
    curve: float = 1.0


@dataclass(frozen=True)
class Table:
    """What the card lies on."""

    name: str
    rgb: Colour
    weave: float
    mottle: float
    angle_deg: float


@dataclass(frozen=True)
class Scene:
    """One side of one card under one rig, on a bare table or on the printed mat."""

    seed: int
    side: SideName
    cut: Cut
    print: Print
    surface: Surface
    rig: Rig
    camera: Camera
    sensor: Sensor
    table: Table
    mat: MatSheet | None = None
    effects: Effects | None = None

    @property
    def n_lights(self) -> int:
        """Number of lights, which is the number of frames."""
        return len(self.rig.positions_mm)

    def generator(self, part: int) -> np.random.Generator:
        """A random stream of its own for each part: changing one part leaves the others as they were."""
        return np.random.default_rng([self.seed, 0 if self.side == "front" else 1, part])

"""The words the engine speaks: frames, lights, the card's outline, maps.

Array layout is image order (row 0 at the top, column 0 at the left); vectors are (x right, y up, z to the
camera).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from rcg.photometric.flat_field import FlatField

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
SizeSource = Literal["scale", "chosen", "default"]
Encoding = Literal["linear", "srgb"]

DEFAULT_PX_PER_MM = 20.0


@dataclass(frozen=True)
class Frame:
    """One photograph under one light, decoded.

    Attributes:
        name: light name the frame belongs to (``"up"``, ``"1"``, a row of the ``.lp`` file, ...).
        file_name: what the file was called; for messages only.
        pixels: (H, W, 3) RGB as stored: uint8, uint16, or float32 in [0, 1]. EXIF orientation is applied.
        encoding: ``"srgb"`` for ordinary photographs, ``"linear"`` where the file says it is linear.
        warnings: what decoding had to do that a report should say (a colour profile was converted), as plain
            sentences.
    """

    name: str
    file_name: str
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | FloatArray
    encoding: Encoding = "srgb"
    warnings: tuple[str, ...] = ()

    @property
    def full_scale(self) -> float:
        """Value of a saturated sample: 255, 65535 or 1."""
        if self.pixels.dtype == np.uint8:
            return 255.0
        return 65535.0 if self.pixels.dtype == np.uint16 else 1.0


@dataclass(frozen=True)
class Measured:
    """A calibration of a rig's lights.

    Attributes:
        by: ``ball`` or ``ring``.
        at: day, ``2026-11-26``.
        rig: name of the rig.
    """

    by: Literal["ball", "ring"]
    at: str
    rig: str | None = None


@dataclass(frozen=True)
class Lights:
    """Where the light came from in each frame, in the order of the frames.

    Exactly one of ``directions`` and ``positions_mm`` is the source; ``directions`` is always filled (near
    lights: from the card's centre).

    Attributes:
        names: n light names.
        directions: (n, 3) unit vectors from the card to the light.
        positions_mm: (n, 3) light positions relative to the card's centre, or None for distant lights.
        intensities: (n,) relative intensities, 1 when unknown.
        source: where it is from: ``"lp"``, ``"rig"`` or ``"azimuth"`` (names alone).
        calibrated: False when the elevation was assumed.
        assumed_elevation_deg: the assumption, where there is one.
        flat_field: how evenly they shine, where a white card told it.
        measured: by what the rig's lights were measured and when, where that was done.
    """

    names: tuple[str, ...]
    directions: npt.NDArray[np.float64]
    positions_mm: npt.NDArray[np.float64] | None
    intensities: npt.NDArray[np.float64]
    source: Literal["lp", "rig", "azimuth"]
    calibrated: bool
    assumed_elevation_deg: float | None = None
    flat_field: FlatField | None = None
    measured: Measured | None = None

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class CardOutline:
    """The card as found in the reference frame.

    Attributes:
        corners_px: (4, 2) x, y of the corners where the straight edges meet, order: card's top left, top
            right, bottom right, bottom left, in pixels of the reference frame (pixel centres at integers).
        corner_sd_px: standard error of the corners, one number.
        confidence: 0..1, how sure the finder is that this is a whole, single card.
        warnings: limits a report must state ("holder", "bowed edge", ...), as plain sentences.
    """

    corners_px: npt.NDArray[np.float64]
    corner_sd_px: float
    confidence: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CardSize:
    """Physical size of the card and how it is known."""

    width_mm: float
    height_mm: float
    source: SizeSource


@dataclass(frozen=True)
class Registration:
    """How the frames were brought into line with the reference frame.

    Attributes:
        reference: index of the reference frame.
        homographies: (n, 3, 3), frame pixel -> reference pixel.
        residual_px: (n,) measured residual after registration in reference pixels, NaN where it could not be
            measured.
        shift_px: (n,) mean displacement found before registration, over the card.
    """

    reference: int
    homographies: npt.NDArray[np.float64]
    residual_px: npt.NDArray[np.float64]
    shift_px: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Maps:
    """What the engine computes of one side, in the card's own coordinates.

    All arrays are (H, W) or (H, W, 3) float32 in image order with the card filling the array and a margin of
    ``margin_mm`` of background on each side, so that the physical edge itself can be measured.
    ``relief`` is False for a single photo: then normal, height, curvature and specular are None.

    Attributes:
        px_per_mm: scale, the same in x and y.
        margin_mm: background kept on each side.
        size: card size in mm.
        outline: the card in the reference frame.
        lights: lights used, or None for a single photo.
        registration: how the frames were aligned.
        frames: (n, H, W, 3) rectified frames, linear RGB scaled to [0, 1] by full scale.
        frame_names: n light names.
        albedo: (H, W, 3) linear RGB, diffuse reflectance up to scale, 99.5th percentile about 1.
        colour: (H, W, 3) sRGB uint8 picture of the card in even light, for people and for border finding.
        normal: (H, W, 3) unit vectors.
        height_um: (H, W) micrometres, plane removed.
        curvature: (H, W) mean curvature in 1/mm, positive for bumps.
        specular: (H, W) mean positive residual over Lambert, relative to full scale.
        confidence: (H, W) 0..1; 0 where fewer than three usable samples.
        saturated: fraction of card samples at full scale, over all frames.
        warnings: plain sentences for the report.
        notes: how the frames were brought together (by the printed mat or by the print alone), and what that
            leaves less sure, as plain sentences.
        residual: (H, W) RMS misfit of the samples used, relative to their mean.
    """

    px_per_mm: float
    margin_mm: float
    size: CardSize
    outline: CardOutline
    lights: Lights | None
    registration: Registration
    frames: FloatArray
    frame_names: tuple[str, ...]
    albedo: FloatArray
    colour: npt.NDArray[np.uint8]
    normal: FloatArray | None
    height_um: FloatArray | None
    curvature: FloatArray | None
    specular: FloatArray | None
    confidence: FloatArray | None
    saturated: float
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    residual: FloatArray | None = None

    @property
    def relief(self) -> bool:
        """True when normals were solved (three or more lights)."""
        return self.normal is not None

    def mm_to_px(self, xy_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map card coordinates (..., 2) in mm to map pixels x, y (pixel centres at integers)."""
        xy = np.asarray(xy_mm, np.float64)
        h, w = self.albedo.shape[:2]
        centre = np.array([(w - 1) / 2, (h - 1) / 2])
        return np.asarray(centre + xy * np.array([self.px_per_mm, -self.px_per_mm]), np.float64)

    def px_to_mm(self, xy_px: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Inverse of :meth:`mm_to_px`."""
        xy = np.asarray(xy_px, np.float64)
        h, w = self.albedo.shape[:2]
        centre = np.array([(w - 1) / 2, (h - 1) / 2])
        return np.asarray((xy - centre) / np.array([self.px_per_mm, -self.px_per_mm]))

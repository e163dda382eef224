"""How evenly each light of a rig shines on the card's plane, as it was measured on a white card.

The brightness of a matte white card under light i is kept as the exponential of a polynomial of order four in the
place on the card's plane. What it differs by from what the light's geometry predicts (lens of the LED, shade, a
distance that is not known) is divided out of every frame, before anything is solved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rcg.photometric.types import Lights

Array = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]

ORDER = 4
POWERS: tuple[tuple[int, int], ...] = tuple(
    (i, j) for total in range(ORDER + 1) for i in range(total, -1, -1) for j in (total - i,)
)
"""(power of u, power of v) of each coefficient: 1, u, v, uu, uv, vv, ..."""
TERMS = len(POWERS)
_BEYOND = 1.06
"""share of the measured half size beyond which the field is continued as it is there"""
_GRID_MM = 1.0


@dataclass(frozen=True)
class FlatField:
    """Brightness of a white card under each light.

    Attributes:
        half_mm: (x, y) half size of the part of the plane that was measured; u and v are places over it.
        log: (n, 15) coefficients of the natural logarithm of brightness, in the order of :data:`POWERS`.
        at: day of the measurement, ``2026-11-26``; None where not told.
        to_rig: (2, 3) affine from places on the card (mm) to the rig's axes in which the field was measured.
    """

    half_mm: tuple[float, float]
    log: Array
    at: str | None = None
    to_rig: Array = field(default_factory=lambda: np.eye(2, 3))

    def __len__(self) -> int:
        return len(self.log)

    def brightness(self, xy_mm: Array) -> Array:
        """(n, k) relative brightness at (k, 2) places on the card."""
        place = xy_mm @ self.to_rig[:, :2].T + self.to_rig[:, 2]
        uv = np.clip(place / np.array(self.half_mm), -_BEYOND, _BEYOND)
        return np.asarray(np.exp(self.log @ design(uv).T))

    def select(self, keep: Sequence[int]) -> FlatField:
        """Return the field of the lights at the given places."""
        return replace(self, log=self.log[list(keep)])

    def rotated(self, angle_deg: float) -> FlatField:
        """Return it in axes in which the rig has turned by ``angle_deg`` counter-clockwise."""
        angle = np.deg2rad(-angle_deg)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return replace(self, to_rig=np.column_stack([self.to_rig[:, :2] @ turn, self.to_rig[:, 2]]))

    def shifted(self, x_mm: float, y_mm: float) -> FlatField:
        """Return it in axes whose origin lies at (x, y) of the present ones."""
        offset = self.to_rig[:, :2] @ np.array([x_mm, y_mm]) + self.to_rig[:, 2]
        return replace(self, to_rig=np.column_stack([self.to_rig[:, :2], offset]))


def design(uv: Array) -> Array:
    """(k, 15) the polynomial's terms at (k, 2) places."""
    return np.stack([uv[:, 0] ** i * uv[:, 1] ** j for i, j in POWERS], axis=1)


def predicted(positions_mm: Array | None, directions: Array, intensities: Array, xy_mm: Array) -> Array:
    """(n, k) brightness of a flat, matte, white plane under point lights, at (k, 2) places.

    Near lights: ``intensity |p|^2 z / d^3``; far lights: ``intensity l_z``.
    """
    if positions_mm is None:
        return np.asarray((intensities * directions[:, 2])[:, None] * np.ones(len(xy_mm)))
    across = positions_mm[:, None, :2] - xy_mm[None]
    d2 = (across**2).sum(-1) + positions_mm[:, None, 2] ** 2
    strength = intensities * (positions_mm**2).sum(1) * positions_mm[:, 2]
    return np.asarray(strength[:, None] / (d2 * np.sqrt(d2)))


def evening(lights: Lights, shape: tuple[int, int], px_per_mm: float) -> FloatArray | None:
    """Return what each frame is to be multiplied by, so that it shows its light as the geometry has it.

    Args:
        lights: in card axes, with or without a flat field.
        shape: (H, W) of the rectified frames, the card's centre in their middle.
        px_per_mm: their scale.

    Returns:
        (n, h, w) float32 on a coarse grid of about a millimetre, at most 1; :func:`enlarged` brings one light to
        (H, W). None without a flat field.
    """
    flat = lights.flat_field
    if flat is None:
        return None
    height, width = shape
    rows, cols = max(2, round(height / px_per_mm / _GRID_MM)), max(2, round(width / px_per_mm / _GRID_MM))
    x = ((np.arange(cols) + 0.5) * width / cols - 0.5 * width) / px_per_mm
    y = (0.5 * height - (np.arange(rows) + 0.5) * height / rows) / px_per_mm
    grid_x, grid_y = np.meshgrid(x, y)
    xy = np.column_stack([grid_x.ravel(), grid_y.ravel()])
    told = predicted(lights.positions_mm, lights.directions, lights.intensities, xy)
    factor = told / flat.brightness(xy)
    return np.asarray((factor / factor.max()).reshape(len(flat), rows, cols), np.float32)


def enlarged(factor: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Bring one light's factor (h, w) to (H, W, 1)."""
    full = cv2.resize(factor, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32)[..., None]

"""How evenly each light of a rig shines on the card's plane, as it was measured on a white card.

The brightness of a matte white card under light i is kept as the exponential of a polynomial of order four
in the place on the card's plane. What it differs by from what the light's geometry predicts (lens of the LED,
shade, a distance that is not known) is divided out of every frame, before anything is solved
(``flatten_frames``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

ORDER = 4
POWERS: tuple[tuple[int, int], ...] = tuple(
    (i, j) for total in range(ORDER + 1) for i in range(total, -1, -1) for j in (total - i,)
)
"""(power of u, power of v) of each coefficient: 1, u, v, uu, uv, vv, ..."""
TERMS = len(POWERS)
_BEYOND = 1.06
"""share of the measured half size beyond which the field is continued as it is there"""


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

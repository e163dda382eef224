"""Where rays meet: a light's place from the directions to it at several places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Meeting:
    """A place and its covariance, in the unit of the rays."""

    place: Array
    covariance: Array

    @property
    def sd(self) -> Array:
        """(3,) standard errors of x, y and z."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def range_sd(self) -> float:
        """Standard error along the worst direction over the distance from the origin."""
        return float(np.sqrt(np.linalg.eigvalsh(self.covariance)[-1]) / np.linalg.norm(self.place))


def meet(origins: Array, directions: Array, sd: Array) -> Meeting | None:
    """Return the place nearest to all rays, in the sense of least squares of their angles.

    Args:
        origins: (k, 3) where the rays begin, k >= 2.
        directions: (k, 3) unit vectors.
        sd: (k,) standard errors of the directions, radians.

    Returns:
        None where the rays are parallel or meet behind their origins.
    """
    distance = np.full(len(origins), 1.0)
    place = np.zeros(3)
    information = np.eye(3)
    across = np.eye(3)[None] - directions[:, :, None] * directions[:, None, :]
    for _ in range(6):
        weight = 1.0 / (sd * distance) ** 2
        information = (across * weight[:, None, None]).sum(0)
        if np.linalg.cond(information) > 1e7:
            return None
        place = np.linalg.solve(information, (across @ origins[:, :, None])[..., 0].T @ weight)
        distance = ((place - origins) * directions).sum(1)
        if (distance <= 0).any():
            return None
    off = (across @ (place - origins)[:, :, None])[..., 0]
    free = max(1, 2 * len(origins) - 3)
    chi2 = float(((off**2).sum(1) / (sd * distance) ** 2).sum()) / free
    return Meeting(np.asarray(place), np.asarray(np.linalg.inv(information) * max(1.0, chi2), np.float64))

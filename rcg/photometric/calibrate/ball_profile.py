"""How far outside its steepest place a ball's true outline lies.

Metal ends in a step. A black ball does not: towards its rim it mirrors ever more of what lies behind it
(Fresnel), so that its brightness runs into the ground's as ``1 - sqrt(1 - (r / R)^2)`` to the fifth power
(Schlick), and a blurred edge is steepest well inside R: by a hundredth of R, which is a degree of a low
light. So the mean profile across the outline is compared with both models.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, map_coordinates

from rcg.photometric.calibrate.ball_rim import Rim
from rcg.photometric.types import FloatArray

Array = npt.NDArray[np.float64]

_STEP = 0.2
"""sampling of the profile, pixels"""
_INSIDE, _OUTSIDE = 0.14, 0.05
"""how much of the radius the profile covers"""
_UNSURE = 0.2
"""standard error of the offset, of itself"""
_BLURS = (0.5, 0.8, 1.2, 1.8, 2.6)
"""standard deviations of the picture's blur that are tried, pixels"""


def outline_offset(picture: FloatArray, rim: Rim) -> float:
    """Return by how many pixels an outline lies outside its steepest places.

    Args:
        picture: (H, W) linear brightness, not smoothed.
        rim: as it was found.
    """
    offset, profile = _profile(picture, rim)
    best = (np.inf, 0.0)
    for fresnel in (False, True):
        for blur in _BLURS:
            shifts = np.linspace(-0.012, 0.032, 12) * rim.radius_px
            for _ in range(2):
                costs = [
                    _misfit(offset, profile, rim.radius_px, shift, blur, fresnel=fresnel) for shift in shifts
                ]
                least = int(np.argmin(costs))
                best = min(best, (costs[least], float(shifts[least])))
                step = shifts[1] - shifts[0]
                shifts = shifts[least] + np.linspace(-step, step, 11)
    return best[1]


def moved(rim: Rim, by_px: float) -> Rim:
    """Return an outline whose points lie further out."""
    away = rim.points_px - np.array(rim.centre_px)
    points = rim.points_px + by_px * away / np.linalg.norm(away, axis=1, keepdims=True)
    return Rim(rim.centre_px, rim.radius_px + by_px, points, rim.support, _UNSURE * abs(by_px))


def _profile(picture: FloatArray, rim: Rim) -> tuple[Array, Array]:
    """Mean brightness against the distance from the outline, which is smoothed as a slight ellipse."""
    away = rim.points_px - np.array(rim.centre_px)
    angle = np.arctan2(away[:, 1], away[:, 0])
    around = np.deg2rad(np.arange(0.0, 360.0, 1.0))
    radius = (
        _harmonics(around)
        @ np.linalg.lstsq(_harmonics(angle), np.hypot(away[:, 0], away[:, 1]), rcond=None)[0]
    )
    offset = np.arange(-_INSIDE * rim.radius_px, _OUTSIDE * rim.radius_px, _STEP)
    at = radius[:, None] + offset[None, :]
    x = rim.centre_px[0] + at * np.cos(around)[:, None]
    y = rim.centre_px[1] + at * np.sin(around)[:, None]
    values = map_coordinates(picture, [y, x], order=1, mode="nearest")
    return offset, np.asarray(values.mean(0), np.float64)


def _harmonics(angle: Array) -> Array:
    return np.column_stack(
        [np.ones_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    )


def _misfit(
    offset: Array, profile: Array, radius: float, shift: float, blur: float, *, fresnel: bool
) -> float:
    true = radius + shift
    inside = offset < shift
    share = np.clip((radius + offset) / true, 0, 1)
    grazing = (1 - np.sqrt(1 - share**2)) ** 5
    rise = np.where(inside, grazing if fresnel else 0.0, 1.0)
    shape = gaussian_filter1d(rise, blur / _STEP, mode="nearest")
    within = gaussian_filter1d(np.where(inside, (offset - shift) / radius, 0.0), blur / _STEP, mode="nearest")
    beyond = gaussian_filter1d(np.where(inside, 0.0, (offset - shift) / radius), blur / _STEP, mode="nearest")
    design = np.column_stack([np.ones_like(offset), shape, within, beyond])
    solution = np.linalg.lstsq(design, profile, rcond=None)[0]
    return float(((design @ solution - profile) ** 2).sum())

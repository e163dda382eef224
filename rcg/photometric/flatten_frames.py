"""Frames brought to what the lights' geometry predicts, by the flat field that was measured of the rig."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.types import FloatArray, Lights

Array = npt.NDArray[np.float64]
_GRID_MM = 1.0


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
        (n, h, w) float32 on a coarse grid of about a millimetre, at most 1; :func:`enlarged` brings one
        light to (H, W). None without a flat field.
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

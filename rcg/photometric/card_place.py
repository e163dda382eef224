"""Where the card lies in its maps, and how large it and they are."""

from __future__ import annotations

import numpy as np

from rcg.errors import InputError
from rcg.photometric.types import BoolArray, CardOutline, CardSize

_COARSE_PX_PER_MM = 10.0
_CORNER_RADIUS_MM = 3.0


def card_rotation_deg(outline: CardOutline) -> float:
    """Return the angle from the photograph's x axis to the card's, counter-clockwise in the picture."""
    top_left, top_right, bottom_right, bottom_left = outline.corners_px
    x_axis = (top_right - top_left) + (bottom_right - bottom_left)
    return float(np.rad2deg(np.arctan2(-x_axis[1], x_axis[0])))


def card_mask(shape: tuple[int, ...], size: CardSize, px_per_mm: float) -> BoolArray:
    """Return the (H, W) pixels that are card: the rectangle with corners rounded to the usual 3 mm."""
    h, w = shape[:2]
    x = np.abs(np.arange(w) - (w - 1) / 2) / px_per_mm
    y = np.abs(np.arange(h) - (h - 1) / 2) / px_per_mm
    over_x = np.maximum(x - (size.width_mm / 2 - _CORNER_RADIUS_MM), 0)
    over_y = np.maximum(y - (size.height_mm / 2 - _CORNER_RADIUS_MM), 0)
    return np.asarray(np.hypot(over_x[None, :], over_y[:, None]) <= _CORNER_RADIUS_MM)


def measured_size(outline: CardOutline, camera_px_per_mm: float) -> CardSize:
    """Return the card's size by the camera's scale, to 0.01 mm."""
    tl, tr, br, bl = outline.corners_px
    width = (np.linalg.norm(tr - tl) + np.linalg.norm(br - bl)) / 2 / camera_px_per_mm
    height = (np.linalg.norm(bl - tl) + np.linalg.norm(br - tr)) / 2 / camera_px_per_mm
    if not (20 <= width <= 300 and 20 <= height <= 300):
        raise InputError(
            f"At the rig's scale of {camera_px_per_mm:g} px/mm the card is {width:.1f} x {height:.1f} mm.",
            "Correct camera.px_per_mm in the rig file.",
        )
    return CardSize(round(float(width), 2), round(float(height), 2), "scale")


def map_scale(outline: CardOutline, size: CardSize, px_per_mm: float) -> tuple[float, list[str]]:
    """Halve the maps' scale where the photograph carries much less, and say so."""
    x, y = outline.corners_px.T
    area = 0.5 * abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))
    carried = float(np.sqrt(area / (size.width_mm * size.height_mm)))
    if carried >= px_per_mm / 2:
        return px_per_mm, []
    said = f"The photograph carries {carried:.1f} pixels per millimetre of card; 20 and more show fine wear."
    return min(px_per_mm, _COARSE_PX_PER_MM), [said]

"""Creases and print lines: straight lines of relief, and straight lines of ink."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.render.effects import Chip
from rcg.photometric.render.scene import Crease, PrintLine
from rcg.photometric.types import FloatArray

Grid = npt.NDArray[np.float64]
Window = tuple[slice, slice]

_RAMP_MM = 0.5


def line_polygon(x_mm: float, y_mm: float, angle_deg: float, length_mm: float, width_mm: float) -> Grid:
    """Outline (4, 2) mm of a straight line."""
    a = np.radians(angle_deg)
    along, across = np.array([np.cos(a), np.sin(a)]) * length_mm / 2, np.array([-np.sin(a), np.cos(a)])
    side = across * width_mm / 2
    ring = np.array([along + side, along - side, -along - side, -along + side]) + np.array([x_mm, y_mm])
    return np.asarray(ring, np.float64)


def chip_polygon(chip: Chip, half_w: float, half_h: float) -> Grid:
    """Outline (n, 2) mm of what a chip takes from the card's rectangle, whose rounding is left aside."""
    t = np.radians(np.arange(0, 360, 6))
    ring = np.stack([chip.x_mm + chip.radius_mm * np.cos(t), chip.y_mm + chip.radius_mm * np.sin(t)], 1)
    ring = np.clip(ring, [-half_w, -half_h], [half_w, half_h])
    return np.asarray(cv2.convexHull(ring.astype(np.float32)).reshape(-1, 2), np.float64)


def _frame(
    line: Crease | PrintLine, x: Grid, y: Grid, reach: float
) -> tuple[Window, Grid, Grid, float, float] | None:
    """The window round a line, along and across it in mm, and the unit vector along."""
    c, s = float(np.cos(np.radians(line.angle_deg))), float(np.sin(np.radians(line.angle_deg)))
    span_x = abs(c) * line.length_mm / 2 + reach
    span_y = abs(s) * line.length_mm / 2 + reach
    cols = np.flatnonzero(np.abs(x - line.x_mm) <= span_x)
    rows = np.flatnonzero(np.abs(y - line.y_mm) <= span_y)
    if not len(cols) or not len(rows):
        return None
    window = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1))
    dx, dy = (x[window[1]] - line.x_mm)[None, :], (y[window[0]] - line.y_mm)[:, None]
    return window, c * dx + s * dy, -s * dx + c * dy, c, s


def _taper(along: Grid, length_mm: float) -> tuple[Grid, Grid]:
    """Smooth ends of a line, and their derivative along it."""
    ramp = min(_RAMP_MM, length_mm / 4)
    t = np.clip((length_mm / 2 - np.abs(along)) / ramp, 0, 1)
    return t * t * (3 - 2 * t), -6 * t * (1 - t) / ramp * np.sign(along)


def crease_patch(
    crease: Crease, x: Grid, y: Grid, footprint_mm: float
) -> tuple[slice, slice, Grid, Grid, Grid] | None:
    """Rows, columns, heights in um and slopes of a fold: ``h / cosh(across / w)`` with smooth ends."""
    wide = float(np.hypot(crease.width_mm / 4, footprint_mm))
    found = _frame(crease, x, y, 8 * wide)
    if found is None:
        return None
    window, along, across, c, s = found
    profile = 1 / np.cosh(np.clip(across / wide, -50, 50))
    ends, by_along = _taper(along, crease.length_mm)
    z = crease.height_um * ends * profile
    z_across = -z * np.tanh(across / wide) / wide * 1e-3
    z_along = crease.height_um * profile * by_along * 1e-3
    return *window, z, c * z_along - s * z_across, s * z_along + c * z_across


def crease_bared(crease: Crease, x: Grid, y: Grid, footprint_mm: float) -> tuple[Window, FloatArray] | None:
    """The share of stock that shows along a fold's back."""
    wide = float(np.hypot(crease.width_mm / 8, footprint_mm))
    found = _frame(crease, x, y, 5 * wide)
    if found is None or crease.bared <= 0:
        return None
    window, along, across, _, _ = found
    ends, _ = _taper(along, crease.length_mm)
    share = crease.bared * ends * np.exp(-(across**2) / (2 * wide**2))
    return window, share.astype(np.float32)


def print_line_change(
    line: PrintLine, x: Grid, y: Grid, footprint_mm: float
) -> tuple[Window, FloatArray] | None:
    """The relative change of reflectance round a print line."""
    narrow = line.width_mm / 4
    wide = float(np.hypot(narrow, footprint_mm))
    found = _frame(line, x, y, 5 * wide)
    if found is None:
        return None
    window, along, across, _, _ = found
    ends, _ = _taper(along, line.length_mm)
    change = line.change * narrow / wide * ends * np.exp(-(across**2) / (2 * wide**2))
    return window, change.astype(np.float32)

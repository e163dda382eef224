"""Boxes and areas of many rings at once, straight from the text of their coordinates."""

from __future__ import annotations

import struct

import numpy as np
from pydantic_core import from_json

DECIMALS = 6
"""boxes and areas are derived, and written to a millionth of a pixel"""
BETWEEN = ", "
"""stands between rings, where within a ring there is but a comma"""
_COMMA, _SPACE = BETWEEN.encode()


def measure(text: str) -> tuple[list[list[float]], list[float]]:
    """Return boxes (x, y, width, height) and areas of rings ``x,y,x,y,..., x,y,...``, each of three points or
    more.
    """
    if not text:
        return [], []
    numbers = from_json(f"[{text}]")
    flat = np.frombuffer(struct.pack(f"{len(numbers)}d", *numbers))
    x, y = flat[0::2].copy(), flat[1::2].copy()
    data = np.frombuffer(text.encode(), np.uint8)
    behind_points = np.flatnonzero(data == _COMMA)[1::2] + 1
    starts = np.concatenate([[0], np.flatnonzero(data[behind_points] == _SPACE) + 1])
    stops = np.append(starts[1:], len(x))
    left, top = np.minimum.reduceat(x, starts), np.minimum.reduceat(y, starts)
    right, bottom = np.maximum.reduceat(x, starts), np.maximum.reduceat(y, starts)
    # Gauss's shoelace formula about each ring's first point, so that no digits are lost far from the origin.
    points = stops - starts
    x -= np.repeat(x[starts], points)
    y -= np.repeat(y[starts], points)
    cross = np.zeros(len(x))
    cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    cross[stops - 1] = 0.0  # the side back to the first point, which is the origin
    areas = np.abs(np.add.reduceat(cross, starts)) / 2
    boxes = np.stack([left, top, right - left, bottom - top], axis=1)
    return np.round(boxes, DECIMALS).tolist(), np.round(areas, DECIMALS).tolist()

"""Boxes and areas of many rings at once, straight from the text of their coordinates."""

from __future__ import annotations

import numpy as np
from pydantic_core import from_json

DECIMALS = 6
"""boxes and areas are derived, and written to a millionth of a pixel"""
_COMMA, _RING = b",;"


def measure(text: str) -> tuple[list[list[float]], list[float]]:
    """Return boxes (x, y, width, height) and areas of rings ``x,y,x,y,...;``, each of three points or
    more.
    """
    if not text:
        return [], []
    numbers = from_json(f"[{text[:-1].replace(';', ',')}]")
    flat = np.fromiter(numbers, np.float64, len(numbers))
    x, y = flat[0::2].copy(), flat[1::2].copy()
    data = np.frombuffer(text.encode(), np.uint8)
    ends = data[(data == _COMMA) | (data == _RING)]
    stops = np.flatnonzero(ends[1::2] == _RING) + 1
    starts = np.concatenate([[0], stops[:-1]])
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

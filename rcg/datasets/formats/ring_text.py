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
    flat = np.fromiter(numbers, np.float64, len(numbers)).reshape(-1, 2)
    data = np.frombuffer(text.encode(), np.uint8)
    ends = data[(data == _COMMA) | (data == _RING)]
    stops = np.flatnonzero(ends[1::2] == _RING) + 1
    starts = np.concatenate([[0], stops[:-1]])
    low, high = np.minimum.reduceat(flat, starts), np.maximum.reduceat(flat, starts)
    # Gauss's shoelace formula about each ring's first point, so that no digits are lost far from the origin.
    x, y = (flat - np.repeat(flat[starts], stops - starts, axis=0)).T
    cross = np.zeros(len(flat))
    cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    cross[stops - 1] = 0.0  # the side back to the first point, which is the origin
    areas = np.abs(np.add.reduceat(cross, starts)) / 2
    boxes = np.hstack([low, high - low])
    return np.round(boxes, DECIMALS).tolist(), np.round(areas, DECIMALS).tolist()

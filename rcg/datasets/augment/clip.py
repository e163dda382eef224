"""Rings of points cut to the image, and their areas."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ring = npt.NDArray[np.float64]


def area(ring: Ring) -> float:
    """Return the area inside a ring (N, 2), by the shoelace formula; never negative."""
    x, y = ring[:, 0], ring[:, 1]
    twice = x[:-1] @ y[1:] - y[:-1] @ x[1:] + x[-1] * y[0] - y[-1] * x[0]
    return abs(float(twice)) / 2


def clipped(ring: Ring, size: tuple[int, int]) -> Ring | None:
    """Cut a ring (N, 2) to the image (Sutherland and Hodgman 1974), or return None where nothing is left.

    A ring that the edge of the image cuts in two stays one ring, joined along that edge: its inside is the
    same.
    """
    width, height = size
    low, high = ring.min(0), ring.max(0)
    if low[0] >= 0 and low[1] >= 0 and high[0] <= width and high[1] <= height:
        return ring
    if low[0] >= width or low[1] >= height or high[0] <= 0 or high[1] <= 0:
        return None
    for axis, bound, sign in (
        (0, 0.0, 1.0),
        (0, float(width), -1.0),
        (1, 0.0, 1.0),
        (1, float(height), -1.0),
    ):
        ring = _half_plane(ring, axis, bound, sign)
        if len(ring) < 3:
            return None
    return ring if area(ring) > 0 else None


def _half_plane(ring: Ring, axis: int, bound: float, sign: float) -> Ring:
    """Keep what lies where ``sign * (coordinate - bound) >= 0``."""
    distance = sign * (ring[:, axis] - bound)
    inside = distance >= 0
    if inside.all():
        return ring
    out: list[Ring] = []
    for here in range(len(ring)):
        before = here - 1
        if inside[here] != inside[before]:
            share = distance[before] / (distance[before] - distance[here])
            cut = ring[before] + share * (ring[here] - ring[before])
            cut[axis] = bound
            out.append(cut)
        if inside[here]:
            out.append(ring[here])
    return np.array(out).reshape(-1, 2)

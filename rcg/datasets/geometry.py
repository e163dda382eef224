"""Shapes by their numbers: bounds, area, scaling, and what is wrong with them. Nothing is drawn here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rcg.datasets import rle
from rcg.datasets.schema import XY, Annotation, Box, KeyPoint, Mask, Part, Points, Polygon, Quad, Shape
from rcg.errors import InputError

SMALLEST_PX = 1e-6
"""a Box cannot be empty: a line or a point is given this much"""
_CROSSING_LIMIT = 2_000
"""rings with more points are not searched for crossings: the search takes the square of it"""
_FEW = 16

Extent = tuple[float, float, float, float]
"""left, top, right, bottom"""


def extent(shape: Shape) -> Extent | None:
    """Return left, top, right and bottom in pixels; None of an empty mask, or of points none of which is
    there."""
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    if isinstance(shape, Mask):
        return rle.extent(shape.size, rle.lengths(shape))
    if isinstance(shape, Points):
        if shape.box is not None:
            return extent(shape.box)
        points: Sequence[XY] = [(point.x, point.y) for point in shape.points if point.visible]
    else:
        points = [point for ring in rings(shape) for point in ring]
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def bounds(shape: Shape) -> Box:
    """Return the smallest upright box round a shape.

    Raises:
        InputError: an empty mask, or points none of which is there, has none.
    """
    found = extent(shape)
    if found is None:
        raise InputError("The shape is empty: it covers nothing.", "Delete it or draw it again.")
    left, top, right, bottom = found
    return Box(
        x=left, y=top, width=max(right - left, SMALLEST_PX), height=max(bottom - top, SMALLEST_PX)
    )  # fmt: skip


def area(shape: Shape) -> float:
    """Return what a shape covers, px²: its exact area, holes off; of points that of their box, else 0."""
    if isinstance(shape, Box):
        return shape.width * shape.height
    if isinstance(shape, Mask):
        return float(rle.lengths(shape)[1::2].sum())
    if isinstance(shape, Points):
        return area(shape.box) if shape.box else 0.0
    if isinstance(shape, Quad):
        return ring_area(shape.corners)
    return sum(ring_area(part.outer) - sum(map(ring_area, part.holes)) for part in shape.parts)


def ring_area(ring: Sequence[XY]) -> float:
    """Return the area inside a ring, px² (Gauss's shoelace formula, its sign dropped)."""
    x0, y0 = ring[0]  # about the first point: no digits are lost far from the origin
    total = 0.0
    for (ax, ay), (bx, by) in itertools.pairwise(ring):
        total += (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)
    return abs(total) / 2


def rings(shape: Polygon | Quad) -> list[Sequence[XY]]:
    """Return every ring, outer ones and holes."""
    if isinstance(shape, Quad):
        return [shape.corners]
    return [ring for part in shape.parts for ring in (part.outer, *part.holes)]


def scaled(annotation: Annotation, sx: float, sy: float) -> Annotation:
    """Return an annotation as it is when its image is resized by ``sx`` and ``sy``.

    A mask is resampled by area to the rounded size: a pixel stays when half of it is covered. Everything else
    is exact.
    """
    if sx == sy == 1:
        return annotation
    return annotation.model_copy(update={"shape": _scaled(annotation.shape, sx, sy)})


def _scaled(shape: Shape, sx: float, sy: float) -> Shape:
    def ring(points: Sequence[XY]) -> list[XY]:
        return [(x * sx, y * sy) for x, y in points]

    if isinstance(shape, Box):
        return Box(x=shape.x * sx, y=shape.y * sy, width=shape.width * sx, height=shape.height * sy)
    if isinstance(shape, Polygon):
        return Polygon(
            parts=[
                Part(outer=ring(part.outer), holes=[ring(hole) for hole in part.holes])
                for part in shape.parts
            ]
        )
    if isinstance(shape, Quad):
        a, b, c, d = ring(shape.corners)
        return Quad(corners=(a, b, c, d))
    if isinstance(shape, Points):
        moved = [
            KeyPoint(name=point.name, x=point.x * sx, y=point.y * sy, visible=point.visible)
            for point in shape.points
        ]
        box = _scaled(shape.box, sx, sy) if shape.box else None
        assert box is None or isinstance(box, Box)
        return Points(points=moved, box=box)
    height, width = shape.size
    return rle.resized(shape, (max(1, round(height * sy)), max(1, round(width * sx))))


def valid(shape: Shape, width: int, height: int) -> list[str]:
    """Return what is wrong with a shape on an image of that size, in words; nothing when all is well."""
    if isinstance(shape, Mask):
        return _mask_problems(shape, width, height)
    found = extent(shape)
    if found is None:
        return ["none of its points is there"]
    problems = _placement(found, width, height)
    if isinstance(shape, Points):
        names = [point.name for point in shape.points]
        twice = sorted({name for name in names if names.count(name) > 1})
        problems += [f"the point {twice[0]} is there twice"] if twice else []
    elif isinstance(shape, (Polygon, Quad)):
        if area(shape) <= 0:
            problems.append("it has no area")
        elif any(crosses_itself(ring) for ring in rings(shape)):
            problems.append("its outline crosses itself")
    return problems


def _placement(found: Extent, width: int, height: int) -> list[str]:
    left, top, right, bottom = found
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        return ["it lies outside the image"]
    beyond = max(-left, -top, right - width, bottom - height)
    return [f"it reaches {beyond:.3g} px beyond the image"] if beyond > SMALLEST_PX else []


def _mask_problems(shape: Mask, width: int, height: int) -> list[str]:
    if shape.size != (height, width):
        return [f"its mask is of {shape.size[1]} x {shape.size[0]} px, the image of {width} x {height}"]
    try:
        return [] if area(shape) else ["it covers nothing"]
    except InputError as error:
        return [error.detail]


def crosses_itself(ring: Sequence[XY]) -> bool:
    """Whether two sides of a ring that are no neighbours cross properly (touching is not crossing)."""
    count = len(ring)
    if not 4 <= count <= _CROSSING_LIMIT:
        return False
    return _few_cross(ring) if count <= _FEW else _many_cross(ring)


def _few_cross(ring: Sequence[XY]) -> bool:
    """Compare the sides one by one: of few points this is ten times faster than with arrays."""
    sides = [(*a, *b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
    for at, (ax, ay, bx, by) in enumerate(sides):
        dx, dy = bx - ax, by - ay
        for cx, cy, ex, ey in sides[at + 2 :]:
            left = dx * (cy - ay) - dy * (cx - ax)
            right = dx * (ey - ay) - dy * (ex - ax)
            if (left > 0) != (right > 0) and left and right:
                fx, fy = ex - cx, ey - cy
                first, second = fx * (ay - cy) - fy * (ax - cx), fx * (by - cy) - fy * (bx - cx)
                if (first > 0) != (second > 0) and first and second:
                    return True
    return False


def _many_cross(ring: Sequence[XY]) -> bool:
    a = np.asarray(ring, np.float64)
    b = np.roll(a, -1, axis=0)
    span = b - a

    def side(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Of which side of segment i (rows) the points j (columns) lie."""
        offset = points[None] - a[:, None]
        return span[:, None, 0] * offset[..., 1] - span[:, None, 1] * offset[..., 0]

    split = np.sign(side(a)) * np.sign(side(b)) < 0
    return bool((split & split.T).any())

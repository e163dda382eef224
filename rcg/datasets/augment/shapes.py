"""Annotations moved with their image: points exactly, masks by resampling, boxes never from boxes where
avoidable.

A polygon, a quad or a point is moved as what it is and its box follows from it. Only an annotation that is
nothing
but a box has to become the box of its four moved corners: exact under flips, quarter turns, crops and
stretches, and too large after a rotation, by up to the figure that the annotation never told.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from rcg.datasets import rle
from rcg.datasets.augment import clip
from rcg.datasets.augment.motion import Matrix, Motion
from rcg.datasets.augment.names import Renames, corner_order, renames
from rcg.datasets.augment.pixels import d4, warp
from rcg.datasets.schema import (
    Annotation,
    Box,
    KeyPoint,
    LabelSchema,
    Mask,
    Part,
    Points,
    Polygon,
    Quad,
    Shape,
)


def moved(
    annotations: Iterable[Annotation],
    motion: Motion,
    size: tuple[int, int],
    schema: LabelSchema,
    min_visible: float,
) -> tuple[Annotation, ...]:
    """Return annotations moved, cut to the image and renamed.

    Args:
        annotations: in pixels of the image before the move.
        motion: the move.
        size: width and height, before and after.
        schema: says what things are called after a flip or a turn.
        min_visible: share of its area that a shape must keep inside the image; else it is dropped.
    """
    new_names = renames(schema, motion)
    out = []
    for annotation in annotations:
        shape = _moved(annotation.shape, motion, size, min_visible, new_names)
        if shape is None:
            continue
        label = new_names.classes.get(annotation.label, annotation.label) if new_names else annotation.label
        out.append(annotation.model_copy(update={"shape": shape, "label": label}))
    return tuple(out)


def outline(shape: Shape) -> Matrix:
    """Return (N, 2) points whose box is the shape's box, under any move of straight lines into straight
    lines.
    """
    if isinstance(shape, Polygon):
        return np.array([point for part in shape.parts for point in part.outer], np.float64)
    if isinstance(shape, Quad):
        return np.array(shape.corners, np.float64)
    if isinstance(shape, Points):
        seen = [(point.x, point.y) for point in shape.points if point.visible]
        return np.array(seen, np.float64).reshape(-1, 2)
    if isinstance(shape, Mask):
        found = rle.extent(shape.size, rle.lengths(shape))
        return _corners(*found) if found else np.zeros((0, 2))
    return _corners(shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)


def _corners(left: float, top: float, right: float, bottom: float) -> Matrix:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def _moved(
    shape: Shape, motion: Motion, size: tuple[int, int], min_visible: float, new_names: Renames | None
) -> Shape | None:
    if isinstance(shape, Polygon):
        return _polygon(shape, motion, size, min_visible)
    if isinstance(shape, Quad):
        return _quad(shape, motion, size, min_visible)
    if isinstance(shape, Points):
        return _points(shape, motion, size, new_names)
    if isinstance(shape, Mask):
        return _mask(shape, motion, size, min_visible)
    return _box(shape, motion, size, min_visible)


def _polygon(shape: Polygon, motion: Motion, size: tuple[int, int], min_visible: float) -> Polygon | None:
    moved = [
        (motion.points(part.outer), [motion.points(hole) for hole in part.holes]) for part in shape.parts
    ]
    cut = [
        (ring, [left for hole in holes if (left := clip.clipped(hole, size)) is not None])
        for outer, holes in moved
        if (ring := clip.clipped(outer, size)) is not None
    ]
    whole = len(cut) == len(moved) and all(new[0] is old[0] for new, old in zip(cut, moved, strict=True))
    if not cut or not (whole or _enough(_covered(cut), _covered(moved), min_visible)):
        return None
    return Polygon(
        parts=[Part(outer=ring.tolist(), holes=[hole.tolist() for hole in holes]) for ring, holes in cut]
    )


def _covered(parts: list[tuple[Matrix, list[Matrix]]]) -> float:
    return sum(clip.area(outer) - sum(map(clip.area, holes)) for outer, holes in parts)


def _enough(after: float, before: float, min_visible: float) -> bool:
    return after > 0 and after >= min_visible * before * (1 - 1e-9)


def _quad(shape: Quad, motion: Motion, size: tuple[int, int], min_visible: float) -> Quad | None:
    """A quad keeps its four corners, wherever they come to lie: cut, it would be none."""
    corners = motion.points(shape.corners)
    inside = clip.clipped(corners, size)
    if inside is None or not _enough(clip.area(inside), clip.area(corners), min_visible):
        return None
    a, b, c, d = ((float(corners[i][0]), float(corners[i][1])) for i in corner_order(motion))
    return Quad(corners=(a, b, c, d))


def _points(shape: Points, motion: Motion, size: tuple[int, int], new_names: Renames | None) -> Points | None:
    """A point that leaves the image is not there any more; its place is kept."""
    table = new_names.points if new_names else {}
    places = motion.points([(point.x, point.y) for point in shape.points])
    out = {}
    for point, (x, y) in zip(shape.points, places.tolist(), strict=True):
        inside = 0 <= x <= size[0] and 0 <= y <= size[1]
        name = table.get(point.name, point.name)
        out[name] = KeyPoint(name=name, x=x, y=y, visible=point.visible if inside else 0)
    if not any(point.visible for point in out.values()):
        return None
    usual = [point.name for point in shape.points]
    order = sorted(out, key=lambda name: usual.index(name) if name in usual else len(usual))
    box = _box(shape.box, motion, size, 0.0) if shape.box else None
    return Points(points=[out[name] for name in order], box=box)


def _mask(shape: Mask, motion: Motion, size: tuple[int, int], min_visible: float) -> Mask | None:
    pixels = rle.decode(shape)
    if motion.exact(size):
        return rle.encode(d4(pixels.astype(np.uint8), motion) > 0)
    rows, cols = np.nonzero(pixels)
    if not len(rows):
        return None
    centre = (float(cols.mean()) + 0.5, float(rows.mean()) + 0.5)
    before = len(rows) * abs(float(np.linalg.det(motion.jacobian(centre))))
    grey = warp(pixels.astype(np.uint8) * np.uint8(255), motion, size, cv2.INTER_LINEAR)
    out = grey >= 128
    # resampling loses or gains up to about half a pixel along the outline: whole shapes must not fall for it
    whole = clip.clipped(motion.points(outline(shape)), size)
    kept = before if whole is not None and _inside(motion.points(outline(shape)), size) else float(out.sum())
    return rle.encode(out) if out.any() and _enough(kept, before, min_visible) else None


def _inside(points: Matrix, size: tuple[int, int]) -> bool:
    return bool((points >= 0).all() and (points <= np.array(size)).all())


def _box(shape: Box, motion: Motion, size: tuple[int, int], min_visible: float) -> Box | None:
    corners = motion.points(outline(shape))
    low, high = corners.min(0), corners.max(0)
    x, y = np.maximum(low, 0)
    right, bottom = np.minimum(high, size)
    width, height = float(right - x), float(bottom - y)
    if width <= 0 or height <= 0 or not _enough(width * height, float(np.prod(high - low)), min_visible):
        return None
    return Box(x=float(x), y=float(y), width=width, height=height)

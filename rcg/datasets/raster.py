"""Shapes become pixels and pixels shapes, by one rule: a pixel belongs to a shape when its centre does."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rcg.datasets import rle
from rcg.datasets.schema import XY, Annotation, Box, Mask, Part, Points, Polygon, Quad, Shape
from rcg.errors import InputError

Pixels = npt.NDArray[np.bool_]


def rasterise(annotation: Annotation | Shape, width: int, height: int) -> Pixels:
    """Return the pixels of an annotation, (height, width) bool.

    A pixel is in when its centre lies inside; a centre on the left or top line is in, on the right or bottom
    line out, so that neighbours that share a line share no pixel. A ring that crosses itself is filled by the
    even-odd rule. Points cover nothing, whatever box they came with.

    Raises:
        InputError: a mask that is of another size, or no run lengths.
    """
    shape = annotation.shape if isinstance(annotation, Annotation) else annotation
    out = np.zeros((height, width), bool)
    if isinstance(shape, Mask):
        if shape.size != (height, width):
            raise InputError(
                f"The mask is of {shape.size[1]} x {shape.size[0]} px and the image of {width} x {height}.",
                "Masks must be of their image's size: import or draw it again.",
            )
        return rle.decode(shape)
    if isinstance(shape, Box):
        left, right = _first_centre([shape.x, shape.x + shape.width], width)
        top, bottom = _first_centre([shape.y, shape.y + shape.height], height)
        out[top:bottom, left:right] = True
    elif isinstance(shape, Quad):
        _toggle(out, shape.corners)
    elif isinstance(shape, Polygon):
        for part in shape.parts:
            if not part.holes and len(shape.parts) == 1:
                _toggle(out, part.outer)
                continue
            piece, hole = np.zeros_like(out), np.zeros_like(out)
            _toggle(piece, part.outer)
            for ring in part.holes:
                hole[:] = False
                _toggle(hole, ring)
                piece &= ~hole
            out |= piece
    else:
        assert isinstance(shape, Points)
    return out


def _first_centre(at: npt.ArrayLike, count: int) -> npt.NDArray[np.int64]:
    """Return the first pixel whose centre is at or after each coordinate, 0..count."""
    found = np.ceil(np.asarray(at, np.float64) - 0.5)
    return np.asarray(np.clip(found, 0, count), np.int64)


def _toggle(out: Pixels, ring: Sequence[XY]) -> None:
    """Turn over every pixel inside a ring: where a row's centres cross a side, all that follows turns."""
    height, width = out.shape
    a = np.asarray(ring, np.float64)
    b = np.roll(a, -1, axis=0)
    down = a[:, 1] <= b[:, 1]
    upper, lower = np.where(down[:, None], a, b), np.where(down[:, None], b, a)
    first, last = _first_centre(upper[:, 1], height), _first_centre(lower[:, 1], height)
    count = last - first
    if not count.any():
        return
    side = np.repeat(np.arange(len(a)), count)
    row = np.arange(side.size) - np.repeat(np.cumsum(count) - count, count) + first[side]
    upper, span = upper[side], (lower - upper)[side]
    column = _first_centre(upper[:, 0] + (row + 0.5 - upper[:, 1]) * (span[:, 0] / span[:, 1]), width)
    top, left, right = int(row.min()), int(column.min()), int(column.max())
    if right == left:
        return
    turns = np.zeros((int(row.max()) + 1 - top, right - left + 1), np.uint8)
    np.add.at(turns, (row - top, column - left), np.uint8(1))
    inside = np.cumsum(turns[:, :-1] & 1, axis=1, dtype=np.uint8) & 1
    out[top : top + turns.shape[0], left:right] ^= inside.astype(bool)


def polygons_of(mask: npt.NDArray[np.bool_ | np.uint8], tolerance: float = 0.0) -> Polygon | None:
    """Return the outline of a mask, holes and pieces and all; None when it is empty.

    Args:
        mask: (H, W), what is not 0 is in.
        tolerance: how far the outline may stray, px. With 0 it runs along the pixels' borders and
            ``rasterise`` gives the mask back exactly; with more it is simplified (Douglas and Peucker), and
            holes and pieces that vanish are left out.
    """
    pixels = np.pad(np.asarray(mask) != 0, 1)
    if not pixels.any():
        return None
    _, pieces = cv2.connectedComponents(pixels.astype(np.uint8), connectivity=4)
    outer: dict[int, list[XY]] = {}
    holes: dict[int, list[list[XY]]] = {}
    for ring, inside, signed_area in _outlines(pixels):
        piece = int(pieces[inside])
        kept = _simplified(ring, tolerance)
        if kept is None:
            continue
        if signed_area > 0:
            outer[piece] = kept
        else:
            holes.setdefault(piece, []).append(kept)
    parts = [Part(outer=ring, holes=holes.get(piece, [])) for piece, ring in sorted(outer.items())]
    return Polygon(parts=parts) if parts else None


def _simplified(ring: npt.NDArray[np.int64], tolerance: float) -> list[XY] | None:
    points = (ring - 1).astype(np.float32)  # the padding off
    if tolerance > 0:
        points = np.asarray(cv2.approxPolyDP(points[:, None], tolerance, closed=True)[:, 0], np.float32)
        if len(points) < 3:
            return None
    return [(float(x), float(y)) for x, y in points]


Outline = tuple[npt.NDArray[np.int64], tuple[int, int], float]
Step = tuple[int, int, int, int]
"""a corner x, y and the direction dx, dy of the side that leaves it"""


def _outlines(pixels: Pixels) -> list[Outline]:
    """Follow the borders between pixels.

    Args:
        pixels: (H, W), its margin empty.

    Returns:
        Per closed ring: its corners (n, 2) x, y; row and column of a pixel of the mask beside it; the area
        with a sign, positive of an outer ring, negative of a hole.
    """
    sides = _directed_sides(pixels)
    found: list[Outline] = []
    while sides:
        start = next(iter(sides))
        ring, step = [], start
        while step in sides:
            ring.append(step[:2])
            x, y = sides.pop(step)
            dx, dy = step[2:]
            right = (x, y, -dy, dx)  # first: where two pieces touch at a corner it keeps them apart
            step = right if right in sides else (x, y, dy, -dx)
        corners = np.array(ring, np.int64)
        x0, y0, dx, _ = start  # of a level side: those were found first
        beside = (y0, x0) if dx > 0 else (y0 - 1, x0 - 1)
        a, b = corners[:, 0], corners[:, 1]
        doubled = int((a * np.roll(b, -1) - np.roll(a, -1) * b).sum())
        found.append((corners, beside, doubled / 2))
    return found


def _directed_sides(pixels: Pixels) -> dict[Step, tuple[int, int]]:
    """Return the straight sides between corners, the mask on their right hand: corner and direction -> end.

    Corners of one row of the grid lie in pairs at the ends of level sides, those of a column at the ends of
    upright ones; one where two pieces only touch ends two sides.
    """
    nw, ne, sw, se = pixels[:-1, :-1], pixels[:-1, 1:], pixels[1:, :-1], pixels[1:, 1:]
    count = nw.astype(np.uint8) + ne + sw + se
    ends = (count % 2 + 2 * ((count == 2) & (nw == se))).astype(np.uint8)
    sides: dict[Step, tuple[int, int]] = {}
    for (y, x), (_, u) in _pairs(ends):
        if pixels[y, x]:  # the mask below: to the right
            sides[x, y, 1, 0] = (u, y)
        else:
            sides[u, y, -1, 0] = (x, y)
    for (x, y), (_, v) in _pairs(ends.T):
        if pixels[y, x]:  # the mask on the right: upwards
            sides[x, v, 0, -1] = (x, y)
        else:
            sides[x, y, 0, 1] = (x, v)
    return sides


def _pairs(ends: npt.NDArray[np.uint8]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Pair the corners of each row: (row, column) of a side's two ends, on the grid of pixels' corners."""
    rows, columns = np.nonzero(ends)
    times = ends[rows, columns]
    corners = list(
        zip((np.repeat(rows, times) + 1).tolist(), (np.repeat(columns, times) + 1).tolist(), strict=True)
    )
    return list(zip(corners[::2], corners[1::2], strict=True))

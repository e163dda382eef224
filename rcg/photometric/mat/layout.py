"""Where everything on the mat is, in millimetres: one source for the printer, the renderer and the finder.

x right, y up, origin at the middle of the card's place. Nothing here imports an array library, so that the
web process can print the mat. The inner part (:data:`ACTIVE_MM`) is all that a camera must see; it has about
the shape of a phone's frame, so that the card stays large in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

VERSION = 1
"""printed on the sheet; another layout gets another number and other markers"""

Box = tuple[float, float, float, float]
"""left, bottom, right, top in mm"""

PLACE_MM = (63.0, 88.0)
"""the card that the field is drawn for"""
FIELD_MM = (76.0, 101.0)
"""outer size of the dark field: a card of up to 73 x 98 mm still has dark all round it"""
HOLE_MM = (57.0, 82.0)
"""the middle of the field is left white: the card hides it, and ink is saved"""
ACTIVE_MM = (104.0, 129.0)
"""what the camera must see"""
LARGEST_CARD_MM = (FIELD_MM[0] - 3.0, FIELD_MM[1] - 3.0)

FIELD_TONE = 0.2
"""reflectance of the field against paper: far from white borders and from black ones"""

MARKER_MM = 10.0
CELLS = 6
"""cells across a marker: four of code, one of black border on each side"""
MARKER_CENTRES: tuple[tuple[float, float], ...] = (
    (-45.0, 57.5), (0.0, 57.5), (45.0, 57.5), (45.0, 24.0), (45.0, -24.0),
    (45.0, -57.5), (0.0, -57.5), (-45.0, -57.5), (-45.0, -24.0), (-45.0, 24.0),
)  # fmt: skip
"""centre of marker k, clockwise from the top left"""
MARKER_BITS: tuple[str, ...] = (
    "1011010100110010", "0000111110011010", "0011001100101101", "1001100101000110", "0101010010011110",
    "0111100111001101", "1001111000101110", "1100010011110010", "1111111011011010", "1100111101010110",
)  # fmt: skip
"""code of marker k in the ArUco dictionary of 50 markers of 4 x 4 bits, row by row from the top left; 1 is
white"""

TONES: tuple[float, ...] = (1.0, 0.6, 0.36, 0.2, 0.1, 0.04)
"""reflectance of the steps against paper; the first is bare paper"""
PATCH_MM = (4.6, 7.0)
"""along the wedge, across it"""


@dataclass(frozen=True)
class Patch:
    """One even rectangle of one tone."""

    box: Box
    step: int

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle, mm."""
        left, bottom, right, top = self.box
        return (left + right) / 2, (bottom + top) / 2


def _around(x: float, y: float, width: float, height: float) -> Box:
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _wedge(x: float, y: float, steps: tuple[int, ...], *, upright: bool) -> list[Patch]:
    along, across = PATCH_MM
    patches = []
    for index, step in enumerate(steps):
        shift = (index - (len(steps) - 1) / 2) * along
        if upright:
            patches.append(Patch(_around(x, y - shift, across, along), step))
        else:
            patches.append(Patch(_around(x + shift, y, along, across), step))
    return patches


_DOWN = tuple(range(len(TONES)))
_UP = _DOWN[::-1]

PATCHES: tuple[Patch, ...] = (
    *_wedge(-22.5, 57.5, _DOWN, upright=False),
    *_wedge(22.5, 57.5, _UP, upright=False),
    *_wedge(45.0, 0.0, _DOWN, upright=True),
    *_wedge(22.5, -57.5, _UP, upright=False),
    *_wedge(-22.5, -57.5, _DOWN, upright=False),
    *_wedge(-45.0, 0.0, _UP, upright=True),
    # Bare paper between the markers at the sides: the long lever for telling a side light.
    *(Patch(_around(x, y, 7.0, 9.0), 0) for x in (-45.0, 45.0) for y in (-40.5, 40.5)),
)
"""Six step wedges, two above and two below the card and one on each side, and four plain patches. The middle
of every tone's patches is the middle of the mat, so that a side light does not pass for a tone."""

NUMBER_RADIUS_MM = 92.0
SCALE_BAR_MM = 100.0


def number_place(number: int, count: int = 8) -> tuple[float, float]:
    """Return where number 1..``count`` stands: 1 at the top, clockwise."""
    angle = 2 * math.pi * (number - 1) / count
    return NUMBER_RADIUS_MM * math.sin(angle), NUMBER_RADIUS_MM * math.cos(angle)


def marker_box(marker: int) -> Box:
    """Return the black square of a marker."""
    return _around(*MARKER_CENTRES[marker], MARKER_MM, MARKER_MM)


def marker_corners(marker: int) -> list[tuple[float, float]]:
    """Return the corners of a marker in the order of detectors: top left, top right, bottom right, bottom
    left."""
    left, bottom, right, top = marker_box(marker)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def white_cells(marker: int) -> list[Box]:
    """Return the white cells inside a marker; cells side by side in a row are one box."""
    left, _, _, top = marker_box(marker)
    cell = MARKER_MM / CELLS
    bits = MARKER_BITS[marker]
    boxes: list[Box] = []
    for row in range(4):
        column = 0
        while column < 4:
            if bits[4 * row + column] == "0":
                column += 1
                continue
            first = column
            while column < 4 and bits[4 * row + column] == "1":
                column += 1
            boxes.append(
                (
                    left + (1 + first) * cell,
                    top - (2 + row) * cell,
                    left + (1 + column) * cell,
                    top - (1 + row) * cell,
                )
            )
    return boxes


def place_ticks() -> list[Box]:
    """Return thin white lines in the field that continue the card's edges: where a 63 x 88 mm card goes."""
    half_w, half_h = PLACE_MM[0] / 2, PLACE_MM[1] / 2
    near, far, thin = 2.5, 5.5, 0.25
    boxes: list[Box] = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * half_w, sy * half_h
            along = sorted((x + sx * near, x + sx * far))
            boxes.append((along[0], y - thin / 2, along[1], y + thin / 2))
            along = sorted((y + sy * near, y + sy * far))
            boxes.append((x - thin / 2, along[0], x + thin / 2, along[1]))
    return boxes


def painted() -> list[tuple[Box, float]]:
    """Return every box that the camera may see with its tone (reflectance against paper), in the order of
    painting."""
    boxes: list[tuple[Box, float]] = [(_around(0, 0, *FIELD_MM), FIELD_TONE), (_around(0, 0, *HOLE_MM), 1.0)]
    boxes += [(box, 1.0) for box in place_ticks()]
    boxes += [(patch.box, TONES[patch.step]) for patch in PATCHES if patch.step]
    for marker in range(len(MARKER_CENTRES)):
        boxes.append((marker_box(marker), 0.04))
        boxes += [(box, 1.0) for box in white_cells(marker)]
    return boxes

"""The printed mat as a picture of reflectance, for the table under a rendered card."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.mat import layout
from rcg.photometric.types import FloatArray

PAPER = 0.86
_RIM_MM = 6.0
"""paper kept round the part that a camera must see"""


@dataclass(frozen=True)
class MatSheet:
    """A mat under the card.

    Attributes:
        offset_mm: of the mat's middle from the card's, card axes.
        angle_deg: of the mat against the card, counter-clockwise.
        scale: printed size of a nominal millimetre: 0.97 is a sheet printed at 97 %.
        hidden: markers that something lies on.
    """

    offset_mm: tuple[float, float] = (0.0, 0.0)
    angle_deg: float = 0.0
    scale: float = 1.0
    hidden: tuple[int, ...] = ()

    def to_mat(self) -> npt.NDArray[np.float64]:
        """(3, 3) from card millimetres to nominal mat millimetres."""
        c, s = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        x, y = self.offset_mm
        turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, self.scale]]) / self.scale
        return np.asarray(turn @ np.array([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]]))

    def half_size_mm(self) -> tuple[float, float]:
        """Half width and height of the picture, nominal mm."""
        return layout.ACTIVE_MM[0] / 2 + _RIM_MM, layout.ACTIVE_MM[1] / 2 + _RIM_MM

    def picture(self, px_per_mm: float) -> FloatArray:
        """(h, w, 1) reflectance, the exact share of ink over each sample's square; row 0 at the top.

        Sampled at about the camera's scale, each sample is the mean over a pixel, which is what a sensor
        sees: edges stay where they are.
        """
        half_w, half_h = self.half_size_mm()
        w, h = math.ceil(2 * half_w * px_per_mm), math.ceil(2 * half_h * px_per_mm)
        paper = np.ones((h, w), np.float32)
        for box, tone in layout.painted():
            _paint(paper, box, tone, px_per_mm, half_w, half_h)
        for marker in self.hidden:
            left, bottom, right, top = layout.marker_box(marker)
            _paint(paper, (left - 1, bottom - 1, right + 1, top + 1), 0.5, px_per_mm, half_w, half_h)
        return np.ascontiguousarray(PAPER * paper[..., None], np.float32)


def _paint(
    paper: FloatArray, box: layout.Box, tone: float, scale: float, half_w: float, half_h: float
) -> None:
    left, bottom, right, top = box
    columns = _cover((left + half_w) * scale, (right + half_w) * scale, paper.shape[1])
    rows = _cover((half_h - top) * scale, (half_h - bottom) * scale, paper.shape[0])
    first_row, last_row = np.flatnonzero(rows)[[0, -1]]
    first, last = np.flatnonzero(columns)[[0, -1]]
    part = paper[first_row : last_row + 1, first : last + 1]
    cover = rows[first_row : last_row + 1, None] * columns[None, first : last + 1]
    part += cover * (np.float32(tone) - part)


def _cover(begin: float, end: float, count: int) -> FloatArray:
    """Return (count,) the share of each unit cell that lies between ``begin`` and ``end``."""
    cells = np.arange(count)
    share = np.clip(np.minimum(cells + 1, end) - np.maximum(cells, begin), 0, 1)
    return np.asarray(share, np.float32)

"""Straightened views of a card's sides: rows run along the edge, columns run inward.

A strip is sampled in the edge's own coordinates: ``s`` in mm along the edge (left and right run bottom to
top, top and bottom left to right; 0 at the middle) and ``t`` in mm along the inward normal (0 on the edge).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from rcg.grading.schema import Edge
from rcg.photometric.types import CardSize, Maps

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

EDGES: Final[tuple[Edge, ...]] = ("left", "right", "top", "bottom")
CORNER_RADIUS_MM: Final = 3.0
"""nominal radius of a trading card's corner; only sets where the straight span ends"""
_ALONG: Final[dict[Edge, tuple[float, float]]] = {
    "left": (0.0, 1.0),
    "right": (0.0, 1.0),
    "top": (1.0, 0.0),
    "bottom": (1.0, 0.0),
}
_INWARD: Final[dict[Edge, tuple[float, float]]] = {
    "left": (1.0, 0.0),
    "right": (-1.0, 0.0),
    "top": (0.0, -1.0),
    "bottom": (0.0, 1.0),
}


@dataclass(frozen=True)
class SideFrame:
    """Where one side of the nominal card lies.

    Attributes:
        edge: which side.
        along: unit vector of increasing ``s``.
        inward: unit vector of increasing ``t``.
        origin: the middle of the nominal edge, mm.
        half_mm: half the edge's length.
    """

    edge: Edge
    along: F64
    inward: F64
    origin: F64
    half_mm: float

    @property
    def half_span_mm(self) -> float:
        """Half the straight span: the edge without its corner arcs."""
        return self.half_mm - CORNER_RADIUS_MM


def side_frame(edge: Edge, size: CardSize) -> SideFrame:
    """Return the frame of one side of a card of the given size."""
    inward = np.array(_INWARD[edge])
    half = np.array([size.width_mm, size.height_mm]) / 2
    length = half[1] if edge in ("left", "right") else half[0]
    return SideFrame(edge, np.array(_ALONG[edge]), inward, -inward * half, float(length))


def linear_colour(maps: Maps) -> F32:
    """Return the even-light picture as linear RGB, (H, W, 3) in [0, 1].

    Blur is symmetric in linear light, so half-way crossings of an edge are unbiased there and not in sRGB.
    """
    table = np.arange(256) / 255.0
    table = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    return np.asarray(table.astype(np.float32)[maps.colour], np.float32)


def to_lab(linear: F32) -> F32:
    """Convert linear RGB (..., 3) in [0, 1] to CIE Lab (D65)."""
    shape = linear.shape
    flat = np.clip(linear, 0, 1).reshape(-1, 1, 3)
    srgb = np.where(flat <= 0.0031308, flat * 12.92, 1.055 * np.maximum(flat, 1e-8) ** (1 / 2.4) - 0.055)
    return np.asarray(cv2.cvtColor(srgb.astype(np.float32), cv2.COLOR_RGB2Lab), np.float32).reshape(shape)


def sample(maps: Maps, image: F32, xy_mm: F64) -> F32:
    """Sample an (H, W, C) image at card points (..., 2) in mm, bicubic, the border replicated."""
    xy = maps.mm_to_px(xy_mm).astype(np.float32)
    flat = xy.reshape(-1, xy.shape[-2], 2) if xy.ndim > 2 else xy[None]
    out = cv2.remap(image, flat[..., 0], flat[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32).reshape(*xy.shape[:-1], *image.shape[2:])


def sample_strip(
    maps: Maps,
    image: F32,
    frame: SideFrame,
    s: F64,
    t: F64,
    *,
    offset: F64 | None = None,
    slope: F64 | None = None,
    smooth_mm: float = 0.0,
) -> F32:
    """Sample a strip (len(s), len(t), C) along one side.

    Args:
        maps: the side.
        image: (H, W, C) float32.
        frame: the side's frame.
        s: (n,) positions along the edge, mm, evenly spaced.
        t: (m,) depths, mm.
        offset: (n,) depth of the true edge at ``s`` under the nominal one; 0 when None.
        slope: (n,) d offset / d s there; turns the sampling direction into the true edge's normal.
        smooth_mm: Gaussian sigma of averaging along the edge, mm.
    """
    offset = np.zeros_like(s) if offset is None else offset
    slope = np.zeros_like(s) if slope is None else slope
    foot = frame.origin + s[:, None] * frame.along + offset[:, None] * frame.inward
    normal = frame.inward[None] - slope[:, None] * frame.along
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    strip = sample(maps, image, foot[:, None, :] + t[None, :, None] * normal[:, None, :])
    if smooth_mm > 0 and len(s) > 2:
        strip = gaussian_filter1d(strip, smooth_mm / float(s[1] - s[0]), axis=0, mode="nearest")
    return np.asarray(strip, np.float32)


def native_px_per_mm(maps: Maps) -> float:
    """Return the camera's own resolution on the card: reference pixels per mm, the smaller of both
    directions."""
    c = np.asarray(maps.outline.corners_px, np.float64)
    across = (np.linalg.norm(c[1] - c[0]) + np.linalg.norm(c[2] - c[3])) / 2 / maps.size.width_mm
    down = (np.linalg.norm(c[3] - c[0]) + np.linalg.norm(c[2] - c[1])) / 2 / maps.size.height_mm
    return max(min(float(across), float(down)), 0.1)

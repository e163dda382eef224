"""From a frame to the card's own millimetres, in one warp.

Every resampling blurs, so the frame's registration and the card's outline are composed into one homography,
and linear light is interpolated once. Where the frame has more pixels than the map, the map is sampled finer
and averaged by area.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.linearise import samples_to_linear
from rcg.photometric.outline_geometry import apply, homography_of_points
from rcg.photometric.types import CardOutline, CardSize, FloatArray, Frame

# Above this many frame pixels per map pixel an interpolating kernel skips samples, and fine print aliases.
_SUPERSAMPLE_ABOVE = 1.3
_MAX_SUPERSAMPLE = 6
_KERNEL_REACH_PX = 6


def map_shape(size: CardSize, px_per_mm: float, margin_mm: float) -> tuple[int, int]:
    """Return (H, W) of a map: card and margins, rounded up to even numbers."""

    def even(length_mm: float) -> int:
        return 2 * math.ceil((length_mm + 2 * margin_mm) * px_per_mm / 2 - 1e-6)

    return even(size.height_mm), even(size.width_mm)


def map_to_reference(
    outline: CardOutline, size: CardSize, px_per_mm: float, margin_mm: float
) -> npt.NDArray[np.float64]:
    """Return the (3, 3) homography from map pixels to reference pixels (pixel centres at integers)."""
    h, w = map_shape(size, px_per_mm, margin_mm)
    half = np.array([size.width_mm, size.height_mm]) * px_per_mm / 2
    corners = np.array([(w - 1) / 2, (h - 1) / 2]) + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return homography_of_points(corners, outline.corners_px)


def _largest_scale(to_frame: npt.NDArray[np.float64], h: int, w: int) -> float:
    """Frame pixels per map pixel where the frame is sampled most densely: the largest over the map's
    corners."""
    at = np.array([(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)], np.float64)
    here = apply(to_frame, at)
    steps = [np.linalg.norm(apply(to_frame, at + step) - here, axis=1) for step in ((1.0, 0.0), (0.0, 1.0))]
    return float(np.max(steps))


def rectify(
    frame: Frame,
    homography_to_reference: npt.NDArray[np.float64],
    outline: CardOutline,
    size: CardSize,
    px_per_mm: float,
    margin_mm: float,
) -> FloatArray:
    """Return the card in its own coordinates as (H, W, 3) float32 linear light in [0, 1].

    Args:
        frame: the photograph; not changed.
        homography_to_reference: (3, 3), frame pixel to reference pixel.
        outline: the card in the reference frame.
        size: card size in mm; with ``px_per_mm`` and ``margin_mm`` it gives the shape (:func:`map_shape`).
        px_per_mm: scale of the map.
        margin_mm: background kept on each side. What lies outside the frame repeats its edge.
    """
    h, w = map_shape(size, px_per_mm, margin_mm)
    to_frame = np.linalg.inv(homography_to_reference) @ map_to_reference(outline, size, px_per_mm, margin_mm)
    scale = _largest_scale(to_frame, h, w)
    fine = min(_MAX_SUPERSAMPLE, math.ceil(scale / _SUPERSAMPLE_ABOVE)) if scale > _SUPERSAMPLE_ABOVE else 1

    reach = apply(to_frame, np.array([(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)], np.float64))
    rows, columns = frame.pixels.shape[:2]
    left, top = np.clip(
        np.floor(reach.min(axis=0)).astype(int) - _KERNEL_REACH_PX, 0, [columns - 1, rows - 1]
    )
    right, bottom = np.clip(np.ceil(reach.max(axis=0)).astype(int) + _KERNEL_REACH_PX, 1, [columns, rows])
    crop = frame.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    linear = samples_to_linear(np.ascontiguousarray(crop), frame.encoding)

    # Fine sample j stands at (j + 0.5) / fine - 0.5 of the map's pixels, so that averaging keeps pixel
    # centres.
    offset = 0.5 / fine - 0.5
    fine_to_map = np.array([[1 / fine, 0, offset], [0, 1 / fine, offset], [0, 0, 1.0]])
    to_crop = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]) @ to_frame @ fine_to_map
    warped = cv2.warpPerspective(
        linear,
        to_crop,
        (w * fine, h * fine),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine > 1:
        warped = cv2.resize(warped, (w, h), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(warped, 0.0, 1.0, out=warped), np.float32)

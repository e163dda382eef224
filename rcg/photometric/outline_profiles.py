"""Brightness across a card's sides: what the outline is measured on.

Each side is sampled in a strip along its normals, in every frame, in linear light: only there is the middle
of a blurred step where the edge is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from rcg.photometric.linearise import samples_to_linear
from rcg.photometric.outline_geometry import apply
from rcg.photometric.types import FloatArray, Frame

Array = npt.NDArray[np.float64]

STEP_PX = 0.5
STATIONS = 128
_TAPS_PER_STATION = 12
_NEAR_FULL_SCALE = 0.985


@dataclass(frozen=True)
class Strip:
    """One side's profiles.

    Attributes:
        offsets: (o,) px along the outward normal, step ``STEP_PX``, 0 on the line from ``begin`` to ``end``.
        along: (m,) position of the stations, px from ``begin``.
        light: (n, m, o, 3) linear light of n frames.
        clipped: (n, m, o) share of samples at full scale.
        outside_frame: (m,) bool, station reaches beyond a frame.
    """

    begin: Array
    end: Array
    offsets: Array
    along: Array
    light: FloatArray
    clipped: FloatArray
    outside_frame: npt.NDArray[np.bool_]


def normal_outward(begin: Array, end: Array) -> Array:
    """Unit outward normal (2,) of a side walked clockwise in the picture (y down)."""
    edge = (end - begin) / np.linalg.norm(end - begin)
    return np.array([edge[1], -edge[0]])


def sample_strip(
    frames: Sequence[Frame],
    homographies: Array,
    begin: Array,
    end: Array,
    reach_px: float,
    ends_share: float,
) -> Strip:
    """Sample one side of the card in all frames.

    Args:
        frames: n frames.
        homographies: (n, 3, 3) frame -> reference.
        begin, end: (2,) the side in the reference, the card on its right hand (clockwise).
        reach_px: how far to look to each side.
        ends_share: share of the side left out at each end, where corners are round or worn.
    """
    half = int(np.ceil(reach_px / STEP_PX))
    offsets = np.arange(-half, half + 1) * STEP_PX
    length = float(np.linalg.norm(end - begin))
    taps = int(np.clip(length * (1 - 2 * ends_share) / STATIONS, 1, _TAPS_PER_STATION))
    share = ends_share + (1 - 2 * ends_share) * (np.arange(STATIONS * taps) + 0.5) / (STATIONS * taps)
    points = (begin + share[:, None] * (end - begin))[:, None] + offsets[None, :, None] * normal_outward(
        begin, end
    )
    light, clipped = [], []
    outside = np.zeros(STATIONS, bool)
    for frame, homography in zip(frames, homographies, strict=True):
        at = apply(np.linalg.inv(homography), points.reshape(-1, 2)).reshape(points.shape).astype(np.float32)
        rows, columns = frame.pixels.shape[:2]
        beyond = (at[..., 0] < 0) | (at[..., 0] > columns - 1) | (at[..., 1] < 0) | (at[..., 1] > rows - 1)
        outside |= beyond.reshape(STATIONS, -1).any(axis=1)
        values, full = _sample(frame, at)
        light.append(values.reshape(STATIONS, taps, len(offsets), 3).mean(axis=1))
        clipped.append(full.reshape(STATIONS, taps, len(offsets)).mean(axis=1))
    along = length * share.reshape(STATIONS, taps).mean(axis=1)
    return Strip(begin, end, offsets, along, np.stack(light), np.stack(clipped), outside)


def _sample(frame: Frame, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Linear light (m, o, 3) at points (m, o, 2), bilinear, and whether a channel is at full scale (m, o)."""
    rows, columns = frame.pixels.shape[:2]
    left, top = np.clip(np.floor(at.min(axis=(0, 1))).astype(int) - 2, 0, [columns - 1, rows - 1])
    right, bottom = np.clip(
        np.ceil(at.max(axis=(0, 1))).astype(int) + 3, [left + 1, top + 1], [columns, rows]
    )
    crop = samples_to_linear(np.ascontiguousarray(frame.pixels[top:bottom, left:right]), frame.encoding)
    local = at - np.array([left, top], np.float32)
    values = cv2.remap(crop, local, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values, (values.max(axis=2) > _NEAR_FULL_SCALE).astype(np.float32)


def slopes(strip: Strip, sigma_px: float) -> Array:
    """Return (n, m, o) strength of the brightness step at each offset, relative to the station's own
    brightness.

    Gaussian derivative over ``sigma_px``, all colours together. One divisor per station: a divisor that
    changed along the profile would move the step.
    """
    derivative = gaussian_filter1d(
        strip.light.astype(np.float64), sigma_px / STEP_PX, axis=2, order=1, mode="nearest"
    )
    strength = np.sqrt((derivative**2).sum(axis=3))
    level = np.sqrt((strip.light.astype(np.float64) ** 2).sum(axis=3)).mean(axis=2, keepdims=True)
    return np.asarray(strength / (level + 0.004))

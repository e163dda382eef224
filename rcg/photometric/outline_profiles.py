"""Brightness across a card's sides: what the outline is measured on.

Each side is sampled in a strip along its normals, in every frame, in linear light: only there is the middle
of a blurred step where the edge is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from rcg.photometric.channels import brightest
from rcg.photometric.linearise import samples_to_linear
from rcg.photometric.outline_geometry import apply
from rcg.photometric.types import FloatArray, Frame

Array = npt.NDArray[np.float64]

STEP_PX = 0.5
STATIONS = 128
_TAPS_PER_STATION = 10
_PIECES = 6
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
    rows = STATIONS * taps
    step = (end - begin) * (1 - 2 * ends_share) / rows
    first = begin + (end - begin) * ends_share + 0.5 * step - half * STEP_PX * normal_outward(begin, end)
    across = STEP_PX * normal_outward(begin, end)
    # Strip pixel (x across, y along) -> reference; with a frame's homography it is one warp.
    to_reference = np.array([[across[0], step[0], first[0]], [across[1], step[1], first[1]], [0, 0, 1.0]])
    shape = (rows, len(offsets))
    light, clipped = [], []
    outside = np.zeros(STATIONS, bool)
    for frame, homography in zip(frames, homographies, strict=True):
        to_frame = np.linalg.inv(homography) @ to_reference
        values = _sample(frame, to_frame, shape)
        full = (brightest(values) > _NEAR_FULL_SCALE).astype(np.float32)
        light.append(values.reshape(STATIONS, taps, len(offsets), 3).mean(axis=1))
        clipped.append(full.reshape(STATIONS, taps, len(offsets)).mean(axis=1))
        outside |= _beyond(frame, to_frame, rows, len(offsets)).reshape(STATIONS, taps).any(axis=1)
    centres = (np.arange(rows) + 0.5).reshape(STATIONS, taps).mean(axis=1)
    along = np.asarray(length * (ends_share + (1 - 2 * ends_share) * centres / rows), np.float64)
    return Strip(
        begin, end, np.asarray(offsets, np.float64), along, np.stack(light), np.stack(clipped), outside
    )


def only(strip: Strip, frames: npt.NDArray[np.bool_]) -> Strip:
    """Return the strip with some of its frames (n,)."""
    return replace(strip, light=strip.light[frames], clipped=strip.clipped[frames])


def _sample(frame: Frame, to_frame: Array, shape: tuple[int, int]) -> FloatArray:
    """Linear light (rows, columns, 3), bilinear, of a strip whose pixels ``to_frame`` (3, 3) takes to the
    frame.

    Piece by piece: the box round a slanting side is nearly the whole frame, the boxes round its pieces are
        not.
    """
    rows, columns = shape
    high, wide = frame.pixels.shape[:2]
    pieces = []
    for start, stop in pairwise(np.linspace(0, rows, _PIECES + 1).astype(int)):
        box = np.array([(0, start), (columns - 1, start), (columns - 1, stop), (0, stop)], np.float64)
        at = apply(to_frame, box)
        left, top = np.clip(np.floor(at.min(axis=0)).astype(int) - 2, 0, [wide - 1, high - 1])
        right, bottom = np.clip(np.ceil(at.max(axis=0)).astype(int) + 3, [left + 1, top + 1], [wide, high])
        crop = samples_to_linear(np.ascontiguousarray(frame.pixels[top:bottom, left:right]), frame.encoding)
        to_crop = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]) @ to_frame
        to_crop = to_crop @ np.array([[1, 0, 0], [0, 1, start], [0, 0, 1.0]])
        pieces.append(
            cv2.warpPerspective(
                crop,
                to_crop,
                (columns, int(stop - start)),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        )
    return np.concatenate(pieces)


def _beyond(frame: Frame, to_frame: Array, rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """(rows,) whether either end of a row of the strip lies outside the frame."""
    high, wide = frame.pixels.shape[:2]
    out = np.zeros(rows, bool)
    for column in (0, columns - 1):
        at = apply(
            to_frame, np.column_stack([np.full(rows, float(column)), np.arange(rows, dtype=np.float64)])
        )
        out |= (at < 0).any(axis=1) | (at[:, 0] > wide - 1) | (at[:, 1] > high - 1)
    return out


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

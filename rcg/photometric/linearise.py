"""Between stored samples and linear light.

The sRGB transfer curve is that of IEC 61966-2-1. Shading, averaging and resampling are only right in linear
light, so a frame is linearised once, before anything is warped or added.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.types import FloatArray, Frame

# Fine enough that the nearest entry of the table is right to 1/30 of an 8-bit step even in the steep dark
# part.
_ENCODE_STEPS = 1 << 16


def srgb_decode(encoded: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return linear light in [0, 1] for sRGB values in [0, 1] (IEC 61966-2-1)."""
    v = np.clip(np.asarray(encoded, np.float64), 0.0, 1.0)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def srgb_encode(linear: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse of :func:`srgb_decode`."""
    v = np.clip(np.asarray(linear, np.float64), 0.0, 1.0)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


@cache
def _decode_table(levels: int, *, srgb: bool) -> FloatArray:
    ramp = np.linspace(0.0, 1.0, levels)
    table = (srgb_decode(ramp) if srgb else ramp).astype(np.float32)
    table.flags.writeable = False
    return table


@cache
def _encode_table() -> npt.NDArray[np.uint8]:
    table = np.round(255.0 * srgb_encode(np.linspace(0.0, 1.0, _ENCODE_STEPS))).astype(np.uint8)
    table.flags.writeable = False
    return table


def samples_to_linear(samples: npt.NDArray[np.generic], encoding: str) -> FloatArray:
    """Return stored samples of any shape as float32 linear light in [0, 1].

    Args:
        samples: uint8, uint16, or floating point in [0, 1] (values outside are clipped, NaN becomes 0).
        encoding: ``"srgb"`` or ``"linear"``.
    """
    srgb = encoding == "srgb"
    if samples.dtype == np.uint8:
        table = _decode_table(256, srgb=srgb)
        if samples.ndim == 3 and samples.flags.c_contiguous:
            return np.asarray(cv2.LUT(np.asarray(samples, np.uint8), table), np.float32)
        return np.asarray(table[samples], np.float32)
    if samples.dtype == np.uint16:
        return np.asarray(_decode_table(65536, srgb=srgb).take(np.asarray(samples, np.uint16)), np.float32)
    values = np.clip(np.nan_to_num(samples.astype(np.float32), nan=0.0), 0.0, 1.0)
    return srgb_decode(values).astype(np.float32) if srgb else values


def to_linear(frame: Frame) -> FloatArray:
    """Return the frame as (H, W, 3) float32 linear light, 1 at full scale. The frame is not changed."""
    return samples_to_linear(frame.pixels, frame.encoding)


def to_srgb_u8(linear: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Return linear light in [0, 1], any shape, as 8-bit sRGB; values outside are clipped, NaN becomes 0."""
    scaled = np.nan_to_num(np.asarray(linear, np.float32), nan=0.0) * np.float32(_ENCODE_STEPS - 1)
    index = np.clip(scaled + np.float32(0.5), 0, _ENCODE_STEPS - 1).astype(np.uint16)
    return np.asarray(_encode_table().take(index), np.uint8)

"""The card as it would look in even light, from frames that each are lit from one side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rcg.photometric.channels import brightest
from rcg.photometric.linearise import to_srgb_u8
from rcg.photometric.types import BoolArray, FloatArray

_WHITE_PERCENTILE = 99.5
_WHITE = 0.92
"""linear value that the brightest parts of the card get in the picture"""
_ROWS = 128


def white_level(linear: FloatArray, mask: BoolArray) -> float:
    """Return the brightness of the card's brightest parts: the 99.5th percentile of the channels' maximum."""
    return max(float(np.percentile(brightest(linear)[mask], _WHITE_PERCENTILE)), 1e-6)


def scaled_albedo(linear: FloatArray, mask: BoolArray) -> FloatArray:
    """Return a single photo as the best guess of albedo: scaled so that its 99.5th percentile is 1."""
    return np.asarray(linear / np.float32(white_level(linear, mask)), np.float32)


def colour_picture(stack: FloatArray, mask: BoolArray) -> npt.NDArray[np.uint8]:
    """Return the (H, W, 3) sRGB picture of the card in even light.

    One photo is shown as it is. Of several frames, each is brought to the same mean brightness on the card;
    then the mean is taken without the brightest sample of each pixel and channel (four and more frames),
    where gloss lies, and scaled so that the card's brightest parts are nearly white.

    Args:
        stack: (n, H, W, 3) linear frames in card coordinates.
        mask: (H, W) card.
    """
    if len(stack) == 1:
        return to_srgb_u8(stack[0])
    gains = np.array([frame[mask].mean() for frame in stack], np.float64)
    gains = np.where(gains > 0, gains.mean() / np.maximum(gains, 1e-9), 1.0).astype(np.float32)
    even = np.empty(stack.shape[1:], np.float32)
    for top in range(0, stack.shape[1], _ROWS):
        rows = stack[:, top : top + _ROWS] * gains[:, None, None, None]
        total = rows.sum(axis=0)
        even[top : top + _ROWS] = (
            (total - rows.max(axis=0)) / (len(stack) - 1) if len(stack) >= 4 else total / len(stack)
        )
    return to_srgb_u8(even * np.float32(_WHITE / white_level(even, mask)))

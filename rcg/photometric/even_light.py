"""The card as it would look in even light, from frames that each are lit from one side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from rcg.photometric.channels import brightest
from rcg.photometric.linearise import to_srgb_u8
from rcg.photometric.relief_kernel import by_rows, jit
from rcg.photometric.types import BoolArray, FloatArray

_WHITE_PERCENTILE = 99.5
_WHITE = 0.92
"""linear value that the brightest parts of the card get in the picture"""


def white_level(linear: FloatArray, mask: BoolArray) -> float:
    """Return the brightness of the card's brightest parts: the 99.5th percentile of the channels' maximum."""
    return max(float(np.percentile(brightest(linear)[mask], _WHITE_PERCENTILE)), 1e-6)


def scaled_albedo(linear: FloatArray, mask: BoolArray) -> FloatArray:
    """Return a single photo as the best guess of albedo: scaled so that its 99.5th percentile is 1."""
    return np.asarray(linear / np.float32(white_level(linear, mask)), np.float32)


def colour_picture(stack: FloatArray, mask: BoolArray, *, threads: int = 1) -> npt.NDArray[np.uint8]:
    """Return the (H, W, 3) sRGB picture of the card in even light.

    One photo is shown as it is. Of several frames, each is brought to the same mean brightness on the card;
    then the mean is taken without the brightest sample of each pixel and channel (four and more frames),
    where gloss lies, and scaled so that the card's brightest parts are nearly white.

    Args:
        stack: (n, H, W, 3) linear frames in card coordinates.
        mask: (H, W) card.
        threads: to compute with; the result does not depend on it.
    """
    if len(stack) == 1:
        return to_srgb_u8(stack[0])
    height = stack.shape[1]
    count = int(mask.sum())

    def mean(frame: FloatArray) -> float:
        values = np.empty((count, 3), np.float32)
        _gather(frame, mask, values)
        return float(values.mean())

    with ThreadPoolExecutor(max(1, threads)) as pool:
        means = np.array(list(pool.map(mean, stack)), np.float64)
    gains = np.where(means > 0, means.mean() / np.maximum(means, 1e-9), 1.0).astype(np.float32)
    even = np.empty(stack.shape[1:], np.float32)
    by_rows(height, threads, lambda a, b: _even_rows(a, b, stack, gains, even))
    even *= np.float32(_WHITE / white_level(even, mask))
    picture = np.empty(even.shape, np.uint8)

    def some(first: int, last: int) -> None:
        picture[first:last] = to_srgb_u8(even[first:last])

    by_rows(height, threads, some)
    return picture


@jit
def _gather(frame: FloatArray, mask: BoolArray, out: FloatArray) -> None:
    """Write the card's pixels (k, 3), row by row."""
    k = 0
    for i in range(mask.shape[0]):
        for j in range(mask.shape[1]):
            if mask[i, j]:
                out[k, 0], out[k, 1], out[k, 2] = frame[i, j, 0], frame[i, j, 1], frame[i, j, 2]
                k += 1


@jit
def _even_rows(first: int, last: int, stack: FloatArray, gains: FloatArray, out: FloatArray) -> None:
    """Write the mean (H, W, 3) of the frames times their gains, of four and more without the brightest."""
    n, w = stack.shape[0], stack.shape[2]
    total, most = np.empty((w, 3), np.float32), np.empty((w, 3), np.float32)
    for i in range(first, last):
        total[:] = 0
        most[:] = 0
        for k in range(n):
            for j in range(w):
                for c in range(3):
                    value = stack[k, i, j, c] * gains[k]
                    total[j, c] += value
                    most[j, c] = max(most[j, c], value)
        for j in range(w):
            for c in range(3):
                left = total[j, c] - most[j, c] if n >= 4 else total[j, c]
                out[i, j, c] = left / np.float32(n - 1 if n >= 4 else n)

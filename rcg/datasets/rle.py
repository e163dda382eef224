"""Masks as COCO's compressed run lengths: read, written and measured without a C decoder.

The format is that of cocoapi's ``maskApi.c``: runs of 0 and 1 in column order, each in groups of five bits,
least significant first, from the third on as the difference to the run two before. Files come from anywhere,
so every count is judged before a pixel is laid out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rcg.datasets.schema import Mask
from rcg.errors import InputError

Lengths = npt.NDArray[np.int64]
MAX_PIXELS = 1 << 30
_MAX_GROUPS = 12
"""five bits each: more than any count of a picture"""


def lengths(mask: Mask) -> Lengths:
    """Return the runs of a mask, (n,) pixels, 0 and 1 in turn, beginning with 0.

    Raises:
        InputError: the text is no run lengths, or they do not fill the mask's size.
    """
    height, width = mask.size
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise InputError(f"A mask of {width} x {height} px cannot be.", "Write the mask anew.")
    found = _parsed(mask.counts)
    if found is None or (found.size and not 0 <= int(found.min()) <= int(found.max()) <= MAX_PIXELS):
        raise InputError(f"{mask.counts[:24]!r} ... are no run lengths of COCO.", "Write the mask anew.")
    total = int(found.sum())
    if total != height * width:
        raise InputError(
            f"The mask's runs cover {total} pixels and its size of {width} x {height} has {height * width}.",
            "The mask is of another image or was cut short.",
        )
    return found


def _parsed(text: str) -> Lengths | None:
    try:
        codes = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        return None
    if not codes.size:
        return np.zeros(0, np.int64)
    if codes.min() < 0 or codes.max() > 63:
        return None
    last = codes < 32
    if not last[-1]:
        return None
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if int((ends - starts).max()) >= _MAX_GROUPS:
        return None
    place = np.arange(codes.size) - np.repeat(starts, ends - starts + 1)
    values = np.add.reduceat((codes & 31) << (5 * place), starts)
    values -= np.where(codes[ends] & 16, np.int64(1) << (5 * (ends - starts + 1)), 0)
    values[2::2] = np.cumsum(values[2::2])
    values[1::2] = np.cumsum(values[1::2])
    return values


def as_lengths(counts: Sequence[int]) -> Lengths:
    """Return a list of runs, COCO's uncompressed form, as an array."""
    return np.array(counts, np.int64)


def from_lengths(runs: Lengths, height: int, width: int) -> Mask:
    """Return the mask of these runs, in COCO's compressed text."""
    deltas = np.array(runs, np.int64)
    deltas[3:] -= np.asarray(runs[1:-2], np.int64)
    texts = np.zeros((deltas.size, _MAX_GROUPS), np.uint8)
    rest, left = deltas, np.ones(deltas.size, bool)
    for group in range(_MAX_GROUPS):
        bits = rest & 31
        rest = rest >> 5
        more = np.where(bits & 16, rest != -1, rest != 0)
        texts[:, group] = np.where(left, bits + 32 * more + 48, 0)
        left &= more
        if not left.any():
            break
    return Mask(size=(height, width), counts=texts[texts > 0].tobytes().decode("ascii"))


def encode(pixels: npt.NDArray[np.bool_]) -> Mask:
    """Return the mask of (H, W) pixels."""
    height, width = pixels.shape
    flat = np.ascontiguousarray(pixels.T).reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    marks = np.concatenate([[0], [0] if flat[0] else [], edges, [flat.size]]).astype(np.int64)
    return from_lengths(np.diff(marks), height, width)


def decode(mask: Mask) -> npt.NDArray[np.bool_]:
    """Return the pixels, (H, W). Raises InputError like :func:`lengths`."""
    runs = lengths(mask)
    height, width = mask.size
    values = np.arange(runs.size) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def extent(size: tuple[int, int], runs: Lengths) -> tuple[float, float, float, float] | None:
    """Return left, top, right and bottom of the ones, px; None when there are none."""
    height = size[0]
    ends = np.cumsum(runs)
    first, stop = ends[:-1:2], ends[1::2]  # runs of ones: [first, stop)
    first, stop = first[: stop.size][stop > first[: stop.size]], stop[stop > first[: stop.size]]
    if not stop.size:
        return None
    left, right = int(first.min()) // height, (int(stop.max()) - 1) // height
    whole = first // height != (stop - 1) // height  # a run over a column's end touches top and bottom
    top = 0 if whole.any() else int((first % height).min())
    bottom = height - 1 if whole.any() else int(((stop - 1) % height).max())
    return float(left), float(top), float(right + 1), float(bottom + 1)


def resized(mask: Mask, size: tuple[int, int]) -> Mask:
    """Return a mask resampled by area to (height, width): a pixel is in when at least half of it was."""
    import cv2  # noqa: PLC0415  the web process reads this module and draws nothing

    pixels = decode(mask).astype(np.float32)
    out = cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return encode(np.asarray(out >= 0.5 - 1e-6))

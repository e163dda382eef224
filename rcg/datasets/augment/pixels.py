"""Pixels moved by a motion: in their places where they land on pixels, else resampled once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rcg.datasets.augment.motion import Matrix, Motion

Pixels = npt.NDArray[Any]
_PIXEL_CENTRE = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
_PIXEL_CORNER = np.array([[1.0, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])


def opencv_matrix(matrix: Matrix) -> Matrix:
    """Return the same move for OpenCV, which counts from the centre of the first pixel."""
    return np.asarray(_PIXEL_CENTRE @ matrix @ _PIXEL_CORNER, np.float64)


_HALVES = int(cv2.__version__.split(".")[0]) >= 5
"""OpenCV computes with float16 from version 5 on, several times faster than numpy converts it"""


def as_float32(array: Pixels) -> Pixels:
    """Return float16 as float32, anything else as it is."""
    if array.dtype != np.float16:
        return array
    return cv2.add(array, 0, dtype=cv2.CV_32F) if _HALVES else array.astype(np.float32)  # type: ignore[call-overload]


def unit_vectors(vectors: Pixels) -> Pixels:
    """Return (H, W, 3) float vectors at unit length."""
    length = cv2.sqrt(cv2.transform(cv2.multiply(vectors, vectors), np.ones((1, 3))))
    length = cv2.max(length, 1e-9)  # type: ignore[call-overload]
    return cv2.divide(vectors, cv2.merge([length, length, length]))


def d4(array: Pixels, motion: Motion) -> Pixels:
    """Return an array with its pixels in the places of an exact motion: nothing is computed anew."""
    if motion.mirrored:
        array = cv2.flip(array, 0 if motion.turns == 2 else 1)
        if motion.turns == 2:
            return array
    turns = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)
    return cv2.rotate(array, turns[motion.turns - 1]) if motion.turns else array


def warp(
    array: Pixels,
    motion: Motion,
    size: tuple[int, int],
    interpolation: int,
    *,
    border: int = cv2.BORDER_CONSTANT,
    value: tuple[float, ...] = (0.0,),
) -> Pixels:
    """Resample an array once."""
    matrix = opencv_matrix(motion.matrix)
    if motion.affine:
        return cv2.warpAffine(
            array, matrix[:2], size, flags=interpolation, borderMode=border, borderValue=value
        )
    return cv2.warpPerspective(array, matrix, size, flags=interpolation, borderMode=border, borderValue=value)

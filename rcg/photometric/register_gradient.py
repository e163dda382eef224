"""The picture that frames are registered on: what stays in place when the light moves.

Shading, shadows and gloss move with the light; print does not. The magnitude of the gradient of log
brightness keeps the print's edges whatever the light's strength and side.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.linearise import srgb_encode
from rcg.photometric.types import FloatArray, Frame

_DARK = 10.0
"""Grey levels added before the logarithm, so that noise in the dark does not count as edges."""
_STRONG = 0.25
_MEAN_PX = 2.0
"""of the mean taken off: edges of print are finer than this, relief and shadows mostly coarser"""


def brightness(frame: Frame) -> FloatArray:
    """Return (H, W) float32 brightness in 0..255 on the sRGB scale, where noise is about even."""
    pixels = frame.pixels
    if pixels.dtype == np.uint8 and frame.encoding == "srgb":
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = (
        np.asarray(pixels, np.float32)
        @ np.array([0.299, 0.587, 0.114], np.float32)
        / np.float32(frame.full_scale)
    )
    if frame.encoding == "linear":
        # Through a table: a power per pixel takes seconds at 12 megapixels.
        table = srgb_encode(np.linspace(0, 1, 4096)).astype(np.float32)
        grey = table.take(np.clip(np.nan_to_num(grey) * 4095 + 0.5, 0, 4095).astype(np.uint16))
    return np.asarray(grey * np.float32(255), np.float32)


def scaled(grey: FloatArray, scale: float) -> FloatArray:
    """Return the picture at ``scale`` (<= 1), averaged by area. Its pixel p is at (p + 0.5) / scale - 0.5 of
    the input."""
    if scale >= 1:
        return grey
    h, w = grey.shape
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def scaling(from_shape: tuple[int, ...], to_shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return the (3, 3) map from pixels of a picture to pixels of its resized copy (pixel centres at
    integers)."""
    sy, sx = to_shape[0] / from_shape[0], to_shape[1] / from_shape[1]
    return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1.0]], np.float64)


def gradient_picture(grey: FloatArray) -> FloatArray:
    """Return (H, W) float32 gradient magnitude of log brightness, with strong edges held down."""
    value = cv2.log(cv2.GaussianBlur(grey, (0, 0), 0.8) + _DARK)
    dx = cv2.Sobel(value, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(value, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    magnitude = cv2.magnitude(dx, dy)
    return np.asarray(magnitude / (magnitude + np.float32(_STRONG)), np.float32)


def even(grey: FloatArray) -> FloatArray:
    """Return (H, W) logarithm of brightness less its mean round each pixel: print, with the sign of its
    edges."""
    value = cv2.log(np.maximum(cv2.GaussianBlur(grey, (0, 0), 0.8), 0) + np.float32(_DARK))
    return np.asarray(value - cv2.GaussianBlur(value, (0, 0), _MEAN_PX), np.float32)

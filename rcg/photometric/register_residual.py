"""How well two frames lie on each other after registration, measured by other means than those that aligned
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.outline_geometry import apply, homography_of_points
from rcg.photometric.register_fit import robust_fit
from rcg.photometric.register_gradient import even, gradient_picture
from rcg.photometric.types import FloatArray

Array = npt.NDArray[np.float64]

GRID = (5, 7)
_PATCH_PX = 128
_LEAST_PATCH_PX = 24
_MIN_RESPONSE = 0.12
_MIN_TEXTURE = 0.004
_MIN_PATCHES = 6
_STRONG = 0.8
_MIN_GRADIENT = 0.02
_MIN_STRONG = 60
_STEPS = 4
_TUKEY = 4.7
_NEAR_PX = 0.6
_CONTRAST = 0.5
"""share of the print's contrast that may be missing from a frame whose print is taken as found"""


@dataclass(frozen=True)
class Patch:
    """A patch of the reference, made ready once for all frames.

    Attributes:
        centre: (2,) in the reference.
        to_reference: (3, 3) patch -> reference.
        gradient: (s, s), see :func:`rcg.photometric.register_gradient.gradient_picture`.
        even: (s, s), see :func:`rcg.photometric.register_gradient.even`.
        strong: (s, s) bool, where its print is strong.
        design: (k, 3) derivatives there by the shift and by contrast; None where there is too little print.
    """

    centre: Array
    to_reference: Array
    gradient: FloatArray
    even: FloatArray
    strong: npt.NDArray[np.bool_]
    design: Array | None


def residual(frame: FloatArray, reference: FloatArray, corners: Array, homography: Array) -> float:
    """Return the median displacement in reference px left on a 5 x 7 grid of patches of the card; NaN if
    unmeasurable.

    Args:
        frame, reference: (H, W) brightness pictures.
        corners: (4, 2) the card in the reference.
        homography: (3, 3) frame -> reference.
    """
    return left_over(frame, patches_of(reference, corners), homography)


def left_over(frame: FloatArray, patches: Sequence[Patch], homography: Array) -> float:
    """Return what :func:`residual` does, for the patches of :func:`patches_of`."""
    to_frame = np.asarray(np.linalg.inv(homography), np.float64)
    shifts = [shift for patch in patches if (shift := _shift(frame, patch, to_frame)) is not None]
    if len(shifts) < _MIN_PATCHES:
        return float("nan")
    return float(np.median(np.linalg.norm(np.array(shifts), axis=1)))


def patches_of(reference: FloatArray, corners: Array) -> list[Patch]:
    """Return the patches of the card with enough print to tell by.

    Args:
        reference: (H, W) brightness, 0..255.
        corners: (4, 2) the card in the reference.
    """
    columns, rows = GRID
    share = np.stack(
        np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows), axis=-1
    ).reshape(-1, 2)
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
    centres = np.round(apply(homography_of_points(unit, corners), share))
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    size = int(min(_PATCH_PX, 2 * (sides.min() / columns // 2)))
    if size < _LEAST_PATCH_PX:
        return []
    patches = [_patch(reference, centre, size) for centre in centres]
    return [patch for patch in patches if float(patch.gradient.std()) >= _MIN_TEXTURE]


def _patch(reference: FloatArray, centre: Array, size: int) -> Patch:
    left, top = (centre - size // 2).tolist()
    to_reference = np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]], np.float64)
    picture = _warped(reference, to_reference, size)
    target = even(picture)
    gx = cv2.Sobel(target, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(target, cv2.CV_32F, 0, 1, scale=1 / 8)
    strength = cv2.magnitude(gx, gy)
    strong = strength > max(float(np.quantile(strength, _STRONG)), _MIN_GRADIENT)
    design = None
    if np.count_nonzero(strong) >= _MIN_STRONG:
        design = np.stack([gx[strong], gy[strong], target[strong]], 1).astype(np.float64)
    return Patch(centre, to_reference, gradient_picture(picture), target, strong, design)


def _shift(frame: FloatArray, patch: Patch, to_frame: Array) -> tuple[float, float] | None:
    """How far a patch lies off in the frame, reference px; None where the frame shows too little of it."""
    size = len(patch.gradient)
    picture = _warped(frame, to_frame @ patch.to_reference, size)
    gradient = gradient_picture(picture)
    if float(gradient.std()) < _MIN_TEXTURE:
        return None
    # a copy, because the window is multiplied into what is given
    (dx, dy), response = cv2.phaseCorrelate(gradient, patch.gradient.copy(), _window(size))
    if response < _MIN_RESPONSE:
        return None
    near = _small_shift(even(picture), patch)
    return (dx, dy) if near is None else near


def _small_shift(moving: FloatArray, patch: Patch) -> tuple[float, float] | None:
    """A patch's displacement by least squares on its print; None where it is too large for that.

    Correlation takes every edge for print, and the sparks of foil, which are elsewhere under every light,
    make it say half a pixel where there is none. Here they are outliers.
    """
    if patch.design is None:
        return None
    left = (moving - patch.even)[patch.strong].astype(np.float64)
    dx, dy, contrast = (float(value) for value in robust_fit(patch.design, left, _TUKEY, _STEPS))
    # beyond that the gradient no longer tells how far
    return (-dx, -dy) if np.hypot(dx, dy) < _NEAR_PX and contrast > -_CONTRAST else None


@cache
def _window(size: int) -> FloatArray:
    return np.asarray(cv2.createHanningWindow((size, size), cv2.CV_32F), np.float32)


def _warped(picture: FloatArray, to: npt.NDArray[np.float64], size: int) -> FloatArray:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(picture, to, (size, size), flags=flags), np.float32)

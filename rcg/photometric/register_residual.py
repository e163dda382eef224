"""How well two frames lie on each other after registration, measured by other means than those that aligned
them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.outline_geometry import apply, homography_of_points
from rcg.photometric.register_gradient import even, gradient_picture
from rcg.photometric.types import FloatArray

Array = npt.NDArray[np.float64]

GRID = (5, 7)
_PATCH_PX = 128
_MIN_RESPONSE = 0.12
_MIN_TEXTURE = 0.004
_MIN_PATCHES = 6
_STRONG = 0.8
_MIN_GRADIENT = 0.02
_MIN_STRONG = 60
_STEPS = 4
_NEAR_PX = 0.6
_CONTRAST = 0.5
"""share of the print's contrast that may be missing from a frame whose print is taken as found"""


def residual(frame: FloatArray, reference: FloatArray, corners: Array, homography: Array) -> float:
    """Return the median displacement in reference px left on a 5 x 7 grid of patches of the card; NaN if
    unmeasurable.

    Args:
        frame, reference: (H, W) brightness pictures.
        corners: (4, 2) the card in the reference.
        homography: (3, 3) frame -> reference.
    """
    shifts = patch_shifts(frame, reference, corners, homography)[1]
    if len(shifts) < _MIN_PATCHES:
        return float("nan")
    return float(np.median(np.linalg.norm(shifts, axis=1)))


def patch_shifts(
    frame: FloatArray, reference: FloatArray, corners: Array, homography: Array
) -> tuple[Array, Array]:
    """Return centres (k, 2) in the reference and displacements (k, 2) of the patches with enough print to
    tell."""
    columns, rows = GRID
    share = np.stack(
        np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows), axis=-1
    ).reshape(-1, 2)
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
    centres = np.round(apply(homography_of_points(unit, corners), share))
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    size = int(min(_PATCH_PX, 2 * (sides.min() / columns // 2)))
    if size < 24:
        return np.zeros((0, 2)), np.zeros((0, 2))
    window = cv2.createHanningWindow((size, size), cv2.CV_32F)
    kept, shifts = [], []
    for centre in centres:
        left, top = (centre - size // 2).tolist()
        to_reference = np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]], np.float64)
        patches = [
            gradient_picture(_warped(picture, to, size))
            for picture, to in ((frame, np.linalg.inv(homography) @ to_reference), (reference, to_reference))
        ]
        if min(float(p.std()) for p in patches) < _MIN_TEXTURE:
            continue
        (dx, dy), response = cv2.phaseCorrelate(patches[0], patches[1], window)
        if response < _MIN_RESPONSE:
            continue
        kept.append(centre)
        to_frame = np.asarray(np.linalg.inv(homography), np.float64)
        near = _small_shift(frame, reference, to_frame, to_reference, size)
        shifts.append((dx, dy) if near is None else near)
    return np.array(kept).reshape(-1, 2), np.array(shifts).reshape(-1, 2)


def _small_shift(
    frame: FloatArray,
    reference: FloatArray,
    to_frame: Array,
    to_reference: Array,
    size: int,
) -> tuple[float, float] | None:
    """A patch's displacement by least squares on its print; None where it is too large for that.

    Correlation takes every edge for print, and the sparks of foil, which are elsewhere under every light,
    make it say half a pixel where there is none. Here they are outliers.
    """
    target = even(_warped(reference, to_reference, size))
    moving = even(_warped(frame, to_frame @ to_reference, size))
    gx = cv2.Sobel(target, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(target, cv2.CV_32F, 0, 1, scale=1 / 8)
    strength = cv2.magnitude(gx, gy)
    strong = strength > max(float(np.quantile(strength, _STRONG)), _MIN_GRADIENT)
    if np.count_nonzero(strong) < _MIN_STRONG:
        return None
    design = np.stack([gx[strong], gy[strong], target[strong]], 1).astype(np.float64)
    left = (moving - target)[strong].astype(np.float64)
    weight = np.ones(len(left))
    found: Array = np.zeros(3)
    for _ in range(_STEPS):
        square, right = design.T @ (design * weight[:, None]), design.T @ (weight * left)
        found = np.asarray(np.linalg.lstsq(square, right, rcond=1e-9)[0], np.float64)
        off = left - design @ found
        spread = 1.4826 * float(np.median(np.abs(off))) + 1e-9
        weight = np.clip(1 - (off / (4.7 * spread)) ** 2, 0, None) ** 2
    dx, dy = float(found[0]), float(found[1])
    # beyond that the gradient no longer tells how far
    return (-dx, -dy) if np.hypot(dx, dy) < _NEAR_PX and found[2] > -_CONTRAST else None


def _warped(picture: FloatArray, to: npt.NDArray[np.float64], size: int) -> FloatArray:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(picture, to, (size, size), flags=flags), np.float32)

"""Bring the frames of one capture into line with a reference frame, to a tenth of a pixel.

Coarse: translation by phase correlation, or features where the camera moved more. Fine: enhanced correlation
(G. Evangelidis, E. Psarakis, "Parametric image alignment using enhanced correlation coefficient
maximization", PAMI 2008) of gradient pictures over the card alone, because the card is the plane that
matters; then the print itself (:mod:`rcg.photometric.register_polish`). What remains is measured apart from
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.outline_geometry import apply, homography_of_points
from rcg.photometric.register_coarse import coarse_homography
from rcg.photometric.register_gradient import gradient_picture, scaled, scaling
from rcg.photometric.register_polish import Print, polish, print_of
from rcg.photometric.register_residual import Patch, left_over, patches_of
from rcg.photometric.types import FloatArray, Registration

Array = npt.NDArray[np.float64]

_LONG_PX = 1000
_LEVELS = ((0.35, 30), (0.7, 12))
"""(share of that length, iterations) of each step of the fine registration; the print does the rest"""
_INSET = 0.02
_WORSE = 1.15

_find_transform_ecc: Any = cv2.findTransformECC
"""without its type stub, which forbids the mask None that the function allows"""


def register(
    greys: Sequence[FloatArray],
    corners: Array,
    reference: int,
    start: Sequence[Array],
    *,
    threads: int = 2,
) -> Registration:
    """Register frames to the reference over the card.

    Args:
        greys: n pictures (H, W), brightness 0..255.
        corners: (4, 2) the card in the reference picture, in order round it.
        reference: index of the reference.
        start: n homographies (3, 3) frame -> reference, right to a few pixels (from :func:`coarse`).
        threads: frames registered at once; the result does not depend on it.
    """
    target = greys[reference]
    ready = print_of(target, corners)
    patches = patches_of(target, corners)
    levels = [(_template(target, corners, _LONG_PX * share), steps) for share, steps in _LEVELS]

    def one(k: int) -> tuple[Array, float]:
        if k == reference:
            return np.eye(3), 0.0
        return _register_one(greys[k], levels, ready, patches, start[k])

    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = list(pool.map(one, range(len(greys))))
    homographies = np.stack([h for h, _ in found])
    grid = corners.mean(axis=0) + 0.9 * (corners - corners.mean(axis=0))
    shift = np.array(
        [np.linalg.norm(apply(np.linalg.inv(h), grid) - grid, axis=1).mean() for h in homographies]
    )
    return Registration(reference, homographies, np.array([r for _, r in found]), shift)


def coarse(
    greys: Sequence[FloatArray], reference: int, working_px: int = 800, *, threads: int = 1
) -> list[Array]:
    """Return n homographies (3, 3) frame -> reference, right to about a pixel of a copy ``working_px`` long;
    they do not depend on ``threads``."""
    scale = min(1.0, working_px / max(greys[0].shape))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        small = list(pool.map(lambda grey: scaled(grey, scale), greys))
        down = scaling(greys[0].shape, small[0].shape)
        up = np.linalg.inv(down)

        def one(k: int) -> Array:
            if k == reference:
                return np.eye(3)
            return np.asarray(up @ coarse_homography(small[k], small[reference]) @ down, np.float64)

        return list(pool.map(one, range(len(small))))


@dataclass(frozen=True)
class _Template:
    """The card in the reference at one scale, made ready once for all frames.

    Attributes:
        inner: (4, 2) what of the card is compared, in the reference.
        long_px: longer side of that, reference px.
        scale: template pixels per reference pixel.
        to_reference: (3, 3) template -> reference.
        picture: (h, w) gradient picture.
    """

    inner: Array
    long_px: float
    scale: float
    to_reference: Array
    picture: FloatArray


def _template(target: FloatArray, corners: Array, long_px: float) -> _Template:
    """Make the template ready on which the card is ``long_px`` long."""
    inner = corners.mean(axis=0) + (1 - 2 * _INSET) * (corners - corners.mean(axis=0))
    sides = np.linalg.norm(np.roll(inner, -1, axis=0) - inner, axis=1)
    width, height = (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2
    scale = min(1.0, long_px / max(width, height))
    w, h = max(16, round(width * scale)), max(16, round(height * scale))
    box = np.array([(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)], np.float64)
    to_reference = homography_of_points(box, inner)
    picture, down = _cropped_gradient(target, inner, scale)
    template = cv2.warpPerspective(
        picture, down @ to_reference, (w, h), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )
    return _Template(inner, float(max(width, height)), scale, to_reference, np.asarray(template, np.float32))


def _register_one(
    frame: FloatArray,
    levels: Sequence[tuple[_Template, int]],
    ready: Print,
    patches: Sequence[Patch],
    start: Array,
) -> tuple[Array, float]:
    fine = start
    for template, iterations in levels:
        fine = _aligned(frame, template, fine, iterations)
    fine = polish(frame, ready, fine)
    after = left_over(frame, patches, fine)
    if np.array_equal(fine, start):
        return fine, after
    before = left_over(frame, patches, start)
    if np.isfinite(before) and not after <= before * _WORSE:
        return start, before
    return fine, after


def _aligned(frame: FloatArray, template: _Template, start: Array, iterations: int) -> Array:
    """Return frame -> reference after enhanced correlation with the template; ``start`` when it fails."""
    to_frame, inner = np.linalg.inv(start), template.inner
    moving, frame_down = _cropped_gradient(frame, apply(to_frame, inner), template.scale)
    warp = frame_down @ to_frame @ template.to_reference
    warp /= warp[2, 2]
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, iterations, 1e-6)
    try:
        _, found = _find_transform_ecc(
            template.picture, moving, warp.astype(np.float32), cv2.MOTION_HOMOGRAPHY, criteria, None, 5
        )
    except cv2.error:  # it throws when it does not converge
        return start
    reference_to_frame = (
        np.linalg.inv(frame_down) @ found.astype(np.float64) @ np.linalg.inv(template.to_reference)
    )
    result = np.linalg.inv(reference_to_frame)
    result /= result[2, 2]
    moved = np.linalg.norm(apply(np.linalg.inv(result), inner) - apply(to_frame, inner), axis=1)
    return result if np.isfinite(moved).all() and moved.max() < 0.1 * template.long_px else start


def _cropped_gradient(grey: FloatArray, corners: Array, scale: float) -> tuple[FloatArray, Array]:
    """Gradient picture of the neighbourhood of ``corners`` at ``scale``, and the (3, 3) map from ``grey`` to
    it."""
    rows, columns = grey.shape
    margin = 8 + 8 / scale
    left, top = np.clip(np.floor(corners.min(axis=0) - margin).astype(int), 0, [columns - 2, rows - 2])
    right, bottom = np.clip(
        np.ceil(corners.max(axis=0) + margin).astype(int), [left + 2, top + 2], [columns, rows]
    )
    crop = np.ascontiguousarray(grey[top:bottom, left:right])
    small = scaled(crop, scale)
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]])
    return gradient_picture(small), scaling(crop.shape, small.shape) @ shift

"""What print feigns in the slopes, learnt on the card itself and taken off.

Two leaks are known in form. Gloss adds the same light to dark ink as to pale, so that its share, and with it
the tilt that it feigns, goes with 1 / albedo; how much depends on the lights' places and changes smoothly
over the card. A frame that is out of line by a hundredth of a pixel feigns a slope in proportion to the
gradient of log albedo. Both are linear: the slopes are regressed on them, with coefficients that are
polynomials of the place, and what is explained is subtracted. Relief does not follow print, so that little of
it goes along.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.strips import F32, F64
from rcg.photometric import relief

Mask = npt.NDArray[np.bool_]

_DARKEST: Final = 0.03
_SAMPLES: Final = 200_000
_CUT: Final = 4.0
"""deviations beyond which a slope is a flaw's and says nothing of print"""
_FEW: Final = 2000
_GLOSS_ORDER: Final = 3
_SHIFT_ORDER: Final = 1


def mean_albedo(albedo: F32) -> F32:
    """The mean of the channels, (H, W)."""
    return np.asarray(cv2.transform(np.ascontiguousarray(albedo), np.full((1, 3), 1 / 3)), np.float32)


def without_print(
    p: F32, q: F32, albedo: F32, trusted: Mask, px_per_mm: float, level_mm: float
) -> tuple[F32, F32]:
    """Return the slopes (H, W) without what print explains.

    Args:
        p, q: (H, W) slopes, without what is smoother than ``level_mm``.
        albedo: (H, W, 3).
        trusted: (H, W) where slopes count.
        px_per_mm: scale.
        level_mm: of the mean that was taken off the slopes.
    """
    at = np.flatnonzero(trusted)
    if len(at) < _FEW:
        return p, q
    at = at[:: max(1, len(at) // _SAMPLES)]
    leaks = list(_leaks(albedo, trusted, px_per_mm, level_mm))
    design = np.stack([leak.ravel()[at] for leak in leaks], 1).astype(np.float64)
    size = np.sqrt((design**2).mean(axis=0)) + 1e-12
    results = []
    for slope in (p, q):
        factors = _robust(design / size, slope.ravel()[at].astype(np.float64)) / size
        feigned = np.zeros_like(slope)
        for factor, leak in zip(factors, leaks, strict=True):
            feigned += np.float32(factor) * leak
        results.append(np.where(trusted, slope - feigned, np.float32(0)))
    return results[0], results[1]


def _robust(design: F64, values: F64) -> F64:
    """Least squares without what is far off, twice."""
    keep = np.abs(values) < _CUT * 1.4826 * np.median(np.abs(values)) + 1e-12
    factors = np.zeros(design.shape[1])
    for _ in range(2):
        used = design[keep]
        factors = np.linalg.lstsq(used.T @ used, used.T @ values[keep], rcond=1e-8)[0]
        off = np.abs(values - design @ factors)
        keep = off < _CUT * 1.4826 * np.median(off) + 1e-12
    return np.asarray(factors)


def _leaks(albedo: F32, trusted: Mask, px_per_mm: float, level_mm: float) -> Iterator[F32]:
    """The leaks' forms, (H, W) each: 1 / albedo and the gradient of log albedo, times powers of place."""
    h, w = trusted.shape
    u = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
    v = np.linspace(1, -1, h, dtype=np.float32)[:, None]
    weight = trusted.astype(np.float32)
    grey = np.maximum(mean_albedo(albedo), np.float32(_DARKEST))
    share = np.asarray(1 / grey, np.float32)
    share = (share - relief.masked_smooth(share, weight, level_mm * px_per_mm)) * weight
    for a in range(_GLOSS_ORDER + 1):
        for b in range(_GLOSS_ORDER + 1 - a):
            yield np.asarray(share * u**a * v**b, np.float32)
    log = np.asarray(cv2.GaussianBlur(np.log(grey), (0, 0), 0.7), np.float32)
    for dx, dy in ((1, 0), (0, 1)):
        change = np.asarray(cv2.Sobel(log, cv2.CV_32F, dx, dy, scale=1 / 8), np.float32) * weight
        for a, b in ((0, 0), (1, 0), (0, 1)):
            yield np.asarray(change * u**a * v**b, np.float32)

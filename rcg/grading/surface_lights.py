"""Does a mark change from light to light as relief does?

A slope changes the logarithm of brightness in proportion to where the light stands: under light i by
``-(p lx + q ly) / lz`` (Lambert, small slopes), and print changes it alike under all. So over n frames the
gradient of log brightness at a mark has a part that print explains (1 number), a part that relief explains
(2), and n - 3 that neither does: frames out of line at an edge of print, resampling, compression, gloss,
sparks of foil. What is wrong in a frame is as likely to fall into one part as into the other, so the
unexplained part says how much of the relief may be feigned; their ratio is Student's t with n - 3 degrees of
freedom, though the marks were chosen for being large, which makes large ratios more frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.strips import F32, F64
from rcg.photometric.solve import CHANNELS
from rcg.photometric.types import Lights, Maps

Labels = npt.NDArray[np.int32]

MIN_LIGHTS = 6
"""with fewer, too little is left over to tell by"""
_SIGMA_MM = 0.04
_DARKEST = 0.004


def light_t(maps: Maps, labels: Labels, weight: F32) -> F64:
    """Return what :func:`light_ts` does for marks of one kind."""
    return light_ts(maps, [labels], weight)[0]


def light_ts(maps: Maps, marks: Sequence[Labels], weight: F32, *, threads: int = 1) -> list[F64]:
    """Return for each label, 0 to the largest, how many times over the relief exceeds what may be feigned.

    Infinite where the lights are too few to tell, or the frames do not belong to them.

    Args:
        maps: the side.
        marks: (H, W) labels of marks, several kinds of them.
        weight: (H, W) how much each pixel of a mark counts.
        threads: frames worked on at once; the result does not depend on it.
    """
    lights, counts = maps.lights, [int(labels.max()) + 1 for labels in marks]
    few = lights is None or len(lights) < MIN_LIGHTS or len(maps.frames) != len(lights)
    if lights is None or few or max(counts) == 1:
        return [np.full(count, np.inf) for count in counts]
    places = [_Place(labels, weight) for labels in marks]

    def one(frame: F32) -> list[F64]:
        changes = _log_gradient(frame, maps.px_per_mm)
        return [np.stack([place.mean(change) for change in changes], 1) for place in places]

    with ThreadPoolExecutor(max(1, threads)) as pool:
        by_frame = list(pool.map(one, maps.frames))
    by_slope = relief_of_light(lights)
    return [
        _t_of(np.stack(gradients), by_slope) if count > 1 else np.full(count, np.inf)
        for count, gradients in zip(counts, zip(*by_frame, strict=True), strict=True)
    ]


class _Place:
    """Where marks lie, to take means of pictures over them."""

    def __init__(self, labels: Labels, weight: F32) -> None:
        self._at = np.flatnonzero(labels)
        self._label, self._count = labels.ravel()[self._at], int(labels.max()) + 1
        self._share = weight.ravel()[self._at].astype(np.float64)
        self._total = np.maximum(np.bincount(self._label, self._share, self._count), 1e-9)

    def mean(self, picture: F32) -> F64:
        """Return (marks,) weighted means of a picture (H, W)."""
        values = self._share * picture.ravel()[self._at]
        return np.asarray(np.bincount(self._label, values, self._count) / self._total, np.float64)


def _log_gradient(frame: F32, px_per_mm: float) -> tuple[F32, F32]:
    """Gradient (x right, y up) of the logarithm of brightness, per pixel, (H, W) each."""
    grey = cv2.transform(np.ascontiguousarray(frame), np.asarray(CHANNELS, np.float32)[None])
    value = cv2.GaussianBlur(cv2.log(np.maximum(grey, _DARKEST)), (0, 0), max(_SIGMA_MM * px_per_mm, 0.7))
    gx = cv2.Sobel(value, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(value, cv2.CV_32F, 0, 1, scale=-1 / 8)
    return np.asarray(gx, np.float32), np.asarray(gy, np.float32)


def relief_of_light(lights: Lights) -> F64:
    """(n, 2) change of log brightness by a unit slope in x, in y."""
    x, y, z = lights.directions.T
    return np.asarray(np.stack([-x, -y], 1) / np.maximum(z, 0.05)[:, None], np.float64)


def strongest_curvature(slopes: F64) -> tuple[F64, F64]:
    """Return the strongest second derivative (k,) of each mark and the unit direction (2, k) across it.

    Args:
        slopes: (2, k, 2) slope in x or y, mark, derivative by x or y.
    """
    xx, yy, xy = slopes[0, :, 0], slopes[1, :, 1], 0.5 * (slopes[0, :, 1] + slopes[1, :, 0])
    middle, reach = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    strongest = np.where(middle >= 0, middle + reach, middle - reach)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.where(middle >= 0, 0.0, np.pi / 2)
    across = np.stack([np.cos(angle), np.sin(angle)])
    return strongest, across


def _t_of(gradients: F64, by_slope: F64) -> F64:
    """Student's t of each mark: its strongest second derivative over the error that the leftover gives it."""
    n = len(by_slope)
    design = np.column_stack([np.ones(n), by_slope])
    solve = np.linalg.pinv(design)
    found = np.einsum("ki,ila->kla", solve, gradients)
    left = gradients - np.einsum("ik,kla->ila", design, found)
    slopes = found[1:]  # (slope x or y, mark, derivative by x or y)
    strongest, across = strongest_curvature(slopes)
    misfit = np.einsum("ila,al->il", left, across)
    spread = np.sqrt((misfit**2).sum(axis=0) / (n - 3))
    gain = np.linalg.norm(np.einsum("al,ai->li", across, solve[1:]), axis=1)
    return np.asarray(np.abs(strongest) / np.maximum(spread * gain, 1e-12), np.float64)

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
    """Return for each label, 0 to the largest, how many times over the relief exceeds what may be feigned.

    Infinite where the lights are too few to tell, or the frames do not belong to them.

    Args:
        maps: the side.
        labels: (H, W) the marks.
        weight: (H, W) how much each pixel of a mark counts.
    """
    count = int(labels.max()) + 1
    lights = maps.lights
    if lights is None or len(lights) < MIN_LIGHTS or len(maps.frames) != len(lights) or count == 1:
        return np.full(count, np.inf)
    at = np.flatnonzero(labels)
    label, share = labels.ravel()[at], weight.ravel()[at].astype(np.float64)
    total = np.maximum(np.bincount(label, share, count), 1e-9)
    gradients = np.empty((len(lights), count, 2))
    for i, frame in enumerate(maps.frames):
        for axis, change in enumerate(_log_gradient(frame, maps.px_per_mm)):
            gradients[i, :, axis] = np.bincount(label, share * change.ravel()[at], count) / total
    return _t_of(gradients, relief_of_light(lights))


def _log_gradient(frame: F32, px_per_mm: float) -> tuple[F32, F32]:
    """Gradient (x right, y up) of the logarithm of brightness, per pixel, (H, W) each."""
    grey = np.asarray(frame @ np.asarray(CHANNELS, np.float32), np.float32)
    value = cv2.GaussianBlur(cv2.log(np.maximum(grey, _DARKEST)), (0, 0), max(_SIGMA_MM * px_per_mm, 0.7))
    gx = cv2.Sobel(value, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(value, cv2.CV_32F, 0, 1, scale=-1 / 8)
    return np.asarray(gx, np.float32), np.asarray(gy, np.float32)


def relief_of_light(lights: Lights) -> F64:
    """(n, 2) change of log brightness by a unit slope in x, in y."""
    x, y, z = lights.directions.T
    return np.asarray(np.stack([-x, -y], 1) / np.maximum(z, 0.05)[:, None], np.float64)


def _t_of(gradients: F64, by_slope: F64) -> F64:
    """Student's t of each mark: its strongest second derivative over the error that the leftover gives it."""
    n = len(by_slope)
    design = np.column_stack([np.ones(n), by_slope])
    solve = np.linalg.pinv(design)
    found = np.einsum("ki,ila->kla", solve, gradients)
    left = gradients - np.einsum("ik,kla->ila", design, found)
    slopes = found[1:]  # (slope x or y, mark, derivative by x or y)
    xx, yy, xy = slopes[0, :, 0], slopes[1, :, 1], 0.5 * (slopes[0, :, 1] + slopes[1, :, 0])
    middle, reach = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    strongest = np.where(middle >= 0, middle + reach, middle - reach)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.where(middle >= 0, 0.0, np.pi / 2)
    across = np.stack([np.cos(angle), np.sin(angle)])
    misfit = np.einsum("ila,al->il", left, across)
    spread = np.sqrt((misfit**2).sum(axis=0) / (n - 3))
    gain = np.linalg.norm(np.einsum("al,ai->li", across, solve[1:]), axis=1)
    return np.asarray(np.abs(strongest) / np.maximum(spread * gain, 1e-12), np.float64)

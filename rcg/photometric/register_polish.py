"""The last hundredths of a pixel of registration, from the print itself.

The correlation of gradient magnitudes that comes before is blind to the sign of an edge, and a rim of gloss
or a foil facet that moves with the light pulls on it. Here the logarithm of brightness, less its mean round
each pixel, is compared: light that changes slowly over the card drops out and print remains, the same in
every frame. Gauss-Newton steps over a homography (inverse compositional; S. Baker, I. Matthews, "Lucas-Kanade
20 years on", IJCV 2004), with the contrast of the frame as a ninth unknown and Tukey's weights, to which
highlights, shadows and relief are outliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.outline_geometry import apply, homography_of_points
from rcg.photometric.register_fit import median_magnitude, weighted_sums
from rcg.photometric.register_gradient import even, scaled, scaling
from rcg.photometric.types import FloatArray

Array = npt.NDArray[np.float64]

_LONG_PX = 1400
_INSET = 0.03
_STEPS = 4
_POINTS = 60_000
_STRONG = 0.85
"""quantile of the gradient from which a pixel takes part"""
_MIN_GRADIENT = 0.02
"""of log brightness per pixel; a card without print stays as it was"""
_MIN_POINTS = 2000
_MAX_MOVE_PX = 1.5
_TUKEY = 4.7
_LEAST_GAIN = 0.002
"""of the spread, from step to step"""


@dataclass(frozen=True)
class Print:
    """The reference's print, made ready once for all frames.

    Attributes:
        corners_box: (4, 2) corners of the template.
        to_reference: (3, 3) template -> reference.
        scale: template pixels per reference pixel.
        template: (h, w), see :func:`rcg.photometric.register_gradient.even`.
        design: (k, 9) derivatives by the homography's eight numbers and by contrast.
        rows, columns: (k,) where.
    """

    corners_box: Array
    to_reference: Array
    scale: float
    template: FloatArray
    design: Array
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]


def print_of(reference: FloatArray, corners: Array) -> Print:
    """Make the print of the reference ready.

    Args:
        reference: (H, W) brightness, 0..255.
        corners: (4, 2) the card in the reference, in order round it.
    """
    inner = corners.mean(axis=0) + (1 - 2 * _INSET) * (corners - corners.mean(axis=0))
    sides = np.linalg.norm(np.roll(inner, -1, axis=0) - inner, axis=1)
    width, height = (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2
    scale = min(1.0, _LONG_PX / max(width, height))
    w, h = max(16, round(width * scale)), max(16, round(height * scale))
    box = np.array([(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)], np.float64)
    to_reference = homography_of_points(box, inner)
    grey, to_grey = _reduced(reference, to_reference, scale)
    template = even(_warped(grey, to_grey, (w, h)))
    return Print(box, to_reference, scale, template, *_design(template))


def polish(frame: FloatArray, reference: Print, homography: Array) -> Array:
    """Return frame -> reference (3, 3), improved; as it came where print is too faint to tell or it gets no
    better.

    Args:
        frame: (H, W) brightness, 0..255.
        reference: of :func:`print_of`.
        homography: (3, 3) frame -> reference, right to about a pixel.
    """
    design, rows, columns = reference.design, reference.rows, reference.columns
    if len(rows) < _MIN_POINTS:
        return homography
    h, w = reference.template.shape
    # normalised coordinates of the template, in which the unknowns are of one size
    unit = np.array([[2 / w, 0, -1.0], [0, 2 / h, -1.0], [0, 0, 1.0]])
    start = np.linalg.inv(homography) @ reference.to_reference
    grey, reduce = _reduced(frame, np.eye(3), reference.scale)
    warp, best, least = start, start, np.inf
    for step in range(_STEPS + 1):
        moving = even(_warped(grey, reduce @ warp, (w, h)))
        misfit = (moving - reference.template)[rows, columns].astype(np.float64)
        spread = 1.4826 * median_magnitude(misfit)
        enough = spread > (1 - _LEAST_GAIN) * least
        if spread < least:
            least, best = spread, warp
        if step == _STEPS or spread <= 0 or enough:
            break
        normal, right = weighted_sums(design, misfit, _TUKEY * spread)
        a = np.linalg.lstsq(normal, right, rcond=1e-9)[0]
        delta = np.array([[1 + a[0], a[1], a[2]], [a[3], 1 + a[4], a[5]], [-a[6], -a[7], 1]])
        warp = warp @ np.linalg.inv(unit) @ np.linalg.inv(delta) @ unit
        warp /= warp[2, 2]
    box = reference.corners_box
    moved = np.linalg.norm(apply(best, box) - apply(start, box), axis=1)
    if not np.isfinite(moved).all() or moved.max() > _MAX_MOVE_PX / reference.scale:
        return homography
    result = reference.to_reference @ np.linalg.inv(best)
    return np.asarray(result / result[2, 2])


def _reduced(grey: FloatArray, to_grey: Array, scale: float) -> tuple[FloatArray, Array]:
    """The picture reduced where the template is coarser, against aliasing, and the map to it."""
    if scale >= 0.75:
        return grey, to_grey
    small = scaled(grey, scale)
    return small, scaling(grey.shape, small.shape) @ to_grey


def _warped(grey: FloatArray, to_grey: Array, size: tuple[int, int]) -> FloatArray:
    """The picture on the template's grid."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpPerspective(grey, to_grey, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _design(template: FloatArray) -> tuple[Array, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The template's derivatives by the homography's eight numbers and by contrast, (k, 9), and where."""
    h, w = template.shape
    gx = cv2.Sobel(template, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    gy = cv2.Sobel(template, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    strength = cv2.magnitude(gx, gy)
    threshold = max(float(np.quantile(strength[::3, ::3], _STRONG)), _MIN_GRADIENT)
    rows, columns = np.nonzero(strength > threshold)
    step = max(1, len(rows) // _POINTS)
    rows, columns = rows[::step], columns[::step]
    # a unit of the normalised coordinates is half the template
    px, py = gx[rows, columns] * (w / 2), gy[rows, columns] * (h / 2)
    u, v = columns * (2 / w) - 1.0, rows * (2 / h) - 1.0
    along = px * u + py * v
    design = np.stack(
        [px * u, px * v, px, py * u, py * v, py, along * u, along * v, template[rows, columns]], 1
    )
    return design.astype(np.float64), rows, columns

"""Geometry of a flat card seen by a camera: homographies, aspect, tilt, the order of the corners."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Focal length over the longer side of the picture: an ultra-wide phone, a phone (twice), a long lens, and
# far away.
FOCALS = (0.6, 0.8, 1.1, 2.0, 6.0)
_ASPECT_SIGMA = 0.07
_SKEW_SIGMA = 0.06


def homography_of_points(source: Array, target: Array) -> Array:
    """Return the (3, 3) homography that takes four points (4, 2) exactly to four others, in float64.

    ``cv2.getPerspectiveTransform`` takes float32 corners, which costs up to 1e-4 px at 4000 px.
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solution = np.linalg.solve(np.array(rows, np.float64), np.array(values, np.float64))
    return np.append(solution, 1.0).reshape(3, 3)


def apply(homography: npt.NDArray[np.floating], points: Array) -> Array:
    """Return points (k, 2) taken through a (3, 3) homography."""
    lifted = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:])


def unit_homographies(corners: Array) -> Array:
    """Return (k, 3, 3) homographies that take the unit square's corners (0,0) (1,0) (1,1) (0,1) to corners
    (k, 4, 2).

    Closed form: P. Heckbert, "Fundamentals of texture mapping and image warping", 1989, section 2.2.3.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (corners[:, i].T for i in range(4))
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    det = dx1 * dy2 - dx2 * dy1
    det = np.where(np.abs(det) < 1e-12, 1e-12, det)
    g, h = (sx * dy2 - dx2 * sy) / det, (dx1 * sy - sx * dy1) / det
    one = np.ones_like(g)
    return np.stack(
        [
            np.stack([x1 - x0 + g * x1, x3 - x0 + h * x3, x0], axis=-1),
            np.stack([y1 - y0 + g * y1, y3 - y0 + h * y3, y0], axis=-1),
            np.stack([g, h, one], axis=-1),
        ],
        axis=1,
    )


def pose(corners: Array, shape: tuple[int, int], focal: float) -> tuple[Array, Array, Array]:
    """Return (k,) aspect, skew and tilt of rectangles seen as ``corners`` (k, 4, 2) by a pinhole camera.

    Args:
        corners: in order round the rectangle; the first side is its width.
        shape: (H, W); the principal point is taken at its middle.
        focal: focal length over the longer side of the picture.

    Returns:
        height / width; cosine of the angle between the sides (0 for a rectangle); tilt against the picture
        in degrees.
    """
    h, w = shape
    centred = (corners - np.array([(w - 1) / 2, (h - 1) / 2])) / (focal * max(h, w))
    columns = unit_homographies(centred)
    along, down = columns[..., 0], columns[..., 1]
    width, height = np.linalg.norm(along, axis=-1), np.linalg.norm(down, axis=-1)
    skew = (along * down).sum(axis=-1) / np.maximum(width * height, 1e-12)
    normal = np.cross(along, down)
    tilt = np.degrees(np.arccos(np.clip(np.abs(normal[..., 2]) / np.linalg.norm(normal, axis=-1), 0, 1)))
    return height / np.maximum(width, 1e-12), skew, tilt


def plausibility(corners: Array, shape: tuple[int, int], aspect: float) -> Array:
    """Return (k,) in 0..1: how well quads fit a right-angled card of ``aspect``, lying either way, for the
    best focal."""
    best = np.zeros(len(corners))
    for focal in FOCALS:
        seen, skew, tilt = pose(corners, shape, focal)
        off = np.abs(np.abs(np.log(seen)) - abs(np.log(aspect)))
        fit = np.exp(-0.5 * (off / _ASPECT_SIGMA) ** 2 - 0.5 * (skew / _SKEW_SIGMA) ** 2)
        best = np.maximum(best, fit * np.clip((80 - tilt) / 20, 0, 1))
    return best


def likely_pose(corners: Array, shape: tuple[int, int], aspect: float) -> tuple[float, float, float]:
    """Return (aspect, skew, tilt in degrees) of one quad (4, 2) for the focal length under which it is most
    card-like."""
    options = [tuple(float(v[0]) for v in pose(corners[None], shape, focal)) for focal in FOCALS]
    off = [
        abs(abs(np.log(a)) - abs(np.log(aspect))) / _ASPECT_SIGMA + abs(s) / _SKEW_SIGMA
        for a, s, _ in options
    ]
    a, s, t = options[int(np.argmin(off))]
    return a, s, t


def ordered(corners: Array, shape: tuple[int, int], aspect: float) -> tuple[Array, bool]:
    """Return the corners as top left, top right, bottom right, bottom left of the card, and whether it lies
    on its side.

    A card's sides are clockwise in the picture; its top is the one nearest the picture's top among the two
    sides that can be a top (the short ones where ``aspect`` > 1).
    """
    following = np.roll(corners, -1, axis=0)
    if (corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum() < 0:
        corners = corners[::-1]
    seen = likely_pose(corners, shape, aspect)[0]
    if (seen > 1) != (aspect > 1):
        corners = np.roll(corners, -1, axis=0)
    middle = corners.mean(axis=0)
    top, other = corners[:2].mean(axis=0), corners[2:].mean(axis=0)
    # On its side both middles may be level: then the left one is the top, as if turned a quarter
    # anticlockwise.
    tie = 0.02 * float(np.linalg.norm(top - other))
    lower = top[1] > other[1] + tie or (abs(top[1] - other[1]) <= tie and top[0] > other[0])
    if lower:
        corners = np.roll(corners, -2, axis=0)
    up = corners[:2].mean(axis=0) - middle
    return corners, bool(abs(up[0]) > abs(up[1]))

"""Find the mat in a photograph: its markers to a tenth of a pixel, and how the camera stood to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import cv2
import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric.mat import layout
from rcg.photometric.outline_geometry import apply, likely_pose
from rcg.photometric.register_gradient import brightness
from rcg.photometric.types import Frame

Array = npt.NDArray[np.float64]

SEARCH_PX = 1600
"""longer side of the copy in which the markers are looked for; a cell is then a dozen pixels wide"""
MIN_MARKERS = 3
_MIN_SPAN = 0.15
"""share of the mat's area that the found markers must span: from fewer the homography tips over"""
_OFF_PX = 1.5
_CELL_SHARE = 0.45
"""reach of the corner search in cells: no other edge may come into its window"""
_TWO_MATS = 2
"""so many markers seen twice are a second mat; one may be a mistake"""


class SeveralMatsError(InputError):
    """Markers of the mat are in the picture twice."""

    code: ClassVar[str] = "several_mats"


@dataclass(frozen=True)
class MatPose:
    """The mat as one photograph shows it.

    Attributes:
        homography: (3, 3) from mat millimetres (x right, y up) to pixels (x right, y down, centres at
            integers).
        markers: which were used.
        residual_px: root mean square distance of their corners from where the homography puts them.
        px_per_mm: scale at the middle of the card's place, in printed millimetres.
        tilt_deg: of the camera against the mat, for the focal length under which the mat is most regular.
        rotation_deg: of the mat in the picture, counter-clockwise; 0 when its top is up.
    """

    homography: Array
    markers: tuple[int, ...]
    residual_px: float
    px_per_mm: float
    tilt_deg: float
    rotation_deg: float

    def to_px(self, xy_mm: npt.ArrayLike) -> Array:
        """Take points (k, 2) on the mat to pixels."""
        return apply(self.homography, np.asarray(xy_mm, np.float64))

    def to_mm(self, xy_px: npt.ArrayLike) -> Array:
        """Take pixels (k, 2) to points on the mat."""
        return apply(np.linalg.inv(self.homography), np.asarray(xy_px, np.float64))


def find_mat(image: npt.NDArray[np.generic]) -> MatPose | None:
    """Find the mat in a photograph.

    Args:
        image: (H, W) or (H, W, 3) RGB; uint8, uint16, or floating point brightness in 0..255 on the sRGB
            scale.

    Returns:
        The pose, or None when fewer than three markers are seen, or they lie too close together to tell it.

    Raises:
        SeveralMatsError: two mats are in the picture.
    """
    grey = _grey(image)
    seen = _detected(grey)
    if len(seen) < MIN_MARKERS:
        return None
    ids = sorted(seen)
    printed = np.array([layout.marker_corners(marker) for marker in ids], np.float64)
    corners = _refined(grey, np.array([seen[marker] for marker in ids]))
    kept = np.ones(len(ids), bool)
    printed = _spread(printed, corners)
    homography, off = _fitted(printed, corners, kept)
    for _ in range(len(ids) - MIN_MARKERS):
        worst = int(np.argmax(np.where(kept, off, -1.0)))
        if off[worst] <= max(_OFF_PX, 4 * float(np.median(off[kept]))) or kept.sum() <= MIN_MARKERS:
            break
        kept[worst] = False
        homography, off = _fitted(printed, corners, kept)
    if _span(printed[kept]) < _MIN_SPAN or not np.isfinite(homography).all():
        return None
    residual = float(np.sqrt((off[kept] ** 2).mean()))
    scale = _scale_at_middle(homography)
    if scale <= 0 or residual > 0.1 * layout.MARKER_MM * scale:
        return None
    return MatPose(
        homography=homography,
        markers=tuple(marker for marker, k in zip(ids, kept, strict=True) if k),
        residual_px=residual,
        px_per_mm=scale,
        tilt_deg=_tilt(homography, (grey.shape[0], grey.shape[1])),
        rotation_deg=_rotation(homography),
    )


def _grey(image: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    plane = np.asarray(image)
    if plane.dtype == np.uint16:
        plane = (plane >> 8).astype(np.uint8)
    elif plane.dtype != np.uint8:
        plane = np.clip(np.nan_to_num(plane.astype(np.float32)), 0, 255).astype(np.uint8)
    if plane.ndim == 3:
        plane = cv2.cvtColor(np.ascontiguousarray(plane), cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(plane)


def _detected(grey: npt.NDArray[np.uint8]) -> dict[int, Array]:
    """Return the (4, 2) corners of each marker of the mat that is seen, to about a pixel."""
    scale = min(1.0, SEARCH_PX / max(grey.shape))
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    if min(size) < 4 * layout.CELLS:
        return {}
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    # The type stub says that ids are always there; None is what comes of a picture without markers.
    found, ids, _ = cast(Any, _detector()).detectMarkers(small)
    if ids is None:
        return {}
    ratio = np.array([grey.shape[1] / size[0], grey.shape[0] / size[1]])
    markers = [
        (int(marker), (quad.reshape(4, 2).astype(np.float64) + 0.5) * ratio - 0.5)
        for quad, marker in zip(found, ids.ravel(), strict=True)
        if int(marker) < len(layout.MARKER_CENTRES)
    ]
    count = Counter(marker for marker, _ in markers)
    twice = sorted(marker for marker, times in count.items() if times > 1)
    if len(twice) >= _TWO_MATS:
        raise SeveralMatsError(
            f"Two mats are in the picture: markers {', '.join(map(str, twice))} are seen more than once.",
            "Keep one mat in view.",
        )
    return {marker: corners for marker, corners in markers if marker not in twice}


def _detector() -> cv2.aruco.ArucoDetector:
    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_NONE
    settings.adaptiveThreshWinSizeMin = 5
    settings.adaptiveThreshWinSizeMax = 61
    settings.adaptiveThreshWinSizeStep = 14
    settings.minMarkerPerimeterRate = 0.015
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), settings)


def _refined(grey: npt.NDArray[np.uint8], corners: Array) -> Array:
    """Move corners (m, 4, 2) to where the edges meet, to a few hundredths of a pixel."""
    side = float(np.median(np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=-1)))
    reach = int(np.clip(round(_CELL_SHARE * side / layout.CELLS), 2, 16))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-3)
    points: npt.NDArray[Any] = corners.reshape(-1, 1, 2).astype(np.float32)
    # Twice: the first takes up the error of the small copy, the second sees the corner in its middle.
    for _ in range(2):
        points = cv2.cornerSubPix(grey, points, (reach, reach), (-1, -1), criteria)
    return np.asarray(points.reshape(corners.shape), np.float64)


def _spread(printed: Array, corners: Array) -> Array:
    """Return the markers' corners (m, 4, 2) as large as they are seen.

    Blur rounds a corner, ink spreads, and both move all corners of all markers outwards or inwards alike.
    """
    outward = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)], np.float64)
    for _ in range(2):
        homography, _ = _fitted(printed, corners, np.ones(len(printed), bool))
        if not np.isfinite(homography).all():
            break
        seen = apply(np.linalg.inv(homography), corners.reshape(-1, 2)).reshape(printed.shape)
        grown = float(np.median(((seen - printed) * outward).sum(-1)) / 2)
        limit = 0.5 * layout.MARKER_MM / layout.CELLS
        printed = printed + float(np.clip(grown, -limit, limit)) * outward
    return printed


def _fitted(printed: Array, corners: Array, kept: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the homography through the corners of the kept markers and (m,) px by which each marker is
    off."""
    found: Any = cv2.findHomography(printed[kept].reshape(-1, 2), corners[kept].reshape(-1, 2), 0)[0]
    if found is None:
        return np.full((3, 3), np.nan), np.full(len(printed), np.inf)
    homography = np.asarray(found, np.float64)
    placed = apply(homography, printed.reshape(-1, 2)).reshape(corners.shape)
    off = np.sqrt(((placed - corners) ** 2).sum(-1).mean(-1))
    return homography, np.asarray(off)


def _span(printed: Array) -> float:
    hull = cv2.convexHull(printed.reshape(-1, 1, 2).astype(np.float32))
    return float(cv2.contourArea(hull)) / (layout.ACTIVE_MM[0] * layout.ACTIVE_MM[1])


def _scale_at_middle(homography: Array) -> float:
    at = apply(homography, np.array([(0, 0), (1, 0), (0, 1)], np.float64))
    (ax, ay), (bx, by) = at[1] - at[0], at[2] - at[0]
    # y runs up on the mat and down in the picture: a true photograph turns the sign.
    return float(np.sqrt(max(-(ax * by - ay * bx), 0.0)))


def _rotation(homography: Array) -> float:
    left, right = apply(homography, np.array([(-30.0, 0.0), (30.0, 0.0)]))
    across = right - left
    return float(np.rad2deg(np.arctan2(-across[1], across[0])))


def _tilt(homography: Array, shape: tuple[int, int]) -> float:
    w, h = layout.ACTIVE_MM
    corners = np.array([(-w, h), (w, h), (w, -h), (-w, -h)], np.float64) / 2
    return likely_pose(apply(homography, corners), shape, h / w)[2]


def frame_to_reference(pose: MatPose, reference: MatPose) -> Array:
    """Return the (3, 3) homography from pixels of one photograph of the mat to those of another."""
    moved = reference.homography @ np.linalg.inv(pose.homography)
    return np.asarray(moved / moved[2, 2])


def grey_of(frame: Frame) -> npt.NDArray[np.uint8]:
    """Return a frame's (H, W) brightness on the sRGB scale as bytes."""
    if frame.pixels.dtype == np.uint8 and frame.encoding == "srgb":
        return np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.asarray(np.clip(brightness(frame) + np.float32(0.5), 0, 255), np.uint8)

"""A first guess of how a frame lies to the reference, on small pictures."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.register_gradient import gradient_picture
from rcg.photometric.types import FloatArray

Array = npt.NDArray[np.float64]

_ENOUGH = 0.6
"""Correlation of gradient pictures at which a translation is taken to explain everything."""
_MIN_INLIERS = 12


def coarse_homography(frame: FloatArray, reference: FloatArray) -> Array:
    """Return the (3, 3) homography frame -> reference of pictures (H, W) of equal shape.

    A translation by phase correlation is tried first; features (SIFT with MAGSAC) where it does not fit. The
    one with the higher correlation of gradient pictures is kept, the identity among them.
    """
    moving, target = gradient_picture(frame), gradient_picture(reference)
    options = [np.eye(3)]
    window = cv2.createHanningWindow(target.shape[::-1], cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(moving, target, window)
    if max(abs(dx), abs(dy)) < 0.25 * max(target.shape):
        options.append(np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]))
    scores = [agreement(moving, target, option) for option in options]
    if max(scores) < _ENOUGH:
        features = _by_features(frame, reference)
        if features is not None:
            options.append(features)
            scores.append(agreement(moving, target, features))
    return options[int(np.argmax(scores))]


def agreement(moving: FloatArray, target: FloatArray, homography: Array) -> float:
    """Return the correlation in -1..1 of blurred gradient pictures where both are seen, after
    ``homography``."""
    size = target.shape[::-1]
    warped = cv2.warpPerspective(moving, homography, size)
    seen = cv2.warpPerspective(np.ones_like(moving), homography, size) > 0.99
    if seen.mean() < 0.3:
        return -1.0
    a, b = cv2.GaussianBlur(warped, (0, 0), 1.5)[seen], cv2.GaussianBlur(target, (0, 0), 1.5)[seen]
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else -1.0


def _by_features(frame: FloatArray, reference: FloatArray) -> Array | None:
    sift = cv2.SIFT.create(nfeatures=2500, contrastThreshold=0.02)
    even = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8))
    pictures = [even.apply(np.clip(p, 0, 255).astype(np.uint8)) for p in (frame, reference)]
    (points_a, found_a), (points_b, found_b) = (sift.detectAndCompute(p, None) for p in pictures)
    if found_a is None or found_b is None or min(len(points_a), len(points_b)) < _MIN_INLIERS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(found_a, found_b, k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.8 * p[1].distance]
    if len(good) < _MIN_INLIERS:
        return None
    a = np.array([points_a[m.queryIdx].pt for m in good])
    b = np.array([points_b[m.trainIdx].pt for m in good])
    cv2.setRNGSeed(1)
    homography, inliers = cv2.findHomography(a, b, cv2.USAC_MAGSAC, 2.0, maxIters=5000, confidence=0.999)
    if homography is None or int(inliers.sum()) < _MIN_INLIERS:
        return None
    return np.asarray(homography, np.float64)

"""The light's mirror image on a ball: the normal in its middle, although it is clipped."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.calibrate.ball_view import Ball
from rcg.photometric.calibrate.errors import CalibrationError
from rcg.photometric.types import BoolArray, FloatArray

Array = npt.NDArray[np.float64]

RIM = 0.97
"""share of the ball's radius that is looked at; beyond, a pixel holds a wide fan of directions"""
LOWEST = -0.03
"""sine of the elevation below which the ball mirrors the table; a little under 0 for a tilted camera"""
_LEVELS = (0.35, 0.5, 0.7)
"""shares of the peak above which a pixel belongs to the highlight; their spread is part of the error"""
_RIVAL = 0.3
_GLINT, _SPECK_PX = 0.01, 5
"""a second image as bright but this much smaller, or of fewer pixels, is dust or a glint"""
_LARGE = 0.12
"""share of the ball's disc that a highlight may cover"""
_DIMMEST = 0.02
"""linear brightness a highlight must rise above the ball"""
_CLIPPED = 0.3
"""share of the ball's disc at full scale that leaves nothing to measure"""


@dataclass(frozen=True)
class Highlight:
    """A light's mirror image.

    Attributes:
        normal: (3,) in its middle.
        sd: standard error of the normal from the highlight's own shape, radians.
        centre_px: (x, y), for drawing.
        clipped: share of its pixels at full scale.
    """

    normal: Array
    sd: float
    centre_px: tuple[float, float]
    clipped: float


@dataclass(frozen=True)
class _Disc:
    """The ball's pixels: their places, normals, how far out they lie, and how high they mirror."""

    left: int
    top: int
    normals: Array
    inside: BoolArray
    out: FloatArray
    high: FloatArray


def find_highlights(
    stack: FloatArray, clipped: BoolArray, ball: Ball, names: tuple[str, ...]
) -> list[Highlight]:
    """Find the mirror image of each frame's light.

    Args:
        stack: (n, H, W) linear brightness; what all frames share (a window, a lamp that is always on) is
            taken off where there are three or more.
        clipped: (n, H, W) samples at full scale.
        ball: whose outline is known.
        names: of the frames, for messages.

    Raises:
        CalibrationError: no highlight, several, one cut off at the rim or too low, a ball that is clipped all
            over; ``data.frame`` names the frame.
    """
    disc = _disc(ball, (stack.shape[1], stack.shape[2]))
    height, width = disc.inside.shape
    rows, cols = slice(disc.top, disc.top + height), slice(disc.left, disc.left + width)
    part = stack[:, rows, cols]
    shared = part.min(0) if len(part) >= 3 else np.zeros_like(part[0])
    return [
        _one(np.asarray(part[i] - shared), clipped[i, rows, cols], disc, ball, names[i])
        for i in range(len(part))
    ]


def _disc(ball: Ball, shape: tuple[int, int]) -> _Disc:
    (x, y), radius = ball.centre_px, ball.radius_px * 1.05 + 2
    left, top = max(0, int(x - radius)), max(0, int(y - radius))
    right, bottom = min(shape[1], int(x + radius) + 1), min(shape[0], int(y + radius) + 1)
    at_x, at_y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    pixels = np.column_stack([at_x.ravel(), at_y.ravel()]).astype(np.float64)
    normals = ball.normals(pixels)
    facing = (normals * ball.to_camera(normals)).sum(1)
    out = np.sqrt(np.clip(1 - facing**2, 0, 1)).reshape(at_x.shape)
    inside = np.isfinite(out) & (out <= RIM)
    high = np.nan_to_num(ball.reflected(normals)[:, 2], nan=-1.0).reshape(at_x.shape)
    normals = normals.reshape(*at_x.shape, 3)
    return _Disc(left, top, normals, inside, np.asarray(out, np.float32), np.asarray(high, np.float32))


def _one(part: FloatArray, clipped: BoolArray, disc: _Disc, ball: Ball, name: str) -> Highlight:
    area = int(disc.inside.sum())
    if not area or clipped[disc.inside].mean() > _CLIPPED:
        raise CalibrationError(
            "clipped",
            f"Frame {name}: {clipped[disc.inside].mean():.0%} of the ball is at full scale.",
            "Expose so that only the light's own mirror image is white; a black ball needs less care.",
            frame=name,
        )
    values = np.where(disc.inside, part, 0)
    usual = float(np.median(part[disc.inside]))
    inner = disc.inside & (disc.high >= LOWEST)
    peak = float(values[inner].max(initial=0.0))
    whole = float(values.max())
    if peak - usual < _DIMMEST or peak < 0.5 * whole:
        if whole - usual >= _DIMMEST:
            raise _at_rim(name)
        raise CalibrationError(
            "no_highlight",
            f"Frame {name} shows no mirror image of a light on the ball (peak {peak:.3f} of full scale).",
            "Is the light on, and the ball glossy? Expose longer, or leave the frame out.",
            frame=name,
        )
    labels, mine = _component(values, usual + 0.5 * (peak - usual), disc, name)
    blob = labels == mine
    if blob.sum() > _LARGE * area:
        raise CalibrationError(
            "too_large",
            f"Frame {name}: the highlight covers {blob.sum() / area:.0%} of the ball.",
            "Expose less, use a glossier ball, or a smaller lamp: its middle cannot be told to a degree.",
            frame=name,
        )
    if disc.out[blob].max() > 0.95:
        raise _at_rim(name)
    return _middle(values, usual, peak, blob, clipped, disc, ball)


def _component(values: FloatArray, level: float, disc: _Disc, name: str) -> tuple[Array, int]:
    """Label what is brighter than ``level``; return labels and the heaviest that mirrors no table."""
    above = np.clip(values - level, 0, None)
    count, labels = cv2.connectedComponents((above > 0).astype(np.uint8), connectivity=8)
    weight = np.bincount(labels.ravel(), weights=above.ravel(), minlength=count)
    middle = np.bincount(labels.ravel(), weights=(above * disc.high).ravel(), minlength=count)
    weight[0] = 0
    weight[middle < LOWEST * weight] = 0
    mine = int(weight.argmax())
    if not weight[mine]:
        raise _at_rim(name)
    area = np.bincount(labels.ravel(), minlength=count)
    small = (area >= _SPECK_PX) & (weight > _GLINT * weight[mine])
    places = int((small | (weight > _RIVAL * weight[mine])).sum())
    if places > 1:
        raise CalibrationError(
            "several_highlights",
            f"Frame {name} shows {places} mirror images of nearly one brightness on the ball.",
            "Have one light on at a time and darken the room; then take the frame again.",
            frame=name,
        )
    return labels, mine


def _middle(
    values: FloatArray,
    usual: float,
    peak: float,
    blob: BoolArray,
    clipped: BoolArray,
    disc: _Disc,
    ball: Ball,
) -> Highlight:
    """The mean normal of the highlight, weighted by brightness above a level and by solid angle.

    Clipped pixels weigh alike: a clipped highlight is a disc, whose middle is still the light's.
    """
    near = cv2.dilate(blob.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & disc.inside
    facing = np.sqrt(np.clip(1 - disc.out.astype(np.float64) ** 2, 0.02, 1))
    found = []
    for share in _LEVELS:
        above = np.clip(values - (usual + share * (peak - usual)), 0, None) * near
        weight = above / facing
        mean = (disc.normals[near] * weight[near][:, None]).sum(0)
        found.append(mean / np.linalg.norm(mean))
    normal = found[1]
    spread = max(float(np.linalg.norm(other - normal)) for other in found)
    weight = np.clip(values - (usual + 0.5 * (peak - usual)), 0, None) * near
    rows, cols = np.nonzero(near)
    w = weight[near]
    centre = (float((cols * w).sum() / w.sum()) + disc.left, float((rows * w).sum() / w.sum()) + disc.top)
    # Whole pixels place a blob of k pixels to about 0.3 / sqrt(k) pixels.
    grid = 0.3 / np.sqrt(max(1, int(blob.sum()))) / ball.radius_px
    toward = float(normal @ ball.to_camera(normal[None])[0])
    sd = float(np.hypot(spread, grid / max(toward, 0.2)))
    return Highlight(normal, sd, centre, float(clipped[blob].mean()))


def _at_rim(name: str) -> CalibrationError:
    return CalibrationError(
        "cut_off",
        f"Frame {name}: the highlight lies at the ball's rim, where it is cut off.",
        "A light above the card's plane is mirrored within 0.71 of the ball's radius: lift the light, or "
        "correct the circle (--circle X,Y,RADIUS) if another thing was taken for the ball.",
        frame=name,
    )

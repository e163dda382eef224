"""Layers moved by a motion, each by the law of its role.

The surface is moved like a rubber sheet in x and y, and its heights stay what they are. With J the local
linear part in millimetres (pixels, less the camera's zoom):

- photographs, specular, confidence: values move, nothing else (linear interpolation).
- mask: values move, nearest neighbour.
- height: values stay in micrometres.
- normal: slopes turn with the inverse transpose of J, then the vector has unit length again.
- curvature (mean, 1/mm): divided by ``|det J|``: exact under flips, turns, crops and uniform stretches.

So every sample is a measurement that could be: the slopes of its height are those of its normals. Where
nothing was photographed, photographs continue their edge (the background) and measurements say flat, with
confidence 0.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rcg.datasets.augment.motion import Motion
from rcg.datasets.augment.ops import PHOTOGRAPHS
from rcg.datasets.augment.pixels import as_float32, d4, unit_vectors, warp
from rcg.datasets.layers import Role
from rcg.datasets.sample import LayerArray

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[Any]


def moved(layer: LayerArray, motion: Motion, size: tuple[int, int], *, exact: bool) -> LayerArray:
    """Return a layer moved; float16 comes out as float32 when it was resampled.

    Args:
        layer: of the size.
        motion: the move.
        size: width and height, before and after.
        exact: what ``motion.exact(size)`` says.
    """
    array = layer.array
    out: Pixels
    if exact:
        out = d4(array, motion)
    else:
        smooth = cv2.INTER_NEAREST if layer.role == "mask" else cv2.INTER_LINEAR
        border = cv2.BORDER_REPLICATE if layer.role in PHOTOGRAPHS else cv2.BORDER_CONSTANT
        out = warp(as_float32(array), motion, size, smooth, border=border, value=_outside(layer.role))
    if layer.role == "normal":
        out = _normals(out, motion, size, exact)
    elif layer.role == "curvature":
        out = _curvature(out, motion, size)
    return LayerArray(layer.role, out)


def _outside(role: Role) -> tuple[float, ...]:
    return (0.0, 0.0, 1.0) if role == "normal" else (0.0,)


def _normals(array: Pixels, motion: Motion, size: tuple[int, int], exact: bool) -> Pixels:
    if exact:
        return _exact_normals(array, motion)
    (a, b, c, d), det = _linear(motion, size)
    out: Pixels
    if isinstance(det, float):
        sign = 1.0 if det > 0 else -1.0
        law = np.array([[d * sign, -c * sign, 0], [-b * sign, a * sign, 0], [0, 0, abs(det)]], np.float64)
        out = cv2.transform(array, law)
    else:
        x, y, z = cv2.split(array)
        out = cv2.merge([(d * x - c * y) * np.sign(det), (a * y - b * x) * np.sign(det), abs(det) * z])
    return unit_vectors(out)


def _exact_normals(array: Pixels, motion: Motion) -> Pixels:
    """Components of a flipped or turned card change places and signs; no digit changes."""
    x, y, z = array[..., 0], array[..., 1], array[..., 2]
    if motion.mirrored:
        x = -x
    for _ in range(motion.turns):
        x, y = -y, x
    return np.stack([x, y, z], -1)


def _curvature(array: Pixels, motion: Motion, size: tuple[int, int]) -> Pixels:
    _, det = _linear(motion, size)
    if isinstance(det, float) and abs(abs(det) - 1) < 1e-9:
        return array
    return np.asarray(array / abs(det))


Entry = float | Floats


def _linear(motion: Motion, size: tuple[int, int]) -> tuple[tuple[Entry, Entry, Entry, Entry], Entry]:
    """Return J in millimetres, x right and y up, as a, b, c, d of ``[[a, b], [c, d]]``, and its determinant.

    Numbers, or under a perspective (H, W) arrays over the image after the move.
    """
    if motion.affine:
        part = motion.matrix[:2, :2] / motion.zoom
        a, b, c, d = (float(value) for value in (part[0, 0], -part[0, 1], -part[1, 0], part[1, 1]))
        return (a, b, c, d), a * d - b * c
    m = motion.matrix
    u = (np.arange(size[0]) + 0.5)[None, :]
    v = (np.arange(size[1]) + 0.5)[:, None]
    back = np.linalg.inv(m)
    nearer = (back[2, 0] * u + back[2, 1] * v + back[2, 2]) / motion.zoom
    entries = (
        (m[0, 0] - u * m[2, 0]) * nearer, -(m[0, 1] - u * m[2, 1]) * nearer,
        -(m[1, 0] - v * m[2, 0]) * nearer, (m[1, 1] - v * m[2, 1]) * nearer,
    )  # fmt: skip
    e, f, g, h = (np.asarray(entry, np.float32) for entry in entries)
    return (e, f, g, h), e * h - f * g

"""Height of any object from its normals, inside a mask of any form.

Poisson's equation with free edges at the mask's outline, by conjugate gradients preconditioned with the
discrete cosine transform of the mask's box: exact in one step where the mask fills its box, some tens of
steps otherwise. Background carries no slope and pulls at nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn, idctn

from rcg.photometric.types import BoolArray, FloatArray

STEEPEST = 0.1
"""smallest z of a normal: steeper slopes, which are mostly wrong, are cut here (84 degrees)"""
_ROUNDS = 80
_ENOUGH = 1e-4


def integrate(normal: FloatArray, mask: BoolArray, *, threads: int = 1) -> FloatArray:
    """Return heights in pixels, 0 off the mask, with the mean 0 over the mask.

    Args:
        normal: (H, W, 3) unit vectors, x right, y up, z to the camera.
        mask: (H, W) the object. Parts that do not touch each other have no height between them.
        threads: for the transforms.
    """
    height = np.zeros(mask.shape, np.float32)
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return height
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1))
    inside = mask[box]
    nz = np.maximum(normal[box][..., 2], STEEPEST)
    p, q = -normal[box][..., 0] / nz, normal[box][..., 1] / nz  # along columns and along rows, which run down
    along = inside[:, 1:] & inside[:, :-1]
    down = inside[1:] & inside[:-1]
    right = _scatter(
        np.where(along, -0.5 * (p[:, 1:] + p[:, :-1]), 0), np.where(down, -0.5 * (q[1:] + q[:-1]), 0)
    )
    z = _conjugate_gradients(right, along, down, threads)
    height[box] = np.where(inside, z - z[inside].mean(), 0)
    return height


def _scatter(x: FloatArray, y: FloatArray) -> FloatArray:
    """Minus the divergence of differences between neighbours."""
    out = np.zeros((x.shape[0], y.shape[1]), np.float32)
    out[:, :-1] += x
    out[:, 1:] -= x
    out[:-1] += y
    out[1:] -= y
    return out


def _conjugate_gradients(right: FloatArray, along: BoolArray, down: BoolArray, threads: int) -> FloatArray:
    waves = _waves(right.shape)
    z = np.zeros_like(right)
    residual = right.copy()
    begin = float(np.linalg.norm(residual))
    direction, last = np.zeros_like(right), 1.0
    for step in range(_ROUNDS):
        if float(np.linalg.norm(residual)) <= _ENOUGH * begin:
            break
        spectrum = dctn(residual, type=2, norm="ortho", workers=threads)
        spectrum /= waves
        spectrum[0, 0] = 0
        better = idctn(spectrum, type=2, norm="ortho", workers=threads)
        now = float(np.vdot(residual, better))
        direction = better + (now / last if step else 0.0) * direction
        last = now
        bent = _scatter(
            np.where(along, direction[:, :-1] - direction[:, 1:], 0),
            np.where(down, direction[:-1] - direction[1:], 0),
        )
        energy = float(np.vdot(direction, bent))
        if energy <= 0:
            break
        z += np.float32(now / energy) * direction
        residual -= np.float32(now / energy) * bent
    return z


def _waves(shape: tuple[int, ...]) -> FloatArray:
    h, w = shape
    waves = (2 - 2 * np.cos(np.pi * np.arange(h) / h))[:, None] + (2 - 2 * np.cos(np.pi * np.arange(w) / w))[
        None
    ]
    waves[0, 0] = 1.0
    return np.asarray(waves, np.float32)

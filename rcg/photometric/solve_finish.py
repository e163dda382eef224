"""From a pixel's fit to what is handed out: unit normal, albedo by channel, gloss, misfit, confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rcg.photometric.solve_consensus import BOUND, Float64, weigh
from rcg.photometric.solve_lobe import Noise, Shape
from rcg.photometric.solve_pixel import MIN_DETERMINANT
from rcg.photometric.solve_reflectance import Rays
from rcg.photometric.types import FloatArray

_MISFIT, _NOISE = 0.15, 0.08
_LEAST_COSINE = 0.02


@dataclass(frozen=True)
class PixelMaps:
    """Results of some pixels (p, ...) or of a picture (H, W, ...), float32; see
    :class:`rcg.photometric.solve_object.ObjectMaps`.
    """

    normal: FloatArray
    albedo: FloatArray
    confidence: FloatArray
    residual: FloatArray
    specular: FloatArray


def finish(
    rays: Rays, colours: FloatArray, found: Float64, shape: Shape, noise: Noise, *, trust_all: bool = False
) -> PixelMaps:
    """Judge fits and measure the albedo.

    Args:
        rays: the pixels.
        colours: (n, p, c) their samples by channel.
        found: (p, 4) albedo times normal and lobe strength.
        shape, noise: as fitted.
        trust_all: weight every lit sample alike, as least squares did.
    """
    n = rays.samples.shape[1]
    length = np.linalg.norm(found[:, :3], axis=1)
    normal = found[:, :3] / np.maximum(length, 1e-30)[:, None]
    lights = np.broadcast_to(rays.lights, (len(found), n, 3))
    cosine = np.einsum("pni,pi->pn", lights, normal)
    diffuse = np.maximum(cosine, 0) ** shape.gamma
    gloss = _gloss(rays, normal, cosine, found[:, 3], shape)
    error = rays.samples - length[:, None] * diffuse - gloss
    sigma = np.empty_like(error)
    weigh(rays.samples, rays.usable, noise.floor, noise.share, sigma)
    weight = np.ones_like(error) if trust_all else 1 / (1 + (error / sigma) ** 4 / BOUND**2)
    lit = (cosine > _LEAST_COSINE) & rays.usable & (rays.samples > noise.floor)
    weight = weight * lit
    count = weight.sum(1)
    mean = (weight * rays.samples).sum(1) / np.maximum(count, 1e-9)
    misfit = np.sqrt((weight * error**2).sum(1) / np.maximum(count, 1e-9)) / np.maximum(mean, 1e-30)
    spread = noise.floor / np.maximum(mean, 1e-30)
    share = np.clip((count - 2) / max(n - 2, 1), 0, 1)
    confidence = share / ((1 + (misfit / _MISFIT) ** 2) * (1 + (spread / _NOISE) ** 2))
    good = (
        (lit.sum(1) >= 3)
        & (count > 2.3)
        & (length > 0)
        & (normal[:, 2] > 0)
        & (_determinant(lights, weight) > MIN_DETERMINANT)
    )
    normal[~good] = (0, 0, 1)
    shade = np.where(good[:, None], weight * diffuse, rays.usable * np.maximum(lights[..., 2], 0))
    full = np.where(good[:, None], diffuse, np.maximum(lights[..., 2], 0))
    below = np.maximum((shade * full).sum(1), 1e-9)
    matte = np.maximum(colours.transpose(1, 0, 2) - np.where(good[:, None], gloss, 0)[..., None], 0)
    albedo = (shade[..., None] * matte).sum(1) / below[:, None]
    excess = np.maximum(rays.samples - length[:, None] * diffuse, 0) * rays.usable
    specular = excess.sum(1) / np.maximum(rays.usable.sum(1), 1)
    return PixelMaps(
        normal.astype(np.float32),
        albedo.astype(np.float32),
        np.where(good, confidence, 0).astype(np.float32),
        np.where(good, misfit, 0).astype(np.float32),
        np.where(good, specular, 0).astype(np.float32),
    )


def _gloss(rays: Rays, normal: Float64, cosine: Float64, strength: Float64, shape: Shape) -> Float64:
    """(p, n) light of the lobe."""
    if shape.width == 0:
        return np.zeros_like(cosine)
    halves = np.broadcast_to(rays.halves, (*cosine.shape, 3))
    toward = np.clip(np.einsum("pni,pi->pn", halves, normal), 0, 1)
    w = shape.width**2
    height = (w / (1 - toward**2 * (1 - w))) ** shape.power
    return np.asarray(strength[:, None] * height * (cosine > 0))


def _determinant(lights: Float64, weight: Float64) -> Float64:
    """(p,) determinant of the weighted light matrix over (trace / 3) cubed: 0 for lights in one plane."""
    square = np.einsum("pn,pni,pnj->pij", weight, lights, lights)
    third = np.trace(square, axis1=1, axis2=2) / 3
    return np.asarray(np.linalg.det(square) / np.maximum(third, 1e-9) ** 3)

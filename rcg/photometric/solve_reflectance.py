"""How an object reflects, read from its own samples: the width of its gloss and the form of its shade.

Per pixel, eight samples cannot tell a broad highlight from a tilt. Over a whole object they can, because a
few numbers describe its reflectance everywhere. Each reflectance in a small grid is fitted to a fixed choice
of pixels; the one that leaves the least bounded error is taken. Every fit is done twice: freely, then with
the strength of the gloss held near the object's own; it is the second error that counts, so that a lobe that
fits each pixel in another way does not win.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rcg.photometric.solve_consensus import consensus, triples
from rcg.photometric.solve_lobe import Noise, Shape, fit

LOBES = (
    *((width, 2.0) for width in (0.06, 0.1, 0.17, 0.28, 0.45)),
    *((width, 4.0) for width in (0.15, 0.22, 0.3, 0.45, 0.6, 0.75)),
)
"""widths and powers that are tried"""
MIN_SAMPLES = 5
"""with fewer lights a pixel cannot carry a lobe, and the object is taken as Lambert's"""
_CERTAINTY = 25.0
"""one over the squared relative spread (0.2) of gloss strength over the object"""
_PIXELS = 600
_GAMMAS = (0.75, 1.35)
_SEARCH_ROUNDS = 8
_LOBE_MUST_SAVE = 0.93
_GAMMA_MUST_SAVE = 0.97
_IDENTIFIED = 0.3
_LEAST_SPREAD = 0.1
BoolArray = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rays:
    """Pixels to fit: samples, and where their light came from.

    Attributes:
        samples: (p, n) float64, radiance under unit irradiance.
        usable: (p, n) neither saturated nor missing.
        lights: (1 or p, n, 3) unit vectors to the lights.
        halves: the same, half way to the camera.
    """

    samples: Float64
    usable: BoolArray
    lights: Float64
    halves: Float64

    def select(self, index: npt.NDArray[np.int64]) -> Rays:
        """Return some of the pixels."""
        near = len(self.lights) > 1
        return Rays(
            np.ascontiguousarray(self.samples[index]),
            np.ascontiguousarray(self.usable[index]),
            np.ascontiguousarray(self.lights[index]) if near else self.lights,
            np.ascontiguousarray(self.halves[index]) if near else self.halves,
        )


@dataclass(frozen=True)
class Reflectance:
    """What an object does with light.

    Attributes:
        shape: form of shade and lobe, the same everywhere.
        strength: height of the lobe, in the units of the samples; 0 without a lobe.
        error: mean bounded error left, in variances.
    """

    shape: Shape
    strength: float
    error: float

    def describe(self) -> str:
        """Say it in words."""
        said = "matte" if self.shape.width == 0 else f"gloss of width {self.shape.width:g}"
        return said + (
            f", shade as the cosine to the {self.shape.gamma:.2f}" if self.shape.gamma != 1 else ""
        )


def half_vectors(lights: Float64) -> Float64:
    """Unit vectors half way between light and camera, (..., 3)."""
    half = lights + np.array([0.0, 0.0, 1.0])
    return np.asarray(half / np.maximum(np.linalg.norm(half, axis=-1, keepdims=True), 1e-9))


def starting_points(rays: Rays, noise: Noise) -> Float64:
    """(p, 2, 3) albedo times normal by consensus and by least squares."""
    agreed = np.zeros((len(rays.samples), 3))
    chosen = triples(rays.lights.mean(0))
    consensus(rays.samples, rays.usable, rays.lights, chosen, noise.floor, noise.share, agreed)
    lit = (rays.usable & (rays.samples > noise.floor)).astype(np.float64)
    light = np.broadcast_to(rays.lights, (len(lit), *rays.lights.shape[1:]))
    square = np.einsum("pn,pni,pnj->pij", lit, light, light) + 1e-6 * np.eye(3)
    right = np.einsum("pn,pni->pi", lit * rays.samples, light)
    plain = np.linalg.solve(square, right[..., None])[..., 0]
    return np.ascontiguousarray(np.stack([agreed, plain], 1))


def fit_pixels(
    rays: Rays, starts: Float64, shape: Shape, noise: Noise, *, strength: Any = 0.0, rounds: int = 12
) -> tuple[Float64, Float64]:
    """Fit pixels under one reflectance.

    Args:
        rays, starts, shape, noise: see there.
        strength: of the lobe, expected: a number or (p,); 0 leaves it free.
        rounds: of Levenberg-Marquardt.

    Returns:
        (p, 4) albedo times normal and lobe strength, and (p,) the bounded error.
    """
    count = len(rays.samples)
    expected = np.full(count, strength, np.float64)
    certainty = _CERTAINTY if shape.width > 0 and bool(expected.any()) else 0.0
    out, cost = np.zeros((count, 4)), np.zeros(count)
    fit(
        rays.samples,
        rays.usable,
        rays.lights,
        rays.halves,
        starts,
        expected,
        certainty,
        shape,
        noise,
        rounds,
        out,
        cost,
    )
    return out, cost


def estimate(rays: Rays, noise: Noise, threads: int = 1) -> Reflectance:
    """Find the reflectance of an object from a fixed choice of its pixels.

    A flat thing shows each light at one angle alone, which tells nothing of its reflectance: it is taken as
    matte, and gloss as outliers.
    """
    count, n = rays.samples.shape
    if count > _PIXELS:
        rays = rays.select(np.sort(np.random.default_rng(0).permutation(count)[:_PIXELS]))
    starts = starting_points(rays, noise)
    best = _judge(rays, starts, Shape(), noise)
    if n < MIN_SAMPLES or count < 20:
        return best
    if normal_spread(fit_pixels(rays, starts, Shape(), noise, rounds=_SEARCH_ROUNDS)[0]) < _LEAST_SPREAD:
        return best
    with ThreadPoolExecutor(max(1, threads)) as pool:

        def judge(shapes: list[Shape]) -> list[Reflectance]:
            return list(pool.map(lambda shape: _judge(rays, starts, shape, noise), shapes))

        best = _best_lobe(judge, best, (1.0, 0.9, 1.1))
        best = _best_gamma(rays, starts, noise, best)
        return _best_lobe(judge, best, (best.shape.gamma,))


def _best_lobe(
    judge: Callable[[list[Shape]], list[Reflectance]], best: Reflectance, gammas: tuple[float, ...]
) -> Reflectance:
    for gamma in gammas:
        shapes = [Shape(width, power, gamma) for width, power in ((0.0, 2.0), *LOBES)]
        for found in judge([shape for shape in shapes if shape != best.shape]):
            gains_lobe = found.shape.width > 0 and best.shape.width == 0
            bends = gamma != 1.0 and best.shape.gamma == 1.0
            must = _LOBE_MUST_SAVE if gains_lobe else _GAMMA_MUST_SAVE if bends else 0.995
            if found.error < must * best.error:
                best = found
    return best


def _best_gamma(rays: Rays, starts: Float64, noise: Noise, best: Reflectance) -> Reflectance:
    for step in (0.05, -0.05):
        while _GAMMAS[0] < best.shape.gamma + step < _GAMMAS[1]:
            shape = best.shape._replace(gamma=round(best.shape.gamma + step, 3))
            found = _judge(rays, starts, shape, noise)
            if found.error > 0.985 * best.error:
                break
            best = found
    return best


def _judge(rays: Rays, starts: Float64, shape: Shape, noise: Noise) -> Reflectance:
    found, cost = fit_pixels(rays, starts, shape, noise, rounds=_SEARCH_ROUNDS)
    if shape.width == 0:
        return Reflectance(shape, 0.0, float(cost.mean()))
    strength = object_strength(rays, found, cost, shape)
    begin = np.ascontiguousarray(np.concatenate([found[:, None, :3], starts], 1))
    _, cost = fit_pixels(rays, begin, shape, noise, strength=strength, rounds=_SEARCH_ROUNDS)
    return Reflectance(shape, strength, float(cost.mean()))


def normal_spread(fit: Float64) -> float:
    """How far normals differ: the smaller standard deviation of their x and y, along any axis."""
    normal = fit[:, :2] / np.maximum(np.linalg.norm(fit[:, :3], axis=1, keepdims=True), 1e-12)
    return float(np.sqrt(max(np.linalg.eigvalsh(np.cov(normal.T))[0], 0.0)))


def object_strength(rays: Rays, found: Float64, cost: Float64, shape: Shape) -> float:
    """Median strength of the lobe over the pixels that see it and fit well; a trace when there is none."""
    seen = _largest_lobe(rays, found, shape)
    good = (seen > _IDENTIFIED) & (cost < np.percentile(cost, 70))
    if good.sum() < 20:
        good = seen >= np.sort(seen)[-max(1, min(len(seen), 20))]
    trace = 1e-6 * float(np.median(rays.samples)) + 1e-12
    return max(float(np.median(found[good, 3])), trace)


def _largest_lobe(rays: Rays, found: Float64, shape: Shape) -> Float64:
    """(p,) height of the lobe at the light that comes nearest to being mirrored into the camera."""
    normal = found[:, :3] / np.maximum(np.linalg.norm(found[:, :3], axis=1, keepdims=True), 1e-12)
    cosine = np.clip(
        np.einsum("pni,pi->pn", np.broadcast_to(rays.halves, (*rays.samples.shape, 3)), normal), 0, 1
    )
    w = shape.width**2
    height = (w / (1 - cosine**2 * (1 - w))) ** shape.power
    return np.asarray((height * rays.usable).max(1))

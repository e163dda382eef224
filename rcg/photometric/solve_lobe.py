"""A pixel under light as diffuse shade plus one specular lobe, fitted by robust Levenberg-Marquardt.

The sample of light i is ``a (n.l_i)^gamma + s S(n.h_i)``: albedo a, normal n and lobe strength s
belong to the pixel; gamma and the lobe's shape belong to the object (:mod:`.solve_reflectance`).
h is half way between light and camera, the camera far away on the z axis. The lobe
``S(c) = (w / (1 - c^2 (1 - w)))^power`` with w = width^2 is the generalised Trowbridge-Reitz distribution
(Burley 2012) at a height of 1: power 2 is GGX, higher powers have shorter tails, like Beckmann's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rcg.photometric.solve_consensus import BOUND, Float64, bounded, sigmas, trust
from rcg.photometric.solve_pixel import Real, jit


class Shape(NamedTuple):
    """How the object reflects; ``width`` 0 is no lobe."""

    width: float = 0.0
    power: float = 2.0
    gamma: float = 1.0


class Noise(NamedTuple):
    """Standard deviation of a sample: floor + share x value."""

    floor: float
    share: float


@jit
def lobe(cosine: Real, shape: Shape) -> Real:
    """Height of the lobe at the cosine between normal and half vector."""
    w = shape.width * shape.width
    base = w / (1 - cosine * cosine * (1 - w))
    return base * base if shape.power == 2.0 else math.exp(shape.power * math.log(base))


@jit
def shade(cosine: Real, shape: Shape) -> Real:
    """Diffuse factor at the cosine between normal and light."""
    if cosine <= 0:
        return 0.0
    return cosine if shape.gamma == 1.0 else math.exp(shape.gamma * math.log(cosine))


@jit
def _cost(
    x: Float64,
    k: int,
    samples: Float64,
    sigma: Float64,
    light: Float64,
    half: Float64,
    shape: Shape,
    prior: Real,
    weight: Real,
) -> Real:
    """Bounded error of x = (a n, s), with the prior on s."""
    length = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) + 1e-30
    cost = weight * (x[3] - prior) * (x[3] - prior)
    for i in range(light.shape[0]):
        c = (x[0] * light[i, 0] + x[1] * light[i, 1] + x[2] * light[i, 2]) / length
        value = length * shade(c, shape)
        if c > 0 and x[3] > 0:
            ch = (x[0] * half[i, 0] + x[1] * half[i, 1] + x[2] * half[i, 2]) / length
            if ch > 0:
                value += x[3] * lobe(ch, shape)
        error = (samples[k, i] - value) / sigma[i]
        cost += bounded(error)
    return cost


@jit
def _solve_in_place(a: Float64, b: Float64, x: Float64, size: int) -> bool:
    """Solve a x = b by Cholesky; False when a is not positive."""
    for j in range(size):
        for i in range(j, size):
            total = a[i, j]
            for m in range(j):
                total -= a[i, m] * a[j, m]
            if i == j:
                if total <= 1e-14:
                    return False
                a[j, j] = math.sqrt(total)
            else:
                a[i, j] = total / a[j, j]
    for i in range(size):
        total = b[i]
        for m in range(i):
            total -= a[i, m] * x[m]
        x[i] = total / a[i, i]
    for i in range(size - 1, -1, -1):
        total = x[i]
        for m in range(i + 1, size):
            total -= a[m, i] * x[m]
        x[i] = total / a[i, i]
    return True


@jit
def _equations(
    x: Float64,
    size: int,
    k: int,
    samples: Float64,
    sigma: Float64,
    light: Float64,
    half: Float64,
    shape: Shape,
    a: Float64,
    b: Float64,
    j: Float64,
) -> None:
    """Weighted normal equations of the linearised model about x."""
    length = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) + 1e-30
    a[:, :], b[:] = 0.0, 0.0
    for i in range(light.shape[0]):
        c = (x[0] * light[i, 0] + x[1] * light[i, 1] + x[2] * light[i, 2]) / length
        if c <= 0:
            continue
        s = shade(c, shape)
        slope = shape.gamma * s / c
        value = length * s
        for q in range(3):
            unit = x[q] / length
            j[q] = unit * s + slope * (light[i, q] - c * unit)
        j[3] = 0.0
        if size == 4:
            ch = (x[0] * half[i, 0] + x[1] * half[i, 1] + x[2] * half[i, 2]) / length
            if ch > 0:
                w = 1 - shape.width * shape.width
                height = lobe(ch, shape)
                turn = 2 * shape.power * ch * w * height / (1 - ch * ch * w) * x[3] / length
                value += x[3] * height
                for q in range(3):
                    j[q] += turn * (half[i, q] - ch * x[q] / length)
                j[3] = height
        error = (samples[k, i] - value) / sigma[i]
        robust = trust(error) / sigma[i]
        for q in range(size):
            scaled = j[q] * robust
            b[q] += scaled * error
            for m in range(q + 1):
                a[q, m] += scaled * j[m] / sigma[i]


@jit
def _refine(
    x: Float64,
    size: int,
    rounds: int,
    k: int,
    samples: Float64,
    sigma: Float64,
    light: Float64,
    half: Float64,
    shape: Shape,
    prior: Real,
    weight: Real,
    work: tuple[Float64, Float64, Float64, Float64, Float64],
) -> Real:
    """Levenberg-Marquardt from x, which is changed; returns the error reached."""
    a, b, j, step, tried = work
    damping = 1e-3
    cost = _cost(x, k, samples, sigma, light, half, shape, prior, weight)
    for _ in range(rounds):
        _equations(x, size, k, samples, sigma, light, half, shape, a, b, j)
        if size == 4:
            a[3, 3] += weight
            b[3] += weight * (prior - x[3])
        for q in range(size):
            a[q, q] = a[q, q] * (1 + damping) + 1e-12
        fits = _solve_in_place(a, b, step, size)
        if fits:
            for q in range(4):
                tried[q] = x[q] + (step[q] if q < size else 0.0)
            tried[3] = max(tried[3], 0.0)
            fits = tried[2] > 0
        now = _cost(tried, k, samples, sigma, light, half, shape, prior, weight) if fits else 2e30
        if now < cost:
            small = cost - now < 1e-4 * cost
            x[:] = tried
            cost = now
            damping = max(damping * 0.2, 1e-7)
            if small:
                break
        else:
            damping *= 8
            if damping > 1e4:
                break
    return cost


@jit
def _lobe_strength(
    x: Float64, k: int, samples: Float64, sigma: Float64, light: Float64, half: Float64, shape: Shape
) -> Real:
    """Lobe strength that explains best what exceeds the diffuse shade of x."""
    length = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) + 1e-30
    top, bottom = 0.0, 1e-12
    for i in range(light.shape[0]):
        c = (x[0] * light[i, 0] + x[1] * light[i, 1] + x[2] * light[i, 2]) / length
        ch = (x[0] * half[i, 0] + x[1] * half[i, 1] + x[2] * half[i, 2]) / length
        if c > 0 and ch > 0:
            height = lobe(ch, shape) / sigma[i]
            top += height * max(samples[k, i] - length * c, 0.0) / sigma[i]
            bottom += height * height
    return top / bottom


@jit
def fit(
    samples: Float64,
    usable: npt.NDArray[np.bool_],
    lights: Float64,
    halves: Float64,
    starts: Float64,
    strength: Float64,
    certainty: float,
    shape: Shape,
    noise: Noise,
    rounds: int,
    out: Float64,
    cost: Float64,
) -> None:
    """Fit every pixel from several starts and keep the best.

    Args:
        samples, usable: (p, n) as :func:`rcg.photometric.solve_consensus.consensus` takes them.
        lights, halves: (1 or p, n, 3) unit vectors to the lights and half way to the camera.
        starts: (p, m, 3) albedo times normal to begin from; the direction of the brightest sample's half
            vector is tried too where there is a lobe.
        strength: (p,) expected lobe strength; 0 and ``certainty`` 0 where nothing is known.
        certainty: one over the variance of that expectation, relative to its square.
        shape, noise: see there.
        rounds: of Levenberg-Marquardt, from each start.
        out: (p, 4), written: albedo times normal, lobe strength.
        cost: (p,), written: the bounded error in variances.
    """
    n = samples.shape[1]
    size = 4 if shape.width > 0 else 3
    sigma, x, best_x = np.empty(n), np.zeros(4), np.zeros(4)
    work = (np.empty((4, 4)), np.empty(4), np.empty(4), np.empty(4), np.empty(4))
    for k in range(samples.shape[0]):
        at = k if lights.shape[0] > 1 else 0
        light, half = lights[at], halves[at]
        sigmas(k, n, samples, usable, noise.floor, noise.share, sigma)
        top = 0
        for i in range(n):
            if usable[k, i] and samples[k, i] > samples[k, top]:
                top = i
        weight = certainty / max(strength[k] * strength[k], 1e-30) if certainty > 0 else 0.0
        best = 2 * BOUND * n
        best_x[:] = 0.0
        for start in range(starts.shape[1] + (size == 4)):
            if start < starts.shape[1]:
                x[:3] = starts[k, start]
            else:
                length = math.sqrt((starts[k, 0] * starts[k, 0]).sum())
                x[:3] = length * half[top]
            if x[2] <= 0:
                continue
            x[3] = 0.0
            if size == 4:
                x[3] = strength[k] if weight > 0 else _lobe_strength(x, k, samples, sigma, light, half, shape)
            now = _refine(x, size, rounds, k, samples, sigma, light, half, shape, strength[k], weight, work)
            if now < best:
                best = now
                best_x[:] = x
            if best < 0.25 * (n - 3):
                break
        out[k] = best_x
        cost[k] = best

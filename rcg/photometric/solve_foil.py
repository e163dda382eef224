"""Foil: normals from each pixel's darkest samples, where many pixels of a neighbourhood sparkle.

Foil mirrors: under few of the lights a facet flashes, in the colours of its grating or white, and what is
left under the others is the ink's own diffuse light with a little of the lobe's foot in it. Light can only
be added to it, so the darkest samples are the truest; how many are clean differs from pixel to pixel. A least
squares whose weights fall with the rank of a sample, from 1 for the darker half to 0 for the brightest
quarter, comes within a tenth of what exact knowledge of every facet would give (docs/photometric-defects.md).
On paper it would only add noise, so it is kept to where the light in excess of Lambert says foil.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.solve import CHANNELS, Solution
from rcg.photometric.solve_pixel import MIN_DETERMINANT, Limits, Real, jit, solve_symmetric
from rcg.photometric.types import BoolArray, FloatArray, Lights

MIN_LIGHTS: Final = 6
"""with fewer, the darker half is not enough to solve for"""
SPARKLE: Final = 0.016
"""share of the light in excess of Lambert, over a neighbourhood, from which it is foil; paper has 0.002 to
0.012, foil 0.013 and more
"""
_NEAR_MM: Final = 0.4
_CLOSE_MM: Final = 0.8
_STEP_MM: Final = 0.1
_ROWS: Final = 32
_WHOLE: Final = 0.41
"""rank over number up to which a sample counts in full"""
_NONE: Final = 0.72
"""and from which it does not count"""
_LOWEST: Final = 0.05
"""sine of the height of a light under which its samples say nothing"""
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Target = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""normal and albedo (H, W, 3), confidence, gloss and residual (H, W)"""


def foil_mask(specular: FloatArray, frames: FloatArray, mask: BoolArray, px_per_mm: float) -> BoolArray:
    """Return (H, W) where the card sparkles as foil does.

    Args:
        specular: (H, W) mean excess over Lambert of all samples, relative to full scale.
        frames: (n, H, W, 3) linear RGB in [0, 1].
        mask: (H, W) the card.
        px_per_mm: scale.
    """
    h, w = mask.shape
    step = max(1, round(_STEP_MM * px_per_mm))
    weight = mask[::step, ::step].astype(np.float32)
    sigma = _NEAR_MM * px_per_mm / step

    def near(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.GaussianBlur(values * weight, (0, 0), sigma), np.float32)

    light = np.asarray(frames[:, ::step, ::step, 1].mean(axis=0), np.float32)
    shiny = near(specular[::step, ::step]) > SPARKLE * np.maximum(near(light), np.float32(1e-4))
    reach = 2 * max(1, round(_CLOSE_MM * px_per_mm / step / 2)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(shiny.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    whole = np.repeat(np.repeat(closed, step, axis=0), step, axis=1)[:h, :w]
    return np.asarray((whole > 0) & mask)


def darkest_weights(count: int) -> Float64:
    """(count,) weights of a pixel's samples from the darkest to the brightest."""
    place = (np.arange(count) + 0.5) / count
    return np.asarray(np.clip((_NONE - place) / (_NONE - _WHOLE), 0, 1))


@jit
def _gather(
    place: tuple[int, int],
    frames: FloatArray,
    source: Float64,
    near: bool,
    scale: Float64,
    gain: Float64,
    px_per_mm: float,
    channels: tuple[float, float, float],
    limits: Limits,
    light: Float64,
    value: Float64,
    inverse: Float64,
    order: Int64,
) -> int:
    """Write a pixel's light vectors (n, 3), radiances under unit irradiance (n,), the factors to them (n,),
    and the order of its usable samples by height over a flat pixel, darkest first; return their number.
    """
    n, height, width = frames.shape[0], frames.shape[1], frames.shape[2]
    row, col = place
    x, y = (col - 0.5 * (width - 1)) / px_per_mm, (0.5 * (height - 1) - row) / px_per_mm
    u, v = x * px_per_mm / (0.5 * width), y * px_per_mm / (0.5 * height)
    used = 0
    for i in range(n):
        lx, ly, lz = source[i, 0], source[i, 1], source[i, 2]
        along = gain[i, 0] + u * (gain[i, 1] + u * gain[i, 3] + v * gain[i, 4])
        inverse[i] = scale[i] * (along + v * (gain[i, 2] + v * gain[i, 5]))
        if near:
            lx, ly = lx - x, ly - y
            square = lx * lx + ly * ly + lz * lz
            root = 1.0 / math.sqrt(square)
            lx, ly, lz = lx * root, ly * root, lz * root
            inverse[i] *= square
        light[i, 0], light[i, 1], light[i, 2] = lx, ly, lz
        red, green, blue = frames[i, row, col, 0], frames[i, row, col, 1], frames[i, row, col, 2]
        seen = channels[0] * red + channels[1] * green + channels[2] * blue
        value[i] = seen * inverse[i]
        if max(red, green, blue) < limits.saturated and seen > limits.dark and lz > _LOWEST:
            at = used
            while at > 0 and value[order[at - 1]] * lz > value[i] * light[order[at - 1], 2]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = i
            used += 1
    return used


@jit
def _fit(
    used: int, order: Int64, light: Float64, value: Float64, by_rank: Float64, weight: Float64
) -> tuple[Real, Real, Real, Real]:
    """Albedo times normal by weighted least squares of the heights, and the quality of the light matrix.
    ``weight`` (n,) is written: that of each sample.
    """
    a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = 0.0
    weight[:] = 0
    for r in range(used):
        i, w = order[r], by_rank[r]
        weight[i] = w
        s, t, d = light[i, 0] / light[i, 2], light[i, 1] / light[i, 2], value[i] / light[i, 2]
        a00 += w * s * s
        a01 += w * s * t
        a02 += w * s
        a11 += w * t * t
        a12 += w * t
        a22 += w
        b0 += w * s * d
        b1 += w * t * d
        b2 += w * d
    g0, g1, g2, quality = solve_symmetric(a00, a01, a02, a11, a12, a22, b0, b1, b2)
    return g0, g1, g2, quality


@jit
def _write(
    place: tuple[int, int],
    g: tuple[float, float, float],
    frames: FloatArray,
    light: Float64,
    value: Float64,
    inverse: Float64,
    weight: Float64,
    limits: Limits,
    white: float,
    target: Target,
) -> None:
    """Write a pixel's normal, albedo, confidence, gloss and residual, as the ordinary solve has them."""
    normal, albedo, confidence, specular, residual = target
    row, col = place
    n = frames.shape[0]
    length = math.sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2])
    total = mean = misfit = gloss = shades = 0.0
    albedo[row, col] = 0
    for i in range(n):
        model = g[0] * light[i, 0] + g[1] * light[i, 1] + g[2] * light[i, 2]
        total += weight[i]
        mean += weight[i] * value[i]
        misfit += weight[i] * (value[i] - model) ** 2
        gloss += max(value[i] - max(model, 0.0), 0.0) / inverse[i]
        shade = max(model / length, 0.0)
        shades += weight[i] * shade * shade
        for c in range(3):
            albedo[row, col, c] += weight[i] * shade * inverse[i] * frames[i, row, col, c]
    mean /= total
    misfit = math.sqrt(misfit / total) / max(mean, 1e-6)
    noise = math.sqrt(limits.noise_share * mean + limits.noise_floor**2) / max(mean, 1e-6)
    for c in range(3):
        normal[row, col, c] = g[c] / length
        albedo[row, col, c] /= max(shades, 1e-6) * white
    share = (total - 2) / max(n - 2, 1)
    confidence[row, col] = share / ((1 + (misfit / 0.15) ** 2) * (1 + (noise / 0.08) ** 2))
    specular[row, col] = gloss / n
    residual[row, col] = misfit


@jit
def _solve_rows(
    rows: tuple[int, int],
    frames: FloatArray,
    where: BoolArray,
    source: Float64,
    near: bool,
    scale: Float64,
    gain: Float64,
    px_per_mm: float,
    channels: tuple[float, float, float],
    by_rank: Float64,
    limits: Limits,
    white: float,
    target: Target,
) -> None:
    """Solve the pixels of ``rows`` (first, one after the last) that are in ``where``. ``by_rank`` is
    (n + 1, n): the weights for each number of usable samples.
    """
    n, width = frames.shape[0], frames.shape[2]
    light, value, inverse, weight = np.empty((n, 3)), np.empty(n), np.empty(n), np.empty(n)
    order = np.empty(n, np.int64)
    for row in range(rows[0], rows[1]):
        for col in range(width):
            if not where[row, col]:
                continue
            place = (row, col)
            used = _gather(
                place,
                frames,
                source,
                near,
                scale,
                gain,
                px_per_mm,
                channels,
                limits,
                light,
                value,
                inverse,
                order,
            )
            if used < MIN_LIGHTS:
                continue
            g0, g1, g2, quality = _fit(used, order, light, value, by_rank[used], weight)
            if quality > MIN_DETERMINANT and g2 > 1e-6:
                g = (g0, g1, g2)
                _write(place, g, frames, light, value, inverse, weight, limits, white, target)


def solve_foil(
    solution: Solution,
    frames: FloatArray,
    lights: Lights,
    *,
    px_per_mm: float,
    mask: BoolArray,
    threads: int = 1,
) -> Solution:
    """Solve foil again, from each pixel's darkest samples; the rest of a solution stays as it is.

    Args:
        solution: of :func:`rcg.photometric.solve.solve_normals` for the same frames; not changed.
        frames: (n, H, W, 3) linear RGB in [0, 1], float32.
        lights: of the frames.
        px_per_mm: scale.
        mask: (H, W) the card.
        threads: to compute with; the result does not depend on it.

    Returns:
        ``solution`` itself where there is no foil or there are fewer than six lights.
    """
    n = len(frames)
    if n < MIN_LIGHTS:
        return solution
    where = foil_mask(solution.specular, frames, mask, px_per_mm)
    if not where.any():
        return solution
    near = lights.positions_mm is not None
    source = np.asarray(lights.positions_mm if lights.positions_mm is not None else lights.directions)
    scale = 1.0 / np.asarray(lights.intensities, np.float64)
    if near:
        scale = scale / (source**2).sum(1)
    by_rank = np.zeros((n + 1, n))
    for count in range(MIN_LIGHTS, n + 1):
        by_rank[count, :count] = darkest_weights(count)
    target = (
        solution.normal.copy(),
        solution.albedo.copy(),
        solution.confidence.copy(),
        solution.specular.copy(),
        solution.residual.copy(),
    )
    constants = (source.astype(np.float64), near, scale, solution.inverse_gain, float(px_per_mm), CHANNELS)

    def rows(first: int) -> None:
        bounds = (first, min(first + _ROWS, len(mask)))
        _solve_rows(bounds, frames, where, *constants, by_rank, Limits(), solution.white, target)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(rows, range(0, len(mask), _ROWS)))
    normal, albedo, confidence, specular, residual = target
    return replace(
        solution,
        normal=normal,
        albedo=albedo,
        confidence=confidence,
        specular=specular,
        residual=residual,
    )

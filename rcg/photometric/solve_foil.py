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
from rcg.photometric.solve_pixel import MIN_DETERMINANT, Limits, jit, solve_symmetric
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
Float64 = npt.NDArray[np.float64]


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
def _solve_rows(
    first: int,
    last: int,
    frames: FloatArray,
    where: BoolArray,
    source: Float64,
    near: bool,
    scale: Float64,
    gain: Float64,
    px_per_mm: float,
    channels: tuple[float, float, float],
    weights: Float64,
    limits: Limits,
    white: float,
    normal: FloatArray,
    albedo: FloatArray,
    confidence: FloatArray,
    specular: FloatArray,
    residual: FloatArray,
) -> None:
    """Solve the pixels of rows ``first`` to ``last`` that are in ``where``, into the five outputs.

    Samples are compared and fitted as heights over a flat pixel: radiance over irradiance and over the
    light's cosine. ``weights`` is (n + 1, n), a row for each number of usable samples.
    """
    n, height, width = frames.shape[0], frames.shape[1], frames.shape[2]
    light, value, inverse = np.empty((n, 3)), np.empty(n), np.empty(n)
    order = np.empty(n, np.int64)
    weight = np.empty(n)
    for row in range(first, last):
        y = (0.5 * (height - 1) - row) / px_per_mm
        v = y / (0.5 * height / px_per_mm)
        for col in range(width):
            if not where[row, col]:
                continue
            x = (col - 0.5 * (width - 1)) / px_per_mm
            u = x / (0.5 * width / px_per_mm)
            used = 0
            for i in range(n):
                lx, ly, lz = source[i, 0], source[i, 1], source[i, 2]
                inverse[i] = scale[i] * (
                    gain[i, 0]
                    + u * (gain[i, 1] + u * gain[i, 3] + v * gain[i, 4])
                    + v * (gain[i, 2] + v * gain[i, 5])
                )
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
                weight[i] = 0.0
                if max(red, green, blue) < limits.saturated and seen > limits.dark and lz > 0.05:
                    # insertion by height, darkest first
                    at = used
                    while at > 0 and value[order[at - 1]] / light[order[at - 1], 2] > value[i] / lz:
                        order[at] = order[at - 1]
                        at -= 1
                    order[at] = i
                    used += 1
            if used < MIN_LIGHTS:
                continue
            a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = total = mean = 0.0
            for r in range(used):
                i, w = order[r], weights[used, r]
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
                total += w
                mean += w * value[i]
            g0, g1, g2, quality = solve_symmetric(a00, a01, a02, a11, a12, a22, b0, b1, b2)
            if quality < MIN_DETERMINANT or g2 <= 1e-6:
                continue
            length = math.sqrt(g0 * g0 + g1 * g1 + g2 * g2)
            mean /= total
            misfit = gloss = shade2 = red = green = blue = 0.0
            for i in range(n):
                model = g0 * light[i, 0] + g1 * light[i, 1] + g2 * light[i, 2]
                misfit += weight[i] * (value[i] - model) ** 2
                gloss += max(value[i] - max(model, 0.0), 0.0) / inverse[i]
                shade = max(model / length, 0.0)
                shade2 += weight[i] * shade * shade
                share = weight[i] * shade * inverse[i]
                red += share * frames[i, row, col, 0]
                green += share * frames[i, row, col, 1]
                blue += share * frames[i, row, col, 2]
            misfit = math.sqrt(misfit / total) / max(mean, 1e-6)
            noise = math.sqrt(limits.noise_share * mean + limits.noise_floor**2) / max(mean, 1e-6)
            normal[row, col, 0], normal[row, col, 1], normal[row, col, 2] = (
                g0 / length,
                g1 / length,
                g2 / length,
            )
            scaled = 1.0 / (max(shade2, 1e-6) * white)
            albedo[row, col, 0], albedo[row, col, 1], albedo[row, col, 2] = (
                red * scaled,
                green * scaled,
                blue * scaled,
            )
            known = (total - 2) / max(n - 2, 1)
            confidence[row, col] = known / ((1 + (misfit / 0.15) ** 2) * (1 + (noise / 0.08) ** 2))
            specular[row, col] = gloss / n
            residual[row, col] = misfit


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
    weights = np.zeros((n + 1, n))
    for count in range(MIN_LIGHTS, n + 1):
        weights[count, :count] = darkest_weights(count)
    out = [
        m.copy()
        for m in (
            solution.normal,
            solution.albedo,
            solution.confidence,
            solution.specular,
            solution.residual,
        )
    ]

    def rows(first: int) -> None:
        _solve_rows(
            first,
            min(first + _ROWS, len(mask)),
            frames,
            where,
            source.astype(np.float64),
            near,
            scale,
            solution.inverse_gain,
            float(px_per_mm),
            CHANNELS,
            weights,
            Limits(),
            solution.white,
            *out,
        )

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(rows, range(0, len(mask), _ROWS)))
    normal, albedo, confidence, specular, residual = out
    return replace(
        solution,
        normal=normal,
        albedo=albedo,
        confidence=confidence,
        specular=specular,
        residual=residual,
    )

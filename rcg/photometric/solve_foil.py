"""Foil: normals from each pixel's darkest samples, where many pixels of a neighbourhood sparkle.

Foil mirrors: under few of the lights a facet flashes, in the colours of its grating or white, and what is
left under the others is the ink's own diffuse light with a little of the lobe's foot in it. Light can only
be added to it, so the darkest samples are the truest. Two least squares are taken at each pixel. One with
weights that fall with the rank of a sample, from 1 for the darkest to 0 for the brightest quarter, has the
least noise: it gives what is finer than 0.05 mm. One of the darker half alone has the least of the lobes'
feet, which make whole facets look tilted: it gives the rest. Together they come within a tenth of what exact
knowledge of every facet would give (docs/photometric-defects.md). On paper this would only add noise, so it
is kept to where the light in excess of Lambert says foil.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import cv2
import numpy as np

from rcg.photometric import relief
from rcg.photometric.solve import CHANNELS, Solution
from rcg.photometric.solve_foil_kernel import MIN_LIGHTS, Float64, solve_foil_rows
from rcg.photometric.solve_pixel import Limits
from rcg.photometric.types import BoolArray, FloatArray, Lights

SPARKLE: Final = 0.016
"""share of the light in excess of Lambert, over a neighbourhood, from which it is foil; paper has 0.002 to
0.012, foil 0.013 and more
"""
_NEAR_MM: Final = 0.4
_CLOSE_MM: Final = 0.8
_STEP_MM: Final = 0.1
_ROWS: Final = 32
_WHOLE: Final = 0.41
"""rank over number up to which a sample counts in full in the fine solve"""
_NONE: Final = 0.72
"""and from which it does not count"""
_FINE_MM: Final = 0.05


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
    """(2, count) weights of samples from the darkest to the brightest, of the fine and the coarse solve."""
    place = (np.arange(count) + 0.5) / count
    return np.stack(
        [np.clip((_NONE - place) / (_NONE - _WHOLE), 0, 1), 1.0 * (np.arange(count) < _few(count))]
    )


def _few(count: int) -> int:
    """The darker half of so many samples, four at least: with three nothing averages out."""
    return max(4, count // 2)


def _add_smooth(normal: FloatArray, difference: FloatArray, where: BoolArray, sigma_px: float) -> None:
    """Add what is smoother than ``sigma_px`` of a difference of slopes (2, H, W) to normals, where asked."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    inside = where[box]
    weight = np.asarray(cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sigma_px))
    slopes = [
        slope + cv2.GaussianBlur(more[box], (0, 0), sigma_px) / np.maximum(weight, np.float32(1e-3))
        for slope, more in zip(relief.slopes(normal[box]), difference, strict=True)
    ]
    normal[box][inside] = relief.from_slopes(*(np.asarray(s, np.float32) for s in slopes))[inside]


def solve_foil(
    solution: Solution,
    frames: FloatArray,
    lights: Lights,
    *,
    px_per_mm: float,
    mask: BoolArray,
    threads: int = 1,
) -> bool:
    """Solve foil again, from each pixel's darkest samples; the rest of a solution stays as it is.

    Args:
        solution: of :func:`rcg.photometric.solve.solve_normals` for the same frames; its maps are changed in
            their place, because those of a card at 40 px/mm take 370 MB.
        frames: (n, H, W, 3) linear RGB in [0, 1], float32.
        lights: of the frames.
        px_per_mm: scale.
        mask: (H, W) the card.
        threads: to compute with; the result does not depend on it.

    Returns:
        Whether anything was changed: False where there is no foil, or there are fewer than six lights.
    """
    n = len(frames)
    if n < MIN_LIGHTS:
        return False
    where = foil_mask(solution.specular, frames, mask, px_per_mm)
    if not where.any():
        return False
    near = lights.positions_mm is not None
    source = np.asarray(lights.positions_mm if lights.positions_mm is not None else lights.directions)
    scale = 1.0 / np.asarray(lights.intensities, np.float64)
    if near:
        scale = scale / (source**2).sum(1)
    by_rank = np.zeros((n + 1, 2, n))
    for count in range(MIN_LIGHTS, n + 1):
        by_rank[count, :, :count] = darkest_weights(count)
    target = (
        solution.normal, solution.albedo, solution.confidence, solution.specular, solution.residual,
    )  # fmt: skip
    coarser = np.zeros((2, *mask.shape), np.float32)
    constants = (source.astype(np.float64), near, scale, solution.inverse_gain, float(px_per_mm), CHANNELS)

    def rows(first: int) -> None:
        bounds = (first, min(first + _ROWS, len(mask)))
        solve_foil_rows(bounds, frames, where, *constants, by_rank, Limits(), solution.white, target, coarser)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(rows, range(0, len(mask), _ROWS)))
    _add_smooth(solution.normal, coarser, where, max(_FINE_MM * px_per_mm, 0.8))
    return True

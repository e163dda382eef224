"""Foil in the surface step: which samples flash, and whether a mark on it changes with the lights as relief.

On foil some lights flash at every pixel, and a flash says nothing of the slope of the card. Which samples do
is known from the solved normals: what the pixel's darker samples and its slope predict, and what is brighter
than that. The test of :mod:`rcg.grading.surface_lights` is then made with the other samples alone: each light
counts in a mark by the share of it that it does not flash on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.strips import F32, F64
from rcg.grading.surface_lights import MIN_LIGHTS, relief_of_light, strongest_curvature
from rcg.grading.surface_scores import BLOB, blob_score
from rcg.photometric import relief
from rcg.photometric.solve import CHANNELS
from rcg.photometric.solve_foil import foil_mask
from rcg.photometric.types import Maps

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

_FLASH: Final = 0.06
"""excess of log brightness over what slope and darker samples predict, from which a sample flashes"""
_NOISE: Final = 0.004
"""brightness, relative to full scale, that noise may add to a sample without its being a flash"""
_BASE: Final = 0.31
"""place of the sample, from dark to bright, that stands for a pixel's own brightness"""
_CELL_MM: Final = 3.0
_SIGMA_MM: Final = 0.04
_DARKEST: Final = 0.004
_ENOUGH_BESIDE: Final = 0.15
"""share of a mark beside print that is enough to judge it by"""
_T_BESIDE: Final = 3.0
_T_THREAD: Final = 5.0
_THREAD_MM: Final = 1.2
_THREAD_WIDTH_MM: Final = 0.065
_OFF_PRINT: Final = 0.4
"""set on seeds 1000 to 1015 of the benchmark: chance on foil makes marks as long or as sure, not both"""
_LEAST_LEFT: Final = 1.0
"""samples left over beyond the three that print and relief explain, for a mark to be judged at all"""


@dataclass(frozen=True)
class FoilSamples:
    """The lights on the part of a card that is foil.

    Attributes:
        mask: (H, W) the foil.
        window: rows and columns of its box; the arrays below are of it.
        log: (n, h, w) log brightness; where a sample flashes, what is predicted instead.
        clear: (n, h, w) True where a sample does not flash.
        slopes: level slopes (H, W) of the whole side, see :func:`rcg.grading.surface_scores.level_slopes`.
    """

    mask: Mask
    window: tuple[slice, slice]
    log: F32
    clear: Mask
    slopes: tuple[F32, F32]


def foil_samples(maps: Maps, trusted: Mask, p: F32, q: F32) -> FoilSamples | None:
    """Return the samples on foil, or None where there is none, or too few lights to tell.

    Args:
        maps: the side.
        trusted: (H, W) where relief counts.
        p, q: (H, W) its level slopes.
    """
    lights = maps.lights
    if lights is None or maps.specular is None or maps.normal is None:
        return None
    n = len(lights)
    if n < MIN_LIGHTS or len(maps.frames) != n:
        return None
    mask = foil_mask(maps.specular, maps.frames, trusted, maps.px_per_mm)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    window = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    across, up = relief.slopes(maps.normal[window])
    inside = mask[window]
    tilt = relief_of_light(lights).astype(np.float32)
    seen = np.empty((n, *inside.shape), np.float32)
    for i, frame in enumerate(maps.frames):
        grey = frame[window] @ np.asarray(CHANNELS, np.float32)
        seen[i] = cv2.log(np.maximum(grey, np.float32(_DARKEST))) - (tilt[i, 0] * across + tilt[i, 1] * up)
    place = round(_BASE * (n - 1))
    cell_px = max(8, round(_CELL_MM * maps.px_per_mm))
    for _ in range(2):  # each light's own level, and each pixel's, in turn
        base = np.partition(seen, place, axis=0)[place]
        for i in range(n):
            seen[i] -= _cell_median(seen[i] - base, inside, cell_px)
    base = np.partition(seen, place, axis=0)[place]
    allowed = np.float32(_FLASH) + np.float32(_NOISE) * np.exp(-base)
    clear = np.empty(seen.shape, np.bool_)
    kernel = np.ones((3, 3), np.uint8)
    for i in range(n):
        flash = cv2.dilate((seen[i] - base > allowed).astype(np.uint8), kernel) > 0
        clear[i] = ~flash
        seen[i] = np.where(flash, base, seen[i]) + (tilt[i, 0] * across + tilt[i, 1] * up)
    return FoilSamples(mask, window, seen, clear, (p, q))


def _cell_median(values: F32, inside: Mask, cell_px: int) -> F32:
    """Median of square cells, (H, W), interpolated; of the whole where a cell has too little."""
    h, w = values.shape
    rows, columns = max(1, round(h / cell_px)), max(1, round(w / cell_px))
    grid = np.empty((rows, columns), np.float32)
    whole = float(np.median(values[inside][::17]))
    for a in range(rows):
        for b in range(columns):
            part = (
                slice(h * a // rows, h * (a + 1) // rows, 3),
                slice(w * b // columns, w * (b + 1) // columns, 3),
            )
            own = values[part][inside[part]]
            grid[a, b] = np.median(own) if len(own) >= 30 else whole
    return np.asarray(cv2.resize(grid, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def on_foil(samples: FoilSamples, labels: Labels) -> Mask:
    """Return for each label, 0 to the largest, whether most of it is foil."""
    count = int(labels.max()) + 1
    inside = np.bincount(labels[samples.window][samples.mask[samples.window]], minlength=count)
    most = inside > 0.5 * np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    most[0] = False
    return np.asarray(most)


def foil_light_t(maps: Maps, samples: FoilSamples, labels: Labels, weight: F32, strong: Mask, t: F64) -> F64:
    """Return Student's t of marks as :func:`rcg.grading.surface_lights.light_t` has it, with those that lie
    mostly on foil judged again by the samples that do not flash, and beside print where there is enough of
    them.

    Args:
        maps: the side.
        samples: its foil.
        labels: (H, W) the marks.
        weight: (H, W) how much each pixel of a mark counts.
        strong: (H, W) strong edges of print.
        t: of each label, 0 to the largest, from all samples.
    """
    again = on_foil(samples, labels)
    if not again.any() or maps.lights is None:
        return t
    count = len(t)
    inside = labels[samples.window]
    at = np.flatnonzero(again[inside])
    label, share = inside.ravel()[at], weight[samples.window].ravel()[at].astype(np.float64)
    beside = share * ~strong[samples.window].ravel()[at]
    enough = np.bincount(label, beside, count) >= _ENOUGH_BESIDE * np.bincount(label, share, count)
    share = np.where(enough[label], beside, share)
    total = np.maximum(np.bincount(label, share, count), 1e-9)
    n = len(samples.log)
    gradients, cover = np.zeros((n, count, 2)), np.zeros((n, count))
    sigma = max(_SIGMA_MM * maps.px_per_mm, 0.7)
    for i in range(n):
        value = cv2.GaussianBlur(samples.log[i], (0, 0), sigma)
        own = share * samples.clear[i].ravel()[at]
        seen = np.bincount(label, own, count)
        cover[i] = seen / total
        for axis, sign in ((0, 1), (1, -1)):  # rows run down, y up
            change = cv2.Sobel(value, cv2.CV_32F, 1 - axis, axis, scale=sign / 8)
            slope = np.bincount(label, own * change.ravel()[at], count)
            gradients[i, :, axis] = slope / np.maximum(seen, 1e-9)
    return np.where(again, weighted_t(gradients, cover, relief_of_light(maps.lights)), t)


def beside_print(
    maps: Maps, samples: FoilSamples, labels: Labels, trusted: Mask, strong: Mask, t: F64, *, seed: float
) -> Mask:
    """Return which marks on foil are dents that show beside the print on them: with the slopes under strong
    print left out they still stand out by ``seed``, and they change with the lights.

    Args:
        maps: the side.
        samples: its foil.
        labels: (H, W) the marks.
        trusted: (H, W) where relief counts.
        strong: (H, W) strong edges of print.
        t: of each label, of :func:`foil_light_t`.
        seed: how far a mark must stand out, in the units of its peak.
    """
    may = on_foil(samples, labels) & (t >= _T_BESIDE)
    found = np.zeros(len(t), bool)
    if not may.any():
        return found
    p, q = samples.slopes
    beside = trusted & ~strong
    strength = seed / BLOB * np.abs(blob_score(p * beside, q * beside, maps.albedo, trusted, maps.px_per_mm))
    found[np.unique(labels[strength > seed])] = True
    return found & may


def foil_threads(samples: FoilSamples, labels: Labels, size: F64, width: F64, share: F64, t: F64) -> Mask:
    """Return which faint marks (k,) on foil are scratches: thin, off print, and sure by the lights.

    Args:
        samples: the foil.
        labels: (H, W) the marks.
        size, width: (k,) of each, mm.
        share: (k,) of it on strong print.
        t: (k,) of :func:`foil_light_t`.
    """
    thread = (size >= _THREAD_MM) & (width <= _THREAD_WIDTH_MM) & (share < _OFF_PRINT) & (t >= _T_THREAD)
    return np.asarray(thread & on_foil(samples, labels))


def weighted_t(gradients: F64, cover: F64, by_slope: F64) -> F64:
    """Student's t of each mark with lights weighted by ``cover`` (n, k); 0 where too little is left to tell.

    With full weights this is the test of :mod:`rcg.grading.surface_lights`.
    """
    design = np.column_stack([np.ones(len(by_slope)), by_slope])
    normal = np.einsum("ia,il,ib->lab", design, cover, design) + 1e-9 * np.eye(3)
    spread_of = np.linalg.inv(normal)
    found = np.einsum("lab,ib,il,ilx->alx", spread_of, design, cover, gradients)
    left = gradients - np.einsum("ia,alx->ilx", design, found)
    strongest, across = strongest_curvature(found[1:])
    misfit = np.einsum("ilx,xl->il", left, across)
    free = cover.sum(axis=0) - 3
    spread = np.sqrt((cover * misfit**2).sum(axis=0) / np.maximum(free, _LEAST_LEFT))
    gain = np.sqrt(np.einsum("al,lab,bl->l", across, spread_of[:, 1:, 1:], across))
    t = np.abs(strongest) / np.maximum(spread * gain, 1e-12)
    return np.where(free >= _LEAST_LEFT, t, 0.0)

"""How bright each light was, read from the object: LEDs are rarely alike, and often nobody measured them.

Under Lambert's law four samples and more fix a pixel's normal and albedo with something left over, so that
every pixel tells how far each light is off; one number per light and many pixels settle it (semi-calibrated
photometric stereo, Cho et al. 2018). The lights' directions must be known. Only a common factor stays open.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rcg.photometric.solve_lobe import Noise, Shape
from rcg.photometric.solve_reflectance import Rays, fit_pixels, normal_spread, starting_points

MIN_LIGHTS = 5
_SHARES = (0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02, 0.02)
"""how far samples may be off, round by round: wide first, or a few lights would outvote the others"""
_LEAST_CHANGE = 0.06
_MUST_SAVE = 0.95
_MOST = 4.0
_LEAST_SPREAD = 0.15
_RAMP_MAY_COST = 1.1
_PIXELS = 1500
_BRIGHT = 0.3


def estimate_intensities(rays: Rays, noise: Noise) -> npt.NDArray[np.float64] | None:
    """Return (n,) intensities of mean 1, or None where the lights are alike or nothing can be told.

    A flat thing, whose normals hardly differ, tells nothing of its lights: any brightness there may as well
    be its tilt. Otherwise they count only where some light is off by 6 % or more (what is less may as well be
    the form of the shade), none by more than a factor of 4, and the error left falls by 5 % or more.
    """
    count, n = rays.samples.shape
    if n < MIN_LIGHTS or count < 50:
        return None
    if count > _PIXELS:
        rays = rays.select(np.sort(np.random.default_rng(2).permutation(count)[:_PIXELS]))
    found = np.ones(n)
    first = _misfit(rays, noise)
    fit = np.zeros((len(rays.samples), 4))
    for share in _SHARES:
        even = replace(rays, samples=np.ascontiguousarray(rays.samples / found))
        wide = Noise(noise.floor, max(share, noise.share))
        fit, _ = fit_pixels(even, starting_points(even, wide), Shape(), wide, rounds=8)
        model = np.maximum(
            np.einsum("pni,pi->pn", np.broadcast_to(rays.lights, (*even.samples.shape, 3)), fit[:, :3]), 0
        )
        lit = even.usable & (model > _BRIGHT * model.max(1, keepdims=True)) & (model > noise.floor)
        if (lit.sum(0) < 20).any():
            return None
        ratio = np.array([np.median(even.samples[lit[:, i], i] / model[lit[:, i], i]) for i in range(n)])
        found = found * ratio
        found = found / found.mean()
    if normal_spread(fit) < _LEAST_SPREAD:
        return None
    found = _without_ramp(rays, found, noise)
    off = max(float(found.max()), 1 / max(float(found.min()), 1e-9))
    last = _misfit(replace(rays, samples=np.ascontiguousarray(rays.samples / found)), noise)
    if off < 1 + _LEAST_CHANGE or off > _MOST or last > _MUST_SAVE * first:
        return None
    return np.asarray(found, np.float64)


def _without_ramp(rays: Rays, found: npt.NDArray[np.float64], noise: Noise) -> npt.NDArray[np.float64]:
    """Take out of the intensities what grows evenly with the lights' x and y, where the fit hardly minds.

    Lights near the camera's axis cannot tell such a ramp from a tilt of the whole object.
    """
    light = rays.lights.mean(0)
    design = np.stack([np.ones(len(light)), light[:, 0], light[:, 1]], 1)
    ramp = design[:, 1:] @ np.linalg.lstsq(design, np.log(found), rcond=None)[0][1:]
    level = found / np.exp(ramp)
    level = level / level.mean()
    before, after = (
        _misfit(replace(rays, samples=np.ascontiguousarray(rays.samples / trial)), noise)
        for trial in (found, level)
    )
    return np.asarray(level if after < _RAMP_MAY_COST * before else found)


def _misfit(rays: Rays, noise: Noise) -> float:
    """Mean bounded error of the matte fit."""
    return float(fit_pixels(rays, starting_points(rays, noise), Shape(), noise, rounds=8)[1].mean())

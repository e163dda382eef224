"""Normals and albedo of any object, a card or not, from frames under three or more known lights.

The steps: consensus among each pixel's samples; the reflectance of the whole object (width of its gloss, form
of its shade) from some hundred pixels; a robust fit of normal, albedo and gloss at every pixel under it. No
step smooths normals, so that a scratch of one pixel stays.

>>> maps = solve(frames, directions)        # (n, H, W) or (n, H, W, 3), linear; (n, 3)
>>> maps.normal.shape, maps.confidence.min()
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric import relief
from rcg.photometric.integrate import integrate
from rcg.photometric.solve_finish import PixelMaps, finish
from rcg.photometric.solve_input import Stack, check, checked_mask
from rcg.photometric.solve_intensity import estimate_intensities
from rcg.photometric.solve_lobe import Noise, Shape
from rcg.photometric.solve_reflectance import (
    Rays,
    Reflectance,
    estimate,
    fit_pixels,
    half_vectors,
    starting_points,
)
from rcg.photometric.types import BoolArray, Encoding, FloatArray

Float64 = npt.NDArray[np.float64]
CHANNELS = np.array([0.25, 0.55, 0.20], np.float32)
Method = Literal["auto", "robust", "least_squares"]
_BLOCK = 8192
_SAMPLE = 4000
_FLOOR, _SHARE = 0.005, 0.02
_BRIGHT = 0.25
_UNSURE = 0.05


@dataclass(frozen=True)
class ObjectMaps:
    """What was solved, (H, W, ...) float32 in image order.

    Attributes:
        normal: (H, W, 3) unit vectors, x right, y up, z to the camera; (0, 0, 1) where confidence is 0.
        albedo: (H, W) or (H, W, 3): what a sample would be, face on to a light of mean intensity, without its
            gloss; in the units of linear samples (full scale is 1 for integers).
        confidence: 0..1; 0 off the mask and where fewer than three samples are usable or agree.
        residual: RMS misfit of the samples used, relative to their mean.
        specular: mean gloss beyond the diffuse light, in the units of the samples.
        height: in pixels, or mm where the scale is known; mean 0; 0 off the mask.
        curvature: mean curvature, per pixel or per mm, positive on bumps.
        unit: ``"px"`` or ``"mm"``.
        mask: (H, W) bool, what was solved.
        reflectance: of the object, as it was estimated.
        warnings: plain sentences.
        seconds: by step.
    """

    normal: FloatArray
    albedo: FloatArray
    confidence: FloatArray
    residual: FloatArray
    specular: FloatArray
    height: FloatArray
    curvature: FloatArray
    unit: Literal["px", "mm"]
    mask: BoolArray
    reflectance: Reflectance
    warnings: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)


def solve(
    images: Any,
    lights: Any,
    mask: Any = None,
    *,
    intensities: Any = None,
    encoding: Encoding = "linear",
    px_per_mm: float | None = None,
    method: Method = "auto",
    saturated: float | None = None,
    names: Sequence[str] | None = None,
    threads: int = 1,
) -> ObjectMaps:
    """Solve an object.

    Args:
        images: (n, H, W) or (n, H, W, 3), or a sequence of n frames, registered; uint8, uint16 or float.
            Float samples may have any scale.
        lights: (n, 3) vectors to the lights, of any length, or :class:`~rcg.photometric.types.Lights`, whose
            positions are used per pixel where ``px_per_mm`` is known (on the plane z = 0, the origin at the
            centre of the picture).
        mask: (H, W), above 0 on the object; everything when None.
        intensities: (n,) or (n, 3), relative brightness of the lights. Untold, and with five lights or more,
            they are estimated, and a warning tells them where they differ.
        encoding: ``"linear"``, or ``"srgb"`` for ordinary photographs.
        px_per_mm: scale of the frames.
        method: ``"auto"``; ``"robust"`` takes the object as matte; ``"least_squares"`` trusts every sample
            that is lit.
        saturated: value from which on float samples are saturated.
        names: of the frames, for messages.
        threads: to compute with; the result does not depend on it.

    Raises:
        InputError: what :func:`rcg.photometric.solve_input.check` refuses; no pixel with three usable
            samples.
    """
    began = time.perf_counter()
    stack = check(
        images, lights, intensities=intensities, encoding=encoding, names=names, saturated=saturated
    )
    chosen = checked_mask(mask, stack.shape)
    near = _near(stack, px_per_mm)
    rows, cols = np.nonzero(chosen)
    stack, noise, reflectance = _look(stack, near, rows, cols, method, threads)
    looked = time.perf_counter()
    pixels = _solve_pixels(stack, near, rows, cols, noise, reflectance, method, threads)
    solved = time.perf_counter()
    maps = _spread(pixels, chosen)
    if not (maps.confidence > 0).any():
        raise InputError(
            "No pixel has three samples that are usable and agree.",
            "Check that each frame belongs to its light, and that frames are neither black nor saturated.",
        )
    unit: Literal["px", "mm"] = "px" if px_per_mm is None else "mm"
    scale = px_per_mm or 1.0
    height = integrate(maps.normal, chosen, threads=threads) * np.float32(1 / scale)
    curvature = relief.mean_curvature(maps.normal, scale, sigma_mm=1.5 / scale, mask=chosen)
    done = time.perf_counter()
    seconds = {"look": looked - began, "solve": solved - looked, "height and curvature": done - solved}
    return ObjectMaps(
        maps.normal,
        maps.albedo if stack.coloured else maps.albedo[..., 0],
        maps.confidence,
        maps.residual,
        maps.specular,
        height,
        curvature,
        unit,
        chosen,
        reflectance,
        (*stack.warnings, *_remarks(maps, chosen)),
        seconds,
    )


@dataclass(frozen=True)
class Near:
    """Lights at positions in mm over a plane of known scale; see :func:`solve`."""

    positions_mm: Float64
    px_per_mm: float


def _near(stack: Stack, px_per_mm: float | None) -> Near | None:
    if px_per_mm is not None and not px_per_mm > 0:
        raise InputError(f"The scale is {px_per_mm:g} px/mm.", "Give a scale above 0, or leave it out.")
    if stack.positions_mm is None:
        return None
    if px_per_mm is None:
        stack.warnings.append(
            "The lights have positions in mm, "
            "but the frames' scale is not known: they were taken as far away."
        )
        return None
    return Near(np.asarray(stack.positions_mm, np.float64), px_per_mm)


def _rays(stack: Stack, near: Near | None, rows: Any, cols: Any) -> tuple[Rays, FloatArray]:
    """Return pixels to fit and their colours (n, p, c), both under unit irradiance."""
    colours, usable = stack.read(rows, cols)
    lights = stack.lights[None]
    if near is not None:
        height, width = stack.shape
        place = np.zeros((len(rows), 1, 3))
        place[:, 0, 0] = (cols - 0.5 * (width - 1)) / near.px_per_mm
        place[:, 0, 1] = (0.5 * (height - 1) - rows) / near.px_per_mm
        ray = near.positions_mm[None] - place
        square = (ray**2).sum(-1, keepdims=True)
        lights = np.ascontiguousarray(ray / np.sqrt(square))
        falloff = square[..., 0] / (near.positions_mm**2).sum(1)
        colours = colours * falloff.T[..., None].astype(np.float32)
    grey = colours @ CHANNELS if colours.shape[2] == 3 else colours[..., 0]
    samples = np.ascontiguousarray(grey.T.astype(np.float64))
    return Rays(samples, np.ascontiguousarray(usable.T), lights, half_vectors(lights)), colours


def _look(
    stack: Stack, near: Near | None, rows: Any, cols: Any, method: Method, threads: int
) -> tuple[Stack, Noise, Reflectance]:
    """Judge noise, the lights' intensities where nobody told them, and the object's reflectance, from a fixed
    choice of pixels.
    """
    take = np.arange(len(rows))
    if len(rows) > _SAMPLE:
        take = np.sort(np.random.default_rng(0).permutation(len(rows))[:_SAMPLE])
    rays, _ = _rays(stack, near, rows[take], cols[take])
    usable = rays.usable.any(1)
    level = np.zeros(len(take))
    level[usable] = np.nanmedian(np.where(rays.usable, rays.samples, np.nan)[usable], axis=1)
    bright = level > _BRIGHT * np.percentile(level, 95)
    if not bright.any():
        raise InputError(
            "The object is black, or saturated, in most of its frames.",
            "Check the mask, the lights and the exposure.",
        )
    noise = Noise(max(_FLOOR * float(np.median(level[bright])), _quantum(stack)), _SHARE)
    good = bright & ((rays.usable & (rays.samples > noise.floor)).sum(1) >= 3)
    matte = Reflectance(Shape(), 0.0, float("nan"))
    if method == "least_squares" or good.sum() < 20:
        return stack, noise, matte
    rays = rays.select(np.flatnonzero(good))
    if stack.alike:
        uneven = estimate_intensities(rays, noise)
        if uneven is not None:
            stack = stack.with_intensities(uneven)
            rays = replace(rays, samples=np.ascontiguousarray(rays.samples / uneven))
    return stack, noise, estimate(rays, noise, threads) if method == "auto" else matte


def _quantum(stack: Stack) -> float:
    """Half a step of integer samples in the dark half of the scale, linear."""
    kind = stack.images[0].dtype
    if kind.kind == "f":
        return 0.0
    step = 1.0 / float(np.iinfo(kind).max)
    return 0.5 * step * (0.6 if stack.encoding == "srgb" else 1.0)


def _solve_pixels(
    stack: Stack,
    near: Near | None,
    rows: Any,
    cols: Any,
    noise: Noise,
    reflectance: Reflectance,
    method: Method,
    threads: int,
) -> list[PixelMaps]:
    def block(first: int) -> PixelMaps:
        part = slice(first, first + _BLOCK)
        rays, colours = _rays(stack, near, rows[part], cols[part])
        starts = starting_points(rays, noise)
        shape = reflectance.shape
        if method == "least_squares":
            found = np.concatenate([starts[:, 1], np.zeros((len(starts), 1))], 1)
        else:
            found, _ = fit_pixels(rays, starts, shape, noise)
            if shape.width > 0:
                begin = np.ascontiguousarray(np.concatenate([found[:, None, :3], starts], 1))
                found, _ = fit_pixels(rays, begin, shape, noise, strength=reflectance.strength)
        return finish(rays, colours, found, shape, noise, trust_all=method == "least_squares")

    with ThreadPoolExecutor(max(1, threads)) as pool:
        return list(pool.map(block, range(0, len(rows), _BLOCK)))


def _spread(parts: list[PixelMaps], mask: BoolArray) -> PixelMaps:
    """Put the pixels' results back into their places."""

    def place(name: str, off: Any) -> FloatArray:
        values = np.concatenate([getattr(part, name) for part in parts])
        out = np.empty((*mask.shape, *values.shape[1:]), np.float32)
        out[...] = off
        out[mask] = values
        return out

    return PixelMaps(
        place("normal", np.array([0, 0, 1], np.float32)),
        place("albedo", 0),
        place("confidence", 0),
        place("residual", 0),
        place("specular", 0),
    )


def _remarks(maps: PixelMaps, mask: BoolArray) -> list[str]:
    none = float((maps.confidence[mask] == 0).mean())
    said = []
    if none > 0.001:
        said.append(
            f"{none:.1%} of the object has no normal: fewer than three samples are usable or agree there."
        )
    unsure = float((maps.confidence[mask] < _UNSURE).mean()) - none
    if unsure > 0.2:
        said.append(
            f"{unsure:.0%} of the object fits badly; the frames, their lights or their order may be wrong."
        )
    return said

"""Normals and albedo of a card from frames under three or more lights.

The model is Lambert's: under light i a pixel with albedo a and normal n has radiance ``a E_i (n . l_i)``
(Woodham 1980). For near lights l_i and E_i are computed at every pixel from the light's position, with the
inverse-square law. Geometry is solved on a weighted sum of the channels, the albedo then per channel.
Saturated and black samples are left out. Pixels whose residual says that a sample is too bright (gloss, foil)
are solved again without their brightest samples; all others keep plain least squares, which loses nothing to
noise.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric.channels import brightest
from rcg.photometric.solve_device import Device, torch_solver
from rcg.photometric.solve_gain import inverse_gain
from rcg.photometric.solve_kernel import solve_rows
from rcg.photometric.solve_pixel import Limits, Setting
from rcg.photometric.types import BoolArray, FloatArray, Lights

CHANNELS = (0.25, 0.55, 0.20)
"""weights of red, green, blue in the geometry: green has the least noise and no demosaicing gain"""
_ROWS = 32


@dataclass(frozen=True)
class Solution:
    """What the solver found, all (H, W, ...) float32.

    Attributes:
        normal: (H, W, 3) unit vectors; (0, 0, 1) where confidence is 0.
        albedo: (H, W, 3) linear RGB, scaled so that the 99.5th percentile of the brightest channel on the
            card is 1. Off the card it is the albedo of a flat pixel.
        confidence: 0..1 from the share of usable samples, their noise and the fit; 0 with fewer than three
            usable samples, lights that nearly lie in a plane, or off the mask.
        specular: mean excess over Lambert of all samples, relative to full scale; dropped samples count.
        residual: RMS misfit of the samples used, relative to their mean.
        inverse_gain: (n, 6) the flat field that was divided out, see :mod:`rcg.photometric.solve_gain`.
        device: ``"cpu"`` or ``"cuda"``, where it was solved.
        note: what a report should say of that; empty otherwise.
        white: what the albedo was divided by.
    """

    normal: FloatArray
    albedo: FloatArray
    confidence: FloatArray
    specular: FloatArray
    residual: FloatArray
    inverse_gain: npt.NDArray[np.float64]
    device: str = "cpu"
    note: str = ""
    white: float = 1.0


def solve_normals(
    frames: FloatArray,
    lights: Lights,
    *,
    px_per_mm: float,
    mask: BoolArray,
    threads: int = 1,
    flat_field: int | None = 2,
    robust: bool = True,
    device: Device = "cpu",
) -> Solution:
    """Solve every pixel.

    Args:
        frames: (n, H, W, 3) linear RGB in [0, 1], float32, registered; the card's centre is the array's
            centre.
        lights: in card axes, in the order of the frames. Positions, where there are any, are used per pixel.
        px_per_mm: scale of the frames.
        mask: (H, W) the card.
        threads: threads to compute with; the result does not depend on it.
        flat_field: order (0, 1 or 2) of the correction for uneven light taken from the card itself, which
            holds for flat things only; None leaves it out.
        robust: solve flagged pixels again without their brightest samples.
        device: ``"auto"`` takes CUDA where there is one; a device with too little memory leaves the work to
            the CPU, and ``note`` says so.

    Raises:
        InputError: fewer than three frames, or frames, lights and mask that do not belong together.
    """
    n = len(frames)
    _check(frames, lights, mask)
    near = lights.positions_mm is not None
    source = lights.positions_mm if lights.positions_mm is not None else lights.directions
    scale = 1.0 / np.asarray(lights.intensities, np.float64)
    if near:
        scale = scale / (source**2).sum(1)
    height, width = mask.shape
    setting = Setting(float(px_per_mm), near, *CHANNELS, max(1, n // 4) if robust and n > 3 else 0)
    limits = Limits()
    gain = np.tile([1.0, 0, 0, 0, 0, 0], (n, 1))
    if flat_field is not None:
        gain = inverse_gain(frames, mask, source, scale, setting, limits, flat_field)
    shape = (height, width)
    normal, albedo = np.empty((*shape, 3), np.float32), np.empty((*shape, 3), np.float32)
    confidence, specular, residual = (np.empty(shape, np.float32) for _ in range(3))
    half = np.array([px_per_mm / (0.5 * width), px_per_mm / (0.5 * height)], np.float32)
    constants = (
        source.astype(np.float32),
        scale.astype(np.float32),
        gain.astype(np.float32),
        half,
        setting,
        limits,
    )

    out = (normal, albedo, confidence, specular, residual)
    used, note = _on_torch(device, frames, mask, constants, out)
    if used is None:
        used = "cpu"

        def rows(first: int) -> None:
            solve_rows((first, min(first + _ROWS, height)), frames, mask, *constants, *out)

        with ThreadPoolExecutor(max(1, threads)) as pool:
            list(pool.map(rows, range(0, height, _ROWS)))
    white = _white(albedo, mask)
    albedo *= np.float32(1.0 / white)
    return Solution(normal, albedo, confidence, specular, residual, gain, used, note, white)


def _on_torch(
    device: Device, frames: FloatArray, mask: BoolArray, constants: Any, out: Any
) -> tuple[str | None, str]:
    """Solve on CUDA where it is asked for and there; return the device used, or None, and what to tell."""
    solver = torch_solver(device)
    if solver is None:
        return None, ""
    try:
        solver.solve_all(frames, mask, *constants, out, device="cuda")
    except solver.out_of_memory():
        return None, "The graphics card had too little memory; the maps were solved on the processor."
    return "cuda", ""


def _check(frames: FloatArray, lights: Lights, mask: BoolArray) -> None:
    n = len(frames)
    if n < 3:
        raise InputError(
            f"Relief was asked of {n} frames.",
            "Surface relief needs three or more frames under different lights.",
        )
    if len(lights) != n:
        raise InputError(f"There are {n} frames and {len(lights)} lights.", "Give one light for each frame.")
    if frames.shape[1:] != (*mask.shape, 3) or frames.dtype != np.float32 or mask.dtype != np.bool_:
        raise InputError(
            f"Frames are {frames.dtype} {frames.shape}, the mask is {mask.dtype} {mask.shape}.",
            "Frames are float32 (n, H, W, 3), the mask is bool (H, W).",
        )


def _white(albedo: FloatArray, mask: BoolArray) -> float:
    """99.5th percentile of the brightest channel on the card, from every third pixel; 1 where there is no
    card.
    """
    values = brightest(albedo[::3, ::3])[mask[::3, ::3]]
    white = float(np.percentile(values, 99.5)) if len(values) else 1.0
    return white if white > 1e-6 else 1.0

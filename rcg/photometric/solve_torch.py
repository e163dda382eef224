"""The card's solve on torch tensors: the same steps and numbers as the numba kernels, for CUDA.

Least squares, the second solve of flagged pixels without their brightest samples, residuals, confidence,
albedo. All is done for a band of rows at once, so that memory stays bounded. It runs on CPU tensors too,
slowly: that is how it is tested. torch is imported by :mod:`rcg.photometric.solve_device` alone, when a
device is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from rcg.photometric.solve_pixel import MIN_DETERMINANT, Limits, Setting
from rcg.photometric.types import BoolArray, FloatArray

BAND_SAMPLES = 16_000_000
"""samples of all lights in one band: about 1 GB of working memory"""
Tensor = torch.Tensor


def solve_all(
    frames: FloatArray,
    mask: BoolArray,
    source: FloatArray,
    scale: FloatArray,
    gain: FloatArray,
    half: FloatArray,
    setting: Setting,
    limits: Limits,
    out: tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray],
    *,
    device: str,
) -> None:
    """Solve every row into the five outputs; arguments as of :func:`rcg.photometric.solve_kernel.solve_rows`.

    Raises:
        torch.cuda.OutOfMemoryError: the device has too little memory for one band.
    """
    n, height, width = frames.shape[:3]
    rows = max(1, BAND_SAMPLES // (n * width))
    there = torch.device(device)
    known = [torch.from_numpy(np.ascontiguousarray(a)).to(there) for a in (source, scale, gain, half)]
    with torch.inference_mode():
        for first in range(0, height, rows):
            last = min(first + rows, height)
            band = torch.from_numpy(np.ascontiguousarray(frames[:, first:last])).to(there)
            card = torch.from_numpy(np.ascontiguousarray(mask[first:last])).to(there)
            y = (
                0.5 * (height - 1) - torch.arange(first, last, device=there, dtype=torch.float32)
            ) / setting.px_per_mm
            x = (
                torch.arange(width, device=there, dtype=torch.float32) - 0.5 * (width - 1)
            ) / setting.px_per_mm
            lights, inverse = _light_vectors(x, y, *known, near=setting.near)
            for target, values in zip(out, _solve(band, card, lights, inverse, setting, limits), strict=True):
                target[first:last] = values.cpu().numpy()


def _light_vectors(
    x: Tensor, y: Tensor, source: Tensor, scale: Tensor, gain: Tensor, half: Tensor, *, near: bool
) -> tuple[Tensor, Tensor]:
    """(3, n, h or 1, w or 1) unit vectors and (n, h, w) factors to unit irradiance."""
    u, v = (x * half[0])[None, None, :], (y * half[1])[None, :, None]
    c = [gain[:, k, None, None] for k in range(6)]
    flat = c[0] + c[1] * u + c[2] * v + c[3] * u * u + c[4] * u * v + c[5] * v * v
    flat = flat * scale[:, None, None]
    if not near:
        return source.T[:, :, None, None], flat
    dx = source[:, 0, None, None] - x[None, None, :]
    dy = source[:, 1, None, None] - y[None, :, None]
    dz = source[:, 2, None, None]
    square = dx * dx + dy * dy + dz * dz
    root = torch.rsqrt(square)
    return torch.stack([dx * root, dy * root, dz * root]), flat * square


def _solve(
    frames: Tensor, mask: Tensor, lights: Tensor, inverse: Tensor, setting: Setting, limits: Limits
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    n = frames.shape[0]
    value = setting.red * frames[..., 0] + setting.green * frames[..., 1] + setting.blue * frames[..., 2]
    use = ((frames.amax(-1) < limits.saturated) & (value > limits.dark)).float()
    b = value * inverse
    lights = lights.expand(3, *b.shape)
    g, quality = least_squares(b, lights, use)
    excess, mean, count, square = _sums(b, lights, use, g)
    flag = limits.flag_level * count + limits.flag_share * mean
    flagged = (excess * count > flag) & mask & (quality > MIN_DETERMINANT)
    if setting.drop > 0 and bool(flagged.any()):
        again = without_brightest(
            b[:, flagged], lights[:, :, flagged], use[:, flagged], g[:, flagged], setting.drop, limits
        )
        g[:, flagged], use[:, flagged] = again
        _, mean, count, square = _sums(b, lights, use, g)
    length = g.square().sum(0).sqrt()
    good = mask & (count >= 3) & (quality > MIN_DETERMINANT) & (length > 1e-6) & (g[2] > 0)
    flat = torch.zeros_like(g)
    flat[2] = 1
    unit = torch.where(good, g / length.clamp_min(1e-12), flat)
    average = mean / count.clamp_min(1)
    misfit = (square / count.clamp_min(1)).sqrt() / average.clamp_min(1e-6)
    noise = (limits.noise_share * average + limits.noise_floor**2).sqrt() / average.clamp_min(1e-6)
    share = (count - 2) / max(n - 2, 1)
    confidence = share / ((1 + (misfit / 0.15) ** 2) * (1 + (noise / 0.08) ** 2))
    model = (g[:, None] * lights).sum(0).clamp_min(0)
    gloss = ((b - model).clamp_min(0) / inverse).sum(0) / n
    use = torch.where((count < 1) & ~good, torch.ones_like(use), use)
    shade = use * (unit[:, None] * lights).sum(0).clamp_min(0)
    weight = shade.square().sum(0).clamp_min(1e-6)
    albedo = torch.einsum("nhw,nhwc->hwc", shade * inverse, frames) / weight[..., None]
    zero = torch.zeros_like(misfit)
    return (
        unit.permute(1, 2, 0),
        albedo,
        torch.where(good, confidence, zero),
        torch.where(good, gloss, zero),
        torch.where(good, misfit, zero),
    )


def least_squares(b: Tensor, lights: Tensor, use: Tensor) -> tuple[Tensor, Tensor]:
    """Albedo times normal (3, ...) of samples (n, ...) under lights (3, n, ...), and the quality of the light
    matrix, as :func:`rcg.photometric.solve_pixel.solve_symmetric` has it.
    """
    wx, wy, wz = (use * lights[k] for k in range(3))
    x, y, z = lights
    a00, a01, a02 = (wx * x).sum(0), (wx * y).sum(0), (wx * z).sum(0)
    a11, a12, a22 = (wy * y).sum(0), (wy * z).sum(0), (wz * z).sum(0)
    b0, b1, b2 = (wx * b).sum(0), (wy * b).sum(0), (wz * b).sum(0)
    c00, c01, c02 = a11 * a22 - a12 * a12, a02 * a12 - a01 * a22, a01 * a12 - a02 * a11
    det = a00 * c00 + a01 * c01 + a02 * c02
    third = (a00 + a11 + a22) / 3
    quality = det / (third**3).clamp_min(1e-12)
    inv = torch.where(quality > 1e-6, 1 / det, torch.zeros_like(det))
    c11, c12, c22 = a00 * a22 - a02 * a02, a01 * a02 - a00 * a12, a00 * a11 - a01 * a01
    g = torch.stack(
        [
            (c00 * b0 + c01 * b1 + c02 * b2) * inv,
            (c01 * b0 + c11 * b1 + c12 * b2) * inv,
            (c02 * b0 + c12 * b1 + c22 * b2) * inv,
        ]
    )
    return g, quality


def _errors(b: Tensor, lights: Tensor, use: Tensor, g: Tensor) -> Tensor:
    return use * (b - (g[:, None] * lights).sum(0))


def _sums(b: Tensor, lights: Tensor, use: Tensor, g: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Largest positive error, sum of values, number of samples, sum of squared errors."""
    error = _errors(b, lights, use, g)
    return error.amax(0).clamp_min(0), (use * b).sum(0), use.sum(0), error.square().sum(0)


def without_brightest(
    b: Tensor, lights: Tensor, use: Tensor, g: Tensor, drop: int, limits: Limits
) -> tuple[Tensor, Tensor]:
    """Return g (3, p) and the samples in use (n, p) of flagged pixels, solved without their brightest samples
    where that explains them much better; see :func:`rcg.photometric.solve_pixel.solve_without_brightest`.
    """
    largest, total, used, square = _sums(b, lights, use, g)
    count = used.clamp_min(1)
    flag = limits.flag_level + limits.flag_share * total / count
    best = (square / count).sqrt() * limits.keep_ratio
    going = largest > flag
    kept_g, kept_use = g.clone(), use.clone()
    kept = torch.zeros_like(going)
    trial = use.clone()
    height = b / lights[2].clamp_min(0.05)
    for step in range(drop):
        going = going & (used - step > 3)
        if not bool(going.any()):
            break
        at = torch.where(trial > 0, height, torch.full_like(height, -1.0)).argmax(0, keepdim=True)
        trial = torch.where(going, trial.scatter(0, at, 0.0), trial)
        found, quality = least_squares(b, lights, trial)
        going = going & (quality >= MIN_DETERMINANT)
        left = trial.sum(0)
        now = (_errors(b, lights, trial, found).square().sum(0) / left.clamp_min(1)).sqrt()
        enough = going & torch.where(left > 3, now < best, (largest > 2 * flag) & ~kept)
        best = torch.where(enough, now * limits.keep_ratio, best)
        kept_g = torch.where(enough, found, kept_g)
        kept_use = torch.where(enough, trial, kept_use)
        kept = kept | enough
    return kept_g, kept_use


def available() -> bool:
    """Tell whether torch sees a CUDA device."""
    return bool(torch.cuda.is_available())


def out_of_memory() -> type[Any]:
    """Return the error that a full device raises."""
    return torch.cuda.OutOfMemoryError

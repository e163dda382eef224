"""Self flat-field: a smooth brightness correction per light, taken from the card itself.

A card is a plane. Under light i a flat, matte pixel with albedo a has radiance ``a E_i(x) (l_i . z) g_i(x)``,
where E and l are what the lights' geometry predicts and g is everything it does not know: LED brightness, the
fall-off of a light whose distance is unknown, LED lens and lamp shade, small errors of position. The albedo
is the same in every frame, so the ratio of a frame to the geometric mean of all frames is free of it and
shows ``g_i`` relative to the other lights; and g is smooth, while print, dents and scratches are not. So:
medians of that ratio over small patches, a polynomial of order two at most through the medians, fitted
robustly, and the frame is divided by it.

What it costs: real tilt of the same smoothness goes with it. A curl (slopes linear in position) and the
card's own tilt look like uneven light and are removed; so is the smooth part of a gloss. Everything finer
than about half the card stays. What all lights share (vignetting) goes to the albedo. For a
thing that is not flat it must be switched off.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rcg.photometric.channels import brightest
from rcg.photometric.solve_pixel import Limits, Setting
from rcg.photometric.types import BoolArray, FloatArray

PATCH_MM = 2.5
_TERMS = {0: 1, 1: 3, 2: 6}
Float64 = npt.NDArray[np.float64]


def inverse_gain(
    frames: FloatArray,
    mask: BoolArray,
    source: Float64,
    scale: Float64,
    setting: Setting,
    limits: Limits,
    order: int,
) -> Float64:
    """Fit the inverse gain of each light as a polynomial in u = x / half width, v = y / half height.

    Args:
        frames: (n, H, W, 3) linear RGB.
        mask: (H, W) card.
        source: (n, 3) positions in mm (``setting.near``) or unit directions.
        scale: (n,) factors as the kernel takes them.
        setting, limits: as the kernel takes them.
        order: 0, 1 or 2.

    Returns:
        (n, 6) coefficients of 1, u, v, uu, uv, vv; (1, 0, 0, 0, 0, 0) for every light when the card is too
        small or too dark to fit.
    """
    n, height, width, _ = frames.shape
    patch = max(2, round(PATCH_MM * setting.px_per_mm))
    step = max(1, patch // 7)
    x = (np.arange(0, width, step) - 0.5 * (width - 1)) / setting.px_per_mm
    y = (0.5 * (height - 1) - np.arange(0, height, step)) / setting.px_per_mm
    sparse = np.ascontiguousarray(frames[:, ::step, ::step])
    ratio = _log_ratios(sparse, mask[::step, ::step], x, y, source, scale, setting, limits)
    u, v, medians = _patch_medians(
        ratio,
        x / (0.5 * width / setting.px_per_mm),
        y / (0.5 * height / setting.px_per_mm),
        max(1, patch // step),
    )
    coefficients = np.zeros((n, 6))
    coefficients[:, 0] = 1.0
    terms = _TERMS[order]
    if len(u) < 2 * terms:
        return coefficients
    design = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], 1)[:, :terms]
    coefficients[:, 0] = 0
    coefficients[:, :terms] = _robust_fits(design, np.exp(-medians))
    return coefficients


def _log_ratios(
    frames: FloatArray,
    mask: BoolArray,
    x: Float64,
    y: Float64,
    source: Float64,
    scale: Float64,
    setting: Setting,
    limits: Limits,
) -> Float64:
    """(n, h, w) log of each frame over what its geometry predicts, less the mean over lights; NaN where a
    sample is unusable.
    """
    value = frames @ np.array([setting.red, setting.green, setting.blue], np.float32)
    usable = mask & (brightest(frames) < limits.saturated).all(0) & (value > limits.dark).all(0)
    log = np.log(np.maximum(value, 1e-9), dtype=np.float64)
    for i, (light, factor) in enumerate(zip(source, scale, strict=True)):
        if setting.near:
            d2 = (light[0] - x[None, :]) ** 2 + (light[1] - y[:, None]) ** 2 + light[2] ** 2
            log[i] += np.log(factor * d2 * np.sqrt(d2) / light[2])
        else:
            log[i] += np.log(factor / max(light[2], 0.05))
    log -= log.mean(0)
    log[:, ~usable] = np.nan
    return np.asarray(log)


def _patch_medians(ratio: Float64, u: Float64, v: Float64, size: int) -> tuple[Float64, Float64, Float64]:
    """Centres (m,), (m,) and medians (n, m) of the patches that are at least half usable."""
    n, h, w = ratio.shape
    rows, cols = h // size, w // size
    blocks = (
        ratio[:, : rows * size, : cols * size].reshape(n, rows, size, cols, size).transpose(0, 1, 3, 2, 4)
    )
    blocks = blocks.reshape(n, rows * cols, size * size)
    full = np.isfinite(blocks[0]).sum(-1) >= size * size / 2
    centre_u = u[: cols * size].reshape(cols, size).mean(-1)
    centre_v = v[: rows * size].reshape(rows, size).mean(-1)
    grid_v, grid_u = np.meshgrid(centre_v, centre_u, indexing="ij")
    return grid_u.ravel()[full], grid_v.ravel()[full], _medians(blocks[:, full])


def _medians(values: Float64) -> Float64:
    """Medians (n, m) of (n, m, k) without their NaN, of which every light has the same."""
    if not values.size:
        return np.zeros(values.shape[:2])
    ordered = np.sort(values, axis=-1)  # NaN go to the end
    count = np.isfinite(values[0]).sum(-1)
    low, high = ((np.broadcast_to(at, values.shape[:2]))[..., None] for at in ((count - 1) // 2, count // 2))
    middle = [np.take_along_axis(ordered, at, axis=-1)[..., 0] for at in (low, high)]
    return np.asarray((middle[0] + middle[1]) / 2)


def _robust_fits(design: Float64, values: Float64) -> Float64:
    """Fit (m, terms) to each row of (n, m): least squares with Huber weights at 1.5 robust standard
    deviations, eight rounds.
    """
    weight = np.ones(values.shape)
    solution = np.zeros((len(values), design.shape[1]))
    for _ in range(8):
        weighed = design.T * weight[:, None, :]
        inverse = np.linalg.pinv(weighed @ design, hermitian=True)
        solution = (inverse @ (weighed @ values[..., None]))[..., 0]
        error = np.abs(values - solution @ design.T)
        width = 1.5 * np.maximum(1.4826 * np.median(error, axis=1, keepdims=True), 1e-6)
        weight = np.minimum(1.0, width / np.maximum(error, 1e-12))
    return np.asarray(solution)

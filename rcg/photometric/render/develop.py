"""From radiance to a photograph: lens blur, exposure, photon and read noise, quantisation, sRGB."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
import numpy.typing as npt

from rcg.photometric.render.scene import Sensor
from rcg.photometric.types import FloatArray, Frame


def srgb_encode(linear: FloatArray) -> FloatArray:
    """Linear [0, 1] to sRGB [0, 1] (IEC 61966-2-1)."""
    x = np.clip(linear, 0, 1)
    return np.asarray(np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(x, 1 / 2.4) - 0.055), np.float32)


def develop(
    radiance: FloatArray, sensor: Sensor, rng: np.random.Generator, *, index: int, name: str, file_name: str
) -> Frame:
    """Expose one frame. The blur is symmetric, so it moves no edge.

    Args:
        radiance: (H, W, 3) float32, 1 at full scale; overwritten.
        sensor: the sensor. Variance of a sample x: ``x / electrons + (read_electrons / electrons)^2``.
        rng: this frame's own stream.
        index: of the frame, for the sensor's gains.
        name: light name.
        file_name: for messages.

    Returns:
        A frame of 8-bit sRGB, or of float32 linear samples (quantised to ``sensor.bits`` when there is
        noise).
    """
    if sensor.blur_px > 0:
        radiance = np.asarray(cv2.GaussianBlur(radiance, (0, 0), sensor.blur_px), np.float32)
    if sensor.gains is not None:
        radiance *= np.asarray(sensor.gains[index], np.float32)
    if sensor.curve != 1:
        radiance = np.power(np.maximum(radiance, 0), np.float32(sensor.curve), dtype=np.float32)
    if not sensor.noise:
        np.clip(radiance, 0, 1, out=radiance)
        if sensor.encoding == "linear":
            return Frame(name, file_name, radiance, "linear")
        return Frame(name, file_name, np.rint(srgb_encode(radiance) * 255).astype(np.uint8), "srgb")
    levels = (1 << sensor.bits) - 1
    codes = np.empty(radiance.shape, np.uint16)
    noise = rng.standard_normal(radiance.shape, np.float32)
    _expose(
        radiance.ravel(), noise.ravel(), codes.ravel(), 1 / sensor.electrons, sensor.read_electrons, levels
    )
    if sensor.encoding == "linear":
        return Frame(name, file_name, codes.astype(np.float32) / np.float32(levels), "linear")
    table = np.rint(srgb_encode(np.linspace(0, 1, levels + 1, dtype=np.float32)) * 255).astype(np.uint8)
    return Frame(name, file_name, table[codes], "srgb")


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _expose(
    radiance: FloatArray,
    noise: FloatArray,
    codes: npt.NDArray[np.uint16],
    per_electron: float,
    read_electrons: float,
    levels: int,
) -> None:
    """Add photon and read noise of unit-variance ``noise`` and quantise, in one pass over flat arrays."""
    gain, floor = np.float32(per_electron), np.float32((read_electrons * per_electron) ** 2)
    top = np.float32(levels)
    for i in range(len(codes)):
        x = radiance[i]
        x += noise[i] * math.sqrt(max(x, np.float32(0.0)) * gain + floor)
        codes[i] = np.uint16(min(max(x * top + np.float32(0.5), np.float32(0.0)), top))

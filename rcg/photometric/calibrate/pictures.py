"""Frames as the calibrations read them: linear brightness, of one size, the ambient light taken off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rcg.photometric.calibrate.errors import CalibrationError
from rcg.photometric.channels import brightest
from rcg.photometric.find_errors import FramesDifferError
from rcg.photometric.lights import is_ambient
from rcg.photometric.linearise import samples_to_linear
from rcg.photometric.solve import CHANNELS
from rcg.photometric.types import BoolArray, FloatArray, Frame

SATURATED = 0.985
"""linear share of full scale that counts as clipped"""


def lit_frames(frames: Sequence[Frame]) -> tuple[list[Frame], Frame | None]:
    """Part frames into those under a light and the ambient one, if there is one.

    Raises:
        FramesDifferError: the frames differ in size.
        CalibrationError: no frame is under a light, or several are ambient.
    """
    for frame in frames[1:]:
        if frame.pixels.shape[:2] != frames[0].pixels.shape[:2]:
            raise FramesDifferError(_described(frames[0]), _described(frame))
    lit = [frame for frame in frames if not is_ambient(frame.name)]
    dark = [frame for frame in frames if is_ambient(frame.name)]
    if not lit:
        raise CalibrationError("no_frames", "No frame under a light came.", "Give one photograph per light.")
    if len(dark) > 1:
        raise CalibrationError(
            "several_ambient",
            f"Several frames are ambient: {', '.join(f.file_name for f in dark)}.",
            "Keep one.",
        )
    return lit, dark[0] if dark else None


def grey_stack(lit: Sequence[Frame], ambient: Frame | None) -> tuple[FloatArray, BoolArray]:
    """Return (n, H, W) linear brightness with the ambient light taken off, and where a sample is clipped."""
    height, width = lit[0].pixels.shape[:2]
    stack = np.empty((len(lit), height, width), np.float32)
    clipped = np.empty(stack.shape, bool)
    weights = np.array(CHANNELS, np.float32)
    dark = None if ambient is None else linear(ambient) @ weights
    for index, frame in enumerate(lit):
        rgb = linear(frame)
        clipped[index] = brightest(rgb) >= SATURATED
        grey = rgb @ weights
        stack[index] = grey if dark is None else np.maximum(grey - dark, 0)
    return stack, clipped


def linear(frame: Frame) -> FloatArray:
    """Return a frame's pixels as (H, W, 3) linear light in [0, 1]."""
    return samples_to_linear(frame.pixels, frame.encoding)


def _described(frame: Frame) -> str:
    height, width = frame.pixels.shape[:2]
    return f"{frame.file_name or frame.name} ({width} x {height})"

"""One photograph on the mat, by itself: was it lit from where its light stands?

The chain checks a whole capture when it is graded (:mod:`rcg.photometric.mat.light_order`); this looks at a
frame while the lamp can still be held there again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rcg.photometric.mat.find import SeveralMatsError, find_mat
from rcg.photometric.mat.light_order import check_order, lit_side_deg
from rcg.photometric.mat.patches import PatchReading, read_dark, read_patches
from rcg.photometric.types import Frame, Lights

State = Literal["right", "wrong", "unknown"]
NO_MAT = "The printed mat is not in view: nothing can check from which side this frame was lit."
UNREAD = "The mat's patches are covered, or too dark or bright, to tell the side of the light."
EVEN = "The light falls too evenly on the mat to tell from which side it came."
_UNLIT = 0.05
"""brighter than the frame without light by less than this share: the lamp was off"""


@dataclass(frozen=True)
class LightCheck:
    """What the mat says of one frame.

    Attributes:
        state: whether its light was where it should be; ``unknown`` where that cannot be told.
        words: for people.
        looks_like: the light nearest to the side that was lit, when it is another.
        seen_deg: the lit side, counter-clockwise from the mat's right; None where it cannot be told.
    """

    state: State
    words: str
    looks_like: str | None = None
    seen_deg: float | None = None


def check_frame(frame: Frame, lights: Lights, ambient: Frame | None = None) -> LightCheck:
    """Compare the side that a frame was lit from with where its light stands.

    Args:
        frame: named by its light.
        lights: of the whole rig, in the mat's axes, ``frame.name`` among them.
        ambient: the same card with every light off, exposed as ``frame`` was, to be subtracted.
    """
    try:
        pose = find_mat(frame.pixels)
    except SeveralMatsError as error:
        return LightCheck("unknown", f"{error.detail} {error.hint}")
    if pose is None:
        return LightCheck("unknown", NO_MAT)
    dark = _dark(ambient)
    if dark is not None and _unlit(read_patches(frame, pose), dark):
        return LightCheck("wrong", f"No lamp was on for light {frame.name}: it is as dark as without light.")
    reading = read_patches(frame, pose, dark)
    return LightCheck("unknown", UNREAD) if reading is None else _judged(frame.name, lights, reading)


def _judged(name: str, lights: Lights, reading: PatchReading) -> LightCheck:
    order = check_order([reading if each == name else None for each in lights.names], lights)
    found = order.frames[lights.names.index(name)]
    seen, other = lit_side_deg(reading), found.looks_like
    if seen is None:
        return LightCheck("unknown", EVEN)
    if found.expected_deg is None:
        return LightCheck("unknown", f"Light {name} is overhead: it has no side to check.", None, seen)
    if not found.wrong:
        return LightCheck("right", f"Light {name} came from its side.", None, seen)
    if other in (None, name):
        return LightCheck("wrong", f"Light {name} came from too far beside its number.", None, seen)
    return LightCheck("wrong", f"This was lit from stop {other}, not from stop {name}.", other, seen)


def _dark(ambient: Frame | None) -> PatchReading | None:
    if ambient is None:
        return None
    try:
        pose = find_mat(ambient.pixels)
    except SeveralMatsError:
        return None
    return None if pose is None else read_dark(ambient, pose)


def _unlit(lit: PatchReading | None, dark: PatchReading) -> bool:
    """Whether the patches are hardly brighter than with every light off."""
    if lit is None:
        return False
    before = np.nanmean(dark.values, axis=1)
    share = (np.nanmean(lit.values, axis=1) - before) / np.maximum(before, 1e-6)
    return bool(np.nanmedian(share) < _UNLIT)

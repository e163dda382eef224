"""What comes into the solver, looked at before it is solved: frames of any kind, lights, a mask.

Nothing that is wrong here may become a number that looks right: it is refused with a sentence, or the samples
it spoils are left out and a warning says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric.channels import brightest
from rcg.photometric.linearise import samples_to_linear
from rcg.photometric.types import BoolArray, Encoding, FloatArray, Lights

SATURATED = 0.985
"""linear share of full scale from which on an integer sample counts as saturated"""
MIN_FRAMES = 3
MAX_FRAMES = 1000
_MIN_SPREAD = 0.02
_SAME_DEG = 0.5
_FULL_SCALES = (1.0, 255.0, 4095.0, 65535.0)
_CLIPPED_SHARE = 2e-4
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stack:
    """Frames as they came, and how their samples become light.

    Attributes:
        images: n arrays (H, W) or (H, W, 3), all alike.
        encoding: of integer samples; float samples are linear unless said otherwise.
        full: value from which on a float sample is saturated; None: never.
        gains: (n, 1) or (n, 3), one over the intensity of each light.
        lights: (n, 3) unit directions.
        positions_mm: (n, 3), or None for distant lights.
        names: of the frames, for messages.
        alike: nobody told that the lights differ in intensity.
        warnings: what a reader must know.
    """

    images: Sequence[npt.NDArray[Any]]
    encoding: Encoding
    full: float | None
    gains: FloatArray
    lights: Float64
    positions_mm: Float64 | None
    names: tuple[str, ...]
    alike: bool
    warnings: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.images[0].shape[:2]
        return int(height), int(width)

    @property
    def coloured(self) -> bool:
        """True for frames of three channels."""
        return self.images[0].ndim == 3

    def with_intensities(self, found: Float64) -> Stack:
        """Return the stack with intensities that were estimated, and a warning that says so."""
        listed = ", ".join(f"{value:.2f}" for value in found)
        said = (
            f"The lights are not equally bright; their intensities were estimated from the object: {listed}. "
            "Measured ones (--intensities) are better."
        )
        gains = np.asarray(self.gains / found[:, None], np.float32)
        return replace(self, gains=gains, alike=False, warnings=[*self.warnings, said])

    def read(self, rows: Any, cols: Any) -> tuple[FloatArray, BoolArray]:
        """Return the light at some pixels, divided by the lights' intensities, and which samples are usable.

        Args:
            rows, cols: (p,) indices.

        Returns:
            (n, p, c) float32 with c 1 or 3, and (n, p): neither saturated nor missing.
        """
        light, usable = [], []
        for image, gain in zip(self.images, self.gains, strict=True):
            values = image[rows, cols]
            values = values[:, None] if values.ndim == 1 else values
            finite = np.isfinite(values).all(1) if values.dtype.kind == "f" else np.ones(len(values), bool)
            if values.dtype.kind == "f" and self.encoding == "linear":
                linear = np.maximum(np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0), 0)
                limit = np.inf if self.full is None else 0.999 * self.full
            else:
                linear, limit = samples_to_linear(values, self.encoding), SATURATED
            light.append(linear * gain)
            usable.append(finite & (linear.max(1) < limit))
        return np.stack(light), np.stack(usable)


def check(
    images: Any,
    lights: Any,
    *,
    intensities: Any = None,
    encoding: Encoding = "linear",
    names: Sequence[str] | None = None,
    saturated: float | None = None,
) -> Stack:
    """Judge frames and lights.

    Args:
        images: (n, H, W) or (n, H, W, 3), or a sequence of n such frames; uint8, uint16, float32 or float64.
        lights: :class:`Lights`, or (n, 3) vectors to the lights, of any length.
        intensities: (n,) or (n, 3), relative; beside those of ``lights``.
        encoding: of the samples.
        names: of the frames, for messages.
        saturated: value from which on float samples are saturated. Untold, a float stack whose largest value
            is exactly 1, 255, 4095 or 65535, many times, is taken as clipped there.

    Raises:
        InputError: too few or too many frames, sizes or counts that differ, a kind of number that is not
            read, lights of length zero, from below, or in one plane, intensities that are not positive.
    """
    frames = [np.asarray(image) for image in images]
    named = tuple(names) if names is not None else tuple(str(i + 1) for i in range(len(frames)))
    _check_frames(frames, named)
    directions, positions, gains = _vectors(lights, len(frames))
    gains = gains * _gains(intensities, len(frames), frames[0].ndim == 3)
    warnings = check_directions(directions, named)
    full = saturated
    if frames[0].dtype.kind == "f" and saturated is None and encoding == "linear":
        full = _clipped_at(frames)
        if full is not None:
            warnings.append(f"Float samples at {full:g} are many and the largest: they count as saturated.")
    even = intensities is None and bool(np.ptp(gains) == 0)
    stack = Stack(
        frames, encoding, full, gains.astype(np.float32), directions, positions, named, even, warnings
    )
    _look_at_frames(stack)
    return stack


def checked_mask(mask: Any, shape: tuple[int, int]) -> BoolArray:
    """Return the mask as (H, W) bool; everything where there is none.

    Raises:
        InputError: another size, or nothing in it.
    """
    if mask is None:
        return np.ones(shape, bool)
    given = np.asarray(mask)
    if given.ndim == 3:
        given = brightest(given[..., :3]) if given.shape[2] >= 3 else given[..., 0]
    if given.shape != shape:
        raise InputError(
            f"The mask is {_size(given)} and the frames are {shape[1]} x {shape[0]} pixels.",
            "Give a mask of the frames' size: 0 is background, anything else is the object.",
        )
    chosen = np.asarray(given > 0)
    if not chosen.any():
        raise InputError("The mask is empty: no pixel is marked.", "Mark the object with values above 0.")
    return chosen


def _check_frames(frames: list[npt.NDArray[Any]], names: tuple[str, ...]) -> None:
    n = len(frames)
    if n < MIN_FRAMES:
        raise InputError(
            f"{n} frame{'' if n == 1 else 's'} came; normals need three or more.",
            "Give one frame for each of three or more lights that do not lie in one plane.",
        )
    if n > MAX_FRAMES:
        raise InputError(f"{n} frames came; at most {MAX_FRAMES}.", "Give fewer.")
    first = frames[0]
    if first.ndim not in (2, 3) or (first.ndim == 3 and first.shape[2] != 3) or first.size == 0:
        raise InputError(
            f"A frame is an array of shape {first.shape}.",
            "Frames are (height, width) or (height, width, 3); a stack is (n, height, width[, 3]).",
        )
    if first.dtype not in (np.uint8, np.uint16, np.float32, np.float64, np.float16):
        raise InputError(
            f"The frames are of the type {first.dtype}.", "Give uint8, uint16, float32 or float64."
        )
    for frame, name in zip(frames, names, strict=True):
        if frame.shape != first.shape or frame.dtype != first.dtype:
            raise InputError(
                f"Frame {name} is {_size(frame)} {frame.dtype} and frame {names[0]} is {_size(first)} "
                f"{first.dtype}.",
                "All frames must have one size, one number of channels and one kind of numbers.",
            )


def _size(array: npt.NDArray[Any]) -> str:
    return " x ".join(str(side) for side in (array.shape[1::-1] + array.shape[2:]))


def _vectors(lights: Any, n: int) -> tuple[Float64, Float64 | None, Float64]:
    """Return unit directions, positions where there are any, and gains (n, 1)."""
    if isinstance(lights, Lights):
        given, positions = np.asarray(lights.directions, np.float64), lights.positions_mm
        gains = 1.0 / np.asarray(lights.intensities, np.float64)[:, None]
    else:
        given, positions = np.asarray(lights, np.float64), None
        gains = np.ones((len(given), 1))
    if given.ndim != 2 or given.shape[1] != 3:
        raise InputError(
            f"The lights are an array of shape {given.shape}.", "Give one row x y z for each frame."
        )
    if len(given) != n:
        raise InputError(f"There are {n} frames and {len(given)} lights.", "Give one light for each frame.")
    if not np.isfinite(given).all():
        at = int(np.flatnonzero(~np.isfinite(given).all(1))[0])
        raise InputError(f"Light {at + 1} is {given[at].tolist()}.", "Give finite numbers x y z.")
    length = np.linalg.norm(given, axis=1)
    if (length < 1e-9).any():
        at = int(np.argmin(length))
        raise InputError(f"Light {at + 1} has the direction 0 0 0.", "Give its x, y and z.")
    return given / length[:, None], positions, gains


def _gains(intensities: Any, n: int, coloured: bool) -> Float64:
    if intensities is None:
        return np.ones((n, 1))
    given = np.asarray(intensities, np.float64)
    given = given[:, None] if given.ndim == 1 else given
    if given.ndim != 2 or given.shape[0] != n or given.shape[1] not in (1, 3):
        raise InputError(
            f"The intensities are an array of shape {given.shape} for {n} frames.",
            "Give one row for each frame, of one number or of red, green and blue.",
        )
    if not np.isfinite(given).all() or (given <= 0).any():
        at = int(np.flatnonzero(~(np.isfinite(given) & (given > 0)).all(1))[0])
        raise InputError(
            f"The intensity of light {at + 1} is {' '.join(f'{v:g}' for v in given[at])}.",
            "Intensities are above 0.",
        )
    if given.shape[1] == 3 and not coloured:
        given = given.mean(1, keepdims=True)
    return np.asarray(given.mean() / given)


def check_directions(directions: Float64, names: Sequence[str]) -> list[str]:
    """Return what is odd about unit light directions.

    Raises:
        InputError: a light from below, or lights in one plane or direction.
    """
    below = [name for name, z in zip(names, directions[:, 2], strict=True) if z <= 0]
    if below:
        raise InputError(
            f"Light {', '.join(below[:12])} shines from below (z is not positive).",
            "z points from the object to the camera; turn the sign, correct the row, or leave its frame out.",
        )
    spread = np.linalg.svd(directions, compute_uv=False)
    if spread[2] < _MIN_SPREAD * spread[0]:
        raise InputError(
            "The lights lie in one plane, or in one direction, so slopes across it cannot be told.",
            "Place them round the object.",
        )
    cosine = np.clip(directions @ directions.T, -1, 1)
    same = np.argwhere(np.triu(cosine > np.cos(np.radians(_SAME_DEG)), 1))
    said = [
        f"Lights {names[i]} and {names[j]} have the same direction; together they tell no more than one."
        for i, j in same[:5]
    ]
    distinct = _count_distinct(cosine)
    if distinct < MIN_FRAMES:
        raise InputError(
            f"Only {distinct} of the {len(directions)} lights differ.",
            "Give three or more lights that shine from different sides.",
        )
    if len(directions) == MIN_FRAMES:
        said.append(
            "Three lights leave nothing to check the normals against; shadows and gloss pass as slopes."
        )
    return said


def _count_distinct(cosine: Float64) -> int:
    kept: list[int] = []
    for i in range(len(cosine)):
        if all(cosine[i, j] <= np.cos(np.radians(_SAME_DEG)) for j in kept):
            kept.append(i)
    return len(kept)


def _clipped_at(frames: list[npt.NDArray[Any]]) -> float | None:
    """Return the full scale of float frames that are visibly clipped, or None."""
    top = max(float(np.nanmax(frame)) if np.isfinite(frame).any() else 0.0 for frame in frames)
    if top not in _FULL_SCALES:
        return None
    at_top = sum(int((frame == top).sum()) for frame in frames)
    return top if at_top >= max(20, _CLIPPED_SHARE * sum(frame.size for frame in frames)) else None


def _look_at_frames(stack: Stack) -> None:
    """Add warnings of frames that are black, white, damaged or given twice; refuse a stack without light."""
    black, white, missing = [], [], []
    limit = _encoded_limit(stack)
    for image, name in zip(stack.images, stack.names, strict=True):
        if image.dtype.kind == "f":
            bad = int(image.size - np.isfinite(image).sum())
            if bad:
                missing.append(f"{name} ({bad})")
        largest = (
            np.nanmax(np.where(np.isfinite(image), image, 0)) if image.dtype.kind == "f" else image.max()
        )
        if float(largest) <= (0.0 if image.dtype.kind == "f" else image.dtype.type(1)):
            black.append(name)
        elif float((image >= limit).mean()) > 0.5:
            white.append(name)
    if len(stack.images) - len(black) < MIN_FRAMES:
        raise InputError(
            f"{len(black)} of {len(stack.images)} frames are black ({', '.join(black[:12])}).",
            "Normals need three or more frames with light in them; check the lights and the exposure.",
        )
    if len(stack.images) - len(white) < MIN_FRAMES:
        raise InputError(
            f"{len(white)} of {len(stack.images)} frames are overexposed ({', '.join(white[:12])}).",
            "Lower the exposure until the brightest part is below full scale; take the frames again.",
        )
    if black:
        stack.warnings.append(f"Black frames count as shadow everywhere: {', '.join(black[:12])}.")
    if white:
        stack.warnings.append(
            f"More than half of the frame is saturated and left out: {', '.join(white[:12])}."
        )
    if missing:
        stack.warnings.append(
            f"Samples that are not numbers were left out, by frame: {', '.join(missing[:12])}."
        )
    twice = _identical(stack)
    if twice:
        stack.warnings.append(f"Frames {twice[0]} and {twice[1]} are the same picture; one of them is wrong.")


def _encoded_limit(stack: Stack) -> float:
    kind = stack.images[0].dtype
    if kind.kind == "f":
        return np.inf if stack.full is None else 0.999 * stack.full
    return (SATURATED if stack.encoding == "linear" else 0.993) * float(np.iinfo(kind).max)


def _identical(stack: Stack) -> tuple[str, str] | None:
    seen: dict[bytes, int] = {}
    for i, image in enumerate(stack.images):
        if image.size <= 4 or image.max() == image.min():
            continue
        key = np.ascontiguousarray(image[:: max(1, image.shape[0] // 64)]).tobytes()
        if key in seen and np.array_equal(image, stack.images[seen[key]]):
            return stack.names[seen[key]], stack.names[i]
        seen.setdefault(key, i)
    return None

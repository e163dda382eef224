"""Which frames go on to the maps: one per light, of one size, brought into line, not overexposed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rcg.errors import InputError
from rcg.photometric import lights as lighting
from rcg.photometric.find_errors import FramesDifferError
from rcg.photometric.types import Frame, Lights, Registration

MAX_RESIDUAL_PX = 1.0
"""a frame registered worse than this leaks print edges into the slopes (one pixel doubles the error)"""
HOPELESS_RESIDUAL_PX = 2.5
MIN_FRAMES = 4
OVEREXPOSED = 0.5
"""share of the pixels at full scale in every frame"""
_MENTION_SATURATED = 0.02


class RegistrationError(InputError):
    """Too few frames could be brought into line."""

    code: ClassVar[str] = "frames_do_not_align"


class OverexposedError(InputError):
    """Most of the card is at full scale in every frame."""

    code: ClassVar[str] = "overexposed"


def split_ambient(frames: Sequence[Frame], lights: Lights | None) -> tuple[list[Frame], Frame | None]:
    """Part the frames that are lit from the ambient one, if it is there.

    Raises InputError: other than one frame per light, several without lights, or several that are ambient.
    """
    known = set(lights.names) if lights is not None else {frame.name for frame in frames}
    lit = [f for f in frames if f.name in known or not lighting.is_ambient(f.name)]
    ambient = [f for f in frames if f not in lit] if len(lit) < len(frames) else []
    if lights is None and len(lit) != 1:
        raise InputError(
            f"{len(lit)} frames came without lights.",
            "Give one photograph, or four and more with their lights.",
        )
    if lights is not None and len(lit) != len(lights):
        raise InputError(f"{len(lit)} frames came for {len(lights)} lights.", "Give one frame per light.")
    if len(ambient) > 1:
        raise InputError(
            f"Several frames are ambient: {', '.join(f.file_name for f in ambient)}.", "Keep one."
        )
    return lit, ambient[0] if ambient else None


def check_sizes(frames: Sequence[Frame]) -> None:
    """Raise FramesDifferError, an InputError, of frames that are not all of one size."""

    def described(frame: Frame) -> str:
        return f"{frame.file_name} ({frame.pixels.shape[1]} x {frame.pixels.shape[0]})"

    for frame in frames[1:]:
        if frame.pixels.shape != frames[0].pixels.shape:
            raise FramesDifferError(described(frames[0]), described(frame))


def aligned(
    lit: list[Frame], lights: Lights | None, registration: Registration
) -> tuple[list[Frame], Lights | None, Registration, list[str]]:
    """Leave out the frames that could not be brought into line, as long as four remain."""
    residual = registration.residual_px
    bad = [i for i in range(len(lit)) if residual[i] > MAX_RESIDUAL_PX and i != registration.reference]
    if not bad or lights is None:
        return lit, lights, registration, []
    keep = [i for i in range(len(lit)) if i not in bad]
    names = ", ".join(f"{lit[i].name} ({residual[i]:.1f} px)" for i in bad)
    if len(keep) >= MIN_FRAMES:
        kept = Registration(
            keep.index(registration.reference),
            registration.homographies[keep],
            residual[keep],
            registration.shift_px[keep],
        )
        said = f"Left out, because they could not be brought into line with the others: {names}."
        return [lit[i] for i in keep], lighting.select(lights, keep), kept, [said]
    if max(residual[i] for i in bad) > HOPELESS_RESIDUAL_PX:
        raise RegistrationError(
            f"These frames could not be brought into line with the rest: {names}; {len(keep)} would remain.",
            "Fix the phone and do not touch the card between the frames; then take them again.",
        )
    return (
        lit,
        lights,
        registration,
        [f"Frames are not fully in line: {names}; print edges may show as relief."],
    )


def exposure_remarks(saturated: list[float], names: Sequence[str]) -> list[str]:
    """Say which frames are too bright, from the share of the card that is at full scale in each.

    Raises OverexposedError where it is most of the card in every frame.
    """
    if min(saturated) > OVEREXPOSED:
        raise overexposed(saturated, "card")
    bright = [
        f"{name} ({share:.0%})"
        for name, share in zip(names, saturated, strict=True)
        if share > _MENTION_SATURATED
    ]
    return [f"Overexposed parts of the card, by frame: {', '.join(bright)}."] if bright else []


def overexposed(shares: Sequence[float], what: str) -> OverexposedError:
    """Return the error that says so; ``what`` is what is at full scale: the picture or the card."""
    return OverexposedError(
        f"The {what} is overexposed: {min(shares):.0%} or more of it is at full scale in every frame.",
        "Lower the exposure until the white borders are just below white, fix it, and take the frames again.",
    )

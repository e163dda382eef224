"""Which light belongs to which frame, and from where it shone.

Lights come from a ``.lp`` file, a rig, or from names alone. The one convention of names: ``1`` to ``8`` begin
at the card's top and go clockwise as the camera sees it; ``up right down left`` mean lit from that side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from rcg.photometric.light_files import LightsError, ListedLights, parse
from rcg.photometric.types import Lights

DEFAULT_ELEVATION_DEG = 45.0
AMBIENT_NAMES = frozenset({"ambient", "dark", "0"})
"""names of the frame taken with every light off"""

MIN_LIGHTS = 3
_RINGS = (8, 12, 16, 24)
_MIN_SPREAD = 0.05
"""smallest over largest singular value of the light matrix; below it the lights lie in a plane"""

_SIDES = {"up": 90.0, "top": 90.0, "right": 0.0, "down": 270.0, "bottom": 270.0, "left": 180.0}
_DIAGONALS = {"up_right": 45.0, "up_left": 135.0, "down_left": 225.0, "down_right": 315.0}
_WORDS = {"upper": "up", "top": "up", "lower": "down", "bottom": "down"}
_SEPARATORS = re.compile(r"[\s_\-.]+")
_IMAGE_ENDING = re.compile(r"\.(jpe?g|png|tiff?|webp)$", re.IGNORECASE)


class LightsSpec(BaseModel):
    """Where the lights are, as it is stored and sent: a file's text, or an assumption about names.

    Attributes:
        kind: ``lp`` and ``rig`` carry the file in ``text``; ``azimuth`` reads the frames' names.
        text: the file's content.
        elevation_deg: assumed height of the lights above the card's plane, for ``azimuth``.
        ring: how many lights the numbered ring has; None: 8, or n where 1..n are all there (12, 16, 24).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["lp", "rig", "azimuth"]
    text: str | None = None
    elevation_deg: float = Field(DEFAULT_ELEVATION_DEG, gt=0, lt=90)
    ring: int | None = Field(None, ge=3, le=360)


def stem(name: str) -> str:
    """Return a file's name without folders and image ending, in lower case."""
    return _IMAGE_ENDING.sub("", re.split(r"[\\/]", name)[-1]).strip().lower()


def canonical_name(text: str) -> str | None:
    """Return the light a word names (``"01"`` -> ``"1"``, ``"Upper left"`` -> ``"up_left"``), or None."""
    words = [_WORDS.get(word, word) for word in _SEPARATORS.split(text.strip().lower()) if word]
    joined = "_".join(words)
    if joined.isdigit():
        return str(int(joined))
    if joined in _SIDES or joined in _DIAGONALS or joined in AMBIENT_NAMES:
        return joined
    compact = re.fullmatch(r"(up|upper|top|down|lower|bottom)(left|right)", joined)
    if compact and joined != "upright":
        return f"{_WORDS.get(compact[1], compact[1])}_{compact[2]}"
    return None


def split_light(file_stem: str) -> tuple[str, str | None]:
    """Split a file's stem into what comes before the light, and the light (None where it names none).

    >>> split_light("card_1_up")
    ('card_1', 'up')
    >>> split_light("card_1_upper_left")
    ('card_1', 'up_left')
    """
    words = [word for word in re.split(r"[\s_\-.]+", file_stem) if word]
    for taken in (2, 1):
        if len(words) >= taken:
            light = (
                canonical_name(" ".join(words[-taken:])) if taken == 1 or not words[-1].isdigit() else None
            )
            if light is not None:
                return "_".join(words[:-taken]), light
    return file_stem, None


def is_ambient(name: str) -> bool:
    """Tell whether a frame's name says that every light was off."""
    return canonical_name(name) in AMBIENT_NAMES


def resolve(spec: LightsSpec | None, frame_names: Sequence[str]) -> Lights:
    """Find the light of every frame.

    Args:
        spec: where the lights are; None reads them from the names.
        frame_names: in the order of the frames, ambient frames left out.

    Returns:
        The lights in the order of the frames, in the axes of the upright photograph.

    Raises:
        LightsError: fewer than three, one twice, a light without a frame or the
            reverse, a light from below, lights that lie in one plane.
    """
    names = tuple(frame_names)
    _check_names(names)
    if spec is None or spec.kind == "azimuth":
        lights = _from_azimuth(spec or LightsSpec(kind="azimuth"), names)
    else:
        listed = _listed(spec)
        order = match(listed, names)
        lights = _from_listed(listed, order, names, spec.kind)
    return _checked(lights)


def lit_names(spec: LightsSpec | None, frame_names: Sequence[str]) -> list[str]:
    """Return the frames that have a light: all but the ambient ones, unless the light file lists those too.

    ``0`` is ambient by name, but also the first of twelve frames that are numbered from 0.
    """
    if spec is not None and spec.kind != "azimuth":
        rows = _listed(spec)
        if len(rows) == len(frame_names):
            return list(frame_names)
        known = {stem(name) for name in rows.names or ()}
        return [name for name in frame_names if not is_ambient(name) or stem(name) in known]
    return [name for name in frame_names if not is_ambient(name)]


def camera_px_per_mm(spec: LightsSpec | None) -> float | None:
    """Return the scale that a rig tells, or None."""
    return _listed(spec).px_per_mm if spec is not None and spec.kind == "rig" else None


def rotate(lights: Lights, angle_deg: float) -> Lights:
    """Turn the lights about the viewing axis, counter-clockwise as the camera sees it."""
    angle = np.deg2rad(angle_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    positions = None if lights.positions_mm is None else lights.positions_mm @ turn.T
    flat = None if lights.flat_field is None else lights.flat_field.rotated(angle_deg)
    return replace(lights, directions=lights.directions @ turn.T, positions_mm=positions, flat_field=flat)


def shift(lights: Lights, x_mm: float, y_mm: float) -> Lights:
    """Tell near lights and flat field from another origin in the card's plane: (x, y) of the present one."""
    flat = None if lights.flat_field is None else lights.flat_field.shifted(x_mm, y_mm)
    if lights.positions_mm is None:
        return replace(lights, flat_field=flat)
    positions = lights.positions_mm - np.array([x_mm, y_mm, 0.0])
    away = np.linalg.norm(positions, axis=1, keepdims=True)
    return replace(lights, positions_mm=positions, directions=positions / away, flat_field=flat)


def select(lights: Lights, keep: Sequence[int]) -> Lights:
    """Return the lights at the given places."""
    index = list(keep)
    return replace(
        lights,
        names=tuple(lights.names[i] for i in index),
        directions=lights.directions[index],
        positions_mm=None if lights.positions_mm is None else lights.positions_mm[index],
        intensities=lights.intensities[index],
        flat_field=None if lights.flat_field is None else lights.flat_field.select(index),
    )


def remarks(lights: Lights) -> list[str]:
    """Return what a report should say of the lights: assumptions, gaps, too few."""
    said = []
    if lights.assumed_elevation_deg is not None:
        said.append(
            f"The lights' elevation was assumed to be {lights.assumed_elevation_deg:g} degrees; "
            "slopes and depths scale with it."
        )
    numbers = [int(name) for name in lights.names if name.isdigit()]
    if lights.source == "azimuth" and len(numbers) == len(lights.names):
        missing = sorted(set(range(1, 9)) - set(numbers))
        if missing and _is_ring_of_eight(lights, numbers):
            said.append(
                f"Light {', '.join(map(str, missing))} of the ring of 8 has no frame; the rest were used."
            )
    if len(lights) == MIN_LIGHTS:
        said.append("Three lights leave nothing to check the relief against; use four or more.")
    return said


def _is_ring_of_eight(lights: Lights, numbers: list[int]) -> bool:
    azimuth = np.rad2deg(np.arctan2(lights.directions[:, 1], lights.directions[:, 0]))
    off = azimuth - np.array([_azimuth(str(number), 8) for number in numbers])
    return bool((np.abs((off + 180) % 360 - 180) < 0.5).all())


def match(listed: ListedLights, names: Sequence[str]) -> list[int]:
    """Return the row of each frame.

    Rows without names follow the order of the frames. Otherwise a row belongs to the frame of the same file
    name (its ending apart), else of the same light at the name's end.

    Raises:
        LightsError: naming the lights without a frame and the frames without a light.
    """
    if listed.names is None:
        if len(listed) != len(names):
            raise LightsError(
                f"The light file has {len(listed)} rows without names and there are {len(names)} frames.",
                "Rows without names are taken in the order of the frames: give one per frame, or name them.",
            )
        return list(range(len(names)))
    twice = _repeated([stem(name) for name in listed.names])
    if twice:
        raise LightsError(f"The light file lists {twice!r} twice.", "Keep one row per frame.")
    best: tuple[list[str], list[str]] | None = None
    for key in _KEYS:
        rows = {key(name): row for row, name in enumerate(listed.names)}
        keys = [key(name) for name in names]
        without_light = [name for name, k in zip(names, keys, strict=True) if k not in rows]
        without_frame = [name for name in listed.names if key(name) not in keys]
        unique = len(rows) == len(listed.names) and len(set(keys)) == len(keys)
        if unique and not without_light and not without_frame:
            return [rows[k] for k in keys]
        if best is None or len(without_light) + len(without_frame) < len(best[0]) + len(best[1]):
            best = (without_light, without_frame)
    raise _mismatch(*(best or ([], [])))


def _last_light(name: str) -> str:
    return split_light(stem(name))[1] or stem(name)


_KEYS: tuple[Callable[[str], str], ...] = (stem, _last_light)


def _mismatch(without_light: list[str], without_frame: list[str]) -> LightsError:
    parts = []
    if without_frame:
        parts.append(f"Lights listed without a frame: {', '.join(without_frame[:12])}.")
    if without_light:
        parts.append(f"Frames without a light: {', '.join(without_light[:12])}.")
    return LightsError(
        " ".join(parts) or "The light file's names do not tell the frames apart.",
        "Name the rows of the light file as the frames' files, or add what is missing.",
        lights_without_frame=without_frame,
        frames_without_light=without_light,
    )


def _listed(spec: LightsSpec) -> ListedLights:
    if spec.text is None or spec.kind == "azimuth":
        raise LightsError(
            f"Lights of kind {spec.kind!r} came without their file's text.", "Send the file's content."
        )
    return parse(spec.kind, spec.text)


def _check_names(names: Sequence[str]) -> None:
    if len(names) < MIN_LIGHTS:
        raise LightsError(
            f"{len(names)} frames under a light came ({', '.join(names)}); relief needs {MIN_LIGHTS}.",
            "Give four or more frames, each lit from another side, or one photograph alone.",
        )
    twice = _repeated([canonical_name(name) or stem(name) for name in names])
    if twice:
        raise LightsError(f"Two frames are of light {twice!r}.", "Keep one frame per light.")


def _repeated(values: Sequence[str]) -> str | None:
    return next((value for index, value in enumerate(values) if value in values[:index]), None)


def _ring_of(numbers: Sequence[int], ring: int | None) -> int | None:
    """How many lights the ring has: told, or 8, or n where 1..n are all there."""
    if ring is not None:
        return ring
    if max(numbers) <= 8:
        return 8
    complete = sorted(numbers) == list(range(1, max(numbers) + 1))
    return len(numbers) if complete and len(numbers) in _RINGS else None


def _from_azimuth(spec: LightsSpec, names: tuple[str, ...]) -> Lights:
    known = [canonical_name(name) or canonical_name(_last_light(name)) for name in names]
    unknown = [name for name, light in zip(names, known, strict=True) if light is None]
    if unknown:
        raise LightsError(
            f"These frames' names tell no light: {', '.join(unknown[:12])}.",
            "Name them up, right, down, left (lit from that side) or 1 to 8 (1 at the card's top, "
            "clockwise), or give a .lp or rig file.",
        )
    lights = [light for light in known if light is not None]
    numbers = [int(light) for light in lights if light.isdigit()]
    ring = _ring_of(numbers, spec.ring) if numbers else None
    if numbers and (ring is None or min(numbers) < 1 or max(numbers) > ring):
        raise LightsError(
            f"Lights {', '.join(map(str, sorted(numbers)))} are no ring of 8.",
            "Number them 1 to 8, give a .lp or rig file, or say how many lights the ring has (--ring).",
        )
    azimuth = np.array([_azimuth(light, ring or 8) for light in lights])
    _check_one_sided(azimuth, numbers, spec)
    elevation = np.deg2rad(spec.elevation_deg)
    angle = np.deg2rad(azimuth)
    directions = np.stack(
        [
            np.cos(angle) * np.cos(elevation),
            np.sin(angle) * np.cos(elevation),
            np.full(len(angle), np.sin(elevation)),
        ],
        axis=1,
    )
    return Lights(
        tuple(lights),
        directions,
        None,
        np.ones(len(lights)),
        "azimuth",
        calibrated=False,
        assumed_elevation_deg=spec.elevation_deg,
    )


def _azimuth(light: str, ring: int) -> float:
    """Degrees counter-clockwise from +x."""
    if light.isdigit():
        return 90.0 - (int(light) - 1) * 360.0 / ring
    return _SIDES[light] if light in _SIDES else _DIAGONALS[light]


def _check_one_sided(azimuth: npt.NDArray[np.float64], numbers: list[int], spec: LightsSpec) -> None:
    """Refuse numbers that lie on one side: a ring of four numbered 1 to 4 is not a ring of eight."""
    around = np.sort(azimuth % 360)
    gaps = np.diff(np.append(around, around[0] + 360))
    if len(numbers) == len(azimuth) and spec.ring is None and gaps.max() > 180.001:
        raise LightsError(
            f"Lights {', '.join(map(str, sorted(numbers)))} of a ring of 8 all shine from one side.",
            f"If the ring has {len(numbers)} lights, say --ring {len(numbers)}; otherwise name them up, "
            "right, down, left, or give a .lp or rig file.",
        )


def _from_listed(
    listed: ListedLights,
    order: list[int],
    names: tuple[str, ...],
    kind: Literal["lp", "rig"],
) -> Lights:
    vectors = listed.vectors[order]
    length = np.linalg.norm(vectors, axis=1)
    if (length == 0).any():
        raise LightsError(
            f"Light {names[int(np.argmin(length))]!r} has the direction 0 0 0.", "Give its x, y and z."
        )
    return Lights(
        names,
        vectors / length[:, None],
        vectors if listed.near else None,
        listed.intensities[order],
        kind,
        calibrated=listed.assumed_elevation_deg is None,
        assumed_elevation_deg=listed.assumed_elevation_deg,
        flat_field=None if listed.flat_field is None else listed.flat_field.select(order),
        measured=listed.measured,
    )


def _checked(lights: Lights) -> Lights:
    below = [name for name, z in zip(lights.names, lights.directions[:, 2], strict=True) if z <= 0]
    if below:
        raise LightsError(
            f"Light {', '.join(below)} shines from below the card (z is not positive).",
            "z points from the card to the camera; turn the sign, or correct the row.",
        )
    spread = np.linalg.svd(lights.directions, compute_uv=False)
    if spread[2] < _MIN_SPREAD * spread[0]:
        raise LightsError(
            "The lights lie in one plane, or in one direction, so slopes across it cannot be told.",
            "Place them round the card.",
        )
    return lights

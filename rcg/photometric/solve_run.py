"""From files to maps: the run behind ``rcg solve``, with a card in the picture or without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric import card_place, chain
from rcg.photometric.channels import brightest
from rcg.photometric.linearise import to_linear, to_srgb_u8
from rcg.photometric.solve_device import Device, torch_solver
from rcg.photometric.solve_files import GivenFrames, read_frames, read_intensities, read_lights, read_mask
from rcg.photometric.solve_input import SATURATED, check_directions
from rcg.photometric.solve_object import Method, ObjectMaps, solve
from rcg.photometric.types import (
    DEFAULT_PX_PER_MM,
    BoolArray,
    CardSize,
    Encoding,
    FloatArray,
    Frame,
    Lights,
    Maps,
)

MAP_NAMES = ("normal", "albedo", "confidence", "residual", "specular", "height", "curvature")
_CARD_SIZE = CardSize(63.0, 88.0, "default")
_SMALLEST_PHOTOGRAPH = 200
Draw = Callable[[], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Solved:
    """What came out.

    Attributes:
        maps: the seven maps by name.
        mask: (H, W) where they hold.
        directions: (n, 3) of the lights, in the axes of the maps.
        frames: name and what draws the frame as sRGB, in the lights' order.
        card: True where a card was found and the maps are in its coordinates.
        meta: what the maps are, JSON-serialisable.
        notes: what was assumed.
        warnings: what may be wrong.
    """

    maps: dict[str, FloatArray]
    mask: BoolArray
    directions: npt.NDArray[np.float64]
    frames: list[tuple[str, Draw]]
    card: bool
    meta: dict[str, Any]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def solve_files(
    paths: Sequence[Path],
    lights_file: Path,
    *,
    intensities_file: Path | None = None,
    mask_file: Path | None = None,
    encoding: Encoding | None = None,
    card: bool = True,
    method: Method = "auto",
    px_per_mm: float = DEFAULT_PX_PER_MM,
    threads: int = 1,
    device: Device = "auto",
) -> Solved:
    """Solve frames from files.

    Args:
        paths, lights_file, intensities_file, mask_file: see :mod:`rcg.photometric.solve_files`.
        encoding: of integer samples; None judges by the file.
        card: look for a card first, unless a mask says what the object is.
        method: see :func:`rcg.photometric.solve_object.solve`.
        px_per_mm: scale of a card's maps.
        threads: to compute with.
        device: for a card; other objects are solved on the CPU.

    Raises:
        InputError: what is wrong with the files, the lights or the frames.
    """
    torch_solver(device)  # a device that is not there is an error before anything is read
    given = read_frames(paths, encoding, want_mask=mask_file is None)
    if not given.frames:
        raise InputError("There is no frame under a light.", "Give three or more frames.")
    lights, scale = read_lights(lights_file, given)
    intensities = None if intensities_file is None else read_intensities(intensities_file, len(lights))
    mask = given.mask if mask_file is None else read_mask(mask_file)
    check_directions(lights.directions, lights.names)
    _check_sizes(given)
    notes = list(given.notes)
    if card and mask is None and _may_show_card(given.frames):
        try:
            found = _solve_card(given, lights, intensities, scale, px_per_mm, threads, device)
            return _of_card(found, notes)
        except InputError as error:
            notes.append(f"Solved as an object, not as a card. {error.detail}")
    maps = _solve_object(given, lights, intensities, mask, scale, method, threads)
    return _of_object(maps, given, lights, notes)


def _check_sizes(given: GivenFrames) -> None:
    first = given.frames[0]
    every = [*given.frames, *([given.ambient] if given.ambient else [])]
    for frame in every[1:]:
        if frame.pixels.shape != first.pixels.shape:
            raise InputError(
                f"{frame.file_name} is {_size(frame)} and {first.file_name} is {_size(first)} pixels.",
                "All frames must have one size: one camera, not moved, not cropped.",
            )


def _size(frame: Frame) -> str:
    return f"{frame.pixels.shape[1]} x {frame.pixels.shape[0]}"


def _may_show_card(frames: tuple[Frame, ...]) -> bool:
    pixels = frames[0].pixels
    usable = pixels.ndim == 3 and min(pixels.shape[:2]) >= _SMALLEST_PHOTOGRAPH
    return usable and (pixels.dtype != np.float32 or _in_range(frames))


def _in_range(frames: tuple[Frame, ...]) -> bool:
    return all(
        bool(np.isfinite(f.pixels).all()) and 0 <= f.pixels.min() <= f.pixels.max() <= 1 for f in frames
    )


def _solve_card(
    given: GivenFrames,
    lights: Lights,
    intensities: npt.NDArray[Any] | None,
    scale: float | None,
    px_per_mm: float,
    threads: int,
    device: Device,
) -> Maps:
    if intensities is not None:
        grey = intensities if intensities.ndim == 1 else intensities.mean(1)
        lights = replace(lights, intensities=lights.intensities * grey / grey.mean())
    frames = [*given.frames, *([replace(given.ambient, name="ambient")] if given.ambient else [])]
    return chain.measure(
        frames,
        lights,
        _CARD_SIZE,
        px_per_mm=px_per_mm,
        camera_px_per_mm=scale,
        threads=threads,
        device=device,
    )


def _of_card(maps: Maps, notes: list[str]) -> Solved:
    named = {
        "normal": maps.normal,
        "albedo": maps.albedo,
        "confidence": maps.confidence,
        "residual": maps.residual,
        "specular": maps.specular,
        "height": None if maps.height_um is None else maps.height_um / np.float32(1000),
        "curvature": maps.curvature,
    }
    found = {name: array for name, array in named.items() if array is not None}
    if len(found) < len(named) or maps.lights is None:
        raise InputError("The card gave no relief.", "Give three or more frames with their lights.")
    mask = card_place.card_mask(maps.albedo.shape[:2], maps.size, maps.px_per_mm)
    meta = {
        "card": True,
        "unit": "mm",
        "px_per_mm": maps.px_per_mm,
        "margin_mm": maps.margin_mm,
        "card_mm": [maps.size.width_mm, maps.size.height_mm],
        "seconds": {name: round(taken, 3) for name, taken in maps.seconds.items()},
    }
    frames = [(name, _drawn(frame)) for name, frame in zip(maps.frame_names, maps.frames, strict=True)]
    notes.append(
        f"A card of {maps.size.width_mm:g} x {maps.size.height_mm:g} mm was found; the maps are in its "
        f"coordinates, at {maps.px_per_mm:g} px/mm (--no-card solves the whole picture)."
    )
    return Solved(
        found, mask, maps.lights.directions, frames, True, meta, (*notes, *maps.notes), maps.warnings
    )


def _drawn(linear: FloatArray) -> Draw:
    return lambda: to_srgb_u8(linear)


def _solve_object(
    given: GivenFrames,
    lights: Lights,
    intensities: npt.NDArray[Any] | None,
    mask: npt.NDArray[Any] | None,
    scale: float | None,
    method: Method,
    threads: int,
) -> ObjectMaps:
    images: list[npt.NDArray[Any]] = [frame.pixels for frame in given.frames]
    encoding, saturated = given.frames[0].encoding, None
    if given.ambient is not None or len({frame.encoding for frame in given.frames}) > 1:
        images, encoding, saturated = _without_ambient(given), "linear", SATURATED
    if images[0].ndim == 3 and all(_is_grey(image) for image in images):
        images = [np.ascontiguousarray(image[..., 0]) for image in images]
    names = [frame.file_name for frame in given.frames]
    return solve(
        images,
        lights,
        mask,
        intensities=intensities,
        encoding=encoding,
        px_per_mm=scale,
        method=method,
        saturated=saturated,
        names=names,
        threads=threads,
    )


def _without_ambient(given: GivenFrames) -> list[npt.NDArray[Any]]:
    """Linear frames less the ambient one; a sample that was saturated stays so."""
    dark = np.float32(0) if given.ambient is None else to_linear(given.ambient)
    out = []
    for frame in given.frames:
        linear = to_linear(frame)
        full = brightest(linear) >= SATURATED if linear.ndim == 3 else linear >= SATURATED
        linear = np.maximum(linear - dark, 0)
        linear[full] = 1.0
        out.append(linear)
    return out


def _is_grey(image: npt.NDArray[Any]) -> bool:
    return bool(
        np.array_equal(image[::8, ::8, 0], image[::8, ::8, 1])
        and np.array_equal(image[..., 0], image[..., 1])
        and np.array_equal(image[..., 0], image[..., 2])
    )


def _of_object(maps: ObjectMaps, given: GivenFrames, lights: Lights, notes: list[str]) -> Solved:
    found = {name: getattr(maps, name) for name in MAP_NAMES}
    meta = {
        "card": False,
        "unit": maps.unit,
        "reflectance": maps.reflectance.describe(),
        "seconds": {name: round(taken, 3) for name, taken in maps.seconds.items()},
    }
    full = max((float(np.nanmax(f.pixels)) for f in given.frames), default=1.0)

    def draw(frame: Frame) -> Draw:
        if frame.pixels.dtype == np.float32:
            pixels = np.nan_to_num(np.asarray(frame.pixels, np.float32))
            return lambda: to_srgb_u8(pixels / np.float32(max(full, 1e-9)))
        return lambda: to_srgb_u8(to_linear(frame))

    frames = [(frame.name, draw(frame)) for frame in given.frames]
    return Solved(found, maps.mask, lights.directions, frames, False, meta, tuple(notes), maps.warnings)

"""The run that grades a card: decode, measure, inspect, grade. The command line and the job both call it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rcg.capture.card_input import CardInput, FrameFile, SideInput, refuse_identical, sha256_of
from rcg.errors import RcgError
from rcg.grading.grade import grade_card
from rcg.grading.inspect import Detector, inspect_side
from rcg.grading.schema import CardHeader, FrameUsed, GradeReport, ModelUsed, Side, SideName
from rcg.photometric import chain, images
from rcg.photometric.lights import camera_px_per_mm, lit_names, resolve
from rcg.photometric.types import DEFAULT_PX_PER_MM, CardSize, Frame, Maps

Progress = Callable[[float, str], None]
EachSide = Callable[[SideName, Maps], None]

DEFAULT_WIDTH_MM, DEFAULT_HEIGHT_MM = 63.0, 88.0
_ORDER: tuple[SideName, ...] = ("front", "back")


@dataclass(frozen=True)
class GradeOutcome:
    """A graded card.

    Attributes:
        report: the whole report.
        seconds: how long each stage of each side took, ``"front.locate"``; never part of the report.
    """

    report: GradeReport
    seconds: dict[str, float]


@dataclass(frozen=True)
class _Decoded:
    frames: list[Frame]  # until they are registered
    used: list[FrameUsed]
    keys: list[str]


def chosen_size(width_mm: float | None, height_mm: float | None) -> CardSize:
    """Return the card size as the user chose it, or the default of 63 x 88 mm."""
    if width_mm is None or height_mm is None:
        return CardSize(DEFAULT_WIDTH_MM, DEFAULT_HEIGHT_MM, "default")
    return CardSize(width_mm, height_mm, "chosen")


def grade_input(
    card: CardInput,
    *,
    name: str | None = None,
    set_name: str | None = None,
    size: CardSize | None = None,
    px_per_mm: float = DEFAULT_PX_PER_MM,
    mat_scale: float | None = None,
    max_megapixels: float = images.DEFAULT_MAX_MEGAPIXELS,
    threads: int = 1,
    progress: Progress | None = None,
    each_side: EachSide | None = None,
    models: Sequence[tuple[ModelUsed, Detector]] = (),
) -> GradeOutcome:
    """Grade a card from its files.

    Args:
        card: the sides and their frames.
        name, set_name: for the report's head.
        size: of the card; the default is 63 x 88 mm. A rig's scale overrides it.
        px_per_mm: scale of the maps.
        mat_scale: measured over nominal length of the mat's scale bar; None when it was not measured.
        max_megapixels: larger photographs are refused before decoding.
        threads: compute threads.
        progress: told (0..1, what is being done); may raise to cancel.
        models: trained models that look at each side, and how the report names them.
        each_side: given each side's maps once they are inspected, to draw from; they are freed after it.

    Raises:
        RcgError: what is wrong with the input; with two sides the message says which.
    """
    size = size or chosen_size(None, None)
    names = [side for side in _ORDER if side in card.sides]
    sides: dict[SideName, Side] = {}
    seconds: dict[str, float] = {}
    hashed: list[tuple[str, str]] = []
    for index, side in enumerate(names):
        report = _part_of(progress, index, len(names), side)
        try:
            decoded = _decode(card.sides[side], max_megapixels, threads, seconds, side)
            hashed += [(key, used.sha256) for key, used in zip(decoded.keys, decoded.used, strict=True)]
            refuse_identical([(file_name.partition(":")[2], sha) for file_name, sha in hashed])
            maps = _measured(card.sides[side], decoded, size, px_per_mm, mat_scale, threads, report)
            seconds |= {f"{side}.{stage}": taken for stage, taken in maps.seconds.items()}
            report(0.8, "Measuring borders, corners, edges and surface")
            began = time.perf_counter()
            sides[side] = inspect_side(
                maps, _frames_used(decoded, maps), [detector for _, detector in models], threads=threads
            )
            seconds[f"{side}.inspect"] = time.perf_counter() - began
            if each_side:
                report(0.9, "Drawing the layers")
                began = time.perf_counter()
                each_side(side, maps)
                seconds[f"{side}.pictures"] = time.perf_counter() - began
            size_used = maps.size
        except RcgError as error:
            if len(names) > 1:
                error.detail = f"{side.capitalize()}: {error.detail}"
                error.data.setdefault("side", side)
            raise
        if index == 0:
            header = CardHeader(
                name=name,  # not the folder's: nothing of a path stands in a report
                set_name=set_name,
                width_mm=size_used.width_mm,
                height_mm=size_used.height_mm,
                size_source=size_used.source,
            )
    began = time.perf_counter()
    graded = grade_card(header, sides.get("front"), sides.get("back"), [used for used, _ in models])
    seconds["grade"] = time.perf_counter() - began
    if progress:
        progress(1.0, "Graded")
    return GradeOutcome(graded, seconds)


def measure_side(
    side: SideInput,
    size: CardSize,
    *,
    px_per_mm: float = DEFAULT_PX_PER_MM,
    mat_scale: float | None = None,
    max_megapixels: float = images.DEFAULT_MAX_MEGAPIXELS,
    threads: int = 1,
    progress: Progress | None = None,
) -> Maps:
    """Measure one side without grading it: decode its frames and solve its maps.

    Args:
        side: its files and lights.
        size, px_per_mm, mat_scale, max_megapixels, threads, progress: as for :func:`grade_input`.

    Raises:
        RcgError: what is wrong with the input.
    """
    decoded = _decode(side, max_megapixels, threads, {}, "front")
    report = progress or (lambda _fraction, _message: None)
    return _measured(side, decoded, size, px_per_mm, mat_scale, threads, report)


def _part_of(progress: Progress | None, index: int, count: int, side: SideName) -> Progress:
    """Return a progress for one of several sides."""

    def report(fraction: float, message: str) -> None:
        if progress:
            progress((index + fraction) / count, f"{side}: {message}" if count > 1 else message)

    return report


def _decode(
    side: SideInput, max_megapixels: float, threads: int, seconds: dict[str, float], name: SideName
) -> _Decoded:
    def one(file: FrameFile) -> tuple[Frame, FrameUsed]:
        data = file.read()
        frame = images.decode(data, name=file.light, file_name=file.file_name, max_megapixels=max_megapixels)
        height, width = frame.pixels.shape[:2]
        return frame, FrameUsed(
            light=frame.name,
            sha256=file.sha256 or sha256_of(data),
            width_px=width,
            height_px=height,
            bits=8 * frame.pixels.dtype.itemsize,
            shift_px=None,
            residual_px=None,
        )

    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        pairs = list(pool.map(one, side.frames))
    seconds[f"{name}.decode"] = time.perf_counter() - began
    keys = [f"{name}{index}:{file.file_name}" for index, file in enumerate(side.frames)]
    return _Decoded([frame for frame, _ in pairs], [used for _, used in pairs], keys)


def _measured(
    side: SideInput,
    decoded: _Decoded,
    size: CardSize,
    px_per_mm: float,
    mat_scale: float | None,
    threads: int,
    report: Progress,
) -> Maps:
    report(0.05, "Photographs read")
    names = [frame.name for frame in decoded.frames]
    lights = None
    if len(names) > 1:
        lights = resolve(side.lights, lit_names(side.lights, names))
    return chain.measure(
        decoded.frames,
        lights,
        size,
        px_per_mm=px_per_mm,
        camera_px_per_mm=camera_px_per_mm(side.lights),
        mat_scale=mat_scale,
        threads=threads,
        progress=lambda fraction, message: report(0.05 + 0.75 * fraction, message),
        registered=decoded.frames.clear,
    )


def _frames_used(decoded: _Decoded, maps: Maps) -> list[FrameUsed]:
    """Return what each frame that entered the maps was, in the maps' order."""
    by_light = {used.light: used for used in reversed(decoded.used)}
    registration = maps.registration
    return [
        by_light[name].model_copy(update={"shift_px": _known(shift), "residual_px": _known(residual)})
        for name, shift, residual in zip(
            maps.frame_names, registration.shift_px, registration.residual_px, strict=True
        )
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)

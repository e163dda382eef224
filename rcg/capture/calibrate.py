"""From photographs of a ball or a white card to a rig's calibration; the command line and the job call it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from rcg.capture.card_input import FrameFile, refuse_identical, sha256_of
from rcg.capture.lights.calibration import (
    Figure,
    FlatCalibration,
    FlatMeasured,
    LightMeasured,
    LightsCalibration,
    vectors_of,
)
from rcg.capture.lights.driver import ring_names
from rcg.capture.lights.places import Places, Ring, count_of
from rcg.photometric import images
from rcg.photometric.calibrate import (
    BallOptions,
    BallResult,
    CalibrationError,
    CardPlace,
    FlatResult,
    RefineResult,
    fit_flat,
    measure_ball,
    read_card,
    refine_lights,
)
from rcg.photometric.lights import AMBIENT_NAMES, split_light, stem
from rcg.photometric.types import Frame

Progress = Callable[[float, str], None]
_READING = 0.3


@dataclass(frozen=True)
class Reading:
    """How photographs are read.

    Attributes:
        max_megapixels: larger ones are refused before decoding.
        threads: compute threads.
        progress: told (0..1, what is being done); may raise to cancel.
    """

    max_megapixels: float = images.DEFAULT_MAX_MEGAPIXELS
    threads: int = 1
    progress: Progress | None = None


def lights_of_files(file_names: Sequence[str], lights: Sequence[str]) -> list[str]:
    """Return the light of each file: by the end of its name, else in their order.

    >>> lights_of_files(["ball_2.jpg", "ball_1.jpg", "dark.jpg"], ["1", "2"])
    ['2', '1', 'ambient']
    >>> lights_of_files(["IMG_0101.jpg", "IMG_0102.jpg"], ["1", "2"])
    ['1', '2']

    Raises:
        CalibrationError: their number is not the lights'.
    """
    told = [split_light(stem(name))[1] for name in file_names]
    told = ["ambient" if light in AMBIENT_NAMES else light for light in told]
    if sorted(light or "" for light in told if light != "ambient") == sorted(lights):
        return [light or "" for light in told]
    lit = [name for name, light in zip(file_names, told, strict=True) if light != "ambient"]
    if len(lit) != len(lights):
        raise CalibrationError(
            "wrong_count",
            f"{len(lit)} photographs under a light came; there are {len(lights)} lights.",
            "Give one per light, in order or named 1.jpg, 2.jpg, ...; one more may be ambient.",
        )
    numbered = dict(zip(lit, lights, strict=True))
    return [numbered.get(name, "ambient") for name in file_names]


def calibrate_ball(
    sets: Sequence[Sequence[FrameFile]],
    options: BallOptions,
    reading: Reading,
    places: Places | None = None,
) -> tuple[LightsCalibration, BallResult]:
    """Measure lights by balls.

    Args:
        sets: a set of files for each place of the ball.
        options: what is known beforehand.
        reading: how the files are read.
        places: of the rig: its distances make places of directions where the ball's size is known.
    """
    frames = [_decoded(files, reading, index, len(sets)) for index, files in enumerate(sets)]
    known = vectors_of(places, None) if places is not None else None
    if known is not None and known[1] and options.ball_mm is None:
        raise CalibrationError(
            "no_size",
            "The rig knows its lights' places in millimetres, and the ball's diameter was not given.",
            "Give it (--ball-mm): places are better than directions.",
        )
    one_ball = len(sets) * options.balls == 1
    if known is not None and known[1] and one_ball:
        away = np.linalg.norm(known[0], axis=1)
        options = replace(options, distances_mm=tuple(float(each) for each in away))
    found = measure_ball(frames, options, _part(reading.progress))
    distance = "unknown" if not found.near else "told" if one_ball else "measured"
    lights = [
        LightMeasured(
            name=light.name,
            vector=_vector(light.position_mm if light.position_mm is not None else light.direction),
            se_deg=round(light.se_deg, 3),
            se_mm=None if light.position_se_mm is None else _vector(light.position_se_mm),
        )
        for light in found.lights
    ]
    remarks = list(found.remarks)
    if distance == "told":
        remarks.append("One ball tells directions; the distances are the rig's own.")
    return LightsCalibration(
        by="ball", at=_now(), near=found.near, distance=distance, lights=lights, remarks=remarks
    ), found  # fmt: skip


def calibrate_flat(
    files: Sequence[FrameFile], place: CardPlace, reading: Reading
) -> tuple[FlatCalibration, FlatResult]:
    """Measure a flat field on a white card."""
    card = read_card(_decoded(files, reading), place, threads=reading.threads)
    if reading.progress:
        reading.progress(0.8, "Fitting the light's fall")
    found = fit_flat(card)
    lights = [
        FlatMeasured(
            name=light.name, level=round(light.level, 5), unevenness=round(light.unevenness, 4),
            residual=round(light.residual, 5),
        )
        for light in found.lights
    ]  # fmt: skip
    log = [[round(float(value), 6) for value in row] for row in found.field.log]
    return FlatCalibration(
        at=_now(), half_mm=found.field.half_mm, log=log, lights=lights, dust=round(found.dust, 4),
        texture=round(found.texture, 4), where=found.where, remarks=list(found.remarks),
    ), found  # fmt: skip


def calibrate_ring(
    files: Sequence[FrameFile], places: Places, place: CardPlace, reading: Reading
) -> tuple[LightsCalibration, RefineResult]:
    """Refine a rig's told places on a white card.

    Raises:
        CalibrationError: the rig knows no places in millimetres.
    """
    told, near = vectors_of(places, None)
    if not near:
        raise CalibrationError(
            "no_places",
            "The rig knows no places of its lights in millimetres, so there is nothing to refine.",
            "Measure the ring's radius and height with a ruler and set them, or use a ball.",
        )
    card = read_card(_decoded(files, reading), place, threads=reading.threads)
    if reading.progress:
        reading.progress(0.7, "Fitting the lights' places")
    found = refine_lights(card, told, ring=isinstance(places, Ring))
    lights = [
        LightMeasured(
            name=name, vector=_vector(at), se_mm=_vector(sd), intensity=round(float(strength), 5),
            se_deg=round(float(np.rad2deg(np.linalg.norm(sd) / np.linalg.norm(at))), 3),
        )
        for name, at, sd, strength in zip(
            found.names, found.positions_mm, found.position_se_mm, found.intensities, strict=True
        )
    ]  # fmt: skip
    figures = [
        Figure(
            name=p.name, unit=p.unit, before=round(p.before, 3), after=round(p.after, 3), se=round(p.se, 3),
            determined=p.determined,
        )
        for p in found.parameters
    ]  # fmt: skip
    return LightsCalibration(
        by="ring", at=_now(), near=True, distance="measured", lights=lights, before=round(found.before, 5),
        after=round(found.after, 5), figures=figures, remarks=list(found.remarks),
    ), found  # fmt: skip


def names_of(places: Places) -> list[str]:
    """Return the names of a rig's lights, in order."""
    return list(ring_names(count_of(places)))


def _decoded(files: Sequence[FrameFile], reading: Reading, index: int = 0, count: int = 1) -> list[Frame]:
    def one(file: FrameFile) -> tuple[Frame, str]:
        data = file.read()
        frame = images.decode(
            data, name=file.light, file_name=file.file_name, max_megapixels=reading.max_megapixels
        )
        return frame, file.sha256 or sha256_of(data)

    if reading.progress:
        reading.progress(_READING * index / count, "Reading the photographs")
    with ThreadPoolExecutor(max_workers=max(1, reading.threads)) as pool:
        pairs = list(pool.map(one, files))
    refuse_identical([(file.file_name, sha) for file, (_, sha) in zip(files, pairs, strict=True)])
    frames = [frame for frame, _ in pairs]
    return sorted(
        frames, key=lambda frame: (not frame.name.isdigit(), int(frame.name) if frame.name.isdigit() else 0)
    )


def _part(progress: Progress | None) -> Progress | None:
    if progress is None:
        return None
    return lambda done, message: progress(_READING + (1 - _READING) * done, message)


def _vector(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 5) for value in values)
    return x, y, z


def _now() -> int:
    return int(time.time() * 1000)

"""The flat field of a rig: how evenly each light shines, from a matte white card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.calibrate.card_reading import CardPlace, CardReading, read_card
from rcg.photometric.calibrate.errors import CalibrationError
from rcg.photometric.flat_field import TERMS, FlatField, design
from rcg.photometric.types import Frame

Array = npt.NDArray[np.float64]

_WORST_RESIDUAL = 0.03
"""patches that scatter more about the smooth field are no evenly matte card"""
_DUST = 3.0
"""robust standard deviations beyond which a patch is dust and left out"""


@dataclass(frozen=True)
class FlatLight:
    """How one light shines on the card.

    Attributes:
        name, file_name: its frame.
        level: brightness in the card's middle over that of all lights.
        unevenness: brightest over dimmest part of the card, less one.
        residual: root mean square of what the smooth field leaves, relative.
    """

    name: str
    file_name: str
    level: float
    unevenness: float
    residual: float


@dataclass(frozen=True)
class FlatResult:
    """A rig's flat field.

    Attributes:
        field: of all lights, in the order of the frames.
        lights: what to show of each.
        dust: share of the patches that were left out.
        texture: scatter of the card's own brightness, relative.
        where: by what the card was placed, in words.
        remarks: what to know of it.
    """

    field: FlatField
    lights: tuple[FlatLight, ...]
    dust: float
    texture: float
    where: str
    remarks: tuple[str, ...] = ()


def measure_flat(
    frames: Sequence[Frame], place: CardPlace | None = None, *, at: str | None = None, threads: int = 1
) -> FlatResult:
    """Measure a flat field. See :func:`read_card` for what is refused."""
    return fit_flat(read_card(frames, place, threads=threads), at=at)


def fit_flat(reading: CardReading, *, at: str | None = None) -> FlatResult:
    """Fit the smooth field of each light to a card's patches.

    Raises:
        CalibrationError: too few patches, or a card whose brightness is not smooth: glossy, bent sharply,
        shaded.
    """
    uv = reading.xy_mm / np.array(reading.half_mm)
    if len(uv) < 2 * TERMS:
        raise CalibrationError(
            "too_small",
            f"The card gives {len(uv)} patches of 2.5 mm; {2 * TERMS} are needed.",
            "Use a card of the size of a trading card or larger.",
        )
    terms = design(uv)
    log = np.empty((len(reading.names), TERMS))
    lights, dust = [], []
    for k, name in enumerate(reading.names):
        log[k], keep = _robust(terms, reading.log[k])
        residual = float(np.sqrt(((reading.log[k] - terms @ log[k])[keep] ** 2).mean()))
        dust.append(1 - keep.mean())
        if residual > _WORST_RESIDUAL or dust[-1] > 0.25:
            raise CalibrationError(
                "not_matte",
                f"Frame {name}: the card's brightness departs from a smooth one by {residual:.1%}, and "
                f"{dust[-1]:.0%} of it had to be left out.",
                "Use a flat, evenly matte white card, and keep shadows off it.",
                frame=name,
            )
        span = terms @ log[k]
        middle = float(np.exp(log[k, 0]))
        uneven = float(np.exp(np.ptp(span)) - 1)
        lights.append(FlatLight(name, reading.file_names[k], middle, uneven, residual))
    mean = float(np.exp(np.mean([np.log(light.level) for light in lights])))
    log[:, 0] -= np.log(mean)
    lights = [
        FlatLight(light.name, light.file_name, light.level / mean, light.unevenness, light.residual)
        for light in lights
    ]
    return FlatResult(
        FlatField(reading.half_mm, log, at), tuple(lights), float(np.mean(dust)), reading.texture,
        reading.where, tuple(_remarks(lights)),
    )  # fmt: skip


def _robust(terms: Array, values: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Least squares without the patches that lie off by more than three robust standard deviations."""
    keep = np.ones(len(values), bool)
    solution: Array = np.zeros(terms.shape[1])
    for _ in range(6):
        solution = np.asarray(np.linalg.lstsq(terms[keep], values[keep], rcond=None)[0])
        off = np.abs(values - terms @ solution)
        limit = _DUST * max(1.4826 * float(np.median(off)), 0.002)
        again = off <= limit
        if (again == keep).all() or again.sum() < 2 * terms.shape[1]:
            break
        keep = again
    return solution, keep


def _remarks(lights: Sequence[FlatLight]) -> list[str]:
    levels = np.array([light.level for light in lights])
    said = []
    if levels.max() > 1.5 * levels.min():
        dim, bright = lights[int(levels.argmin())], lights[int(levels.argmax())]
        said.append(
            f"Light {dim.name} is {levels.min() / levels.max():.0%} as bright as light {bright.name}. That "
            "is corrected, but its frame is noisier."
        )
    return said

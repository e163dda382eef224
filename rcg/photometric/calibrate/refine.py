"""Lights whose places are roughly known, refined by how their light falls off over a flat matte card.

The brightness under light i is ``c(x) e_i z_i b_i(x) / d_i(x)^3``: the card's own and the camera's part c is
the same in all frames and drops out of the differences of logarithms; b is the lamp's beam, a power of the
cosine about its axis wherever that is aimed. Strengths, beam, and the ring's
radius, height, turn and middle (or each light's place) are fitted with what was told as a prior, so that
what the card does not tell stays as it was; how far a parameter's error shrank says which was determined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from rcg.photometric.calibrate.card_reading import CardReading
from rcg.photometric.calibrate.errors import CalibrationError
from rcg.photometric.flatten_frames import predicted

Array = npt.NDArray[np.float64]

_NOISE = 0.004
"""least relative error of a patch: fine structure of paper, eight bits"""
_RADIUS_PRIOR = 0.15
_HEIGHT_PRIOR = 0.15
_TURN_PRIOR_DEG = 8.0
_MIDDLE_PRIOR_MM = 10.0
_PLACE_PRIOR = 0.08
"""standard deviation of a told place, of its distance"""
_STRENGTH_PRIOR = 0.7
_BEAM_PRIOR = 1.0
"""of the exponent of the cosine: 0 is a point light, 1 a bare LED"""
_AIM_PRIOR_MM = 15.0
"""of where on the card's plane a lamp's axis points"""
_ASIDE_PRIOR = 0.0004
"""of a gradient that no beam explains, per mm"""
_PATCHES = 300
_ROUNDS = 40
_LEARNED = 0.5
"""a parameter counts as determined when its error is below this share of what was known before"""
_WORST_BEFORE, _WORST_AFTER = 0.15, 0.01
_TURNED_DEG = 25.0
"""a light that was told so wrongly was not told at all"""


@dataclass(frozen=True)
class Parameter:
    """One number of the rig.

    Attributes:
        name, unit: for people.
        before, after: its value.
        se: standard error after.
        determined: whether the card told it; otherwise it is about what was told before.
    """

    name: str
    unit: str
    before: float
    after: float
    se: float
    determined: bool


@dataclass(frozen=True)
class RefineResult:
    """Refined lights.

    Attributes:
        names: of the lights.
        positions_mm, position_se_mm: (n, 3).
        intensities: (n,) relative, geometric mean 1.
        parameters: what was fitted, without the strengths.
        before, after: root mean square of the relative misfit over the card, strengths fitted both times.
        remarks: what could not be determined.
    """

    names: tuple[str, ...]
    positions_mm: Array
    position_se_mm: Array
    intensities: Array
    parameters: tuple[Parameter, ...]
    before: float
    after: float
    remarks: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Model:
    """Places as a function of parameters around 0, each with its prior standard deviation."""

    places: Callable[[Array], Array]
    prior: Array
    labels: tuple[tuple[str, str, float], ...]
    """name, unit, value before"""


def refine_lights(
    reading: CardReading,
    positions_mm: Array,
    *,
    ring: bool,
) -> RefineResult:
    """Refine near lights on a card.

    Args:
        reading: of the card, in the rig's axes, one frame per light in their order.
        positions_mm: (n, 3) as told.
        ring: the lights stand evenly on one ring and move together; otherwise each is refined by itself.

    Raises:
        CalibrationError: counts that differ, fewer than four lights, or a card that no place of the lights
        explains.
    """
    n = len(reading.names)
    if n != len(positions_mm):
        raise CalibrationError(
            "wrong_count", f"{n} frames under a light came; the rig has {len(positions_mm)} lights.",
            "Give one frame per light, in the rig's order.",
        )  # fmt: skip
    if n < 4:
        raise CalibrationError("too_few", f"{n} lights cannot be refined.", "Use four or more.")
    model = _ring(positions_mm) if ring else _single(positions_mm)
    k = len(model.prior)
    every = max(1, len(reading.xy_mm) // _PATCHES)
    xy, log = reading.xy_mm[::every], reading.log[:, ::every]
    seen = log - log.mean(0)
    prior = np.concatenate(
        [
            model.prior,
            [_BEAM_PRIOR],
            np.full(2 * n, _AIM_PRIOR_MM),
            np.full(2 * n, _ASIDE_PRIOR),
            np.full(n, _STRENGTH_PRIOR),
        ]
    )

    def misfit(p: Array) -> Array:
        places = model.places(p[:k])
        told = np.log(predicted(places, places, np.ones(n), xy)) + p[-n:, None]
        aim, aside = p[k + 1 : -n].reshape(2, n, 2)
        told += p[k] * np.log(_about_axis(places, aim, xy)) + aside @ xy.T
        return np.asarray(seen - (told - told.mean(0)))

    def weighted(p: Array, sd: float) -> Array:
        return np.concatenate([misfit(p).ravel() / sd, p / prior])

    start = np.zeros(len(prior))
    start[-n:] = np.median(misfit(start), axis=1)
    before = _rms(misfit(start))
    if before > _WORST_BEFORE:
        raise _no_fit(before, before)
    noise = max(_NOISE, 0.5 * before)
    for _ in range(3):
        found = least_squares(
            weighted,
            start,
            args=(noise,),
            loss="soft_l1",
            x_scale=prior,
            max_nfev=_ROUNDS,
        )
        start = found.x
        noise = max(_NOISE, _rms(misfit(start)))
    places, strength = model.places(start[:k]), start[-n:]
    after = _rms(misfit(start))
    moved = (
        (positions_mm * places).sum(1) / np.linalg.norm(positions_mm, axis=1) / np.linalg.norm(places, axis=1)
    )
    if after > _WORST_AFTER or (places[:, 2] <= 0).any() or moved.min() < np.cos(np.deg2rad(_TURNED_DEG)):
        raise _no_fit(before, after)
    # Neighbouring patches share the paper's and the lamp's structure: a third of them count.
    jacobian = _numeric(lambda p: misfit(p).ravel(), start, 1e-3 * prior) / (noise * np.sqrt(3.0))
    covariance = np.linalg.inv(jacobian.T @ jacobian + np.diag(prior**-2.0))
    sd = np.sqrt(np.diag(covariance))
    slope = _numeric(lambda p: model.places(p).ravel(), start[:k], 1e-3 * model.prior)
    place_sd = np.sqrt(np.einsum("ij,jk,ik->i", slope, covariance[:k, :k], slope)).reshape(n, 3)
    parameters = tuple(
        Parameter(name, unit, at, at + float(start[i]), float(sd[i]), bool(sd[i] < _LEARNED * model.prior[i]))
        for i, (name, unit, at) in enumerate(model.labels)
    )
    strength = strength - strength.mean()
    return RefineResult(
        reading.names, places, place_sd, np.exp(strength), parameters, before, after,
        tuple(_remarks(parameters)),
    )  # fmt: skip


def _no_fit(before: float, after: float) -> CalibrationError:
    return CalibrationError(
        "no_fit",
        f"No place of the lights explains the card: {after:.1%} is left, of {before:.1%} before.",
        "See that the frames are in the rig's order and the card is flat; else use a ball.",
    )


def _about_axis(places: Array, aim_mm: Array, xy_mm: Array) -> Array:
    """(n, k) cosine between a lamp's axis, aimed at a place on the plane, and its ray to each place."""
    rays = np.concatenate([xy_mm, np.zeros((len(xy_mm), 1))], axis=1)[None] - places[:, None]
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    axis = np.column_stack([aim_mm, np.zeros(len(aim_mm))]) - places
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    return np.asarray(np.clip(np.einsum("nki,ni->nk", rays, axis), 0.05, 1))


def _numeric(function: Callable[[Array], Array], at: Array, steps: Array) -> Array:
    """Numeric Jacobian with a step of its own for each parameter."""
    columns = []
    for i, length in enumerate(steps):
        step = np.zeros_like(at)
        step[i] = length
        columns.append((function(at + step) - function(at - step)) / (2 * length))
    return np.asarray(np.stack(columns, axis=1))


def _ring(positions_mm: Array) -> _Model:
    middle = positions_mm[:, :2].mean(0)
    radius = float(np.hypot(*(positions_mm[:, :2] - middle).T).mean())
    height = float(positions_mm[:, 2].mean())
    angle = np.arctan2(*(positions_mm[:, :2] - middle).T)

    def places(p: Array) -> Array:
        turned = angle + np.deg2rad(p[2])
        flat = middle + p[3:5] + (radius + p[0]) * np.column_stack([np.sin(turned), np.cos(turned)])
        return np.column_stack([flat, np.full(len(angle), max(height + p[1], 1.0))])

    prior = np.array(
        [_RADIUS_PRIOR * radius, _HEIGHT_PRIOR * height, _TURN_PRIOR_DEG, _MIDDLE_PRIOR_MM, _MIDDLE_PRIOR_MM]
    )
    first = float(np.rad2deg(angle[0]))
    labels = (
        ("Radius", "mm", radius), ("Height", "mm", height), ("Light 1 turned by", "°", first),
        ("Middle, x", "mm", float(middle[0])), ("Middle, y", "mm", float(middle[1])),
    )  # fmt: skip
    return _Model(places, prior, labels)


def _single(positions_mm: Array) -> _Model:
    away = np.linalg.norm(positions_mm, axis=1)

    def places(p: Array) -> Array:
        return np.asarray(positions_mm + p.reshape(-1, 3))

    labels = tuple(
        (f"Light {i + 1}, {axis}", "mm", float(positions_mm[i, j]))
        for i in range(len(positions_mm))
        for j, axis in enumerate("xyz")
    )
    return _Model(places, np.repeat(_PLACE_PRIOR * away, 3), labels)


def _rms(values: Array) -> float:
    """Root mean square without the farthest twentieth: dust."""
    flat = np.sort(np.abs(values).ravel())
    return float(np.sqrt((flat[: max(1, int(0.95 * len(flat)))] ** 2).mean()))


def _remarks(parameters: tuple[Parameter, ...]) -> list[str]:
    missed = [p.name.lower() for p in parameters if not p.determined]
    if not missed:
        return []
    if len(missed) > 5:
        share = f"{len(missed)} of {len(parameters)} coordinates"
        return [f"{share} could not be told from the card and stay about as they were."]
    return [f"The card does not tell {', '.join(missed)}: it stays about as it was."]

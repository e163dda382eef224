"""What a step does that moves nothing: light, noise, blur, missing layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rcg.datasets.augment.ops import GROUPS, PHOTOGRAPHS, Blur, Colour, Gamma, LayerDropout, Noise
from rcg.datasets.augment.ops import StepBase as Step
from rcg.datasets.augment.pixels import as_float32, unit_vectors
from rcg.datasets.layers import Role
from rcg.datasets.sample import LayerArray
from rcg.errors import InputError

Layers = dict[str, LayerArray]
Pixels = npt.NDArray[Any]

_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
_POOL, _PIECE = 1 << 20, 1 << 16
_LEVELS = np.arange(256) / 255.0


def change(step: Step, layers: Layers, rng: np.random.Generator, notes: list[str]) -> Layers:
    """Return layers changed by a step's draw."""
    return _CHANGES[type(step)](step, layers, rng, notes)


def _colour(step: Colour, layers: Layers, rng: np.random.Generator, notes: list[str]) -> Layers:
    brightness, contrast = _factor(rng, step.brightness), _factor(rng, step.contrast)
    saturation, hue = 1 + _either(rng, step.saturation) / 100, math.radians(_either(rng, step.hue))
    notes.append(
        f"light x {brightness:.2f}, contrast x {contrast:.2f}, saturation x {saturation:.2f}, "
        f"hue {math.degrees(hue):+.0f}°"
    )

    def tone(value: Pixels) -> Pixels:
        lit = _encoded(_linear(value) * brightness)
        return np.asarray((lit - 0.5) * contrast + 0.5)

    cos, sin = saturation * math.cos(hue), saturation * math.sin(hue)
    mix = _FROM_YIQ @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ _TO_YIQ
    table = _table(tone)
    grey = np.allclose(mix, np.eye(3))

    def apply(array: Pixels) -> Pixels:
        toned = _toned(array, tone, table)
        if grey or toned.ndim == 2:
            return toned
        mixed = cv2.transform(toned, mix)
        return mixed if toned.dtype == np.uint8 else np.clip(mixed, 0, 1)

    return _each(layers, PHOTOGRAPHS, apply)


def _gamma(step: Gamma, layers: Layers, rng: np.random.Generator, notes: list[str]) -> Layers:
    exponent = _factor(rng, step.amount)
    notes.append(f"gamma {exponent:.2f}")

    def tone(value: Pixels) -> Pixels:
        return np.asarray(value**exponent)

    table = _table(tone)
    return _each(layers, PHOTOGRAPHS, lambda array: _toned(array, tone, table))


def _noise(step: Noise, layers: Layers, rng: np.random.Generator, notes: list[str]) -> Layers:
    strength = float(rng.uniform())
    notes.append(f"noise at {100 * strength:.0f} %")
    levels = step.photograph * strength
    sigmas: dict[Role, float] = {
        "colour": levels, "albedo": levels, "light": levels, "normal": math.radians(step.normal * strength),
        "height": step.height * strength, "curvature": step.curvature * strength,
    }  # fmt: skip
    out = dict(layers)
    for name, layer in layers.items():
        sigma = sigmas.get(layer.role, 0.0)
        if sigma > 0:
            out[name] = LayerArray(layer.role, _noisy(layer, sigma, rng))
    return out


def _noisy(layer: LayerArray, sigma: float, rng: np.random.Generator) -> Pixels:
    """A layer with Gaussian noise: photographs in levels of 255, normals tilted, measurements in their
    unit.
    """
    array = layer.array
    if layer.role == "normal":
        noisy = np.array(as_float32(array))
        noisy[..., :2] += _normal_numbers(rng, (*array.shape[:2], 2)) * np.float32(sigma)
        return unit_vectors(noisy)
    noise = _normal_numbers(rng, array.shape) * np.float32(sigma)
    if array.dtype == np.uint8:
        return cv2.add(array, noise, dtype=cv2.CV_8U)  # rounds and keeps to 0..255
    if layer.role in PHOTOGRAPHS:
        return np.clip(array + noise / 255, 0, 1)
    return np.asarray(as_float32(array) + noise)


def _blur(step: Blur, layers: Layers, rng: np.random.Generator, notes: list[str]) -> Layers:
    sigma = float(rng.uniform()) * step.sigma
    if sigma < 0.1:  # the kernel would be a single one
        return layers
    notes.append(f"blurred by {sigma:.1f} px")

    def apply(array: Pixels) -> Pixels:
        return cv2.GaussianBlur(as_float32(array), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)

    out = _each(layers, PHOTOGRAPHS, apply)
    if step.relief:
        out = _each(out, frozenset({"height", "curvature", "specular"}), apply)
        out = _each(out, frozenset({"normal"}), lambda array: unit_vectors(apply(array)))
    return out


def _layer_dropout(step: LayerDropout, layers: Layers, rng: np.random.Generator, notes: list[str]) -> Layers:
    roles = {layer.role for layer in layers.values()}
    there = [name for name, group in GROUPS.items() if roles & group]
    pick = int(rng.integers(0, len(there))) if there else 0
    if len(there) < 2 or (step.group != "any" and step.group not in there):
        return layers
    chosen = step.group if step.group != "any" else there[pick]
    notes.append(f"{chosen} left out")
    return _each(layers, GROUPS[chosen], blank)


def blank(array: Pixels) -> Pixels:
    """Return what stands for a layer that is not there: black, or a flat surface without measurement."""
    out = np.zeros_like(array)
    if out.ndim == 3 and out.dtype.kind == "f":
        out[..., 2] = 1
    return out


def _each(
    layers: Mapping[str, LayerArray], roles: frozenset[Role], apply: Callable[[Pixels], Pixels]
) -> Layers:
    return {
        name: LayerArray(layer.role, apply(layer.array)) if layer.role in roles else layer
        for name, layer in layers.items()
    }


def _table(tone: Callable[[Pixels], Pixels]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(tone(_LEVELS), 0, 1) * 255), np.uint8)


def _toned(array: Pixels, tone: Callable[[Pixels], Pixels], table: npt.NDArray[np.uint8]) -> Pixels:
    """A photograph through a tone curve: 8 bit by a table, floats of 0..1 by the curve itself."""
    if array.dtype == np.uint8:
        return cv2.LUT(array, table)
    if array.dtype.kind != "f":
        raise InputError(
            f"A photograph of {array.dtype} cannot be toned.", "Photographs are uint8, or floats of 0 to 1."
        )
    return np.asarray(np.clip(tone(np.clip(array, 0, 1)), 0, 1), array.dtype)


def _linear(srgb: Pixels) -> Pixels:
    """sRGB values 0..1 as light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _encoded(light: Pixels) -> Pixels:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=1)
def _pool() -> npt.NDArray[np.float32]:
    """A million normal numbers, the same in every process."""
    return np.random.default_rng(0).standard_normal(_POOL, np.float32)


def _normal_numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Draw normal numbers: pieces of the pool from random places on, several times faster than new ones."""
    out = np.empty(math.prod(shape), np.float32)
    for start in range(0, out.size, _PIECE):
        piece = out[start : start + _PIECE]
        at = int(rng.integers(0, _POOL - _PIECE))
        piece[:] = _pool()[at : at + piece.size]
    return out.reshape(shape)


def _either(rng: np.random.Generator, most: float) -> float:
    return float(rng.uniform(-most, most))


def _factor(rng: np.random.Generator, most: float) -> float:
    return math.exp(_either(rng, math.log1p(most / 100)))


_CHANGES: dict[type[Step], Callable[[Any, Layers, np.random.Generator, list[str]], Layers]] = {
    Colour: _colour,
    Gamma: _gamma,
    Noise: _noise,
    Blur: _blur,
    LayerDropout: _layer_dropout,
}

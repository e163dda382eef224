"""From the engine's maps to an item's layers, in one way for rendered cards, captures and grading.

A model sees in a grade what it saw in training only if both come by the same way. So curvature is computed
here anew, on the item's own grid and at a width of one of its pixels, after normals were brought to it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rcg.datasets.layers import LIGHT_PREFIX
from rcg.datasets.sample import LayerArray, Sample
from rcg.photometric import relief
from rcg.photometric.even_light import white_level
from rcg.photometric.linearise import to_srgb_u8
from rcg.photometric.types import BoolArray, FloatArray, Maps

MARGIN_MM = 1.0
"""background kept round a card in an item: enough for the physical edge, not more"""
FINEST_SIGMA_MM = 0.075
_WHITE = 0.95


def sample_of_maps(maps: Maps, *, px_per_mm: float | None = None) -> tuple[Sample, float]:
    """Return a side's maps as an item, and the margin round the card in millimetres.

    Args:
        maps: what the engine computed; without relief the item has its colour alone.
        px_per_mm: scale of the item; the maps' own when None or larger than that.
    """
    margin = min(MARGIN_MM, maps.margin_mm)
    scale = maps.px_per_mm if px_per_mm is None else min(px_per_mm, maps.px_per_mm)
    cut = round((maps.margin_mm - margin) * maps.px_per_mm)
    h, w = (size - 2 * cut for size in maps.albedo.shape[:2])
    window = (slice(cut, cut + h), slice(cut, cut + w))
    size = (max(1, round(w * scale / maps.px_per_mm)), max(1, round(h * scale / maps.px_per_mm)))

    def fit(array: FloatArray) -> FloatArray:
        part = np.ascontiguousarray(array[window])
        return part if size == (w, h) else np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA))

    colour = np.asarray(np.clip(np.rint(fit(maps.colour.astype(np.float32))), 0, 255), np.uint8)
    if maps.normal is None or maps.lights is None:
        return Sample({"colour": LayerArray("colour", colour)}, px_per_mm=scale), margin
    mask = fit((maps.confidence if maps.confidence is not None else maps.albedo[..., 0] * 0) + 0) > 0
    layers = item_layers(
        colour=colour,
        albedo=fit(maps.albedo),
        normal=fit(maps.normal),
        height_um=fit(maps.height_um) if maps.height_um is not None else None,
        specular=fit(maps.specular) if maps.specular is not None else None,
        confidence=fit(maps.confidence) if maps.confidence is not None else None,
        mask=mask,
        px_per_mm=scale,
    )
    card = np.zeros(maps.albedo.shape[:2], bool)
    inner = round(maps.margin_mm * maps.px_per_mm)
    card[inner : -inner or None, inner : -inner or None] = True
    brightest = max(white_level(frame, card) for frame in maps.frames)
    for name, frame in zip(maps.frame_names, maps.frames, strict=True):
        picture = to_srgb_u8(np.minimum(fit(frame) * np.float32(_WHITE / brightest), 1))
        layers[f"{LIGHT_PREFIX}{name}"] = LayerArray("light", picture)
    lights = {
        name: np.asarray(direction, np.float64)
        for name, direction in zip(maps.lights.names, maps.lights.directions, strict=True)
    }
    return Sample(layers, lights=lights, px_per_mm=scale), margin


def item_layers(
    *,
    colour: npt.NDArray[np.uint8],
    albedo: FloatArray,
    normal: FloatArray,
    height_um: FloatArray | None,
    specular: FloatArray | None,
    confidence: FloatArray | None,
    mask: BoolArray,
    px_per_mm: float,
) -> dict[str, LayerArray]:
    """Return the layers of an item from maps that lie on its grid.

    Args:
        colour: (H, W, 3) sRGB.
        albedo: (H, W, 3) linear.
        normal: (H, W, 3), not necessarily of unit length (it may have been averaged).
        height_um, specular, confidence: (H, W) or None.
        mask: (H, W) where normals count.
        px_per_mm: scale of the grid.
    """
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    unit = np.where(length > 1e-6, normal / np.maximum(length, 1e-6), np.array([0, 0, 1], np.float32))
    unit = np.asarray(unit, np.float32)
    sigma_mm = max(FINEST_SIGMA_MM, 1 / px_per_mm)
    curvature = relief.mean_curvature(unit, px_per_mm, sigma_mm=sigma_mm, mask=mask)
    layers = {
        "colour": LayerArray("colour", colour),
        "albedo": LayerArray("albedo", to_srgb_u8(np.clip(albedo * np.float32(_WHITE), 0, 1))),
        "normal": LayerArray("normal", unit.astype(np.float16)),
        "curvature": LayerArray("curvature", curvature.astype(np.float16)),
    }
    if height_um is not None:
        layers["height"] = LayerArray("height", height_um.astype(np.float16))
    if specular is not None:
        layers["specular"] = LayerArray("specular", specular.astype(np.float16))
    if confidence is not None:
        layers["confidence"] = LayerArray("confidence", confidence.astype(np.float16))
    return layers

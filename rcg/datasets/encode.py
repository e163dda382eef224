"""Layers of an item as files: the data that training reads, the picture that people see, a thumbnail, a hash.

The same layer gives the same bytes, so a job that runs twice stores nothing twice.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from rcg.datasets.layers import NPY, Role
from rcg.datasets.sample import Array, LayerArray
from rcg.photometric.linearise import to_srgb_u8
from rcg.photometric.metadata import JPEG, PNG, WEBP
from rcg.photometric.pictures import centred_grey, encode_normal, shaded_height
from rcg.photometric.types import FloatArray

Grey = npt.NDArray[np.uint8]

THUMBNAIL_PX = 320
"""longest side of a thumbnail"""
LOSSLESS_MEGAPIXELS = 0.5
"""photographs of an item up to this size are kept bit for bit, larger ones as JPEG of quality 95"""
_JPEG_QUALITY = 95
_WEBP_QUALITY = 88
_THUMBNAIL_QUALITY = 80
_WEBP_EFFORT = 1
_WEBP_MAX_PX = 16_383
_CURVATURES_PER_MM = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_HEIGHTS_UM = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_SPECULAR = 0.1
_HASH_GRID, _HASH_SIDE = 32, 8


@dataclass(frozen=True)
class EncodedFile:
    """Bytes and what they are."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class EncodedLayer:
    """A layer as files.

    Attributes:
        name, role: of the layer.
        data: what training reads.
        picture: what browsers show; None where they show the data itself.
    """

    name: str
    role: Role
    data: EncodedFile
    picture: EncodedFile | None


def encode_layers(layers: Mapping[str, LayerArray]) -> Iterator[EncodedLayer]:
    """Yield every layer of an item as files, one in memory at a time."""
    normal = layers.get("normal")
    for name, layer in layers.items():
        if layer.array.dtype == np.uint8 and layer.role != "mask":
            yield EncodedLayer(name, layer.role, photograph(layer.array), None)
        else:
            shown = picture(layer, normal.array if normal else None)
            yield EncodedLayer(name, layer.role, measurement(layer.array), shown)


def photograph(array: Array) -> EncodedFile:
    """Encode (H, W, 3) sRGB uint8: PNG when small, else JPEG without colour subsampling."""
    height, width = array.shape[:2]
    bgr = np.ascontiguousarray(array[..., ::-1])
    if height * width <= LOSSLESS_MEGAPIXELS * 1e6:
        return EncodedFile(_written(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 4]), PNG)
    quality = [
        cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]  # fmt: skip
    return EncodedFile(_written(".jpg", bgr, quality), JPEG)


def measurement(array: Array) -> EncodedFile:
    """Encode a layer of values as ``.npy``; floats become float16, which has three good digits."""
    out = io.BytesIO()
    values = array if array.dtype == np.uint8 else array.astype(np.float16)
    np.save(out, np.ascontiguousarray(values), allow_pickle=False)
    return EncodedFile(out.getvalue(), NPY)


def picture(layer: LayerArray, normal: Array | None = None) -> EncodedFile:
    """Draw a layer for people, pixel for pixel; values are stretched to the smallest round range that holds
    nearly all of them, so that a shallow dent is seen.

    Args:
        layer: of any role.
        normal: (H, W, 3) normals of the same item, which shade a height; without them height is grey.
    """
    if layer.role == "normal":
        return webp(encode_normal(layer.array.astype(np.float32)), lossless=True)
    if layer.array.dtype == np.uint8:
        plain = np.asarray(layer.array, np.uint8)
        return webp(plain * np.uint8(255) if layer.role == "mask" else plain)
    return webp(_drawn(layer.role, layer.array.astype(np.float32), normal))


def _drawn(role: Role, values: FloatArray, normal: Array | None) -> Grey:
    if role == "curvature":
        return centred_grey(values, _fitting(values, _CURVATURES_PER_MM))
    if role == "height":
        high = _fitting(values, _HEIGHTS_UM)
        if normal is None:
            return centred_grey(values, high)
        return shaded_height(normal.astype(np.float32), values, high)
    if role == "specular":
        return to_srgb_u8(np.clip(values / np.float32(_SPECULAR), 0, 1))
    return np.asarray(np.clip(np.rint(values * 255), 0, 255), np.uint8)


def _fitting(values: FloatArray, ranges: tuple[float, ...]) -> float:
    most = float(np.percentile(np.abs(values), 99.5))
    return next((limit for limit in ranges if most <= limit), ranges[-1])


def webp(array: Grey, *, lossless: bool = False, quality: int = _WEBP_QUALITY) -> EncodedFile:
    """Encode (H, W) or (H, W, 3) uint8 for browsers; JPEG where a side is too long for WebP."""
    if max(array.shape[:2]) > _WEBP_MAX_PX:
        bgr = array if array.ndim == 2 else np.ascontiguousarray(array[..., ::-1])
        return EncodedFile(_written(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality]), JPEG)
    out = io.BytesIO()
    if lossless:
        Image.fromarray(array).save(out, "WEBP", lossless=True, quality=0, method=0, exact=True)
    else:
        Image.fromarray(array).save(out, "WEBP", quality=quality, method=_WEBP_EFFORT)
    return EncodedFile(out.getvalue(), WEBP)


def thumbnail(layer: LayerArray) -> EncodedFile:
    """Return a small picture of a layer, 320 pixels on its longer side at most, never enlarged."""
    array = shown(layer)
    height, width = array.shape[:2]
    factor = THUMBNAIL_PX / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        array = np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_AREA), np.uint8)
    return webp(array, quality=_THUMBNAIL_QUALITY)


def base_layer(layers: Mapping[str, LayerArray]) -> LayerArray:
    """Return the layer that stands for an item in lists: its colour, else its albedo, else its first."""
    return layers.get("colour") or layers.get("albedo") or next(iter(layers.values()))


def shown(layer: LayerArray) -> Grey:
    """Return a layer as (H, W) or (H, W, 3) uint8, as its picture shows it."""
    if layer.array.dtype == np.uint8:
        return np.asarray(layer.array, np.uint8)
    return np.asarray(Image.open(io.BytesIO(picture(layer).data)))


def phash(layer: LayerArray) -> str:
    """Return a 64-bit perceptual hash as 16 hex digits: equal or near for pictures that look alike.

    Sign against their median of the 8 x 8 lowest cosine coefficients of the picture at 32 x 32, without the
    mean (Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).
    """
    array = shown(layer)
    grey = array if array.ndim == 2 else cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_HASH_GRID, _HASH_GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_HASH_SIDE, :_HASH_SIDE].ravel()
    bits = low > np.median(low[1:])
    bits[0] = False
    return np.packbits(bits).tobytes().hex()


def _written(ending: str, array: npt.NDArray[Any], options: list[int]) -> bytes:
    ok, data = cv2.imencode(ending, array, options)
    assert ok, f"OpenCV cannot write {ending}"
    return data.tobytes()

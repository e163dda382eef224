"""Layers: what their values mean, and that they come back from the file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from rcg.photometric import pictures
from rcg.photometric.pictures import Picture
from rcg.photometric.types import CardOutline, CardSize, Lights, Maps, Registration

H, W = 940, 690


def some_maps() -> Maps:
    """A card with a bump in its middle, 10 px/mm, margin 3 mm."""
    y, x = np.mgrid[:H, :W].astype(np.float32)
    height = 40 * np.exp(-((x - W / 2) ** 2 + (y - H / 2) ** 2) / (2 * 40**2))
    gradient_y, gradient_x = np.gradient(height * 0.01)  # micrometres over tenths of a millimetre
    normal = np.stack([-gradient_x, gradient_y, np.ones_like(height)], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    grey = np.full((H, W, 3), 0.5, np.float32)
    colour = np.zeros((H, W, 3), np.uint8)
    colour[30:-30, 30:-30] = (200, 100, 50)
    directions = np.array([(0, 0.6, 0.8), (0.6, 0, 0.8), (0, -0.6, 0.8)])
    return Maps(
        px_per_mm=10, margin_mm=3, size=CardSize(63, 88, "default"),
        outline=CardOutline(np.zeros((4, 2)), 0.1, 1),
        lights=Lights(("up", "right", "down"), directions, None, np.ones(3), "lp", calibrated=True),
        registration=Registration(0, np.stack([np.eye(3)] * 3), np.zeros(3), np.zeros(3)),
        frames=np.stack([grey, grey * 0.5, grey * 0.25]), frame_names=("up", "right", "down"), albedo=grey,
        colour=colour, normal=normal.astype(np.float32), height_um=height, curvature=height * 0.01,
        specular=np.zeros((H, W), np.float32), confidence=np.ones((H, W), np.float32), saturated=0.0,
    )  # fmt: skip


def back(picture: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(pictures.webp(picture))))


def test_names_and_order() -> None:
    assert [layer.name for layer in pictures.layers(some_maps())] == [
        "colour", "albedo", "normal", "curvature", "height", "specular",
        "light:up", "light:right", "light:down", "thumbnail"]  # fmt: skip


def test_normals_come_back_to_half_a_degree() -> None:
    maps = some_maps()
    layer = next(layer for layer in pictures.layers(maps) if layer.name == "normal")
    np.testing.assert_array_equal(back(layer), layer.array)
    decoded = back(layer) / 127.5 - 1
    decoded /= np.linalg.norm(decoded, axis=2, keepdims=True)
    cosine = np.clip((decoded * maps.normal).sum(axis=2), -1, 1)
    assert np.rad2deg(np.arccos(cosine)).max() < 0.5


def test_curvature_says_its_scale() -> None:
    layer = next(layer for layer in pictures.layers(some_maps()) if layer.name == "curvature")
    assert layer.scale == "black -0.5/mm, grey flat, white 0.5/mm"
    assert layer.array[5, 5] == 128
    # 0.4 per millimetre of 0.5 at the bump's top
    assert abs(int(layer.array[H // 2, W // 2]) - (128 + 127 * 0.8)) <= 1


def test_relief_is_lit_from_the_upper_left() -> None:
    layer = next(layer for layer in pictures.layers(some_maps()) if layer.name == "height")
    towards, away = layer.array[H // 2 - 30, W // 2 - 30], layer.array[H // 2 + 30, W // 2 + 30]
    assert towards.mean() > away.mean() + 5


def test_lights_share_one_exposure() -> None:
    by_name = {layer.name: layer.array for layer in pictures.layers(some_maps())}
    assert by_name["light:up"].mean() > by_name["light:right"].mean() > by_name["light:down"].mean()
    assert by_name["light:up"].max() > 245


def test_thumbnail_is_the_card_without_margin() -> None:
    layer = pictures.layers(some_maps())[-1]
    assert layer.array.shape[0] == 320
    assert abs(layer.array.shape[1] / 320 - 63 / 88) < 0.01
    assert (layer.array == (200, 100, 50)).all()
    assert layer.margin_mm == 0
    assert layer.px_per_mm * 88 == 320


def test_the_same_picture_gives_the_same_bytes() -> None:
    for one, two in zip(pictures.layers(some_maps()), pictures.layers(some_maps()), strict=True):
        assert pictures.webp(one) == pictures.webp(two)

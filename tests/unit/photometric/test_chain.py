"""The chain against a rendered card whose normals are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from rcg.photometric import chain, even_light, pictures
from rcg.photometric.render import RenderedSide, render_side
from rcg.photometric.types import CardSize, Frame, Maps

SIZE = CardSize(63.0, 88.0, "default")


@pytest.fixture(scope="module")
def side() -> RenderedSide:
    return render_side(5, n_lights=6, frame_size=(750, 1000), threads=2)


@pytest.fixture(scope="module")
def maps(side: RenderedSide) -> Maps:
    return chain.measure(side.frames, side.lights, SIZE, px_per_mm=10, threads=2)


def test_corners_are_those_of_the_scene(side: RenderedSide, maps: Maps) -> None:
    to_frame = np.linalg.inv(side.to_reference[maps.registration.reference])
    lifted = np.column_stack([side.truth.card.corners_px, np.ones(4)]) @ to_frame.T
    np.testing.assert_allclose(maps.outline.corners_px, lifted[:, :2] / lifted[:, 2:], atol=0.5)


def test_slopes_lie_where_the_scene_has_them(side: RenderedSide, maps: Maps) -> None:
    """In the steepest hundredth of the true relief the slopes agree, and not with those of the other axis."""
    assert maps.normal is not None
    truth = side.maps.normal[::2, ::2]  # 20 to 10 px/mm
    h, w = maps.normal.shape[:2]
    inner = (slice(h // 8, -h // 8), slice(w // 8, -w // 8))

    def fine(component: np.ndarray) -> np.ndarray:
        return (gaussian_filter(component, 1.5) - gaussian_filter(component, 25))[inner]

    known = [fine(truth[..., axis]) for axis in (0, 1)]
    measured = [fine(maps.normal[..., axis]) for axis in (0, 1)]
    steep = np.hypot(*known) > np.percentile(np.hypot(*known), 99)
    for axis in (0, 1):
        agreement = np.corrcoef(measured[axis][steep], known[axis][steep])[0, 1]
        assert agreement > 0.3
        assert agreement > np.corrcoef(measured[axis][steep], known[1 - axis][steep])[0, 1] + 0.1


def test_maps_are_complete(maps: Maps) -> None:
    assert maps.relief
    assert maps.frames.shape[0] == 6
    assert maps.frame_names == ("1", "2", "3", "4", "5", "6")
    shape = maps.frames.shape[1:3]
    for array in (maps.normal, maps.height_um, maps.curvature, maps.specular, maps.confidence, maps.colour):
        assert array is not None
        assert array.shape[:2] == shape
        assert np.isfinite(array).all()
    assert {"locate", "rectify", "solve", "relief", "colour"} <= set(maps.seconds)


def test_one_photo_has_no_relief(side: RenderedSide) -> None:
    maps = chain.measure(side.frames[:1], None, SIZE, px_per_mm=10)
    assert not maps.relief
    assert maps.lights is None
    assert [layer.name for layer in pictures.layers(maps)] == ["colour", "thumbnail"]


def test_ambient_light_is_taken_off(side: RenderedSide, maps: Maps) -> None:
    """Frames with 8 % of even light added, and a frame of that light alone, give the maps without it."""

    def brighter(frame: Frame) -> Frame:
        linear = even_linear(frame) + 0.08
        return replace(frame, pixels=linear.astype(np.float32), encoding="linear")

    dark = np.full_like(even_linear(side.frames[0]), 0.08, dtype=np.float32)
    frames = [*(brighter(frame) for frame in side.frames), Frame("ambient", "dark.tif", dark, "linear")]
    again = chain.measure(frames, side.lights, SIZE, px_per_mm=10, threads=2)
    unsaturated = maps.frames.max(axis=(0, 3)) < 0.9
    assert unsaturated.mean() > 0.5
    difference = np.abs(again.frames - maps.frames)[:, unsaturated]
    assert np.median(difference) < 0.01


def even_linear(frame: Frame) -> np.ndarray:
    from rcg.photometric.linearise import to_linear

    return np.minimum(to_linear(frame), 0.9)


def test_progress_can_stop_the_work(side: RenderedSide) -> None:
    class StopError(Exception):
        pass

    def stop(fraction: float, _message: str) -> None:
        if fraction > 0.2:
            raise StopError

    with pytest.raises(StopError):
        chain.measure(side.frames, side.lights, SIZE, px_per_mm=10, progress=stop)


def test_the_even_picture_leaves_gloss_out() -> None:
    rng = np.random.default_rng(0)
    albedo = rng.uniform(0.1, 0.6, (40, 30, 3)).astype(np.float32)
    stack = np.stack([albedo * gain for gain in (1.0, 0.5, 0.8, 1.2)])
    plain = even_light.colour_picture(stack, np.ones((40, 30), bool))
    stack[2, 10, 10] = 1.0
    glossy = even_light.colour_picture(stack, np.ones((40, 30), bool))
    assert np.abs(plain[10, 10].astype(int) - glossy[10, 10]).max() <= 6
    from rcg.photometric.linearise import srgb_decode

    ratio = srgb_decode(plain / 255.0) / albedo
    assert ratio.std() / ratio.mean() < 0.05

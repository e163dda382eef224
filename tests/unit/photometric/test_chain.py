"""The chain against a rendered card whose normals are known, and its rules for frames that do not do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from rcg.errors import InputError
from rcg.photometric import chain, even_light, lights, pictures
from rcg.photometric.lights import LightsSpec, resolve
from rcg.photometric.render import RenderedSide, render_side
from rcg.photometric.types import CardOutline, CardSize, Frame, Maps, Registration

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


def outline(angle_deg: float, scale: float = 10.0) -> CardOutline:
    """A card whose x axis is turned counter-clockwise in the picture."""
    angle = np.deg2rad(angle_deg)
    corners = np.array([(-31.5, 44.0), (31.5, 44.0), (31.5, -44.0), (-31.5, -44.0)]) * scale
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = corners @ turn.T
    return CardOutline(np.stack([500 + upright[:, 0], 700 - upright[:, 1]], axis=1), 0.1, 1.0)


@pytest.mark.parametrize("angle", [0, 12, -80, 90, 179])
def test_the_rotation_of_the_card(angle: float) -> None:
    assert chain.card_rotation_deg(outline(angle)) == pytest.approx(angle, abs=1e-9)


def test_a_light_at_the_right_of_the_photo_is_at_the_bottom_of_a_card_turned_left() -> None:
    """The card's top points to the photograph's left, so its bottom looks to the right, at the light."""
    photo = resolve(None, ["up", "right", "down", "left"])
    card = lights.rotate(photo, -chain.card_rotation_deg(outline(90)))
    np.testing.assert_allclose(card.directions[1, :2], (0, -np.sqrt(0.5)), atol=1e-12)


def some(n: int, residual: list[float]) -> tuple[list[Frame], lights.Lights, Registration]:
    frames = [Frame(str(i + 1), f"{i + 1}.jpg", np.zeros((64, 64, 3), np.uint8)) for i in range(n)]
    found = resolve(LightsSpec(kind="azimuth", ring=n), [frame.name for frame in frames])
    return frames, found, Registration(0, np.stack([np.eye(3)] * n), np.array(residual), np.zeros(n))


def test_a_frame_that_does_not_align_is_left_out() -> None:
    frames, found, registration = some(6, [0, 0.1, 5.0, 0.2, np.nan, 0.1])
    kept, left, aligned, said = chain._aligned(frames, found, registration)
    assert [frame.name for frame in kept] == list(left.names) == ["1", "2", "4", "5", "6"]
    assert len(aligned.residual_px) == 5
    assert "3 (5.0 px)" in said[0]


def test_too_few_aligned_frames() -> None:
    with pytest.raises(chain.RegistrationError, match=r"3 \(5\.0 px\)"):
        chain._aligned(*some(4, [0, 0.1, 5.0, 0.2]))
    _, _, _, said = chain._aligned(*some(4, [0, 0.1, 1.5, 0.2]))
    assert "not fully in line" in said[0]


def test_the_size_by_scale() -> None:
    size = chain._measured_size(outline(30, scale=20), 20)
    assert (size.width_mm, size.height_mm, size.source) == (63.0, 88.0, "scale")
    with pytest.raises(InputError, match="630"):
        chain._measured_size(outline(0, scale=10), 1)


def test_maps_are_coarser_where_the_photo_is() -> None:
    assert chain._map_scale(outline(0, scale=15), SIZE, 20) == (20, [])
    scale, said = chain._map_scale(outline(0, scale=6), SIZE, 20)
    assert scale == 10
    assert "6.0 pixels per millimetre" in said[0]


def test_overexposure_of_every_frame_is_an_error_of_one_a_remark() -> None:
    frames, _, _ = some(3, [0, 0, 0])
    with pytest.raises(chain.OverexposedError, match="60%"):
        chain._exposure_remarks([0.9, 0.6, 0.8], [frame.name for frame in frames])
    assert "2 (90%)" in chain._exposure_remarks([0.0, 0.9, 0.0], [frame.name for frame in frames])[0]


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

"""Objects that are no cards: known normals under gloss, shadow, uneven lights; what cannot be solved."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rcg.errors import InputError
from rcg.photometric.integrate import integrate
from rcg.photometric.solve_fast import woodham
from rcg.photometric.solve_input import check
from rcg.photometric.solve_object import solve

DATA = Path(__file__).parents[4] / "shared" / "data" / "photometric"


def ring(n=8, elevation=50.0, second=0.0):
    """Lights round the object; every other one higher by ``second`` degrees."""
    a = 2 * np.pi * np.arange(n) / n
    e = np.radians(elevation + second * (np.arange(n) % 2))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], 1)


def ball(radius=22):
    """Normals (H, W, 3) of a ball and its mask, without the outermost rim."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1] / radius
    square = x**2 + y**2
    mask = square < 0.92
    z = np.sqrt(np.maximum(1 - square, 0))
    return np.where(mask[..., None], np.stack([x, -y, z], -1), [0.0, 0, 1]), mask


def shade(normal, lights, *, albedo=0.6, gloss=0.0, width=0.12, noise=0.0, seed=0):
    """Lambert and a Beckmann lobe, attached shadows, noise; not the solver's own model."""
    cosine = np.maximum(np.einsum("hwi,ni->nhw", normal, lights), 0)
    half = lights + np.array([0, 0, 1])
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    toward = np.clip(np.einsum("hwi,ni->nhw", normal, half), 1e-3, 1)
    lobe = np.exp((1 - 1 / toward**2) / width**2) / toward**4 * (cosine > 0)
    frames = albedo * cosine + gloss * lobe
    return np.maximum(frames + np.random.default_rng(seed).normal(0, noise, frames.shape), 0).astype(
        np.float32
    )


def angle(found, truth, mask):
    return np.degrees(np.arccos(np.clip((found * truth).sum(-1), -1, 1)))[mask].mean()


def plain(frames, lights, truth, mask):
    found, _ = woodham(frames, lights)
    return angle(found, truth, mask)


@pytest.mark.parametrize("n", [3, 4, 8, 16, 50])
def test_any_number_of_lights(n):
    truth, mask = ball(12)
    lights = ring(n, 65.0)
    maps = solve(shade(truth, lights), lights, mask)
    lit = mask & (np.einsum("hwi,ni->nhw", truth, lights) > 0.05).all(0)
    assert angle(maps.normal, truth, lit) < 0.2
    assert np.median(np.abs(maps.albedo[lit] - 0.6)) < 0.01
    assert (maps.confidence[~mask] == 0).all()
    assert (maps.normal[~mask] == [0, 0, 1]).all()


def test_gloss_is_told_from_slope():
    truth, mask = ball()
    lights = ring()
    ours, robust = [], []
    for seed in range(3):
        frames = shade(truth, lights, gloss=0.5, width=0.3, noise=0.002, seed=seed)
        maps = solve(frames, lights, mask)
        assert maps.reflectance.shape.width > 0
        assert maps.specular[mask].max() > 0.1
        ours.append(angle(maps.normal, truth, mask))
        assert ours[-1] < 0.35 * plain(frames, lights, truth, mask)
        robust.append(angle(solve(frames, lights, mask, method="robust").normal, truth, mask))
    # one noise more or less decides between two lobes that explain a frame alike
    assert np.mean(ours) < np.mean(robust)
    narrow = shade(truth, lights, gloss=0.5, width=0.2, noise=0.002)
    sharp = angle(solve(narrow, lights, mask).normal, truth, mask)
    assert sharp < 0.6 * angle(solve(narrow, lights, mask, method="robust").normal, truth, mask)


def test_uneven_lights_are_found_and_said():
    truth, mask = ball()
    lights = ring(second=12.0)
    power = np.array([1.0, 0.7, 1.1, 0.9, 1.3, 0.8, 1.0, 1.2])
    frames = shade(truth, lights, noise=0.002) * power[:, None, None].astype(np.float32)
    maps = solve(frames, lights, mask)
    assert angle(maps.normal, truth, mask) < 1.0
    assert any("not equally bright" in said for said in maps.warnings)
    told = solve(frames, lights, mask, intensities=power)
    assert not told.warnings
    assert angle(told.normal, truth, mask) < 1.0
    assert angle(maps.normal, truth, mask) < 0.3 * plain(frames, lights, truth, mask)


def test_a_flat_thing_tells_nothing_of_its_lights():
    """Any brightness of a light would fit: the frames stand as they are, and the misfit shows."""
    lights = ring(second=12.0)
    frames = np.broadcast_to(lights[:, 2:, None] * 0.5, (8, 20, 20)).astype(np.float32)
    frames = frames * np.array([1, 0.5, 1.5, 1, 1, 2, 1, 1], np.float32)[:, None, None]
    maps = solve(frames + np.random.default_rng(0).normal(0, 0.001, frames.shape).astype(np.float32), lights)
    assert not any("equally bright" in said for said in maps.warnings)
    assert maps.confidence.max() < 0.7


def test_colour_intensities_are_divided_out():
    truth, mask = ball(12)
    lights = ring()
    tint = np.linspace([1.2, 1.0, 0.8], [0.8, 1.0, 1.2], 8)
    rgb = shade(truth, lights)[..., None] * np.array([0.9, 0.6, 0.3]) * tint[:, None, None]
    maps = solve(rgb.astype(np.float32), lights, mask, intensities=tint)
    inner = mask & (truth[..., 2] > 0.8)
    assert np.allclose(maps.albedo[inner], 0.6 * np.array([0.9, 0.6, 0.3]), atol=0.01)


def test_a_scratch_of_one_pixel_stays():
    normal = np.zeros((40, 40, 3))
    normal[..., 2] = 1
    normal[:, 20] = [0.3, 0, np.sqrt(1 - 0.09)]
    lights = ring()
    maps = solve(shade(normal, lights, noise=0.001), lights)
    assert angle(maps.normal, normal, np.ones((40, 40), bool)) < 0.5
    assert maps.normal[:, 20, 0].mean() > 0.28
    assert abs(maps.normal[:, 19, 0].mean()) < 0.02


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535), (np.float64, 1000.0)])
def test_kinds_of_numbers(dtype, full):
    truth, mask = ball(12)
    lights = ring(8, 65.0)
    frames = (shade(truth, lights) * full).astype(dtype)
    assert angle(solve(frames, lights, mask).normal, truth, mask) < 1.0


def test_fewer_than_three_usable_samples_is_no_normal():
    truth, mask = ball(12)
    lights = ring()
    frames = (shade(truth, lights) * 255).astype(np.uint8)
    frames[2:, 12, 12] = 255  # saturated
    frames[2:, 12, 8] = 0  # black
    maps = solve(frames, lights, mask)
    for at in ((12, 12), (12, 8)):
        assert maps.confidence[at] == 0
        assert tuple(maps.normal[at]) == (0, 0, 1)


def test_missing_samples_are_left_out():
    truth, mask = ball(12)
    lights = ring()
    frames = shade(truth, lights)
    frames[3, 10:14] = np.nan
    frames[4, 2, 12] = np.inf
    maps = solve(frames, lights, mask)
    assert np.isfinite(maps.normal).all()
    assert angle(maps.normal, truth, mask) < 1.0
    assert any("not numbers" in said for said in maps.warnings)


def test_one_pixel():
    lights = ring()
    normal = np.array([[[0.2, 0.1, np.sqrt(0.95)]]])
    maps = solve(shade(normal, lights), lights)
    assert np.allclose(maps.normal, normal, atol=1e-3)
    assert maps.height.shape == (1, 1)


GOOD = np.full((4, 5, 6), 0.5, np.float32)
WRONG = {
    "two frames": (GOOD[:2], ring(2), {}, "2 frames"),
    "counts": (GOOD, ring(8), {}, "4 frames and 8 lights"),
    "from below": (GOOD, ring(4) * [1, 1, -1], {}, "shines from below"),
    "length zero": (GOOD, np.vstack([ring(3), np.zeros(3)]), {}, "0 0 0"),
    "coplanar": (GOOD, [[1, 0, 1], [0.5, 0, 1], [-1, 0, 1], [0, 0, 1]], {}, "one plane"),
    "one thrice": (GOOD, [[1, 0, 1], [1, 0, 1], [1, 0, 1], [0, 1, 1]], {}, "plane|differ"),
    "not a number": (GOOD, np.vstack([ring(3), [np.nan, 0, 1]]), {}, "finite"),
    "black": (GOOD * 0, ring(4), {}, "black"),
    "saturated": (np.full((4, 5, 6), 255, np.uint8), ring(4), {}, "overexposed"),
    "empty mask": (GOOD, ring(4), {"mask": np.zeros((5, 6))}, "mask is empty"),
    "mask size": (GOOD, ring(4), {"mask": np.ones((6, 5))}, "5 x 6"),
    "sizes": ([*GOOD[:3], np.ones((6, 5), np.float32)], ring(4), {}, "Frame 4 is 5 x 6"),
    "integers": (GOOD.astype(np.int64), ring(4), {}, "int64"),
    "intensity": (GOOD, ring(4), {"intensities": [1, 1, 0, 1]}, "light 3 is 0"),
    "intensities": (GOOD, ring(4), {"intensities": [1, 1]}, "intensities"),
    "scale": (GOOD, ring(4), {"px_per_mm": 0.0}, "scale is 0"),
    "mask on black": (np.stack([np.pad(GOOD[0, :, :3], ((0, 0), (0, 3)))] * 4), ring(4),
                      {"mask": np.arange(6)[None].repeat(5, 0) > 3}, "black, or saturated"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name):
    frames, lights, more, said = WRONG[name]
    with pytest.raises(InputError, match=said) as caught:
        solve(frames, lights, **more)
    assert caught.value.hint


def test_one_light_twice_and_one_frame_twice_are_said():
    truth, _ = ball(6)
    lights = np.vstack([ring(4), ring(4)[:1]])
    frames = shade(truth, lights, noise=0.01)
    assert any("same direction" in said for said in check(frames, lights).warnings)
    frames[2] = frames[1]
    assert any("same picture" in said for said in check(frames, lights).warnings)


def test_clipped_float_samples_are_saturated():
    clipped = np.pad(np.clip(shade(ball(20)[0], ring()) * 1.9, 0, 1), ((0, 0), (9, 9), (9, 9)))
    stack = check(clipped, ring())
    assert stack.full == 1.0
    assert check(shade(ball(20)[0], ring()) * 3, ring()).full is None


def test_height_of_a_ball_inside_its_outline():
    radius = 30
    truth, mask = ball(radius)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    expected = np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0))
    expected -= expected[mask].mean()
    found = integrate(truth.astype(np.float32), mask)
    assert np.abs(found - expected)[mask].mean() < 0.25
    assert (found[~mask] == 0).all()


def test_woodham_is_the_pseudo_inverse():
    rng = np.random.default_rng(0)
    frames = rng.uniform(0.1, 1, (10, 7, 1300)).astype(np.float32)
    lights = ring(10, second=10)
    normal, albedo = woodham(frames, lights, threads=2)
    g = np.einsum("in,nhw->hwi", np.linalg.pinv(lights), frames)
    assert np.allclose(normal * albedo[..., None], g, atol=1e-5)
    with pytest.raises(InputError, match="3 frames"):
        woodham(frames[:3], lights)


def test_rendered_bunny_with_gloss():
    folder = DATA / "bunny_rendered"
    if not folder.is_dir():
        pytest.skip("the reference pictures (../shared/data/photometric/bunny_rendered) are not here")
    frames = np.load(folder / "bunny_specular.npz")["images"][::2, ::2, ::2]
    lights = np.loadtxt(folder / "light_directions.txt")[::2]
    truth = np.load(folder / "normal_gt.npy")[::2, ::2]
    mask = cv2.imread(str(folder / "mask.png"), 0)[::2, ::2] > 0
    assert angle(solve(frames, lights, mask, threads=2).normal, truth, mask) < 5.0

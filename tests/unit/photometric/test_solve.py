"""The solver against normals and albedo that are known, and against what goes wrong in practice."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rcg.errors import InputError
from rcg.photometric.solve import solve_normals
from rcg.photometric.types import Lights

PX = 4.0
SHAPE = (96, 72)
DATA = Path(__file__).parents[4] / "shared" / "data" / "photometric"


def ring(n=8, elevation=40.0):
    a = np.radians(90 - 360 * np.arange(n) / n)
    e = np.radians(elevation)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.full(n, np.sin(e))], 1)


def make_lights(vectors, near=False, intensities=None):
    vectors = np.asarray(vectors, float)
    return Lights(
        tuple(str(i + 1) for i in range(len(vectors))),
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        vectors if near else None,
        np.ones(len(vectors)) if intensities is None else np.asarray(intensities, float),
        "rig",
        True,
    )


def bumpy(seed=0, amount=0.15):
    """Normals of a smooth random surface, and a random print."""
    rng = np.random.default_rng(seed)
    p, q = (cv2.GaussianBlur(rng.standard_normal(SHAPE), (0, 0), 2.0) for _ in range(2))
    p, q = amount * p / p.std(), amount * q / q.std()
    normal = np.stack([-p, -q, np.ones(SHAPE)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    albedo = rng.uniform(0.2, 0.8, (*SHAPE, 3))
    return normal, albedo


def grid():
    h, w = SHAPE
    x, y = np.meshgrid((np.arange(w) - (w - 1) / 2) / PX, ((h - 1) / 2 - np.arange(h)) / PX)
    return np.stack([x, y, np.zeros(SHAPE)], -1)


def shade(normal, albedo, lights):
    """Lambert, one frame per light, near lights by the inverse-square law; not the solver's code."""
    frames = []
    for i in range(len(lights)):
        if lights.positions_mm is None:
            unit, power = np.broadcast_to(lights.directions[i], normal.shape), 1.0
        else:
            to_light = lights.positions_mm[i] - grid()
            distance = np.linalg.norm(to_light, axis=-1, keepdims=True)
            unit, power = to_light / distance, (lights.positions_mm[i] @ lights.positions_mm[i]) / distance**2
        cosine = np.maximum((normal * unit).sum(-1, keepdims=True), 0)
        frames.append(lights.intensities[i] * albedo * power * cosine)
    return np.stack(frames).astype(np.float32)


def angle_deg(a, b):
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))


MASK = np.ones(SHAPE, bool)


@pytest.mark.parametrize(
    ("near", "n"), [(False, 3), (False, 4), (False, 8), (True, 4), (True, 8), (True, 12)]
)
def test_recovers_lambert_exactly(near, n):
    normal, albedo = bumpy()
    lights = make_lights(ring(n) * (60.0 if near else 1.0), near, np.linspace(0.7, 1.1, n))
    frames = 0.9 * shade(normal, albedo, lights) / 1.5
    solved = solve_normals(frames, lights, px_per_mm=PX, mask=MASK, flat_field=None)
    assert angle_deg(solved.normal, normal).max() < 0.06  # arccos of float32 near 1
    assert np.abs(solved.normal - normal).max() < 2e-5
    ratio = solved.albedo / albedo
    assert ratio.std() < 1e-4 * ratio.mean()
    assert np.percentile(solved.albedo.max(-1), 99.5) == pytest.approx(1.0, abs=0.01)
    assert solved.residual.max() < 1e-4
    assert solved.specular.max() < 1e-4
    assert solved.confidence.min() > 0.75


def test_threads_do_not_change_the_result():
    normal, albedo = bumpy()
    lights = make_lights(ring() * 80.0, near=True)
    frames = shade(normal, albedo, lights)
    one, two = (solve_normals(frames, lights, px_per_mm=PX, mask=MASK, threads=t) for t in (1, 3))
    for name in ("normal", "albedo", "confidence", "specular", "residual"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_near_lights_beat_the_distant_assumption():
    normal, albedo = bumpy(amount=0.05)
    near = make_lights(ring() * 60.0, near=True)
    frames = shade(normal, albedo, near) * 0.6
    solve = {
        name: solve_normals(frames, lights, px_per_mm=PX, mask=MASK, flat_field=None)
        for name, lights in (("near", near), ("distant", make_lights(near.directions)))
    }
    error = {name: angle_deg(s.normal, normal).mean() for name, s in solve.items()}
    assert error["near"] < 0.06
    assert error["distant"] > 5


def test_flat_field_takes_out_unknown_brightness_and_fall_off():
    """Lamps of unequal strength and unknown distance on a flat, printed card with fine relief."""
    normal, albedo = bumpy(amount=0.03)
    strength = np.array([1.0, 0.8, 1.1, 0.9, 1.05, 0.75, 0.95, 1.0])
    true = make_lights(ring() * 110.0, True, strength)
    frames = shade(normal, albedo, true) * 0.5
    blind = make_lights(true.directions)
    without = angle_deg(
        solve_normals(frames, blind, px_per_mm=PX, mask=MASK, flat_field=None).normal, normal
    ).mean()
    levelled = solve_normals(frames, blind, px_per_mm=PX, mask=MASK)
    assert without > 4
    assert angle_deg(levelled.normal, normal).mean() < 0.8
    known = solve_normals(
        frames, make_lights(true.positions_mm, near=True), px_per_mm=PX, mask=MASK, flat_field=0
    )
    assert angle_deg(known.normal, normal).mean() < 0.2
    gain = 1 / known.inverse_gain[:, 0]
    assert gain / gain.mean() == pytest.approx(strength / strength.mean(), rel=0.01)


def test_saturated_and_black_samples_are_left_out():
    normal, albedo = bumpy(amount=0.05)
    lights = make_lights(ring(6))
    frames = shade(normal, albedo, lights)
    broken = frames.copy()
    broken[2, 10:20, :, 1] = 1.0
    broken[4, 40:50] = 0.0
    solved = solve_normals(broken, lights, px_per_mm=PX, mask=MASK, flat_field=None)
    assert np.abs(solved.normal - normal).max() < 2e-5
    assert (solved.confidence[10:20] < solved.confidence[60:70].min()).all()
    assert solved.specular[10:20].min() > 0.01  # what was cut off still shows as excess


def test_gloss_is_dropped_where_it_is_and_nowhere_else():
    normal, albedo = bumpy(amount=0.05)
    lights = make_lights(ring())
    frames = shade(normal, albedo, lights)
    rng = np.random.default_rng(3)
    frames += rng.normal(0, 0.002, frames.shape).astype(np.float32)
    glossy = frames.copy()
    glossy[1, 30:60, 20:50] += 0.25
    glossy[2, 30:60, 20:50] += 0.12
    plain, robust, clean = (
        solve_normals(f, lights, px_per_mm=PX, mask=MASK, flat_field=None, robust=r)
        for f, r in ((glossy, False), (glossy, True), (frames, False))
    )
    spot = np.zeros(SHAPE, bool)
    spot[30:60, 20:50] = True
    error = {
        k: angle_deg(s.normal, normal) for k, s in (("plain", plain), ("robust", robust), ("clean", clean))
    }
    assert error["plain"][spot].mean() > 8
    assert error["robust"][spot].mean() < 2 * error["clean"][spot].mean()
    assert np.array_equal(robust.normal[~spot], clean.normal[~spot])
    assert robust.specular[spot].mean() > 10 * robust.specular[~spot].mean()


@pytest.mark.parametrize(
    "vectors",
    [
        np.stack([np.cos([0.3, 0.8, 1.3, 2.0]), np.zeros(4), np.sin([0.3, 0.8, 1.3, 2.0])], 1),
        np.repeat(ring(4)[:1], 4, 0),
    ],
    ids=["in one plane", "the same"],
)
def test_lights_that_do_not_span_space_give_no_normal(vectors):
    normal, albedo = bumpy(amount=0.02)
    lights = make_lights(vectors)
    solved = solve_normals(shade(normal, albedo, lights), lights, px_per_mm=PX, mask=MASK)
    assert (solved.confidence == 0).all()
    assert (solved.normal == [0, 0, 1]).all()
    assert np.isfinite(solved.albedo).all()


def test_off_the_mask_and_in_the_dark_there_is_no_normal_but_an_albedo():
    normal, albedo = bumpy(amount=0.02)
    lights = make_lights(ring())
    frames = shade(normal, albedo, lights)
    frames[:6, :10] = 0
    mask = MASK.copy()
    mask[-10:] = False
    solved = solve_normals(frames, lights, px_per_mm=PX, mask=mask, flat_field=None)
    assert (solved.confidence[:10] == 0).all()
    assert (solved.confidence[-10:] == 0).all()
    assert (solved.confidence[20:-20] > 0.5).all()
    assert (solved.normal[-10:] == [0, 0, 1]).all()
    inside = (solved.albedo / albedo)[20:-20].mean()
    assert (solved.albedo / albedo)[-10:].mean() == pytest.approx(inside, rel=0.02)


def test_input_that_does_not_belong_together():
    lights = make_lights(ring(4))
    frames = np.zeros((4, *SHAPE, 3), np.float32)
    with pytest.raises(InputError, match="2 frames"):
        solve_normals(frames[:2], lights, px_per_mm=PX, mask=MASK)
    with pytest.raises(InputError, match="3 frames and 4 lights"):
        solve_normals(frames[:3], lights, px_per_mm=PX, mask=MASK)
    with pytest.raises(InputError, match="float64"):
        solve_normals(frames.astype(np.float64), lights, px_per_mm=PX, mask=MASK)


def load_bunny(kind):
    folder = DATA / "bunny_rendered"
    if not folder.is_dir():
        pytest.skip("the reference pictures (../shared/data/photometric/bunny_rendered) are not here")
    images = np.load(folder / f"bunny_{kind}.npz")["images"].astype(np.float32)
    frames = np.repeat((images / np.percentile(images, 99.9) * 0.9)[..., None], 3, -1)
    mask = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    return (
        frames,
        make_lights(np.loadtxt(folder / "light_directions.txt")),
        np.load(folder / "normal_gt.npy"),
        mask,
    )


@pytest.mark.photographs
def test_bunny_specular_robust_beats_least_squares():
    frames, lights, truth, mask = load_bunny("specular")
    error = {}
    for robust in (False, True):
        solved = solve_normals(frames, lights, px_per_mm=PX, mask=mask, flat_field=None, robust=robust)
        error[robust] = angle_deg(solved.normal, truth)[mask].mean()
    assert error[True] < 6
    assert error[True] < 0.5 * error[False]


@pytest.mark.photographs
def test_cat_normals_face_outwards():
    """Twelve photographs of a cat: along its outline the normals point away from its middle."""
    folder = DATA / "uw_psm"
    if not folder.is_dir():
        pytest.skip("the reference pictures (../shared/data/photometric/uw_psm) are not here")
    mask = cv2.imread(str(folder / "cat.mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    frames = (
        np.stack([cv2.imread(str(folder / f"cat.{i}.png"))[..., ::-1] for i in range(12)]).astype(np.float32)
        / 255
    )
    directions = np.loadtxt(folder / "lights_reference.txt", skiprows=1)
    solved = solve_normals(frames, make_lights(directions), px_per_mm=PX, mask=mask, flat_field=None)
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    rim = (distance > 3) & (distance < 8) & (solved.confidence > 0.3)
    gradient = np.stack([cv2.Sobel(distance, cv2.CV_32F, 1, 0), -cv2.Sobel(distance, cv2.CV_32F, 0, 1)], -1)
    outward = -gradient / np.maximum(np.linalg.norm(gradient, axis=-1, keepdims=True), 1e-6)
    assert ((solved.normal[..., :2] * outward).sum(-1)[rim] > 0).mean() > 0.9
    assert solved.confidence[mask].mean() > 0.4

"""Forward and back: what the renderer puts into a card, the solver and the relief find again."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from rcg.photometric import relief
from rcg.photometric.render import draw_scene, render_scene
from rcg.photometric.render.camera import frame_to_card, lights_in_card
from rcg.photometric.render.scene import Dent, Scratch, Sensor
from rcg.photometric.solve import solve_normals
from rcg.photometric.types import Lights

PX = 12.0
MARGIN = 3.0


def srgb_to_linear(codes):
    x = np.arange(256) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)[codes]


def rectified(side):
    """Frames warped to the card by the true homographies: this test is not about finding the card."""
    w, h = round((63 + 2 * MARGIN) * PX), round((88 + 2 * MARGIN) * PX)
    to_mm = np.array([[1 / PX, 0, -(w - 1) / 2 / PX], [0, -1 / PX, (h - 1) / 2 / PX], [0, 0, 1]])
    frames = [
        cv2.warpPerspective(
            srgb_to_linear(frame.pixels),
            np.linalg.inv(frame_to_card(side.scene, i)) @ to_mm,
            (w, h),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        )
        for i, frame in enumerate(side.frames)
    ]
    x = np.abs((np.arange(w) - (w - 1) / 2) / PX)
    y = np.abs(((h - 1) / 2 - np.arange(h)) / PX)
    return np.clip(np.stack(frames), 0, 1), (x < 30.5)[None, :] & (y < 43.0)[:, None]


@pytest.fixture(scope="module")
def solved():
    """A noisy 8-bit capture of a card with two dents and a scratch and no other wear, eight near lights."""
    scene = draw_scene(5, n_lights=8, frame_size=(900, 1200))
    flaws = dataclasses.replace(
        scene.surface,
        whitening=(),
        curl_um=(0, 0, 0),
        dents=(Dent(12, 25, 1.2, 20), Dent(-14, -20, 1.0, 12)),
        scratches=(Scratch(0, 2, 30, 18, 0.01, 0.15, 6),),
        grain_um=0.2,
    )
    scene = dataclasses.replace(
        scene, surface=flaws, sensor=Sensor(), cut=dataclasses.replace(scene.cut, corner_radius_mm=(3.0,) * 4)
    )
    side = render_scene(scene, threads=2)
    frames, mask = rectified(side)
    positions = lights_in_card(scene)
    lights = Lights(
        side.lights.names,
        positions / np.linalg.norm(positions, axis=1, keepdims=True),
        positions,
        np.ones(8),
        "rig",
        True,
    )
    return side, solve_normals(frames, lights, px_per_mm=PX, mask=mask, threads=2), mask


def inside(polygon, shape, grow=0):
    h, w = shape
    px = np.array(polygon) * [PX, -PX] + [(w - 1) / 2, (h - 1) / 2]
    drawn = np.zeros(shape, np.uint8)
    cv2.fillPoly(drawn, [np.rint(px).astype(np.int32)], 1)
    return cv2.dilate(drawn, np.ones((2 * grow + 1,) * 2)) > 0


def test_flaws_stand_out_of_the_curvature(solved):
    side, solution, mask = solved
    level = relief.flatten(solution.normal, mask, PX)
    curvature = relief.mean_curvature(level, PX, sigma_mm=0.15, mask=mask)
    flaws = [f for f in side.truth.findings if f.aspect == "surface"]
    assert [f.kind for f in flaws] == ["dent", "dent", "scratch"]
    calm = mask.copy()
    for flaw in flaws:
        calm &= ~inside(flaw.polygon_mm, mask.shape, 8)
    floor = np.percentile(-curvature[calm], 95)
    for flaw in flaws:
        values = -curvature[inside(flaw.polygon_mm, mask.shape) & mask]  # dents and scratches are hollow
        if flaw.kind == "dent":
            values = np.sort(values)[-len(values) // 4 :]
        assert np.median(values) > 2 * floor, flaw.kind


def test_depth_of_dents_comes_back(solved):
    side, solution, mask = solved
    height = relief.height_um(relief.flatten(solution.normal, mask, PX), mask, PX)
    for flaw in side.truth.findings[:2]:
        hole = inside(flaw.polygon_mm, mask.shape)
        ring = inside(flaw.polygon_mm, mask.shape, 6) & ~inside(flaw.polygon_mm, mask.shape, 2)
        depth = np.median(height[ring]) - height[hole].min()
        assert depth == pytest.approx(flaw.relief_um, rel=0.3)


def test_normals_are_right_to_a_fraction_of_a_degree(solved):
    """A plane scores better still on a card this flat, so the flaws above are the test that counts."""
    side, solution, mask = solved
    h, w = mask.shape
    truth = cv2.resize(side.maps.normal, (w, h), interpolation=cv2.INTER_AREA)
    truth /= np.linalg.norm(truth, axis=-1, keepdims=True)
    error = np.degrees(np.arccos(np.clip((solution.normal * truth).sum(-1), -1, 1)))
    assert error[mask].mean() < 0.6
    assert solution.confidence[mask].mean() > 0.5


def test_albedo_is_the_print(solved):
    side, solution, mask = solved
    h, w = mask.shape
    truth = cv2.resize(side.maps.albedo, (w, h), interpolation=cv2.INTER_AREA)
    scale = (solution.albedo[mask] * truth[mask]).sum() / (truth[mask] ** 2).sum()
    error = solution.albedo[mask] / scale - truth[mask]
    assert np.abs(error).mean() < 0.03  # vignetting is in it: it is the same in all frames
    assert np.corrcoef(solution.albedo[mask].ravel(), truth[mask].ravel())[0, 1] > 0.99

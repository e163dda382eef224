"""The renderer's relief: slopes are the derivatives of its heights, flaws as deep as the truth states."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rcg.photometric.render import draw_scene
from rcg.photometric.render.relief_field import make_relief
from rcg.photometric.render.scene import Dent, Scratch, Surface, Whitening
from rcg.photometric.render.truth import findings_truth, side_truth

PX = 40.0


def relief_of(surface, px_per_mm=PX):
    scene = dataclasses.replace(draw_scene(1), surface=surface)
    return scene, make_relief(scene, px_per_mm, 0.0)


@pytest.mark.parametrize(
    "surface",
    [
        Surface(dents=(Dent(5, 10, 1.0, 20, 1.4, 30),), grain_um=0),
        Surface(scratches=(Scratch(-4, 3, 65, 12, 0.02, 0.3, 6),), grain_um=0),
        Surface(scratches=(Scratch(-4, 3, 200, 8, 0.0, 0.3, 6),), grain_um=0),
        Surface(curl_um=(80, -40, 30), grain_um=0),
        Surface(grain_um=0.4, grain_mm=0.12),
    ],
    ids=["dent", "arc", "line", "curl", "grain"],
)
def test_slopes_are_the_derivative_of_the_height(surface):
    _, relief = relief_of(surface)
    z = relief.height_um.astype(np.float64) * 1e-3
    p = (z[1:-1, 2:] - z[1:-1, :-2]) * PX / 2
    q = (z[:-2, 1:-1] - z[2:, 1:-1]) * PX / 2  # rows run down, y up
    scale = np.abs(p).max() + np.abs(q).max()
    assert scale > 1e-3
    assert np.abs(p - relief.slope_x[1:-1, 1:-1]).max() < 0.05 * scale
    assert np.abs(q - relief.slope_y[1:-1, 1:-1]).max() < 0.05 * scale


def test_depths_are_those_of_the_truth():
    surface = Surface(
        dents=(Dent(10, 5, 0.8, 18),), scratches=(Scratch(-10, -5, 30, 15, 0.01, 0.3, 5),), grain_um=0
    )
    scene, relief = relief_of(surface)
    dent, scratch = findings_truth(scene, relief)
    assert (dent.kind, scratch.kind) == ("dent", "scratch")
    right = relief.height_um[:, relief.height_um.shape[1] // 2 :]
    left = relief.height_um[:, : relief.height_um.shape[1] // 2]
    assert -right.min() == pytest.approx(dent.relief_um, rel=0.02)
    assert -left.min() == pytest.approx(scratch.relief_um, rel=0.02)
    assert np.mean(dent.polygon_mm, axis=0) == pytest.approx((10, 5), abs=0.01)
    assert scratch.area_mm2 == pytest.approx(15 * 0.3, rel=0.02)


def test_a_scratch_thinner_than_a_sample_keeps_its_cross_section():
    surface = Surface(scratches=(Scratch(0, 0, 90, 20, 0.0, 0.06, 4),), grain_um=0)
    areas = []
    for px_per_mm in (15.0, 20.7, 60.0):
        _, relief = relief_of(surface, px_per_mm)
        row = relief.height_um[relief.height_um.shape[0] // 2]
        areas.append(-row.sum(dtype=np.float64) / px_per_mm)
    assert areas == pytest.approx([4 * 0.06 / 4 * np.sqrt(2 * np.pi)] * 3, rel=0.02)


def test_whitening_area_is_half_the_ellipse_that_lies_on_the_card():
    spots = (Whitening("left", -31.5, 8.0, 2.0, 0.5, 90.0), Whitening("top", -10.0, 44.0, 1.0, 0.3, 0.0))
    scene, relief = relief_of(Surface(whitening=spots, grain_um=0), 25.0)
    truth = side_truth(scene, relief)
    areas = {edge.edge: edge.whitening_mm2 for edge in truth.edges}
    assert areas["left"] == pytest.approx(np.pi / 2 * 2.0 * 0.5, rel=0.2)
    assert areas["top"] == pytest.approx(np.pi / 2 * 1.0 * 0.3, rel=0.2)
    assert areas["right"] == areas["bottom"] == 0
    wear = [f for f in truth.findings if f.kind == "edge_wear"]
    assert [f.aspect for f in wear] == ["edges", "edges"]
    assert np.max(wear[0].polygon_mm, axis=0)[0] == pytest.approx(-31.0, abs=0.3)

"""Corners, edges and surface on drawn maps with known damage."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rcg.grading.centering import find_borders
from rcg.grading.inspect import inspect_side
from rcg.grading.strips import linear_colour
from rcg.grading.surface import measure_surface
from rcg.photometric.types import Lights

from .cards import Card, make_maps


def painted(maps, draw):
    """Draw on the colour picture in card millimetres."""
    colour = maps.colour.copy()
    draw(colour, lambda x, y: tuple(int(v) for v in np.round(maps.mm_to_px((x, y)))))
    return replace(maps, colour=colour)


def test_a_whole_card_has_round_corners_and_no_findings():
    side = inspect_side(make_maps(Card(blur_px=1.0)), [])
    assert [c.radius_mm for c in side.corners] == pytest.approx([3.0] * 4, abs=0.1)
    assert [c.missing_area_mm2 for c in side.corners] == pytest.approx([0.0] * 4, abs=0.02)
    assert all(e.roughness_um < 15 and e.whitening_mm2 == 0 for e in side.edges)
    assert side.findings == []
    assert "surface" in side.not_measured


def test_square_stock_is_judged_as_square():
    side = inspect_side(make_maps(Card(radius=0.05)), [])
    assert [c.missing_area_mm2 for c in side.corners] == pytest.approx([0.0] * 4, abs=0.03)
    assert all(c.radius_mm < 0.3 for c in side.corners)


def test_a_cut_off_tip_is_missing_area_at_that_corner_alone():
    ground = tuple(int(v) for v in make_maps(Card()).colour[5, 5])

    def cut(colour, px):
        # the chord leaves 0.5 mm of the rounded tip on its outer side
        points = np.array([px(28.4, 44.5), px(32.0, 44.5), px(32.0, 40.9)])
        cv2.fillPoly(colour, [points], ground)

    side = inspect_side(painted(make_maps(Card(blur_px=0.8)), cut), [])
    area = {c.corner: c.missing_area_mm2 for c in side.corners}
    # circular segment between the chord and the 3 mm arc, by hand: chord x + y = 72.9, arc centre (28.5, 41)
    distance = (72.9 - 28.5 - 41.0) / np.sqrt(2)
    half = np.arccos(distance / 3)
    assert area.pop("top_right") == pytest.approx(9 * (half - np.sin(half) * np.cos(half)), rel=0.25)
    assert max(area.values()) < 0.03
    assert [f.kind for f in side.findings] == ["corner_wear"]
    assert np.mean(side.findings[0].polygon_mm, axis=0) == pytest.approx((30.5, 43.0), abs=0.6)


def test_bare_stock_along_an_edge_is_found_with_its_area():
    def chip(colour, px):
        cv2.rectangle(colour, px(-31.45, 10.0), px(-30.8, 6.0), (250, 250, 248), -1)

    side = inspect_side(painted(make_maps(Card(seed=2)), chip), [])
    left = next(e for e in side.edges if e.edge == "left")
    assert left.whitening_mm2 == pytest.approx(4.0 * (0.7 - 0.2), rel=0.3)
    wear = [f for f in side.findings if f.kind == "edge_wear"]
    assert len(wear) == 1
    assert wear[0].size_mm == pytest.approx(4.0, abs=0.4)


def with_relief(maps, height_um):
    """Add the relief of a height map: normals, curvature, confidence."""
    rng = np.random.default_rng(3)
    k = maps.px_per_mm
    noisy = cv2.GaussianBlur(rng.normal(0, 1.0, height_um.shape).astype(np.float32), (0, 0), 2)
    height = (height_um + noisy).astype(np.float32)
    gy, gx = np.gradient(height / 1000 * k)
    normal = np.dstack([-gx, gy, np.ones_like(gx)]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    curvature = (-0.5 * cv2.Laplacian(height, cv2.CV_32F) / 1000 * k * k).astype(np.float32)
    around = np.radians([0, 90, 180, 270])
    towards = np.stack([np.cos(around), np.sin(around), np.ones(4)], axis=1) / np.sqrt(2)
    return replace(
        maps,
        lights=Lights(tuple("1234"), towards, None, np.ones(4), "rig", calibrated=True),
        normal=normal,
        height_um=height,
        curvature=curvature,
        confidence=np.ones_like(height),
    )


def surface(maps):
    return measure_surface(maps, find_borders(maps, linear_colour(maps)))


def test_a_dent_and_a_scratch_are_found_where_they_are_and_nothing_else():
    maps = make_maps(Card(seed=5))
    h, w = maps.albedo.shape[:2]
    maps = replace(maps, albedo=np.full((h, w, 3), 0.5, np.float32))
    y, x = np.mgrid[:h, :w]
    x, y = (x - (w - 1) / 2) / maps.px_per_mm, ((h - 1) / 2 - y) / maps.px_per_mm
    assert surface(with_relief(maps, np.zeros((h, w))))[1] == []
    dent = -15 * np.exp(-((x - 5) ** 2 + (y - 10) ** 2) / (2 * 0.4**2))
    scratch = -8 * np.exp(-((y + 12) ** 2) / (2 * 0.06**2)) * (np.abs(x + 3) < 6)
    measure, found = surface(with_relief(maps, dent + scratch))
    assert measure.relief_measured
    assert measure.coverage == 1.0
    kinds = {f.kind: f for f in found}
    assert set(kinds) == {"dent", "scratch"}
    assert np.mean(kinds["dent"].polygon_mm, axis=0) == pytest.approx((5, 10), abs=0.3)
    assert kinds["dent"].relief_um == pytest.approx(15, rel=0.35)
    assert kinds["scratch"].size_mm == pytest.approx(12, abs=1.5)


def test_a_single_photo_has_no_surface():
    measure, found = surface(make_maps(Card()))
    assert not measure.relief_measured
    assert measure.reason
    assert found == []

"""Shapes, pixels and run lengths: against pycocotools, hand-computed cases, and each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as judge

from rcg.datasets import rle
from rcg.datasets.geometry import area, bounds, crosses_itself, extent, scaled, valid
from rcg.datasets.raster import polygons_of, rasterise
from rcg.datasets.schema import Annotation, Box, KeyPoint, Mask, Part, Points, Polygon, Quad
from rcg.errors import InputError

bitmaps = arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14)))
SQUARE = [(2.0, 2.0), (8.0, 2.0), (8.0, 8.0), (2.0, 8.0)]
HOLE = [(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)]


def polygon(*parts):
    return Polygon(parts=[Part(outer=outer, holes=holes) for outer, *holes in parts])


def filled(shape, width=12, height=10):
    return rasterise(Annotation(label="dent", shape=shape), width, height)


@given(bitmaps)
def test_run_lengths_are_those_of_pycocotools(pixels):
    theirs = judge.encode(np.asfortranarray(pixels.astype(np.uint8)))
    ours = rle.encode(pixels)
    assert ours.counts == theirs["counts"].decode()
    assert ours.size == tuple(theirs["size"])
    assert np.array_equal(rle.decode(ours), pixels)
    assert area(ours) == judge.area(theirs)
    if pixels.any():
        x, y, width, height = judge.toBbox(theirs)
        assert extent(ours) == (x, y, x + width, y + height)
    else:
        assert extent(ours) is None


def test_long_runs_take_many_digits():
    pixels = np.zeros((3000, 2000), bool)
    pixels[5:2990, 100:1900:7] = True
    theirs = judge.encode(np.asfortranarray(pixels.astype(np.uint8)))
    assert rle.encode(pixels).counts == theirs["counts"].decode()
    assert np.array_equal(rle.decode(rle.encode(pixels)), pixels)


@pytest.mark.parametrize("counts", ["", "5", "o", "\x7f", "né", "ooooooooooooooooooo1", "12346", "0`10"])
def test_text_that_is_no_mask_is_refused(counts):
    with pytest.raises(InputError):
        rle.lengths(Mask(size=(4, 5), counts=counts))


@pytest.mark.parametrize("size", [(0, 5), (-4, -5), (1 << 20, 1 << 20)])
def test_a_mask_of_an_impossible_size_is_refused(size):
    with pytest.raises(InputError, match="cannot be"):
        rle.lengths(Mask(size=size, counts="`0"))


@settings(max_examples=300)
@given(bitmaps)
def test_an_outline_gives_the_mask_back(pixels):
    outline = polygons_of(pixels)
    if outline is None:
        assert not pixels.any()
        return
    assert np.array_equal(filled(outline, pixels.shape[1], pixels.shape[0]), pixels)
    assert area(outline) == pixels.sum()


def test_an_outline_has_a_part_per_piece_and_its_holes():
    pixels = np.zeros((9, 9), bool)
    pixels[0:5, 0:5] = True
    pixels[2, 2] = False
    pixels[5, 5] = True  # touches at a corner only: a piece of its own
    found = polygons_of(pixels)
    assert [len(part.holes) for part in found.parts] == [1, 0]
    assert found.parts[1].outer == [(5, 5), (6, 5), (6, 6), (5, 6)]


def test_a_tolerance_makes_an_outline_simple_and_keeps_it_near():
    y, x = np.mgrid[:60, :60]
    disc = np.hypot(x - 29.5, y - 29.5) < 25
    exact, simple = polygons_of(disc), polygons_of(disc, tolerance=1.0)
    assert len(simple.parts[0].outer) < len(exact.parts[0].outer) / 3
    assert (filled(simple, 60, 60) ^ disc).sum() < 0.05 * disc.sum()


def test_the_centre_decides():
    box = Box(x=1.5, y=0, width=2, height=1)
    assert filled(box, 5, 1).tolist() == [[False, True, True, False, False]]
    assert filled(Box(x=1.6, y=0, width=2, height=1), 5, 1).tolist() == [[False, False, True, True, False]]
    assert not filled(Box(x=1.6, y=0, width=0.8, height=1), 5, 1).any()


def test_holes_and_pieces_and_odd_rings():
    ring = filled(polygon((SQUARE, HOLE)))
    assert ring.sum() == 36 - 4
    assert not ring[4, 4]
    two = filled(polygon((SQUARE, HOLE), (HOLE,)))
    assert two.sum() == 36  # a piece may lie in another's hole
    eight = filled(polygon(([(0, 0), (8, 8), (8, 0), (0, 8)],)))
    assert eight[3, 1]
    assert not eight[1, 4]


coordinates = st.floats(-5, 20).map(lambda value: round(value, 3))
triangles = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7)


@settings(max_examples=200)
@given(triangles)
def test_pixels_of_a_ring_are_those_whose_centre_winds_oddly(ring):
    pixels = filled(polygon((ring,)), 16, 16)
    for row in range(0, 16, 3):
        for column in range(0, 16, 3):
            x, y = column + 0.5, row + 0.5
            odd = False
            for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
                if (ay <= y) != (by <= y):
                    at = ax + (y - ay) * (bx - ax) / (by - ay)
                    if abs(at - x) < 1e-9:
                        break  # on the line: rounding decides
                    odd ^= at <= x
            else:
                assert pixels[row, column] == odd


def test_neighbours_share_no_pixel_and_leave_none_out():
    rng = np.random.default_rng(3)
    for _ in range(20):
        x, y = rng.uniform(2, 10, 2)
        corners = [(0, 0), (12, 0), (12, 10), (0, 10)]
        fan = [filled(polygon(([corners[i], corners[(i + 1) % 4], (x, y)],))).astype(int) for i in range(4)]
        assert (sum(fan) == 1).all()


def test_far_and_huge_shapes_cost_nothing():
    assert filled(Box(x=-1e300, y=-1e300, width=2e300, height=2e300)).all()
    assert not filled(polygon(([(1e9, 1e9), (1e9 + 1, 1e9), (1e9, 1e9 + 1)],))).any()
    assert filled(polygon(([(-1e9, -1e9), (3e9, -1e9), (-1e9, 3e9)],))).all()


def test_points_cover_nothing():
    points = Points(points=[KeyPoint(name="a", x=1, y=1)], box=Box(x=0, y=0, width=5, height=5))
    assert not filled(points).any()


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(InputError, match="3 x 4"):
        filled(rle.encode(np.ones((4, 3), bool)))


def test_bounds_and_area():
    shape = polygon((SQUARE, HOLE), ([(10.0, 1.0), (11.0, 1.0), (10.0, 3.0)],))
    assert bounds(shape) == Box(x=2, y=1, width=9, height=7)
    assert area(shape) == 36 - 4 + 1
    assert area(Quad(corners=tuple(SQUARE))) == 36
    assert area(polygon(([(1e8, 1e8), (1e8 + 1, 1e8), (1e8 + 1, 1e8 + 1), (1e8, 1e8 + 1)],))) == 1
    points = Points(points=[KeyPoint(name="a", x=3, y=4), KeyPoint(name="b", x=9, y=9, visible=0)])
    assert extent(points) == (3, 4, 3, 4)
    assert bounds(points).width > 0
    with pytest.raises(InputError, match="empty"):
        bounds(Points(points=[KeyPoint(name="a", x=3, y=4, visible=0)]))


def test_scaling_is_exact_but_for_masks():
    shape = polygon((SQUARE, HOLE))
    twice = scaled(Annotation(label="a", shape=shape), 2, 0.5)
    assert twice.shape.parts[0].outer[1] == (16, 1)
    assert twice.shape.parts[0].holes[0][2] == (12, 3)
    mask = rle.encode(filled(shape))
    grown = scaled(Annotation(label="a", shape=mask), 2, 2).shape
    assert np.array_equal(rle.decode(grown), np.kron(filled(shape), np.ones((2, 2), bool)))
    quad = scaled(Annotation(label="a", shape=Quad(corners=tuple(SQUARE))), 0.5, 1).shape
    assert quad.corners[2] == (4, 8)
    points = Points(points=[KeyPoint(name="a", x=3, y=4, visible=1)], box=Box(x=1, y=1, width=4, height=2))
    moved = scaled(Annotation(label="a", shape=points), 3, 2).shape
    assert (moved.points[0].x, moved.points[0].y, moved.points[0].visible) == (9, 8, 1)
    assert moved.box == Box(x=3, y=2, width=12, height=4)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (polygon((SQUARE, HOLE)), ""),
        (Box(x=-3, y=0, width=5, height=5), "3 px beyond"),
        (Box(x=20, y=0, width=5, height=5), "outside"),
        (polygon(([(0, 0), (4, 4), (8, 8)],)), "no area"),
        (polygon(([(0, 0), (8, 6), (8, 0), (0, 8)],)), "crosses itself"),
        (rle.encode(np.zeros((10, 12), bool)), "covers nothing"),
        (rle.encode(np.ones((12, 10), bool)), "mask is of 10 x 12"),
        (Mask(size=(10, 12), counts="oops!"), "run lengths"),
        (Points(points=[KeyPoint(name="a", x=1, y=1, visible=0)]), "none of its points"),
        (Points(points=[KeyPoint(name="a", x=1, y=1), KeyPoint(name="a", x=2, y=1)]), "twice"),
    ],
)
def test_what_is_wrong_is_said(shape, said):
    found = " ".join(valid(shape, 12, 10))
    assert said in found
    assert bool(said) == bool(found)


def test_a_star_crosses_itself_and_a_spiral_does_not():
    star = [(math.cos(4 * math.pi * k / 5), math.sin(4 * math.pi * k / 5)) for k in range(5)]
    assert crosses_itself(star)
    assert not crosses_itself(
        [
            (0, 0),
            (9, 0),
            (9, 9),
            (2, 9),
            (2, 3),
            (6, 3),
            (6, 6),
            (5, 6),
            (5, 4),
            (3, 4),
            (3, 8),
            (8, 8),
            (8, 1),
            (0, 1),
        ]
    )


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=9))
def test_few_sides_are_judged_as_many_are(ring):
    from rcg.datasets.geometry import _few_cross, _many_cross

    assert _few_cross(ring) == _many_cross(ring)

"""Shapes follow their pixels: boxes against the warped mask, areas against pixels, names against places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcg.datasets import rle
from rcg.datasets.augment import Motion, clip, moved, shapes
from rcg.datasets.augment.motion import about_centre, flip, half_turn, mirror, turn
from rcg.datasets.kinds import shipped
from rcg.datasets.raster import rasterise
from rcg.datasets.sample import LayerArray, Sample
from rcg.datasets.schema import (
    Annotation,
    Box,
    KeyPoint,
    LabelClass,
    LabelSchema,
    Part,
    Points,
    Polygon,
    Quad,
)

SCHEMA = LabelSchema(task="instance", classes=[LabelClass(name="dent")])
CORNERS = shipped()["corner_detection"].label_schema


def affine(size, rotate=0.0, sx=1.0, sy=1.0, shear=0.0, shift=(0.0, 0.0)):
    a, k = np.deg2rad(rotate), np.tan(np.deg2rad(shear))
    turned = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return Motion(about_centre(turned @ [[1, k], [0, 1]] @ np.diag([sx, sy]), size, shift))


def perspective():
    return Motion(np.array([[1.05, 0.06, -3.0], [-0.04, 0.97, 2.0], [4e-4, -3e-4, 1.0]]))


def one(shape, motion, size, schema=SCHEMA, label="dent", min_visible=0.25):
    """The shape after the motion, or None."""
    out = shapes.moved([Annotation(label=label, shape=shape)], motion, size, schema, min_visible)
    return out[0].shape if out else None


def ring(centre, radii, count=40, wobble=0.25, seed=0):
    rng = np.random.default_rng(seed)
    around = np.linspace(0, 2 * np.pi, count, endpoint=False)
    far = 1 + wobble * rng.uniform(-1, 1, count)
    return [
        (float(centre[0] + radii[0] * f * np.cos(a)), float(centre[1] + radii[1] * f * np.sin(a)))
        for a, f in zip(around, far, strict=True)
    ]


def scratch(centre, length, width, angle_deg):
    a = np.deg2rad(angle_deg)
    along, across = (
        np.array([np.cos(a), np.sin(a)]) * length / 2,
        np.array([-np.sin(a), np.cos(a)]) * width / 2,
    )
    corners = [-along - across, along - across, along + across, -along + across]
    return [(float(centre[0] + x), float(centre[1] + y)) for x, y in corners]


def box_of(pixels):
    rows, cols = np.nonzero(pixels)
    return np.array([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1], float)


SIZE = (160, 120)
MOTIONS = {
    "flip": mirror(SIZE),
    "half turn": half_turn(SIZE),
    "fitted turn": turn(SIZE),
    "15 degrees": affine(SIZE, 15),
    "stretch and shear": affine(SIZE, -33, 1.2, 0.8, 10, (5, -4)),
    "crop": Motion(np.array([[1.5, 0, -60.0], [0, 1.5, -30.0], [0, 0, 1]]), zoom=1.5),
    "perspective": perspective(),
}


@pytest.mark.parametrize("motion", MOTIONS.values(), ids=MOTIONS)
@pytest.mark.parametrize(
    "outline",
    [
        ring((70, 55), (22, 14)),
        scratch((80, 60), 60, 3, 45),
        scratch((60, 70), 50, 2.5, 15),
        ring((95, 60), (6, 30)),
    ],
    ids=["blob", "scratch at 45", "scratch at 15", "tall"],
)
def test_the_box_of_a_moved_polygon_is_the_box_of_the_moved_mask(motion, outline):
    """The mask is drawn eight times finer, moved pixel by pixel, and measured."""
    fine = 8
    polygon = Polygon(parts=[Part(outer=outline)])
    pixels = rasterise(
        Polygon(parts=[Part(outer=[(x * fine, y * fine) for x, y in outline])]),
        SIZE[0] * fine,
        SIZE[1] * fine,
    )
    rows, cols = np.nonzero(pixels)
    places = motion.points(np.column_stack([cols + 0.5, rows + 0.5]) / fine)
    places = places[((places >= 0) & (places <= SIZE)).all(1)]
    truth = np.array([*places.min(0), *places.max(0)])
    out = one(polygon, motion, SIZE)
    points = np.array([point for part in out.parts for point in part.outer])
    got = np.array([*points.min(0), *points.max(0)])
    assert np.abs(got - truth).max() <= 1.0
    # and pixel by pixel, on the image's own grid
    assert np.abs(box_of(rasterise(out, *SIZE)) - truth).max() <= 1.0


@pytest.mark.parametrize("motion", MOTIONS.values(), ids=MOTIONS)
def test_a_mask_moves_as_the_polygon_it_was_drawn_from(motion):
    polygon = Polygon(parts=[Part(outer=ring((70, 55), (22, 14)), holes=[ring((70, 55), (8, 6), 12, 0)])])
    as_mask = one(rle.encode(rasterise(polygon, *SIZE)), motion, SIZE)
    drawn = rasterise(one(polygon, motion, SIZE), *SIZE)
    pixels = rle.decode(as_mask)
    union, both = (drawn | pixels).sum(), (drawn & pixels).sum()
    assert both / union > 0.93
    assert np.abs(box_of(pixels) - box_of(drawn)).max() <= 1.0


@given(
    st.integers(0, 2**31),
    st.tuples(st.floats(-20, 60), st.floats(-20, 50)),
    st.tuples(st.floats(3, 40), st.floats(3, 40)),
)
@settings(max_examples=60, deadline=None)
def test_a_clipped_ring_covers_what_the_ring_covers_of_the_image(seed, centre, radii):
    size, fine = (40, 30), 8
    outline = np.array(ring(centre, radii, 24, 0.45, seed))
    cut = clip.clipped(outline, size)
    shifted = (outline + 80) * fine  # room round the image, so that nothing is cut before
    whole = rasterise(Polygon(parts=[Part(outer=shifted.tolist())]), 200 * fine, 200 * fine)
    window = whole[80 * fine : 110 * fine, 80 * fine : 120 * fine]
    if cut is None:
        assert window.sum() == 0
        return
    assert cut.min() >= 0
    assert (cut.max(0) <= size).all()
    drawn = rasterise(Polygon(parts=[Part(outer=(cut * fine).tolist())]), size[0] * fine, size[1] * fine)
    assert (drawn != window).sum() <= 2
    assert clip.area(cut) == pytest.approx(window.sum() / fine**2, abs=0.02 * window.sum() / fine**2 + 2)


def test_a_shape_that_keeps_too_little_is_dropped():
    square = Polygon(parts=[Part(outer=[(10, 10), (30, 10), (30, 30), (10, 30)])])
    left_by = lambda dx: affine((100, 100), shift=(dx, 0))  # noqa: E731
    assert clip.area(np.array(one(square, left_by(-25), (100, 100)).parts[0].outer)) == pytest.approx(100)
    assert one(square, left_by(-25.1), (100, 100)) is None
    assert one(square, left_by(-25.1), (100, 100), min_visible=0.2) is not None
    assert one(square, left_by(-31), (100, 100), min_visible=0) is None
    assert one(Box(x=10, y=10, width=20, height=20), left_by(-25), (100, 100)) == Box(
        x=0, y=10, width=5, height=20
    )
    assert one(Box(x=10, y=10, width=20, height=20), left_by(-26), (100, 100)) is None
    pixels = np.zeros((100, 100), bool)
    pixels[10:30, 10:30] = True
    assert one(rle.encode(pixels), left_by(-25), (100, 100)) is not None
    assert one(rle.encode(pixels), left_by(-26), (100, 100)) is None


def test_a_hole_goes_with_its_part_and_counts():
    outer = [(0, 0), (40, 0), (40, 40), (0, 40)]
    frame = Polygon(parts=[Part(outer=outer, holes=[[(2, 2), (38, 2), (38, 38), (2, 38)]])])
    out = one(frame, affine((40, 40), shift=(-39, 0)), (40, 40), min_visible=0)
    assert out.parts[0].holes == []
    # 2 x 40 of its 304 px² are left: enough for a quarter, as the hole does not count
    out = one(frame, affine((40, 40), shift=(-38, 0)), (40, 40), min_visible=0.25)
    assert clip.area(np.array(out.parts[0].outer)) == pytest.approx(80)


def test_a_box_turned_by_an_angle_is_the_box_of_its_corners_and_exact_otherwise():
    box = Box(x=20, y=30, width=20, height=10)
    assert one(box, mirror((100, 100)), (100, 100)) == Box(x=60, y=30, width=20, height=10)
    assert one(box, turn((100, 100)), (100, 100)) == Box(x=30, y=60, width=10, height=20)
    out = one(box, affine((100, 100), 45), (100, 100))
    assert (out.width, out.height) == pytest.approx((30 / np.sqrt(2), 30 / np.sqrt(2)))


def quarter(place, size=(100, 100)):
    x, y = place
    return ("top" if y < size[1] / 2 else "bottom") + "_" + ("left" if x < size[0] / 2 else "right")


def nothing(size):
    return Motion(np.eye(3))


D4 = [
    (nothing, nothing), (mirror, nothing), (flip, nothing), (turn, nothing), (half_turn, nothing),
    (mirror, turn), (flip, turn), (half_turn, turn),
]  # fmt: skip


@pytest.mark.parametrize(("first", "then"), D4)
def test_points_are_called_what_they_are_where_they_came_to_lie(first, then):
    size = (100, 100)
    places = [("top_left", 10, 12), ("top_right", 85, 14), ("bottom_right", 88, 90), ("bottom_left", 13, 93)]
    points = [KeyPoint(name=name, x=x, y=y) for name, x, y in places]
    out = one(Points(points=points), first(size).then(then(size)), size, CORNERS, "card")
    assert [point.name for point in out.points] == [point.name for point in points]
    assert all(point.name == quarter((point.x, point.y)) for point in out.points)


@pytest.mark.parametrize(("first", "then"), D4)
def test_the_corners_of_a_quad_stay_in_order(first, then):
    size = (100, 100)
    quad = Quad(corners=((10, 12), (85, 14), (88, 90), (13, 93)))
    out = one(quad, first(size).then(then(size)), size)
    assert [quarter(corner) for corner in out.corners] == [
        "top_left", "top_right", "bottom_right", "bottom_left"
    ]  # fmt: skip


def test_classes_change_sides_too():
    schema = LabelSchema(
        task="instance",
        classes=[LabelClass(name="left_edge"), LabelClass(name="right_edge"), LabelClass(name="dent")],
        mirror={"left_edge": "right_edge", "right_edge": "left_edge"},
    )
    box = Box(x=1, y=1, width=3, height=3)
    given = [Annotation(label=name, shape=box) for name in ("left_edge", "right_edge", "dent")]
    out = shapes.moved(given, mirror((20, 20)), (20, 20), schema, 0.25)
    assert [item.label for item in out] == ["right_edge", "left_edge", "dent"]
    assert [item.id for item in out] == [item.id for item in given]


def test_a_point_that_leaves_the_image_is_not_there_any_more():
    points = Points(
        points=[KeyPoint(name="top_left", x=5, y=5), KeyPoint(name="top_right", x=95, y=5, visible=1)]
    )
    out = one(points, affine((100, 100), shift=(-10, 0)), (100, 100), CORNERS, "card")
    assert [(point.name, point.x, point.visible) for point in out.points] == [
        ("top_left", -5, 0),
        ("top_right", 85, 1),
    ]
    assert one(points, affine((100, 100), shift=(200, 0)), (100, 100), CORNERS, "card") is None


@pytest.mark.parametrize("twice", [mirror, flip, half_turn])
def test_done_twice_shapes_are_as_they_were(twice):
    pixels = rasterise(Polygon(parts=[Part(outer=ring((50, 55), (22, 14)))]), *SIZE)
    given = (
        Annotation(label="dent", shape=Polygon(parts=[Part(outer=ring((70, 55), (22, 14)))])),
        Annotation(label="dent", shape=Box(x=3.5, y=4.25, width=10, height=20)),
        Annotation(label="dent", shape=Quad(corners=((10, 12), (85, 14), (88, 90), (13, 93)))),
        Annotation(label="dent", shape=rle.encode(pixels)),
    )  # fmt: skip
    sample = Sample({"colour": LayerArray("colour", np.zeros((SIZE[1], SIZE[0], 3), np.uint8))}, given)
    back = moved(moved(sample, twice(SIZE), SCHEMA), twice(SIZE), SCHEMA).annotations
    assert back[1:] == given[1:]
    np.testing.assert_allclose(back[0].shape.parts[0].outer, given[0].shape.parts[0].outer, atol=1e-12)

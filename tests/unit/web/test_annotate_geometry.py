"""Shapes in the annotator against hand-computed cases and against the library's own pixels."""

import numpy as np
import pytest
from annotate_node import Core

from rcg.datasets import geometry, pixels, rle
from rcg.datasets.schema import Annotation, Mask, Polygon

SQUARE = {"type": "polygon", "parts": [{"outer": [[0, 0], [10, 0], [10, 10], [0, 10]], "holes": []}]}
RING = {
    "type": "polygon",
    "parts": [{"outer": [[0, 0], [10, 0], [10, 10], [0, 10]], "holes": [[[2, 2], [4, 2], [4, 4], [2, 4]]]}],
}
BOX = {"type": "box", "x": 10, "y": 20, "width": 30, "height": 40}
QUAD = {"type": "quad", "corners": [[0, 0], [8, 1], [9, 7], [1, 6]]}
POINTS = {
    "type": "points",
    "points": [{"name": "a", "x": 1, "y": 2, "visible": 2}, {"name": "b", "x": 5, "y": 9, "visible": 1}],
    "box": None,
}


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return Core(tmp_path_factory.mktemp("core"))


def test_areas_and_bounds(core):
    found = core(
        "return given.shapes.map((s) => [core.geometry.area(s), core.geometry.extent(s)])",
        shapes=[SQUARE, RING, BOX, QUAD, POINTS],
    )
    assert [area for area, _ in found] == [100, 96, 1200, 47, 28]
    assert found[2][1] == {"left": 10, "top": 20, "right": 40, "bottom": 60}
    assert found[4][1] == {"left": 1, "top": 2, "right": 5, "bottom": 9}


def test_a_hole_is_not_inside_and_the_smallest_shape_comes_first(core):
    inside = core(
        "return given.at.map((p) => core.geometry.contains(given.shape, p))",
        shape=RING, at=[[1, 1], [3, 3], [9, 9], [11, 5]],
    )  # fmt: skip
    assert inside == [True, False, True, False]
    shapes = [
        {"id": "large", "shape": SQUARE},
        {"id": "small", "shape": {**BOX, "x": 1, "y": 1, "width": 2, "height": 2}},
    ]
    order = core("return core.geometry.under(given.shapes, [2, 2], 0.1).map((s) => s.id)", shapes=shapes)
    assert order == ["small", "large"]


def test_a_shape_moves_as_far_as_the_image_reaches(core):
    moved = core("return core.geometry.translate(given.shape, -50, 500, 100, 100)", shape=BOX)
    assert moved == {**BOX, "x": 0, "y": 60}
    beyond = {**BOX, "x": -5}
    assert core("return core.geometry.translate(given.shape, -3, 0, 100, 100)", shape=beyond)["x"] == -5
    assert core("return core.geometry.translate(given.shape, 4, 0, 100, 100)", shape=beyond)["x"] == -1
    points = core("return core.geometry.translate(given.shape, 1, 1, 100, 100)", shape=POINTS)
    assert [(p["x"], p["y"]) for p in points["points"]] == [(2, 3), (6, 10)]


@pytest.mark.parametrize(
    ("handle", "to", "expected"),
    [
        (0, [5, 6], [5, 6, 35, 54]),
        (2, [50, 15], [10, 15, 40, 45]),
        (3, [45, 99], [10, 20, 35, 40]),
        (5, [0, 70], [10, 20, 30, 50]),
        (7, [60, 0], [40, 20, 20, 40]),
    ],
)
def test_a_box_is_resized_by_its_handles_and_never_turns_inside_out(core, handle, to, expected):
    box = core(
        "return core.geometry.moveVertex(given.shape, { ring: 0, index: given.handle }, given.to)",
        shape=BOX, handle=handle, to=to,
    )  # fmt: skip
    assert [box["x"], box["y"], box["width"], box["height"]] == expected


def test_points_are_put_in_and_taken_out(core):
    more = core("return core.geometry.insertVertex(given.s, { ring: 0, index: 1 }, [12, 5])", s=SQUARE)
    assert more["parts"][0]["outer"] == [[0, 0], [10, 0], [12, 5], [10, 10], [0, 10]]
    less = core("return core.geometry.deleteVertex(given.s, { ring: 0, index: 2 })", s=more)
    assert less == SQUARE
    no_hole = core(
        """let s = given.s;
        for (let i = 0; i < 2; i++) s = core.geometry.deleteVertex(s, { ring: 1, index: 0 });
        return s""",
        s=RING,
    )
    assert no_hole == SQUARE, "a hole of two points is none"
    gone = core(
        """let s = given.s;
        for (let i = 0; i < 2; i++) s = core.geometry.deleteVertex(s, { ring: 0, index: 0 });
        return s""",
        s=SQUARE,
    )
    assert gone is None


def test_holes_lie_inside_one_piece(core):
    cut = "return core.geometry.addHole(given.s, given.hole)"
    assert core(cut, s=SQUARE, hole=RING["parts"][0]["holes"][0]) == RING
    assert "inside one piece" in core(cut, s=SQUARE, hole=[[5, 5], [20, 5], [5, 8]])
    assert "overlap" in core(cut, s=RING, hole=[[3, 3], [6, 3], [6, 6]])


def test_crossing_outlines_are_seen_as_the_library_sees_them(core):
    rng = np.random.default_rng(5)
    rings = [np.round(rng.uniform(0, 50, (n, 2)), 1).tolist() for n in rng.integers(4, 8, 60)]
    found = core("return given.rings.map((r) => core.ring.crossesItself(r))", rings=rings)
    assert found == [geometry.crosses_itself([tuple(p) for p in ring]) for ring in rings]
    assert 5 < sum(found) < 60


def test_a_line_is_thinned_within_its_tolerance(core):
    x = np.linspace(0, 100, 400)
    line = np.stack([x, 20 * np.sin(x / 12)], 1)
    thin = np.array(core("return core.ring.simplify(given.line, 0.5)", line=line.tolist()))
    assert len(thin) < 40
    worst = max(_distance(point, thin) for point in line)
    assert worst <= 0.5 + 1e-9


def _distance(point, line):
    a, b = line[:-1], line[1:]
    t = np.clip(((point - a) * (b - a)).sum(1) / ((b - a) ** 2).sum(1), 0, 1)
    return np.linalg.norm(a + t[:, None] * (b - a) - point, axis=1).min()


def test_turning_a_quad_gives_each_corner_the_next_name(core):
    turned = core("return core.geometry.turnCorners(given.q)", q=QUAD)
    assert turned["corners"] == [[8, 1], [9, 7], [1, 6], [0, 0]]
    assert (
        core(
            "let q = given.q; for (let i = 0; i < 4; i++) q = core.geometry.turnCorners(q); return q", q=QUAD
        )
        == QUAD
    )


# Masks


def random_masks():
    rng = np.random.default_rng(11)
    for size in ((7, 9), (23, 17), (40, 64)):
        yield rng.random(size) < 0.5
        yield rng.random(size) < 0.08
    frame = np.zeros((20, 20), bool)
    frame[3:17, 3:17] = True
    frame[6:14, 6:14] = False
    frame[8:12, 8:12] = True  # an island in a hole
    frame[2, 2] = frame[17, 17] = True  # touch at corners only
    yield frame
    yield np.ones((5, 6), bool)


@pytest.mark.parametrize(
    "pixels_", list(random_masks()), ids=lambda m: f"{m.shape[0]}x{m.shape[1]}-{int(m.sum())}"
)
def test_masks_are_read_and_traced_to_the_pixel(core, pixels_):
    mask = rle.encode(pixels_)
    found = core(
        """const { bits, ...box } = core.rle.decode(given.mask);
        return { bits: [...bits], box, polygon: core.rle.polygonOf(given.mask) }""",
        mask=mask.model_dump(),
    )
    assert np.array_equal(np.array(found["bits"], bool).reshape(pixels_.shape), pixels_)
    box = found["box"]
    assert (box["left"], box["top"], box["right"], box["bottom"]) == geometry.extent(mask)
    polygon = Annotation(label="x", shape=Polygon.model_validate(found["polygon"]))
    drawn = pixels.rasterise(polygon, pixels_.shape[1], pixels_.shape[0])
    assert np.array_equal(drawn, pixels_)


def test_an_empty_mask_has_no_outline_and_a_broken_one_says_so(core):
    empty = rle.encode(np.zeros((4, 5), bool))
    assert core("return core.rle.polygonOf(given.mask)", mask=empty.model_dump()) is None
    words = "try { core.rle.runs(given.mask) } catch (error) { return error.message }"
    assert "fill its size" in core(words, mask=Mask(size=(3, 3), counts=empty.counts).model_dump())
    assert "cut short" in core(words, mask={"type": "mask", "size": [3, 3], "counts": "Q"})


def test_a_round_mask_becomes_a_polygon_that_is_easy_to_edit(core):
    y, x = np.mgrid[:120, :120] + 0.5
    distance = np.hypot(x - 60, y - 60)
    disc = (distance < 50) & (distance > 20)
    polygon = core("return core.session.asPolygon(given.mask)", mask=rle.encode(disc).model_dump())
    (part,) = polygon["parts"]
    assert len(part["outer"]) < 45
    assert len(part["holes"]) == 1
    drawn = pixels.rasterise(Annotation(label="x", shape=Polygon.model_validate(polygon)), 120, 120)
    assert (drawn & disc).sum() / (drawn | disc).sum() > 0.98
    assert abs(int(drawn.sum()) - int(disc.sum())) / disc.sum() < 0.005, "neither larger nor smaller"


def test_the_address_keeps_layer_place_and_selection(core):
    look = {"layer": "light:3", "at": {"x": 12.3, "y": 45.6, "scale": 2.5}, "shapes": ["a" * 32]}
    text = core("return core.address.writeLook(given.look)", look=look)
    assert text == f"?layer=light:3&at=12.3,45.6,2.5&shape={'a' * 32}"
    assert core("return core.address.readLook(given.text)", text=text) == look
    nothing = {"layer": None, "at": None, "shapes": []}
    for wrong in ("", "?at=1,2", "?at=a,b,c", "?at=1,2,-3", "?shape=%3Cscript%3E"):
        assert core("return core.address.readLook(given.text)", text=wrong) == nothing

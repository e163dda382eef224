"""The kinds that ship: complete, consistent, and moved by names that follow the geometry."""

import itertools

import pytest

from rcg.datasets.kinds import resolve, shipped
from rcg.errors import InputError

NINE = [
    "centering_analysis", "corner_damage", "corner_detection", "dual_border_detection", "edge_damage",
    "edge_detection", "multi_modal", "photometric_fusion", "surface_damage",
]  # fmt: skip
POINTS = [name for name in NINE if shipped()[name].label_schema.task == "points"]
PLACES = {"top_left": (0, 0), "top_right": (6, 0), "bottom_right": (6, 6), "bottom_left": (0, 6)}


def place(name):
    """Where a point lies on a square card of side 6."""
    for prefix, inset in (("outer_", 0), ("inner_", 1)):
        if name.startswith(prefix):
            x, y = PLACES[name.removeprefix(prefix)]
            return x + (inset if x == 0 else -inset), y + (inset if y == 0 else -inset)
    if name in PLACES:
        return PLACES[name]
    side, k = name.split("_")
    return {"top": (int(k), 0), "bottom": (int(k), 6), "left": (0, int(k)), "right": (6, int(k))}[side]


def test_the_nine_ship_and_round_trip_as_data():
    assert list(shipped()) == NINE
    for kind in shipped().values():
        assert type(kind).model_validate_json(kind.model_dump_json()) == kind
        assert kind.shipped
        assert all(item.title and item.description for item in kind.label_schema.classes)


@pytest.mark.parametrize("name", POINTS)
def test_points_are_named_by_where_they_come_to_lie(name):
    for point in shipped()[name].label_schema.points:
        x, y = place(point.name)
        assert place(point.mirror) == (6 - x, y)
        assert place(point.flip) == (x, 6 - y)
        assert place(point.turn) == (y, 6 - x)  # counter-clockwise: the top left goes to the bottom left


@pytest.mark.parametrize(
    ("name", "count"), [("centering_analysis", 8), ("corner_detection", 4), ("edge_detection", 24)]
)
def test_points_and_skeleton_close_a_ring(name, count):
    schema = shipped()[name].label_schema
    assert len(schema.points) == count
    ends = [end for edge in schema.skeleton for end in edge]
    assert sorted(ends) == sorted(2 * list(schema.point_names))
    for a, b in schema.skeleton:
        assert min(abs(p - q) for p, q in zip(place(a), place(b), strict=True)) == 0


def test_a_class_is_the_same_in_every_kind_but_for_its_colour():
    seen = {}
    for kind, item in itertools.chain.from_iterable(
        [(kind, item) for item in kind.label_schema.classes]
        for kind in shipped().values()
        if kind.label_schema.task == "instance"
    ):
        assert seen.setdefault(item.name, item.model_copy(update={"colour": 1})) == item.model_copy(
            update={"colour": 1}
        ), kind.name
    assert {"dent", "scratch", "stain", "corner_wear", "edge_wear"} <= set(
        shipped()["multi_modal"].label_schema.class_names
    )


def test_an_attribute_names_classes_that_exist():
    for kind in shipped().values():
        for attribute in kind.label_schema.attributes:
            assert set(attribute.classes) <= set(kind.label_schema.class_names)


def test_resolving_forgives_case_and_knows_aliases_and_own_kinds():
    assert resolve("corner_analysis").name == "corner_detection"
    assert resolve("Surface Damage").name == "surface_damage"
    own = shipped()["surface_damage"].model_copy(update={"name": "my_holo", "aliases": ["holo"]})
    assert resolve("holo", {"my_holo": own}) is own


def test_an_unknown_kind_names_near_ones():
    with pytest.raises(InputError, match="surfce_damage") as error:
        resolve("surfce_damage")
    assert "surface_damage" in error.value.hint
    with pytest.raises(InputError) as error:
        resolve("zzzz")
    assert "multi_modal" in error.value.hint

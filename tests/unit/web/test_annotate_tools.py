"""Tools and actions of the annotator, driven by points and keys' meanings, without a browser."""

import pytest
from annotate_node import Core

SCHEMA = {
    "task": "instance",
    "classes": [
        {"name": "dent", "title": "Dent", "description": "", "colour": 1, "tool": "polygon"},
        {"name": "frame", "title": "", "description": "", "colour": 2, "tool": "quad"},
    ],
    "points": [{"name": "tip", "title": "Tip"}, {"name": "tail", "title": ""}],
    "skeleton": [],
    "attributes": [
        {"name": "depth", "title": "", "type": "number", "choices": [], "unit": "", "classes": ["dent"]}
    ],
}
DESK = """
const sent = [], said = [], used = [];
const sheet = { revision: 0, label_state: "unlabelled", annotations: given.shapes ?? [], undo: null, redo: null };
const habits = { label: "dent", tool: given.tool ?? "select", threshold: 0, hidden: false };
const host = { send: (op) => sent.push(op), changed: () => undefined, say: (t) => said.push(t), useTool: (t) => { habits.tool = t; used.push(t); } };
const desk = new core.session.Session(given.schema, { width: 200, height: 100 }, new core.model.Model(sheet), habits, host);
desk.scale = 2;
const mods = { shift: false, alt: false, touch: false };
const click = (tool, ...points) => points.forEach((p) => { tool.hover(p, mods); tool.click(p, mods); });
const drag = (tool, ...points) => { const got = tool.grab(points[0], mods); points.slice(1).forEach((p) => tool.drag(p, mods)); if (got) tool.drop(points.at(-1), mods); return got; };
const shapes = () => desk.model.list.map((s) => s.shape);
"""  # noqa: E501


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return Core(tmp_path_factory.mktemp("core"))


@pytest.fixture
def play(core):
    return lambda body, **given: core(DESK + body, schema=SCHEMA, **given)


def shape(number, body, **more):
    return {
        "id": f"{number:032x}",
        "label": "dent",
        "shape": body,
        "attributes": {},
        "crowd": False,
        "source": "person",
        "state": "accepted",
        "score": None,
        "model": None,
        "extra": {},
        **more,
    }


BOX = {"type": "box", "x": 10, "y": 20, "width": 30, "height": 40}
RING = [[10, 10], [60, 10], [60, 60], [10, 60]]
POLYGON = {"type": "polygon", "parts": [{"outer": RING, "holes": []}]}


def guess(number, score):
    return shape(number, BOX, source="model", state="predicted", score=score, model="m1")


def test_a_box_by_dragging_and_by_two_clicks_held_inside_the_image(play):
    found = play(
        """
        const tool = new core.BoxTool(desk);
        drag(tool, [30.123, 40], [20, 35], [10.004, 20.5]); click(tool, [150, 90], [999, -5]);
        click(tool, [5, 5], [5.5, 5.5]);
        return [shapes(), sent.map((o) => o.kind), tool.draft.ring !== undefined]"""
    )
    assert found[0] == [
        {"type": "box", "x": 10, "y": 20.5, "width": 20.12, "height": 19.5},
        {"type": "box", "x": 150, "y": 0, "width": 50, "height": 90},
    ]
    assert found[1] == ["add", "add"], "each shape is a step of its own"
    assert found[2] is True, "two clicks on one spot are no box"


def test_a_polygon_is_closed_at_its_first_point_and_a_hole_is_cut_into_it(play):
    found = play(
        """
        const tool = new core.PolygonTool(desk, "polygon"), hole = new core.PolygonTool(desk, "hole");
        click(hole, [1, 1]);
        click(tool, [10, 10], [60, 10], [60, 60], [10, 60], [11, 11]);
        click(hole, [20, 20], [40, 20], [40, 40]); hole.finish();
        const out = desk.model.list[0].shape; click(hole, [1, 1], [5, 1], [5, 5]); hole.finish();
        return [out, said, sent.map((o) => o.kind)]"""
    )
    assert found[0]["parts"] == [{"outer": RING, "holes": [[[20, 20], [40, 20], [40, 40]]]}]
    assert "Select a polygon first" in found[1][0]
    assert "inside one piece" in found[1][1]
    assert found[2] == ["add", "change"]


def test_points_of_a_polygon_are_taken_back_and_two_are_too_few(play):
    found = play(
        """
        const tool = new core.PolygonTool(desk, "polygon");
        click(tool, [10, 10], [60, 10], [60, 60]); tool.back(); tool.finish(); tool.back(); tool.back();
        return [said, tool.back(), tool.cancel(), sent.length]"""
    )
    assert found == [["A polygon has at least three points."], False, False, 0]


def test_a_freehand_line_becomes_a_polygon_with_few_points(play):
    found = play(
        """
        const tool = new core.PolygonTool(desk, "polygon");
        const circle = Array.from({ length: 200 }, (_, i) => [50 + 30 * Math.cos(i / 31.83),
        50 + 30 * Math.sin(i / 31.83)]);
        drag(tool, ...circle); return shapes()"""
    )
    (ring,) = [part["outer"] for part in found[0]["parts"]]
    assert 10 < len(ring) < 60


def test_a_quad_keeps_the_order_of_its_clicks_and_a_drag_is_upright(play):
    found = play(
        """
        const tool = new core.QuadTool(desk), next = [];
        for (const p of [[90, 80], [10, 80], [10, 10], [90, 10]]) { next.push(tool.draft.next);
        click(tool, p); }
        drag(tool, [150, 60], [120, 30]); return [shapes(), next]"""
    )
    assert found[0][0]["corners"] == [[90, 80], [10, 80], [10, 10], [90, 10]]
    assert found[0][1]["corners"] == [[120, 30], [150, 30], [150, 60], [120, 60]]
    assert [text.split("card's ")[1] for text in found[1]] == [
        "top left corner",
        "top right corner",
        "bottom right corner",
        "bottom left corner",
    ]


def test_points_walk_through_the_schema(play):
    found = play(
        """
        const tool = new core.PointsTool(desk), next = [tool.next];
        click(tool, [5, 5]); next.push(tool.next);
        tool.hover([7, 7], mods); tool.click([50, 50], { ...mods, shift: true }); next.push(tool.next);
        drag(tool, [5, 5], [8, 8]); const two = structuredClone(shapes());
        click(tool, [90, 90]); return [next, two, shapes().length, sent.map((o) => o.kind)]"""
    )
    assert found[0] == ["tip", "tail", None]
    assert found[1] == [
        {
            "type": "points",
            "box": None,
            "points": [
                {"name": "tip", "x": 8, "y": 8, "visible": 2},
                {"name": "tail", "x": 50, "y": 50, "visible": 1},
            ],
        }
    ]
    assert found[2] == 1, "one of each per item"
    assert found[3] == ["add", "change", "change"]


def test_selecting_moving_and_changing_points(play):
    found = play(
        """
        const tool = new core.SelectTool(desk);
        click(tool, [30, 30]); const chosen = desk.chosen.length;
        const panned = !drag(tool, [150, 90], [100, 50]);
        drag(tool, [30, 30], [35, 28]); drag(tool, [15, 8], [12, 4]);
        tool.double([40, 58]); const six = desk.model.list[0].shape.parts[0].outer.length;
        tool.click([12, 4], { ...mods, alt: true });
        return [chosen, panned, six, shapes()[0], sent.map((o) => o.kind)]""",
        shapes=[shape(1, POLYGON)],
    )
    assert found[:3] == [1, True, 5]
    assert found[3]["parts"][0]["outer"] == [[65, 8], [65, 58], [40, 58], [15, 58]]
    assert found[4] == ["change"] * 4


def test_the_middle_of_a_side_is_pulled_out(play):
    found = play(
        """
        const tool = new core.SelectTool(desk); desk.select([given.shapes[0].id]);
        drag(tool, [35, 10], [35, 2]); return [shapes()[0], desk.vertex]""",
        shapes=[shape(1, POLYGON)],
    )
    assert found[0]["parts"][0]["outer"] == [[10, 10], [35, 2], *RING[1:]]
    assert found[1] == {"ring": 0, "index": 1}


def test_clicking_again_takes_the_shape_below(play):
    shapes = [shape(1, POLYGON), shape(2, {**BOX, "width": 10, "height": 10})]
    found = play(
        """
        const tool = new core.SelectTool(desk), got = [];
        for (let i = 0; i < 3; i++) { click(tool, [15, 25]); got.push(Number("0x" + desk.chosen[0])); }
        click(tool, [190, 90]); return [got, desk.chosen]""",
        shapes=shapes,
    )
    assert found == [[2, 1, 2], []]


def test_a_band_selects_what_lies_inside(play):
    shapes = [shape(1, BOX), shape(2, {**BOX, "x": 100}), shape(3, {**BOX, "x": 150, "width": 60})]
    found = play(
        """
        const tool = new core.SelectTool(desk);
        tool.grab([0, 0], { ...mods, shift: true }); tool.drag([180, 90], mods); tool.drop([180, 90], mods);
        return desk.chosen.map((id) => Number("0x" + id))""",
        shapes=shapes,
    )
    assert found == [1, 2]


def test_nudges_in_a_row_are_one_step_and_of_a_point_too(play):
    found = play(
        """
        desk.select([given.shapes[0].id]);
        for (let i = 0; i < 5; i++) desk.nudge(1, 0.1);
        const during = desk.model.list[0].shape.x; desk.settle();
        desk.stepVertex(1); desk.nudge(-4, 0); desk.settle();
        return [during, shapes()[0], sent.length]""",
        shapes=[shape(1, BOX)],
    )
    assert found == [10, {**BOX, "x": 11, "y": 20.5, "width": 34}, 2]


def test_a_class_is_for_what_is_selected_or_for_what_comes_next(play):
    found = play(
        """
        desk.select([given.shapes[0].id]); desk.setClass("frame");
        const changed = desk.model.list[0]; habits.tool = "box"; desk.setClass("dent");
        return [changed.label, changed.attributes, desk.model.list[0].label, desk.label, used]""",
        shapes=[shape(1, BOX, attributes={"depth": 3})],
    )
    assert found == ["frame", {}, "frame", "dent", ["polygon"]]


def test_deleting_a_point_then_the_shape(play):
    found = play(
        """
        desk.select([given.shapes[0].id], { ring: 0, index: 0 }); desk.erase();
        const left = shapes()[0].parts[0].outer.length; desk.select(desk.chosen); desk.erase();
        return [left, shapes(), desk.chosen]""",
        shapes=[shape(1, POLYGON)],
    )
    assert found == [3, [], []]


def test_suggestions_are_accepted_rejected_and_corrected(play):
    shapes = [guess(1, 0.9), guess(2, 0.6), guess(3, 0.3), shape(4, BOX)]
    found = play(
        """
        habits.threshold = 0.5; const seen = desk.shown.length; desk.accept(); const first = desk.chosen[0];
        desk.accept(); const second = desk.chosen[0];
        desk.change([{ ...desk.selection[0], shape: { ...desk.selection[0].shape, x: 1 } }]);
        habits.threshold = 0; desk.select([]); desk.reject(); desk.reject();
        const left = desk.waiting.length; desk.accept();
        return [seen, first, second, left, said, desk.model.list.map((s) => [s.state, s.source,
        s.score, s.model])]""",
        shapes=shapes,
    )
    assert found[0] == 3, "below the threshold it is not shown"
    assert found[1:4] == [shapes[0]["id"], shapes[1]["id"], 0]
    assert found[4] == ["No suggestion waits here."]
    assert found[5] == [
        ["accepted", "model", 0.9, "m1"],
        ["accepted", "person", None, "m1"],
        ["accepted", "person", None, None],
    ]


def test_all_that_are_shown_are_accepted_as_one_step(play):
    found = play(
        """
        habits.threshold = 0.5; const count = desk.acceptAll(); const state = desk.model.labelState;
        desk.replay("undo"); return [count, state, desk.model.waiting.length, sent.map((o) => o.kind)]""",
        shapes=[guess(1, 0.9), guess(2, 0.6), guess(3, 0.3)],
    )
    assert found == [2, "predicted", 3, ["change", "undo"]]


def test_copies_have_ids_of_their_own_and_scale_with_the_image(play):
    found = play(
        """
        desk.select([given.shapes[0].id]); desk.duplicate();
        const count = desk.paste(given.others, { width: 100, height: 100 });
        return [count, desk.model.list.map((s) => [s.id === given.shapes[0].id, s.shape.x,
        s.shape.width, s.source])]""",
        shapes=[shape(1, BOX)],
        others=[shape(7, BOX, source="import"), guess(8, 0.5), shape(9, BOX, label="gone")],
    )
    assert found == [1, [[True, 10, 30, "person"], [False, 16, 30, "person"], [False, 20, 60, "person"]]]


def test_attributes_are_set_for_all_and_taken_away(play):
    found = play(
        """
        desk.select(given.shapes.map((s) => s.id)); desk.setAttribute("depth", 4.5);
        const set = desk.model.list.map((s) => s.attributes); desk.setAttribute("depth", null);
        return [set, desk.model.list.map((s) => s.attributes), sent.length]""",
        shapes=[shape(1, BOX), shape(2, BOX)],
    )
    assert found == [[{"depth": 4.5}] * 2, [{}, {}], 2]


def test_a_second_finger_ends_a_drag_without_a_step(play):
    found = play(
        """
        const tool = new core.SelectTool(desk); desk.select([given.shapes[0].id]);
        tool.grab([20, 30], mods); tool.drag([60, 60], mods); tool.abort();
        const ring = new core.PolygonTool(desk, "polygon"); click(ring, [1, 1], [9, 1]);
        ring.grab([5, 5], mods); ring.abort();
        return [shapes()[0].x, sent.length, ring.draft.ring.length]""",
        shapes=[shape(1, BOX)],
    )
    assert found == [10, 0, 2 + 1]

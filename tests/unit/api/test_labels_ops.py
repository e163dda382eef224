"""Steps of editing an item: applied once, undone, redone, refused."""

import copy
import random

import pytest
from labels_made import add_dataset, box, op

from rcg.store.repositories import annotation_ops


@pytest.fixture
def made(parts):
    return add_dataset(parts.db)


@pytest.fixture
def item(made):
    return made[1][0]


@pytest.fixture
def edit(client, item):
    def send(*ops, base=None, status=200):
        answer = client.post(f"/api/items/{item}/ops", json={"base_revision": base, "ops": list(ops)})
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


@pytest.fixture
def sheet(client, item):
    return lambda: client.get(f"/api/items/{item}/annotations").json()


def plain(shapes):
    """Annotations without what was filled in."""
    return [
        {"id": one["id"], "label": one["label"], "shape": one["shape"], "state": one["state"]}
        for one in shapes
    ]


def test_shapes_are_kept_as_they_were_sent_to_the_last_digit(edit, sheet):
    drawn = [box(x=0.1 + 0.2, y=1 / 3, width=1e-9, height=99.99999999999999), box()]
    ring = [[0.5, 0.5], [150.125, 3.0], [70.0, 90.1]]
    hole = [[60.0, 20.0], [80.0, 20.0], [70.0, 30.0]]
    polygon = box() | {"shape": {"type": "polygon", "parts": [{"outer": ring, "holes": [hole]}]}}
    answer = edit(op("add", annotations=[*drawn, polygon]), base=0)
    assert (answer["revision"], answer["applied"], answer["label_state"]) == (1, 1, "labelled")
    stored = sheet()
    assert [one["shape"] for one in stored["annotations"]] == [one["shape"] for one in [*drawn, polygon]]
    assert stored["revision"] == 1
    assert stored["undo"]["words"] == "draw"


def test_an_op_that_comes_twice_is_applied_once(edit, sheet):
    first, second = op("add", annotations=[box()]), op("add", annotations=[box()])
    assert edit(first, base=0)["applied"] == 1
    again = edit(first, second, base=0)  # its answer was lost, so it comes again beside the next one
    assert (again["applied"], again["revision"]) == (1, 2)
    assert edit(second, second, base=1)["applied"] == 0
    assert len(sheet()["annotations"]) == 2


def test_all_ops_or_none(edit, sheet):
    good = op("add", annotations=[box()])
    edit(good, op("add", annotations=[box() | {"label": "unicorn"}]), base=0, status=422)
    assert sheet()["annotations"] == []
    assert sheet()["revision"] == 0
    edit(good, base=0)


def test_another_tab_is_told_the_present_state(edit, sheet):
    mine, theirs = box(), box()
    edit(op("add", annotations=[theirs]), base=0)
    refused = edit(op("add", annotations=[mine]), base=0, status=409)
    assert refused["error"] == "conflict"
    assert "changed elsewhere" in refused["detail"]
    assert [one["id"] for one in refused["data"]["annotations"]] == [theirs["id"]]
    assert refused["data"]["revision"] == 1
    edit(op("add", annotations=[mine]), base=refused["data"]["revision"])
    assert [one["id"] for one in sheet()["annotations"]] == [theirs["id"], mine["id"]]


def test_a_conflict_names_what_was_applied_of_the_request(edit):
    first, second = op("add", annotations=[box()]), op("add", annotations=[box()])
    edit(first, base=0)
    edit(op("add", annotations=[box()]), base=1)
    refused = edit(first, second, base=0, status=409)
    assert refused["data"]["known"] == [first["op_id"]]


def test_a_change_of_what_was_deleted_elsewhere_is_refused_with_the_state(edit, sheet):
    shape = box()
    edit(op("add", annotations=[shape]))
    edit(op("remove", ids=[shape["id"]]))
    refused = edit(op("change", annotations=[shape]), status=409)
    assert shape["id"] in refused["detail"]
    assert refused["data"]["annotations"] == []
    assert edit(op("remove", ids=[shape["id"]]))["applied"] == 1  # gone already: as it was meant to be


def test_undo_and_redo_walk_through_every_kind_of_step(client, item, edit, sheet):
    first, second = box(), box(x=5.0)
    moved = copy.deepcopy(first)
    moved["shape"]["x"] = 77.0
    states = [plain(sheet()["annotations"])]
    for step in (
        op("add", annotations=[first, second]),
        op("change", annotations=[moved]),
        op("remove", ids=[first["id"]]),
    ):
        edit(step)
        states.append(plain(sheet()["annotations"]))
    for before in reversed(states[:-1]):
        answer = client.post(f"/api/items/{item}/undo").json()
        assert plain(sheet()["annotations"]) == before
    assert answer["label_state"] == "unlabelled", "as before the first step"
    assert answer["can_undo"] is False
    refused = client.post(f"/api/items/{item}/undo")
    assert refused.status_code == 409
    assert "nothing to undo" in refused.json()["detail"]
    for after in states[1:]:
        assert client.post(f"/api/items/{item}/redo").status_code == 200
        assert plain(sheet()["annotations"]) == after
    assert sheet()["can_redo"] is False


def test_a_deleted_shape_comes_back_to_its_place(client, item, edit, sheet):
    shapes = [box(), box(), box()]
    edit(op("add", annotations=shapes))
    edit(op("remove", ids=[shapes[1]["id"]]))
    answer = client.post(f"/api/items/{item}/undo").json()
    assert [one["id"] for one in answer["changed"]] == [shapes[1]["id"]]
    assert [one["id"] for one in sheet()["annotations"]] == [one["id"] for one in shapes]


def test_undo_by_target_is_done_once_however_often_it_is_sent(edit, sheet):
    add = op("add", annotations=[box()])
    other = op("add", annotations=[box()])
    edit(add, other)
    take_back = op("undo", target=other["op_id"])
    assert edit(take_back)["removed"] == [other["annotations"][0]["id"]]
    edit(take_back)
    edit(op("undo", target=other["op_id"]))  # the other tab meant the same step
    assert [one["id"] for one in sheet()["annotations"]] == [add["annotations"][0]["id"]]
    edit(op("redo", target=other["op_id"]))
    refused = edit(op("undo", target=add["op_id"]), status=409)
    assert "not the one that undo would take next" in refused["detail"]
    assert len(refused["data"]["annotations"]) == len(sheet()["annotations"]) == 2


def test_a_new_step_ends_what_could_be_redone(client, item, edit, sheet):
    edit(op("add", annotations=[box()]))
    client.post(f"/api/items/{item}/undo")
    assert sheet()["can_redo"] is True
    edit(op("add", annotations=[box()]))
    assert sheet()["can_redo"] is False
    assert client.post(f"/api/items/{item}/redo").status_code == 409
    client.post(f"/api/items/{item}/undo")
    assert sheet()["annotations"] == []


def test_600_random_steps_are_undone_to_the_start_and_redone_to_the_end(client, item, edit, sheet):
    random_ = random.Random(7)
    have, states = {}, [[]]
    for _ in range(6):
        ops = []
        for _ in range(100):
            kind = random_.choice(("add", "add", "change", "remove")) if have else "add"
            if kind == "add":
                shape = box(x=random_.uniform(0, 99))
                have[shape["id"]] = shape
                ops.append(op("add", annotations=[copy.deepcopy(shape)]))
            elif kind == "change":
                shape = have[random_.choice(sorted(have))]
                shape["shape"]["y"] = random_.uniform(0, 99)
                ops.append(op("change", annotations=[copy.deepcopy(shape)]))
            else:
                key = random_.choice(sorted(have))
                del have[key]
                ops.append(op("remove", ids=[key]))
        edit(*ops)
        states.append(plain(sheet()["annotations"]))
    for expected in reversed(states[:-1]):
        edit(*(op("undo") for _ in range(100)))
        assert plain(sheet()["annotations"]) == expected
    edit(*(op("redo") for _ in range(300)))
    edit(*(op("redo") for _ in range(300)))
    assert plain(sheet()["annotations"]) == states[-1]


def test_at_least_500_steps_stay_and_very_old_ones_are_forgotten(parts, item, edit, sheet, monkeypatch):
    monkeypatch.setattr(annotation_ops, "KEPT", 500)
    for _ in range(7):
        edit(*(op("add", annotations=[box()]) for _ in range(100)))
    with parts.db.read() as session:
        assert 500 <= annotation_ops.count(session, item) <= 600
    edit(*(op("undo") for _ in range(500)))
    assert len(sheet()["annotations"]) == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": "unicorn"}, ("no class 'unicorn'", "dent, scratch")),
        ({"attributes": {"colour": "red"}}, ("no attribute 'colour'", "severity")),
        ({"attributes": {"severity": "huge"}}, ("severity is 'huge'", "minor, severe")),
        ({"attributes": {"depth_um": "deep"}}, ("depth_um is 'deep'", "number")),
        ({"attributes": {"depth_um": True}}, ("depth_um is True", "number")),
        ({"attributes": {"sure": 1.0}}, ("sure is 1.0", "flag")),
        (
            {"shape": {"type": "points", "points": [{"name": "ear", "x": 1, "y": 1}]}},
            ("no point 'ear'", "tip"),
        ),
        (
            {"shape": {"type": "points", "points": [{"name": "tip", "x": 1, "y": 1}] * 2}},
            ("'tip' is there twice", "once"),
        ),
        ({"shape": {"type": "mask", "size": [5, 5], "counts": "i0"}}, ("5 x 5 px", "200 x 100")),
        ({"shape": {"type": "mask", "size": [100, 200], "counts": "~~"}}, ("no run lengths", "anew")),
        ({"shape": {"type": "box", "x": 0, "y": 0, "width": 0, "height": 3}}, ("width", "greater than 0")),
        ({"shape": {"type": "polygon", "parts": [{"outer": [[0, 0], [1, 1]]}]}}, ("outer", "at least 3")),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(edit, change, words):
    refused = edit(op("add", annotations=[box() | change]), status=422)
    told = refused["detail"] + refused["hint"]
    assert all(word in told for word in words), told


def test_not_a_number_is_no_coordinate(client, item):
    raw = '{"ops": [{"op_id": "a", "kind": "add", "annotations": [{"label": "dent", "shape": '
    raw += '{"type": "box", "x": NaN, "y": 0, "width": 1, "height": 1}}]}]}'
    answer = client.post(f"/api/items/{item}/ops", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_good_attributes_and_points_are_taken(edit, sheet):
    point = {"type": "points", "points": [{"name": "tail", "x": 1.5, "y": 2.5, "visible": 1}]}
    values = {"severity": "minor", "depth_um": 12.5, "sure": False}
    edit(op("add", annotations=[box(attributes=values), box() | {"shape": point}]))
    first, second = sheet()["annotations"]
    assert first["attributes"] == values
    assert second["shape"]["points"] == point["points"]


def test_an_id_that_is_taken_is_refused(edit, made, client):
    shape = box()
    edit(op("add", annotations=[shape]))
    other = made[1][1]
    answer = client.post(f"/api/items/{other}/ops", json={"ops": [op("add", annotations=[shape])]})
    assert answer.status_code == 409
    assert shape["id"] in answer.json()["detail"]


def test_strangers_and_readers_may_not_edit(script, stranger, item):
    body = {"ops": [op("add", annotations=[box()])]}
    assert stranger.post(f"/api/items/{item}/ops", json=body).status_code == 401
    assert script("read").post(f"/api/items/{item}/ops", json=body).status_code == 403
    assert script("label").post(f"/api/items/{item}/ops", json=body).status_code == 200
    assert script("read").get(f"/api/items/{item}/annotations").status_code == 200


def test_an_item_that_is_not_there(client):
    answer = client.get("/api/items/none/annotations")
    assert answer.status_code == 404
    assert "none" in answer.json()["detail"]


def test_thousands_of_shapes_fit_into_one_step(edit, sheet):
    edit(op("add", annotations=[box() for _ in range(12_000)]))
    assert len(sheet()["annotations"]) == 12_000

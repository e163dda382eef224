"""What is labelled, what waits, what is left; predictions accepted."""

import pytest
from labels_made import add_dataset, box, op

from rcg.datasets.schema import Annotation
from rcg.store.dataset_models import DatasetItem
from rcg.store.repositories import annotations, predictions


@pytest.fixture
def made(parts):
    return add_dataset(parts.db, items=4)


@pytest.fixture
def predict(parts):
    def add(item, *scores):
        shapes = [
            Annotation.model_validate(
                box() | {"source": "model", "state": "predicted", "score": score, "model": "m"}
            )
            for score in scores
        ]
        with parts.db.write() as session:
            predictions.replace(session, {item: [one.model_dump(mode="json") for one in shapes]})
        return [one.id for one in shapes]

    return add


@pytest.fixture
def send(client):
    def post(item, *ops):
        answer = client.post(f"/api/items/{item}/ops", json={"ops": list(ops)})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post


def sheet(client, item):
    return client.get(f"/api/items/{item}/annotations").json()


def test_labelled_without_a_shape(client, made):
    item = made[1][0]
    answer = client.post(f"/api/items/{item}/label-state", json={"label_state": "labelled"}).json()
    assert (answer["label_state"], answer["revision"], answer["can_undo"]) == ("labelled", 1, False)
    answer = client.post(f"/api/items/{item}/label-state", json={"label_state": "unlabelled"}).json()
    assert answer["label_state"] == "unlabelled"


def test_the_first_shape_labels_an_item_and_undo_takes_that_back(client, send, made):
    item = made[1][0]
    assert send(item, op("add", annotations=[box()]))["label_state"] == "labelled"
    assert client.post(f"/api/items/{item}/undo").json()["label_state"] == "unlabelled"
    assert client.post(f"/api/items/{item}/redo").json()["label_state"] == "labelled"


def test_what_a_person_said_of_an_item_stays(send, made):
    item = made[1][0]
    send(item, op("add", annotations=[box()]), op("set_state", label_state="unlabelled"))
    assert send(item, op("add", annotations=[box()]))["label_state"] == "unlabelled"


def test_predictions_keep_an_item_open_until_the_last_is_judged(client, send, made, predict):
    item = made[1][0]
    first, second, third = predict(item, 0.9, 0.5, 0.2)
    assert sheet(client, item)["label_state"] == "predicted"
    answer = client.post(f"/api/items/{item}/accept-predictions", json={"ids": [first]}).json()
    assert answer["label_state"] == "predicted"
    assert [(one["id"], one["state"], one["score"]) for one in answer["changed"]] == [
        (first, "accepted", 0.9)
    ]
    assert send(item, op("remove", ids=[second]))["label_state"] == "predicted"
    assert send(item, op("remove", ids=[third]))["label_state"] == "labelled"
    assert client.post(f"/api/items/{item}/undo").json()["label_state"] == "predicted"


def test_all_rejected_is_not_yet_labelled(send, made, predict):
    item = made[1][0]
    ids = predict(item, 0.9, 0.5)
    assert send(item, op("remove", ids=ids))["label_state"] == "unlabelled"


def test_all_of_at_least_a_score_are_accepted_as_one_step(client, made, predict):
    item = made[1][0]
    predict(item, 0.9, 0.5, 0.2)
    body = {"ids": "all", "min_score": 0.5}
    answer = client.post(f"/api/items/{item}/accept-predictions", json=body).json()
    assert sorted(one["score"] for one in answer["changed"]) == [0.5, 0.9]
    assert answer["label_state"] == "predicted"
    client.post(f"/api/items/{item}/undo")
    assert {one["state"] for one in sheet(client, item)["annotations"]} == {"predicted"}


def test_accepting_what_does_not_wait_is_refused(client, send, made):
    item, shape = made[1][0], box()
    send(item, op("add", annotations=[shape]))
    answer = client.post(f"/api/items/{item}/accept-predictions", json={"ids": [shape["id"]]})
    assert answer.status_code == 409
    assert shape["id"] in answer.json()["detail"]


def test_the_rows_say_the_same_as_the_bodies(parts, client, made, predict):
    item = made[1][0]
    (only,) = predict(item, 0.9)
    client.post(f"/api/items/{item}/accept-predictions", json={"ids": "all"})
    with parts.db.read() as session:
        assert dict(annotations.counts_by_item(session, made[0])) == {item: 1}
        assert [one.id for one in annotations.of_item(session, item)] == [only]


def test_how_far_a_dataset_is(parts, client, send, made, predict):
    dataset, (a, b, c, d) = made
    send(a, op("add", annotations=[box()]))
    predict(c, 0.7, 0.6)
    with parts.db.write() as session:
        session.get_one(DatasetItem, d).state = "broken"
    found = client.get(f"/api/datasets/{dataset}/labelling?item={b}").json()
    assert found == {
        "items": 3, "labelled": 1, "predicted": 1, "unlabelled": 1, "predictions": 2, "total": 4,
        "index": 1, "previous": a, "next": c, "next_open": c,
    }  # fmt: skip
    assert client.get(f"/api/datasets/Dents/labelling?item={c}").json()["next_open"] == b, "from the start"
    assert client.get(f"/api/datasets/{dataset}/labelling").json()["next_open"] == b


def test_an_item_of_another_dataset_has_no_place(parts, client, made):
    other = add_dataset(parts.db, name="Others")
    answer = client.get(f"/api/datasets/{made[0]}/labelling?item={other[1][0]}")
    assert answer.status_code == 404

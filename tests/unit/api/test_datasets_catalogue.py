"""Datasets and kinds over REST: make, list, change, copy, delete; every answer names the way out."""

import pytest
from datasets_running import image, run_job, shape, upload
from sqlalchemy import event

from rcg.datasets.schema import Annotation
from rcg.store.dataset_models import AnnotationRow, DatasetItem
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories import items as item_rows


def create(client, name="Dents", kind="surface_damage"):
    response = client.post("/api/datasets", json={"name": name, "kind": kind, "description": "for tests"})
    assert response.status_code == 201, response.text
    return response.json()


def annotate(parts, item_id, *shapes):
    with parts.db.write() as session:
        item = item_rows.get(session, item_id)
        annotation_rows.add_many(session, item, [Annotation.model_validate(one) for one in shapes])


@pytest.fixture
def filled(client, parts):
    """A dataset of three ready images; two are labelled."""
    dataset = create(client)
    answer = upload(client, "Dents", **{f"card{n}.jpg": image(shade=n) for n in range(3)}).json()
    run_job(parts, answer["job"]["id"])
    ids = [file["item_id"] for file in answer["files"]]
    annotate(parts, ids[0], shape(), shape("scratch"))
    annotate(parts, ids[1], shape(x=50.5))
    return dataset | {"item_ids": ids}


def test_a_new_dataset_has_its_kinds_labels_and_nothing_in_it(client):
    made = create(client)
    assert made["kind_title"] == "Surface damage"
    assert "dent" in [one["name"] for one in made["label_schema"]["classes"]]
    assert (made["items"], made["labelled"], made["annotations"], made["versions"]) == (0, 0, 0, 0)
    assert client.get(f"/api/datasets/{made['id']}").json() == client.get("/api/datasets/Dents").json()


def test_a_kind_may_be_written_as_people_write_it(client):
    assert create(client, kind="Corner-Analysis")["kind"] == "corner_detection"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"name": "Dents", "kind": "surface_damage"}, 409, "named 'Dents' already"),
        ({"name": "x", "kind": "surface_damag"}, 422, "Did you mean surface_damage"),
        ({"name": "  ", "kind": "surface_damage"}, 422, "name"),
        ({"name": "x", "kind": "surface_damage", "typo": 1}, 422, "typo"),
        ({"name": "a/b", "kind": "surface_damage"}, 422, "no slashes"),
        ({"name": "..", "kind": "surface_damage"}, 422, "not dots alone"),
        ({"name": "Render", "kind": "surface_damage"}, 422, "cannot be named"),
    ],
)
def test_what_is_wrong_with_a_new_dataset_is_said(client, body, status, words):
    create(client)
    response = client.post("/api/datasets", json=body)
    assert response.status_code == status
    assert words in response.json()["detail"] + response.json()["hint"]


def test_an_unknown_dataset_names_those_like_it(client):
    create(client, "Back dents")
    body = client.get("/api/datasets/dents").json()
    assert "'Back dents'" in body["hint"]


def test_the_list_has_both_shapes_and_counts_what_is_there(client, filled):
    create(client, "Empty", "corner_detection")
    body = client.get("/api/datasets").json()
    assert body["success"] is True
    assert body["datasets"] == body["items"]
    assert [one["name"] for one in body["items"]] == ["Empty", "Dents"]
    dents = body["items"][1]
    assert (dents["items"], dents["labelled"], dents["annotations"]) == (3, 2, 3)
    assert dents["classes"] == {"dent": 2, "scratch": 1}
    assert dents["label_states"] == {"unlabelled": 1, "predicted": 0, "labelled": 2}
    assert len(dents["thumbnails"]) == 3
    assert client.get(dents["thumbnails"][0]).headers["content-type"] == "image/webp"
    assert client.get("/api/datasets?kind=corner_analysis").json()["total"] == 1
    assert client.get("/api/datasets?q=dent&sort=name").json()["total"] == 1


def test_a_page_takes_as_many_queries_for_many_datasets_as_for_one(client, parts, filled):
    def queries(address):
        asked = []
        listen = lambda *args: asked.append(args[2])  # noqa: E731
        event.listen(parts.db.engine, "before_cursor_execute", listen)
        try:
            assert client.get(address).status_code == 200
        finally:
            event.remove(parts.db.engine, "before_cursor_execute", listen)
        return len([one for one in asked if one.startswith("SELECT")])

    one = queries("/api/datasets?limit=1")
    items_of_one = queries("/api/datasets/Dents/items?limit=1")
    for number in range(5):
        create(client, f"More {number}")
    assert queries("/api/datasets?limit=50") == one
    assert queries("/api/datasets/Dents/items?limit=50") == items_of_one


def schema_of(client, name="Dents"):
    return client.get(f"/api/datasets/{name}").json()["label_schema"]


def change_schema(client, change, **more):
    schema = schema_of(client)
    change(schema["classes"])
    return client.patch("/api/datasets/Dents", json={"label_schema": schema, **more})


def labels_of(client, item_id):
    return [one["label"] for one in client.get(f"/api/items/{item_id}").json()["shapes"]]


def test_a_renamed_class_keeps_its_annotations(client, filled):
    def rename(classes):
        next(one for one in classes if one["name"] == "dent")["name"] = "hollow"

    before = client.get(f"/api/items/{filled['item_ids'][0]}").json()["revision"]
    response = change_schema(client, rename)
    assert response.status_code == 200, response.text
    assert response.json()["classes"] == {"hollow": 2, "scratch": 1}
    item = client.get(f"/api/items/{filled['item_ids'][0]}").json()
    assert [one["label"] for one in item["shapes"]] == ["hollow", "scratch"]
    assert item["revision"] == before + 1


def test_two_classes_may_exchange_their_names(client, filled):
    response = change_schema(client, lambda _classes: None, renames={"dent": "scratch", "scratch": "dent"})
    assert response.status_code == 200, response.text
    assert labels_of(client, filled["item_ids"][0]) == ["scratch", "dent"]


def test_a_class_in_use_is_not_deleted_unless_asked(client, filled):
    def drop(classes):
        classes[:] = [one for one in classes if one["name"] != "dent"]

    response = change_schema(client, drop)
    assert response.status_code == 409
    assert "dent (2 annotations)" in response.json()["detail"]
    assert response.json()["data"] == {"in_use": {"dent": 2}}
    assert schema_of(client)["classes"][0]["name"] == "dent", "nothing was changed"
    response = change_schema(client, drop, drop_annotations=True)
    assert response.json()["classes"] == {"scratch": 1}
    assert labels_of(client, filled["item_ids"][0]) == ["scratch"]


def test_a_class_nobody_uses_goes_without_a_word(client, filled):
    response = change_schema(
        client, lambda classes: classes.remove(next(c for c in classes if c["name"] == "stain"))
    )
    assert response.status_code == 200


def test_the_task_of_a_dataset_in_use_stays(client, filled):
    points = {"task": "points", "classes": [{"name": "card"}], "points": [{"name": "top_left"}]}
    response = client.patch("/api/datasets/Dents", json={"label_schema": points})
    assert response.status_code == 409
    assert "3 annotations of the task instance" in response.json()["detail"]


def test_a_rename_that_fits_nothing_changes_nothing(client, filled):
    response = client.patch(
        "/api/datasets/Dents",
        json={"name": "Other", "label_schema": schema_of(client), "renames": {"nowhere": "dent"}},
    )
    assert response.status_code == 422
    assert "no 'nowhere'" in response.json()["detail"]
    assert client.get("/api/datasets/Other").status_code == 404


def test_a_copy_has_everything_under_ids_of_its_own(client, parts, filled):
    copied = client.post("/api/datasets/Dents/copy").json()
    assert copied["name"] == "Dents copy"
    assert (copied["items"], copied["labelled"], copied["classes"]) == (3, 2, {"dent": 2, "scratch": 1})
    pages = [client.get(f"/api/datasets/{name}/items").json()["items"] for name in ("Dents", "Dents copy")]
    assert [one["name"] for one in pages[0]] == [one["name"] for one in pages[1]]
    assert not {one["id"] for one in pages[0]} & {one["id"] for one in pages[1]}
    client.delete("/api/datasets/Dents")
    assert labels_of(client, pages[1][0]["id"]) == ["dent", "scratch"]


def test_a_deleted_dataset_takes_its_items_along_and_leaves_its_versions(client, parts, filled):
    version = client.post("/api/datasets/Dents/versions").json()
    assert client.delete("/api/datasets/Dents").status_code == 204
    with parts.db.read() as session:
        assert session.query(DatasetItem).count() == 0
        assert session.query(AnnotationRow).count() == 0
    kept = client.get(f"/api/versions/{version['id']}").json()
    assert kept["dataset_id"] is None
    assert kept["dataset_name"] == "Dents"
    assert client.get(f"/api/versions/{version['id']}/manifest").status_code == 200


def test_a_dataset_that_is_being_filled_is_not_deleted(client):
    create(client)
    job = upload(client, "Dents", **{"a.jpg": image()}).json()["job"]
    response = client.delete("/api/datasets/Dents")
    assert response.status_code == 409
    assert job["id"] in response.json()["hint"]


OWN = {
    "name": "foil_scratches",
    "title": "Foil scratches",
    "description": "Scratches in foil.",
    "label_schema": {"task": "instance", "classes": [{"name": "foil_scratch", "tool": "polygon"}]},
    "architectures": ["mask_rcnn_primary"],
    "metric": "mask_ap50",
}


def test_the_nine_kinds_ship_and_one_of_ones_own_can_be_made(client):
    assert len(client.get("/api/kinds").json()) == 9
    made = client.post("/api/kinds", json=OWN)
    assert made.status_code == 201
    assert made.json()["shipped"] is False
    assert len(client.get("/api/kinds").json()) == 10
    assert create(client, "Foil", "foil_scratches")["label_schema"]["classes"][0]["name"] == "foil_scratch"
    changed = client.put("/api/kinds/foil_scratches", json=OWN | {"title": "Foil"})
    assert changed.json()["title"] == "Foil"
    assert client.get("/api/datasets/Foil").json()["kind_title"] == "Foil"
    refused = client.delete("/api/kinds/foil_scratches")
    assert refused.status_code == 409
    assert "Foil" in refused.json()["detail"]
    client.delete("/api/datasets/Foil")
    assert client.delete("/api/kinds/foil_scratches").status_code == 204
    assert client.get("/api/kinds/foil_scratches").status_code == 404


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("POST", "/api/kinds", OWN | {"name": "surface_damage"}, 409),
        ("POST", "/api/kinds", OWN | {"name": "corner_analysis"}, 409),
        ("POST", "/api/kinds", OWN | {"label_schema": {"task": "instance", "classes": []}}, 422),
        ("PUT", "/api/kinds/surface_damage", OWN | {"name": "surface_damage"}, 409),
        ("PUT", "/api/kinds/other", OWN, 422),
        ("DELETE", "/api/kinds/surface_damage", None, 409),
        ("DELETE", "/api/kinds/nothing", None, 404),
    ],
)
def test_what_ships_stays_and_what_is_wrong_is_said(client, method, address, body, status):
    response = client.request(method, address, json=body)
    assert response.status_code == status, response.text
    assert response.json()["detail"]

"""Versions: immutable, hashed, split by card; equal content is one version."""

import random

import pytest
from datasets_running import image, run_job, shape, upload

from rcg.datasets.manifest import ItemRecord, Manifest, canonical
from rcg.datasets.schema import Annotation
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories import items as item_rows
from rcg.store.repositories.records import records


@pytest.fixture
def ids(client, parts):
    """Ten images of five cards, front and back, all labelled."""
    client.post("/api/datasets", json={"name": "Set", "kind": "surface_damage"})
    files = {
        f"card{n}_{side}.jpg": image(shade=2 * n + (side == "back"))
        for n in range(5)
        for side in ("front", "back")
    }
    answer = upload(client, "Set", **files).json()
    run_job(parts, answer["job"]["id"])
    found = [file["item_id"] for file in answer["files"]]
    for number, item_id in enumerate(found):
        annotate(parts, item_id, *[shape(x=number + at / 3) for at in range(number % 3)])
    return found


def annotate(parts, item_id, *shapes, label_state="labelled"):
    with parts.db.write() as session:
        item = item_rows.get(session, item_id)
        annotation_rows.replace_all(session, item, [Annotation.model_validate(one) for one in shapes])
        annotation_rows.changed(session, item, label_state)


def make(client, status=201, **body):
    response = client.post("/api/datasets/Set/versions", json=body)
    assert response.status_code == status, response.text
    return response.json()


def manifest_of(client, tmp_path, version):
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(client.get(f"/api/versions/{version['id']}/manifest").content)
    return Manifest(path)


def test_a_version_is_its_manifest(client, parts, ids, tmp_path):
    version = make(client, note="first")
    manifest = manifest_of(client, tmp_path, version)
    assert parts.blobs.path(version["hash"]).read_bytes() == manifest.path.read_bytes()
    assert (manifest.header.dataset, manifest.header.number, manifest.header.note) == ("Set", 1, "first")
    assert len(manifest) == version["summary"]["items"] == 10
    assert sum(len(item.annotations) for item in manifest) == version["summary"]["annotations"] == 9
    assert [item.id for item in manifest] == sorted(ids)
    assert all(item.layers[0].name == "colour" for item in manifest)


def test_both_sides_of_a_card_are_in_one_part(client, ids, tmp_path):
    manifest = manifest_of(client, tmp_path, make(client))
    of_card = {}
    for item in manifest:
        of_card.setdefault(item.card, set()).add(item.split)
    assert len(of_card) == 5
    assert all(len(found) == 1 for found in of_card.values())
    assert {part for found in of_card.values() for part in found} == {"train", "val"}


def test_the_preview_tells_what_the_version_does(client, ids):
    query = {"seed": 7, "train": 0.5, "val": 0.25, "test": 0.25}
    preview = client.get("/api/datasets/Set/split", params=query).json()
    version = make(client, seed=7, shares={"train": 0.5, "val": 0.25, "test": 0.25})
    assert preview["parts"] == version["summary"]["splits"]
    assert sum(part["items"] for part in preview["parts"].values()) == 10
    for part, counts in preview["parts"].items():
        page = client.get("/api/datasets/Set/items", params={"split": part}).json()
        assert page["total"] == counts["items"], "the list follows the newest version"


def test_equal_content_is_one_version_and_a_change_is_another(client, parts, ids):
    first = make(client, note="first")
    again = make(client, 200, note="another note")
    assert (again["id"], again["hash"], again["new"]) == (first["id"], first["hash"], False)
    with parts.db.read() as session:
        shapes = annotation_rows.of_item(session, ids[1])
    annotate(parts, ids[1])
    second = make(client)
    assert (second["number"], second["hash"] != first["hash"]) == (2, True)
    annotate(parts, ids[1], *[one.model_dump() for one in shapes])
    assert make(client, 200)["id"] == first["id"], "put back, it is the first one again"
    assert make(client, seed=1)["number"] == 3, "another split means something else"
    assert [one["number"] for one in client.get("/api/datasets/Set/versions").json()] == [3, 2, 1]


def test_renaming_the_dataset_makes_no_new_version(client, ids):
    first = make(client)
    client.patch("/api/datasets/Set", json={"name": "Renamed"})
    response = client.post("/api/datasets/Renamed/versions", json={})
    assert response.json()["id"] == first["id"]


def test_what_teaches_nothing_is_left_out_and_counted(client, parts, ids):
    predicted = shape(state="predicted", source="model", score=0.5, model="m")
    annotate(parts, ids[0], predicted, label_state="predicted")
    annotate(parts, ids[1], label_state="unlabelled")
    annotate(parts, ids[2], shape(), predicted)
    upload(client, "Set", **{"late.jpg": image(shade=99)})
    version = make(client)
    assert version["summary"]["items"] == 8
    assert version["summary"]["left_out"] == {"predicted": 1, "unlabelled": 1, "pending": 1}
    assert version["summary"]["annotations"] == 9 - 1 - 2 + 1, "a prediction beside a label is no truth"


def test_an_empty_dataset_says_what_to_do(client):
    client.post("/api/datasets", json={"name": "Set", "kind": "surface_damage"})
    response = client.post("/api/datasets/Set/versions")
    assert response.status_code == 409
    assert "is empty" in response.json()["detail"]
    upload(client, "Set", **{"a.jpg": image()})
    response = client.post("/api/datasets/Set/versions")
    assert "no labelled items (1 pending)" in response.json()["detail"]
    assert "annotator" in response.json()["hint"]


def test_a_part_that_was_given_stays(client, ids, tmp_path):
    client.patch(f"/api/items/{ids[0]}", json={"split": "test"})
    version = make(client)
    manifest = manifest_of(client, tmp_path, version)
    card = next(item.card for item in manifest if item.id == ids[0])
    assert {item.split for item in manifest if item.card == card} == {"test"}
    assert version["split"]["fixed_cards"] == 1


def test_few_cards_are_still_split(client, parts, ids):
    client.post("/api/datasets/Set/items/delete", json={"ids": ids[4:]})
    for seed in range(8):
        parts_of = client.get("/api/datasets/Set/split", params={"seed": seed}).json()["parts"]
        assert (parts_of["train"]["cards"], parts_of["val"]["cards"]) == (1, 1)
    client.post("/api/datasets/Set/items/delete", json={"ids": ids[2:4]})
    one = client.get("/api/datasets/Set/split").json()
    assert one["parts"]["train"]["cards"] == 1
    assert "of one card" in one["notes"][0]


def test_a_version_keeps_the_recipe_it_was_made_with(client, ids):
    recipe = {"name": "mirror", "steps": [{"op": "flip_horizontal", "p": 0.5}]}
    version = make(client, recipe=recipe)
    assert version["recipe"]["steps"][0]["op"] == "flip_horizontal"
    stored = client.post("/api/recipes", json={"recipe": recipe}).json()
    assert make(client, 200, recipe_id=stored["id"])["id"] == version["id"]
    assert (
        client.post("/api/datasets/Set/versions", json={"recipe": {"steps": [{"op": "no"}]}}).status_code
        == 422
    )
    both = {"recipe": recipe, "recipe_id": stored["id"]}
    assert client.post("/api/datasets/Set/versions", json=both).status_code == 422


def test_a_line_is_the_canonical_form_of_its_item(client, parts, ids):
    draw = random.Random(5)
    rings = {"outer": [[0, 0], [9, 0.1], [3.3, 1e-7]], "holes": [[[1, 1], [2, 1], [2, 2]]]}
    point = {"name": 'Ü "x"', "x": 1, "y": 2, "visible": 1}
    box = {"type": "box", "x": 0, "y": 0, "width": 1, "height": 2}
    odd = {"b": True, "a": 1, "z": "\u30ab\u30fc\u30c9", "n": None, "m": 0.1}
    shapes = [
        shape(),
        {"label": "crease", "shape": {"type": "polygon", "parts": [rings]}},
        {"label": "stain", "shape": {"type": "mask", "size": [4, 4], "counts": "a\\b`"}, "crowd": True},
        {"label": "dent", "shape": {"type": "quad", "corners": [[0, 0], [1, 0], [1, 1], [0, 1]]}},
        {"label": "dent", "shape": {"type": "points", "points": [point], "box": box}},
        shape(attributes=odd, score=1, model="x", source="model", extra={"q": [1, {"k": None}]}),
    ]
    for item_id in ids:
        annotate(parts, item_id, *draw.sample(shapes, draw.randint(0, len(shapes))))
    with parts.db.write() as session:
        for number, item_id in enumerate(ids):
            item = item_rows.get(session, item_id)
            item.lights = None if number % 2 else {"2": [0, 1, 0], "1": [0.5, 0.5, 0.70710678]}
            item.px_per_mm, item.margin_mm = (None, 0) if number % 3 else (20, 1)
            item.name = f'na"me \\ {number} \u30ab\u2028.jpg'
    with parts.db.read() as session:
        dataset_id = item_rows.get(session, ids[0]).dataset_id
        lines = [record.line for record in records(session, dataset_id)]
    assert len(lines) == 10
    for line in lines:
        assert canonical(ItemRecord.model_validate_json(line)) == line

"""Recipes over the API: kept, refused in words, used by datasets, drawn by a job."""

import json
import os

import numpy as np
import pytest

from rcg.datasets.augment import OPS, defaults, parse
from rcg.datasets.kinds import shipped
from rcg.datasets.schema import Annotation, Part, Polygon
from rcg.jobs import augment_preview
from rcg.store.base import new_id
from rcg.store.blobs import BlobInfo
from rcg.store.dataset_models import AnnotationRow, Dataset, DatasetItem, ItemLayer
from rcg.store.models import Job
from rcg.store.repositories import blobs

FLIP = {"name": "Flips", "steps": [{"op": "flip_horizontal", "p": 1}]}
TURN = {"name": "Turns", "steps": [{"op": "noise"}, {"op": "quarter_turn"}]}


def make(client, recipe=FLIP):
    answer = client.post("/api/recipes", json={"recipe": recipe})
    assert answer.status_code == 201, answer.text
    return answer.json()


def add_dataset(parts, kind="surface_damage", name="Dents"):
    schema = shipped()[kind].label_schema.model_dump(mode="json")
    with parts.db.write() as session:
        row = Dataset(name=name, kind=kind, label_schema=schema)
        session.add(row)
        session.flush()
        return row.id


def add_item(parts, dataset_id, photo, state="ready", annotations=()):
    """A photograph of 8 x 8 with a normal map whose x grows from left to right."""
    normal = np.zeros((8, 8, 3), np.float16)
    normal[..., 0] = np.linspace(-0.5, 0.5, 8)
    normal[..., 2] = np.sqrt(1 - normal[..., 0].astype(float) ** 2)
    path = parts.settings.data_dir / "normal.npy"
    np.save(path, normal, allow_pickle=False)
    layers = {
        "colour": (photo(3, "PNG"), "image/png"),
        "normal": (path.read_bytes(), "application/x-npy"),
    }
    with parts.db.write() as session:
        item = DatasetItem(
            dataset_id=dataset_id, name=f"card-{state}.png", position=0, width_px=8, height_px=8,
            px_per_mm=2.0, card_key="card", source="upload", state=state,
            problem="no picture: it is cut short",
        )  # fmt: skip
        session.add(item)
        session.flush()
        for position, (name, (data, media_type)) in enumerate(layers.items()):
            info = parts.blobs.add(data)
            blobs.ensure(session, BlobInfo(info.sha256, info.bytes), media_type)
            session.add(
                ItemLayer(
                    item_id=item.id,
                    name=name,
                    role=name,
                    position=position,
                    blob_sha256=info.sha256,
                    media_type=media_type,
                )
            )
        for position, annotation in enumerate(annotations):
            session.add(
                AnnotationRow(
                    id=annotation.id,
                    item_id=item.id,
                    dataset_id=dataset_id,
                    class_name=annotation.label,
                    position=position,
                    body=annotation.model_dump_json(),
                )
            )
        return item.id


def test_a_recipe_is_kept_read_changed_and_deleted(client):
    made = make(client)
    assert made["recipe"]["steps"] == [{"op": "flip_horizontal", "p": 1.0, "on": True}]
    assert client.get(f"/api/recipes/{made['id']}").json() == made
    assert client.get("/api/recipes/Flips").json() == made
    body = {"recipe": made["recipe"] | {"name": "More flips"}, "updated_at": made["updated_at"]}
    changed = client.put(f"/api/recipes/{made['id']}", json=body).json()
    assert changed["name"] == changed["recipe"]["name"] == "More flips"
    assert changed["updated_at"] > made["updated_at"]
    assert [item["name"] for item in client.get("/api/recipes").json()["items"]] == ["More flips"]
    assert client.delete(f"/api/recipes/{made['id']}").status_code == 204
    assert client.get(f"/api/recipes/{made['id']}").status_code == 404


def test_what_was_saved_elsewhere_meanwhile_is_not_overwritten(client):
    made = make(client)
    body = {"recipe": FLIP | {"steps": []}, "updated_at": made["updated_at"]}
    assert client.put(f"/api/recipes/{made['id']}", json=body).status_code == 200
    answer = client.put(f"/api/recipes/{made['id']}", json=body)
    assert answer.status_code == 409
    assert "saved elsewhere" in answer.json()["detail"]


def test_two_recipes_have_two_names(client):
    made = make(client)
    answer = client.post("/api/recipes", json={"recipe": FLIP | {"name": "flips"}})
    assert answer.status_code == 409
    assert answer.json()["data"] == {"recipe_id": made["id"]}


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"steps": [{"op": "mixup"}]}, "there is no operation 'mixup'"),
        ({"steps": [{"op": "affine", "rotate": -3}]}, "step 1, affine, rotate: -3"),
        ({"steps": "flip"}, "steps: 'flip'"),
    ],
)
def test_what_is_no_recipe_is_refused_with_the_place(client, recipe, said):
    answer = client.post("/api/recipes", json={"recipe": recipe})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert answer.json()["hint"]


def test_the_operations_and_the_kinds_recipes_are_listed(client):
    ops = client.get("/api/recipes/ops").json()
    assert [op["name"] for op in ops] == list(OPS)
    rotate = next(item for op in ops for item in op["parameters"] if item["name"] == "rotate")
    assert (rotate["minimum"], rotate["maximum"], rotate["unit"]) == (0, 180, "°")
    found = {item["kind"]: item["recipe"] for item in client.get("/api/recipes").json()["defaults"]}
    assert set(found) == set(shipped())
    assert parse(found["surface_damage"]) == defaults(shipped()["surface_damage"])


def test_labels_that_cannot_follow_are_named_before_anything_is_done(client, parts):
    bare = shipped()["corner_detection"].label_schema
    bare = bare.model_copy(
        update={"points": [point.model_copy(update={"turn": None}) for point in bare.points]}
    )
    with parts.db.write() as session:
        session.add(
            Dataset(name="Corners", kind="corner_detection", label_schema=bare.model_dump(mode="json"))
        )
    found = client.post("/api/recipes/check", json={"recipe": TURN, "dataset": "Corners"}).json()["problems"]
    assert [(item["step"], item["op"]) for item in found] == [(1, "quarter_turn")]
    assert "top_left" in found[0]["reason"]
    fine = client.post("/api/recipes/check", json={"recipe": TURN, "kind": "corner_detection"}).json()
    assert fine == {"problems": []}
    assert client.post("/api/recipes/check", json={"recipe": TURN}).status_code == 422
    assert client.post("/api/recipes/check", json={"recipe": TURN, "dataset": "none"}).status_code == 404
    made = make(client, TURN)
    answer = client.put(f"/api/recipes/{made['id']}/datasets/Corners")
    assert answer.status_code == 422
    assert answer.json()["data"]["problems"][0]["step"] == 1


def test_a_recipe_becomes_a_datasets_default_and_its_end_leaves_the_dataset_without(client, parts):
    dataset_id = add_dataset(parts)
    made = make(client)
    path = f"/api/recipes/{made['id']}/datasets/{dataset_id}"
    assert client.put(path).json()["datasets"] == [{"id": dataset_id, "name": "Dents"}]
    assert client.get("/api/recipes").json()["items"][0]["datasets"] == [{"id": dataset_id, "name": "Dents"}]
    assert client.delete(path).json()["datasets"] == []
    client.put(path)
    client.delete(f"/api/recipes/{made['id']}")
    with parts.db.read() as session:
        assert session.get(Dataset, dataset_id).recipe_id is None


class Context:
    """What a slot gives a job."""

    threads = 1
    attempt = 1

    def __init__(self, job_id, data_dir):
        self.job_id, self.data_dir = job_id, data_dir

    def progress(self, fraction, message=""):
        assert 0 <= fraction <= 1

    def check(self):
        pass


def test_a_preview_draws_pixels_and_shapes_alike(client, parts, photo):
    dent = Annotation(label="dent", shape=Polygon(parts=[Part(outer=[(1, 1), (3, 1), (3, 4), (1, 4)])]))
    item_id = add_item(parts, add_dataset(parts), photo, annotations=[dent])
    body = {"item_id": item_id, "recipe": FLIP, "seed": 7, "count": 2}
    answer = client.post("/api/recipes/preview", json=body)
    assert answer.status_code == 202, answer.text
    with parts.db.read() as session:
        job = session.get(Job, answer.json()["id"])
        assert job.band == 0
        spec = json.loads(json.dumps(job.spec))
    result = augment_preview.compute(Context(job.id, parts.settings.data_dir), spec)
    assert (result["width"], result["height"]) == (8, 8)
    assert result["scales"] == {"normal": "slopes × 2"}
    assert result["before"]["annotations"][0]["shape"]["parts"][0]["outer"][0] == [1, 1]
    assert [draw["notes"] for draw in result["draws"]] == [["left and right exchanged"]] * 2
    for draw in result["draws"]:
        assert sorted(draw["annotations"][0]["shape"]["parts"][0]["outer"]) == [
            [5, 1],
            [5, 4],
            [7, 1],
            [7, 4],
        ]
        assert set(draw["images"]) == {"colour", "normal"}
    picture = client.get(result["draws"][0]["images"]["normal"])
    assert picture.headers["content-type"] == "image/webp"
    assert "immutable" in picture.headers["cache-control"]
    # a ramp of n_x that is mirrored and negated is the same ramp
    assert picture.content == client.get(result["before"]["images"]["normal"]).content
    again = augment_preview.compute(Context(job.id, parts.settings.data_dir), spec)
    assert again == result


def test_a_preview_is_refused_in_words(client, parts, photo):
    dataset_id = add_dataset(parts)
    ready = add_item(parts, dataset_id, photo)

    def ask(**changes):
        return client.post("/api/recipes/preview", json={"item_id": ready, "recipe": FLIP} | changes)

    assert ask(item_id=new_id()).status_code == 404
    assert "no layer 'height'" in ask(layers=["height"]).json()["detail"]
    assert "It has colour, normal." in ask(layers=["height"]).json()["hint"]
    assert ask(count=0).status_code == 422
    assert ask(recipe={"steps": [{"op": "x"}]}).status_code == 422
    broken = ask(item_id=add_item(parts, dataset_id, photo, "broken"))
    assert (broken.status_code, "cut short" in broken.json()["detail"]) == (409, True)
    waiting = ask(item_id=add_item(parts, dataset_id, photo, "pending"))
    assert (waiting.status_code, "still being read" in waiting.json()["detail"]) == (409, True)


def test_old_previews_are_swept_with_their_rows(client, parts, photo):
    item_id = add_item(parts, add_dataset(parts), photo)
    made = []
    for number in range(45):
        job_id = client.post("/api/recipes/preview", json={"item_id": item_id, "recipe": FLIP}).json()["id"]
        made.append(job_id)
        folder = parts.settings.data_dir / "previews" / job_id
        folder.mkdir(parents=True)
        (folder / "0.colour.webp").write_bytes(b"x")
        os.utime(folder, (number, number))
        with parts.db.write() as session:
            row = session.get(Job, job_id)
            row.state, row.created_at = "done", number
    jobs = client.get("/api/jobs", params={"kind": "augment_preview"}).json()["items"]
    assert [job["id"] for job in jobs] == made[:-6:-1]
    left = {path.name for path in (parts.settings.data_dir / "previews").iterdir()}
    assert left == set(made[-41:])
    assert client.get(f"/api/recipes/preview/{made[-1]}/0.colour.webp").content == b"x"
    gone = client.get(f"/api/recipes/preview/{made[0]}/0.colour.webp")
    assert (gone.status_code, "draws it again" in gone.json()["hint"]) == (404, True)
    assert client.get(f"/api/recipes/preview/{made[-1]}/..%2Frcg.sqlite3").status_code in {404, 422}


def test_a_script_that_reads_may_look_and_not_change(script):
    reader = script("read")
    assert reader.get("/api/recipes").status_code == 200
    assert reader.post("/api/recipes", json={"recipe": FLIP}).status_code == 403

"""Rendered cards, captures and images through the real job system, by the command line's backend."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from rcg.client import AnswerError
from rcg.datasets.manifest import Manifest
from rcg.datasets.pixels import read_sample
from rcg.jobs import dataset_rows, demo
from rcg.store.blobs import BlobStore


def rendered(backend, name="Rendered", kind="surface_damage", cards=3, seed=11):
    made = backend.post("/datasets/render", {"name": name, "kind": kind, "cards": cards, "seed": seed})
    return backend.wait_job(made["job"]["id"])["result"]


def test_rendered_cards_come_with_every_layer_and_the_truth(backend, home):
    result = rendered(backend)
    assert (result["items"], result["annotations"] > 0) == (3, True)
    dataset = backend.get("/datasets/Rendered")
    assert (dataset["labelled"], dataset["annotations"]) == (3, result["annotations"])
    version = backend.post("/datasets/Rendered/versions")
    manifest = Manifest(backend.download(f"/versions/{version['id']}/manifest", home / "m.jsonl"))
    blobs = BlobStore(home / "data" / "blobs")
    for record in manifest:
        sample = read_sample(record, blobs.path)
        assert set(sample.layers) >= {
            "colour",
            "albedo",
            "normal",
            "height",
            "curvature",
            "light:1",
            "light:8",
        }
        assert set(sample.lights) == {str(n) for n in range(1, 9)}
        normal = sample.layers["normal"].array.astype(np.float32)
        assert np.abs(np.linalg.norm(normal, axis=2) - 1).max() < 0.01
    item = backend.get("/datasets/Rendered/items")["items"][0]
    for layer in item["layers"]:
        shown = backend._http.get(layer["url"])
        assert Image.open(io.BytesIO(shown.content)).size == (item["width"], item["height"])


def test_the_same_seed_gives_the_same_files(backend):
    rendered(backend, "One", cards=2)
    rendered(backend, "Two", cards=2)
    hashes = [
        [
            [(layer["name"], layer["data_url"].partition("?v=")[2]) for layer in item["layers"]]
            for item in backend.get(f"/datasets/{name}/items")["items"]
        ]
        for name in ("One", "Two")
    ]
    assert hashes[0] == hashes[1]
    shapes = [
        [
            backend.get(f"/items/{item['id']}")["shapes"]
            for item in backend.get(f"/datasets/{name}/items")["items"]
        ]
        for name in ("One", "Two")
    ]
    plain = [[[one["shape"] for one in item] for item in some] for some in shapes]
    assert plain[0] == plain[1]
    ids = [{one["id"] for item in some for one in item} for some in shapes]
    assert not ids[0] & ids[1], "an id belongs to one annotation"


def test_many_rows_are_taken_in_part_by_part(backend, monkeypatch):
    monkeypatch.setattr(dataset_rows, "PART_ITEMS", 2)
    result = rendered(backend, cards=5)
    assert result["items"] == 5, "the last part counts them all"
    assert backend.get("/datasets/Rendered")["items"] == 5
    kinds = [job["kind"] for job in backend.get("/jobs")["items"]]
    assert kinds == ["dataset_rows", "dataset_rows", "dataset_render"]
    assert [item["position"] for item in backend.get("/datasets/Rendered/items")["items"]] == list(range(5))
    transfers = backend.settings.data_dir / "transfers"
    assert not [path for path in transfers.rglob("*") if path.is_file()], "nothing is left behind"


def test_cards_are_rendered_for_the_kinds_that_ship(backend):
    own = {
        "name": "mine", "title": "Mine", "description": "", "architectures": ["mask_rcnn_primary"],
        "metric": "mask_ap50", "label_schema": {"task": "instance", "classes": [{"name": "x"}]},
    }  # fmt: skip
    backend.post("/kinds", own)
    with pytest.raises(AnswerError, match="for the kinds that ship"):
        backend.post("/datasets/render", {"name": "A", "kind": "mine", "cards": 1})
    assert backend.get("/datasets")["total"] == 0, "no empty dataset is left behind"


def test_captures_become_items_once(backend, monkeypatch):
    monkeypatch.setattr(demo, "FRAME_SIZE", (600, 800))
    monkeypatch.setattr(demo, "LIGHTS", 4)
    job = backend.wait_job(backend.post("/demo", {"seed": 4})["id"])
    backend.post("/datasets", {"name": "Mine", "kind": "multi_modal"})
    queued = backend.post(
        "/datasets/Mine/captures", {"card_ids": [job["result"]["card_id"]], "px_per_mm": 10}
    )
    result = backend.wait_job(queued["id"])["result"]
    assert (result["items"], result["failed"]) == (2, [])
    front, back = backend.get("/datasets/Mine/items")["items"]
    assert (front["side"], back["side"]) == ("front", "back")
    assert front["card_key"] == back["card_key"] == job["result"]["card_id"]
    assert (front["px_per_mm"], front["width"]) == (10.0, 650)
    assert len(front["layers"]) == 11
    again = backend.wait_job(backend.post("/datasets/Mine/captures", {"all": True, "px_per_mm": 10})["id"])
    assert (again["result"]["items"], again["result"]["known_items"]) == (0, 2)
    assert again["title"] == "Measure 0 card sides for Mine", "what is there is not measured again"


def test_what_is_wrong_with_captures_is_said(backend):
    backend.post("/datasets", {"name": "Mine", "kind": "multi_modal"})
    with pytest.raises(AnswerError, match="None of these cards has photographs"):
        backend.post("/datasets/Mine/captures", {"all": True})
    card = backend.post("/cards", {"name": "Bare"})
    capture = backend.post(f"/cards/{card['id']}/captures", {"side": "front"})
    with pytest.raises(AnswerError, match="of Bare has no frames"):
        backend.post("/datasets/Mine/captures", {"capture_ids": [capture["id"]]})


def test_the_commands_do_the_whole_path(rcg, home):
    assert "(surface_damage)" in rcg("dataset", "create", "Set", "--kind", "surface damage")
    assert "Set" in rcg("dataset", "list")
    assert "surface_damage" in rcg("dataset", "kinds")
    said = rcg(
        "dataset", "render", "--name", "Cards", "--kind", "corner_detection", "--cards", "3", "--seed", "2"
    )
    assert "Cards: 3 items, 3 annotations" in said
    made = json.loads(rcg("dataset", "version", "Cards", "--json"))
    assert (made["number"], made["summary"]["items"]) == (1, 3)
    assert "an equal version was there already" in rcg("dataset", "version", "Cards")
    split = json.loads(rcg("dataset", "split", "Cards", "--seed", "5", "--json"))
    assert sum(part["cards"] for part in split["parts"].values()) == 3
    assert "There is no dataset kind 'dents'" in rcg("dataset", "create", "X", "--kind", "dents", code=1)
    assert "Set is empty" in rcg("dataset", "version", "Set", code=1)


def test_a_folder_goes_in_and_an_archive_comes_out_by_the_commands(rcg, home):
    folder = home / "pictures"
    (folder / "sub").mkdir(parents=True)
    for number in range(2):
        pixels = np.full((300, 300, 3), 90 * number, np.uint8)
        pixels[50:200, 60 + 30 * number : 180] = 255
        Image.fromarray(pixels).save(folder / "sub" / f"{number}.jpg")
    labels = {
        "images": [{"id": n, "file_name": f"sub/{n}.jpg", "width": 300, "height": 300} for n in range(2)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [60, 50, 90, 150]} for n in range(2)
        ],
        "categories": [{"id": 1, "name": "dent"}],
    }
    (folder / "labels.json").write_text(json.dumps(labels))
    said = rcg("dataset", "import", "Set", str(folder), code=1)
    assert "There is no dataset 'Set'" in said
    assert "--kind" in said
    said = rcg("dataset", "import", "Set", str(folder), "--kind", "surface_damage")
    assert "2 new items, 2 new annotations" in said
    again = json.loads(rcg("dataset", "import", "Set", str(folder), "--json"))
    assert (again["items"], again["annotations"], again["known_items"]) == (0, 0, 2)
    out = home / "out.zip"
    rcg("dataset", "export", "Set", str(out), "--format", "pascal_voc")
    rcg("dataset", "import", "Other", str(out), "--kind", "surface_damage")
    listed = {one["name"]: one for one in json.loads(rcg("dataset", "list", "--json"))}
    assert (listed["Other"]["items"], listed["Other"]["classes"]) == (2, {"dent": 2})
    assert "fewer than 10 annotations" in rcg("dataset", "health", "Set")
    assert "There is nothing at" in rcg("dataset", "import", "Set", str(home / "nowhere"), code=1)
    empty = rcg("dataset", "create", "Empty", "--kind", "surface_damage")
    assert empty
    rcg("dataset", "health", "Empty", code=1)

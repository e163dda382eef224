"""The addresses that the owner's scripts call, his older folders, and what is said of a dataset."""

import json

import pytest
from datasets_running import drawing, image, run_job, shape, upload

from rcg.datasets.schema import Annotation
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories import items as item_rows
from rcg.store.training_models import Run

CREATE = {"name": "Corners", "model_type": "corner_analysis", "description": "from a script"}


@pytest.mark.parametrize("way", ["json", "multipart", "urlencoded"])
def test_create_takes_a_form_and_json(client, way):
    sent = {
        "json": {"json": CREATE},
        "multipart": {"files": {key: (None, value) for key, value in CREATE.items()}},
        "urlencoded": {"data": CREATE},
    }[way]
    response = client.post("/api/datasets/create", **sent)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["success"] is True
    assert body["metadata"]["model_type"] == "corner_detection"
    assert body["metadata"]["name"] == "Corners"
    assert body["metadata"]["task"] == "points"
    assert body["upload_endpoints"]["images"] == f"/api/datasets/{body['dataset_id']}/upload/images"
    assert client.get(f"/api/datasets/{body['dataset_id']}").json()["description"] == "from a script"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "x"}, "model_type"),
        ({"name": "x", "model_type": "dents"}, "There is no dataset kind 'dents'"),
        ({"name": "discover", "model_type": "corner_detection"}, "cannot be named"),
        ({"name": "x", "model_type": "corner_detection", "extra": "1"}, "extra"),
    ],
)
def test_create_says_what_is_wrong(client, body, words):
    response = client.post("/api/datasets/create", json=body)
    assert response.status_code == 422
    assert words in response.json()["detail"]


def test_the_path_of_the_owners_scripts(client, parts):
    made = client.post("/api/datasets/create", json=CREATE | {"model_type": "surface_damage"}).json()
    ways = made["upload_endpoints"]
    files = [("files", (f"{n}.jpg", image(shade=n))) for n in range(2)] + [("files", ("bad.jpg", b"no"))]
    answer = client.post(ways["images"], files=files).json()
    assert (answer["success"], answer["uploaded_count"], answer["failed_count"]) == (False, 2, 1)
    assert [one["accepted"] for one in answer["files"]] == [True, True, False]
    assert (answer["files"][0]["width"], answer["files"][0]["format"]) == (300, "jpeg")
    assert answer["files"][2]["reason"]
    run_job(parts, answer["job"]["id"])
    labels = {
        "images": [{"id": 1, "file_name": "0.jpg", "width": 300, "height": 400}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}],
        "categories": [{"id": 1, "name": "scratch"}],
    }
    sent = client.post(
        ways["annotations"],
        files=[("files", ("labels.json", json.dumps(labels).encode()))],
        data={"annotation_format": "coco_json"},
    ).json()
    assert sent["success"]
    assert run_job(parts, sent["job_id"])[0]["annotations"] == 1
    managed = client.get(f"/api/datasets/{made['dataset_id']}/manage").json()
    assert managed["success"]
    assert (managed["metadata"]["image_count"], managed["metadata"]["annotation_count"]) == (2, 1)
    assert managed["statistics"]["labelled"] == 1
    assert managed["readiness"]["readiness"]["tier"] == "insufficient"
    assert "train" in managed["actions"]


def labelled(client, parts, count, name="Set"):
    client.post("/api/datasets", json={"name": name, "kind": "surface_damage"})
    files = {f"card{n}.jpg": image(shade=n) for n in range(count)}
    answer = upload(client, name, **files).json()
    run_job(parts, answer["job"]["id"])
    with parts.db.write() as session:
        for number, file in enumerate(answer["files"]):
            item = item_rows.get(session, file["item_id"])
            annotation_rows.add_many(session, item, [Annotation.model_validate(shape(x=5.0 + number))])
    return answer


def test_discover_tells_the_tier_and_the_figures_behind_it(client, parts):
    client.post("/api/datasets", json={"name": "Empty", "kind": "surface_damage"})
    labelled(client, parts, 6)
    body = client.get("/api/datasets/discover").json()
    assert (body["success"], body["total"]) == (True, 2)
    by_name = {one["name"]: one for one in body["datasets"]}
    assert by_name["Empty"]["readiness"]["tier"] == "insufficient"
    assert by_name["Empty"]["recommendations"]
    found = by_name["Set"]
    assert found["readiness"]["figures"]["labelled_items"] == 6
    assert found["readiness"]["tier"] in {"experimental", "development", "production"}
    assert found["compatible_architectures"] == ["mask_rcnn_primary"]
    why = next(one for one in found["architectures"] if one["architecture"] == "photometric_fusion")
    assert not why["fits"]
    assert "relief" in why["reason"]
    assert found["expected_duration"] is None
    assert "mask_rcnn_primary" in found["expected_duration_reason"]


def test_the_expected_duration_comes_from_runs_that_ended_here(client, parts):
    labelled(client, parts, 3)
    with parts.db.write() as session:
        for number, (steps, seconds) in enumerate([(100, 50), (200, 120), (100, 40)]):
            session.add(
                Run(
                    name=f"r{number}", dataset_name="x", kind="surface_damage", preset="quick", state="done",
                    architecture="mask_rcnn_primary", spec={}, spec_sha256="0" * 64, steps=steps, step=steps,
                    started_at=1_000, finished_at=1_000 + 1000 * seconds, defaults_diff=[],
                )
            )  # fmt: skip
    expected = client.get("/api/datasets/discover").json()["datasets"][0]["expected_duration"]
    assert expected["seconds_per_step"] == 0.5
    assert (expected["steps"], expected["seconds"], expected["measured_runs"]) == (100, 50.0, 3)


def test_health_lists_problems_with_their_items(client, parts):
    labelled(client, parts, 3)
    small = upload(client, "Set", **{"small.png": image(100, 100, kind="PNG")}).json()
    run_job(parts, small["job"]["id"])
    sent = {"a.jpg": drawing(1), "b.jpg": drawing(2), "again.jpg": drawing(1, quality=60)}
    copied = upload(client, "Set", **sent).json()
    run_job(parts, copied["job"]["id"])
    body = client.get("/api/datasets/Set/health").json()
    problems = {one["code"]: one for one in body["problems"]}
    assert problems["small"]["item_ids"] == [small["files"][0]["item_id"]]
    assert set(problems["alike"]["item_ids"]) == {
        copied["files"][0]["item_id"],
        copied["files"][2]["item_id"],
    }
    assert problems["unlabelled"]["count"] == 4
    assert all(one["hint"] and one["title"] for one in body["problems"])
    ranks = [["error", "warning", "info"].index(one["severity"]) for one in body["problems"]]
    assert ranks == sorted(ranks)
    assert body["statistics"]["labelled"] == 3
    listed = client.get("/api/datasets/Set/items", params={"ids": ",".join(problems["alike"]["item_ids"])})
    assert listed.json()["total"] == 2


def test_a_report_is_made_anew_when_something_changes(client, parts, monkeypatch):
    from rcg.api.services.datasets import health

    looks, judged = [], []
    look, judge = health.Looker.look, health.library.judge
    monkeypatch.setattr(health.Looker, "look", lambda self, item: looks.append(item.name) or look(self, item))
    monkeypatch.setattr(
        health.library, "judge", lambda *args, **more: judged.append(1) or judge(*args, **more)
    )
    answer = labelled(client, parts, 3)
    for _ in range(3):
        assert client.get("/api/datasets/Set/health").status_code == 200
        assert client.get("/api/datasets/Set/readiness").status_code == 200
    assert (len(looks), len(judged)) == (3, 1)
    with parts.db.write() as session:
        item = item_rows.get(session, answer["files"][0]["item_id"])
        annotation_rows.replace_all(session, item, [])
    assert client.get("/api/datasets/Set/health").json()["statistics"]["annotations"] == 2
    client.patch(f"/api/items/{answer['files'][0]['item_id']}", json={"card_key": "card1"})
    assert client.get("/api/datasets/Set/health").json()["statistics"]["cards"] == 2
    assert len(looks) == 3 + 2, "only what changed is looked at again"
    client.delete(f"/api/items/{answer['files'][1]['item_id']}")
    assert client.get("/api/datasets/Set/health").json()["statistics"]["items"] == 2
    assert (len(looks), len(judged)) == (5, 4)


def test_two_versions_are_compared(client, parts):
    answer = labelled(client, parts, 4)
    one = client.post("/api/datasets/Set/versions").json()
    with parts.db.write() as session:
        item = item_rows.get(session, answer["files"][0]["item_id"])
        annotation_rows.add_many(session, item, [Annotation.model_validate(shape("scratch"))])
    client.delete(f"/api/items/{answer['files'][1]['item_id']}")
    two = client.post("/api/datasets/Set/versions").json()
    body = client.get(f"/api/versions/{one['id']}/diff/{two['id']}").json()
    assert (body["older"]["number"], body["newer"]["number"], body["equal"]) == (1, 2, False)
    assert (body["added"]["count"], body["removed"]["count"], body["relabelled"]["count"]) == (0, 1, 1)
    assert body["removed"]["items"][0]["name"] == "card1.jpg"
    assert body["classes"] == {"dent": -1, "scratch": 1}
    assert client.get(f"/api/versions/{one['id']}/diff/{one['id']}").json()["equal"]
    assert client.get(f"/api/versions/{one['id']}/diff/nothing").status_code == 404


def old_folder(parts, name="corner_detection_v1", metadata=None, file="metadata.json"):
    folder = parts.settings.data_dir / "revolutionary_datasets" / name
    for part in ("images", "annotations", "trained_models", "training_metrics", "checkpoints"):
        (folder / part).mkdir(parents=True)
    for number in range(2):
        (folder / "images" / f"{number}.jpg").write_bytes(image(shade=number))
    labels = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 300, "height": 400} for n in range(2)],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 30, 40]} for n in range(2)],
        "categories": [{"id": 1, "name": "scratch"}],
    }
    (folder / "annotations" / "labels.json").write_text(json.dumps(labels))
    if metadata is not None:
        (folder / file).write_text(json.dumps(metadata))
    return folder


@pytest.mark.parametrize("file", ["metadata.json", "dataset_metadata.json"])
def test_an_older_folder_is_found_and_imported_once(client, parts, file):
    metadata = {"name": "Old scratches", "model_type": "surface_damage", "description": "mine"}
    old_folder(parts, "old", metadata, file)
    (found,) = client.get("/api/datasets/legacy").json()
    assert (found["folder"], found["name"], found["kind"], found["images"]) == (
        "old", "Old scratches", "surface_damage", 2,
    )  # fmt: skip
    assert found["imported_as"] is None
    first = client.post("/api/datasets/legacy/old/import", json={}).json()
    assert first["dataset"]["name"] == "Old scratches"
    result, _ = run_job(parts, first["job"]["id"])
    assert (result["items"], result["annotations"]) == (2, 2)
    assert client.get("/api/datasets/legacy").json()[0]["imported_as"] == "Old scratches"
    again = client.post("/api/datasets/legacy/old/import").json()
    assert again["dataset"]["id"] == first["dataset"]["id"]
    assert run_job(parts, again["job"]["id"])[0]["items"] == 0
    assert client.get("/api/datasets").json()["total"] == 1


def test_a_folder_that_tells_no_kind_is_taken_by_its_name(client, parts):
    old_folder(parts, "my-edge-damage-2024")
    old_folder(parts, "things", {"name": "Things"})
    kinds = {}
    for folder in ("my-edge-damage-2024", "things"):
        kinds[folder] = client.post(f"/api/datasets/legacy/{folder}/import").json()["dataset"]["kind"]
    assert kinds == {"my-edge-damage-2024": "edge_damage", "things": "surface_damage"}
    notes = {one["folder"]: one["note"] for one in client.get("/api/datasets/legacy").json()}
    assert "surface_damage" in notes["things"]


def test_an_older_folder_that_is_not_there(client, parts):
    assert client.get("/api/datasets/legacy").json() == []
    old_folder(parts, "there")
    response = client.post("/api/datasets/legacy/nowhere/import")
    assert response.status_code == 404
    assert "there" in response.json()["hint"]


def test_a_dataset_is_exported_in_that_layout(client, parts):
    labelled(client, parts, 2)
    job = client.post("/api/datasets/Set/export", json={"format": "folder"}).json()
    run_job(parts, job["id"])
    archive = parts.settings.data_dir / "out.zip"
    archive.write_bytes(client.get(f"/api/datasets/Set/exports/{job['id']}").content)
    import zipfile

    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        opened.extractall(parts.settings.data_dir / "revolutionary_datasets" / "back")
    assert {"metadata.json", "images/card0.jpg"} <= set(names)
    for part in ("annotations/", "trained_models/", "training_metrics/", "checkpoints/"):
        assert any(name.startswith(part) for name in names), part
    (found,) = client.get("/api/datasets/legacy").json()
    assert (found["name"], found["kind"], found["images"]) == ("Set", "surface_damage", 2)

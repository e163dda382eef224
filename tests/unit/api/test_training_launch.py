"""Plans and launches over REST: what is proposed, what is refused and with which way out. Nothing trains."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "integration" / "training"))

from training_kit import SMALL, add_dataset

from rcg.jobs.system import JobSystem
from rcg.store.dataset_models import Dataset
from rcg.store.models import Job
from rcg.store.training_models import Run


@pytest.fixture
def parts(parts):
    parts.jobs = JobSystem(parts.settings, parts.db)
    return parts


def start(client, **body):
    return client.post("/api/training/start", json={"dataset": "Small", "set": SMALL, **body})


def test_a_plan_gives_a_reason_for_every_value_and_judges_the_architectures(parts, client):
    dataset_id, version_id = add_dataset(parts)
    plan = client.post("/api/training/plan", json={"dataset": "Small", "preset": "quick"}).json()
    assert plan["dataset_id"] == dataset_id
    assert (plan["version"]["id"], plan["version"]["train"], plan["version"]["val"]) == (version_id, 6, 3)
    assert not plan["version_made"]
    assert all(one["reason"] for one in plan["fields"])
    fits = {one["name"]: one["ok"] for one in plan["architectures"]}
    assert fits == {
        "photometric_fusion": True, "mask_rcnn_primary": True, "precision_measurement_network": False,
    }  # fmt: skip
    assert plan["architectures"][0]["name"] == plan["spec"]["architecture"] == "photometric_fusion"
    named = client.get(f"/api/architectures?dataset_id={dataset_id}").json()
    assert [one["ok"] for one in named] == [True, True, False]
    assert "named points" in named[2]["reason"]


def test_a_launch_writes_a_spec_that_is_hashed_and_a_job_that_trains_it(parts, client):
    add_dataset(parts)
    answer = start(client, learning_rate=0.001)
    assert answer.status_code == 201
    run = answer.json()
    assert (run["state"], run["steps"], run["metric"]) == ("queued", 8, "mask_ap50")
    assert run["name"] == "Small v1, photometric fusion, quick"
    with parts.db.read() as session:
        row = session.get_one(Run, run["id"])
        job = session.get_one(Job, run["job_id"])
    assert (job.kind, job.resource, job.subject) == ("train", "train", f"run:{run['id']}")
    assert job.spec["spec"] == row.spec == run["spec"]
    from rcg.training.spec import read_spec

    assert read_spec(row.spec).sha256() == row.spec_sha256 == run["spec_sha256"]
    changed = {one["key"]: (one["default"], one["value"]) for one in run["defaults_diff"]}
    assert changed["optimiser.lr"] == (0.002, 0.001)
    assert changed["batch_size"] == (8, 2)
    second = start(client).json()
    assert second["name"] == f"{run['name']} 2"


def test_epochs_are_said_in_steps_of_the_batch(parts, client):
    add_dataset(parts)
    run = client.post(
        "/api/training/start", json={"dataset_name": "Small", "epochs": 5, "batch_size": 4}
    ).json()
    assert run["steps"] == 8  # 5 x 6 items in fours


@pytest.mark.parametrize(
    ("body", "status", "words", "hint"),
    [
        ({"dataset": "Smal"}, 404, "Smal", ""),
        ({"dataset": "Small", "version": 7}, 404, "has no version 7", "It has: 1"),
        ({"dataset": "Small", "architecture": "mask_rcnn"}, 422, "mask_rcnn", "mask_rcnn_primary"),
        ({"dataset": "Small", "architecture": "precision_measurement_network"}, 422, "has objects", ""),
        ({"dataset": "Small", "set": {"stepz": 3}}, 422, "stepz", "steps"),
        ({"dataset": "Small", "set": {"steps": 0}}, 422, "steps", ""),
        ({"dataset": "Small", "preset": "fastest"}, 422, "preset", ""),
        ({"dataset": "Small", "model_type": "corner_detection"}, 422, "photometric_fusion, not", ""),
        ({"dataset": "Small", "epochs": 3, "steps": 9}, 422, "both", "one of the two"),
        ({"dataset": "Small", "launch_token": "has space"}, 422, "launch_token", ""),
        ({"dataset": "Small", "set": {"weights": "ab" * 32}}, 422, "abab", "weights"),
        ({}, 422, "dataset", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_launched_says_why_and_launches_nothing(parts, client, body, status, words, hint):
    add_dataset(parts)
    answer = client.post("/api/training/start", json=body)
    assert answer.status_code == status, answer.text
    error = answer.json()
    assert words in error["detail"], error
    assert hint in error["hint"], error
    with parts.db.read() as session:
        assert session.query(Run).count() == session.query(Job).count() == 0


def test_an_empty_dataset_and_one_without_labels_say_what_to_do_first(parts, client):
    client.post("/api/datasets", json={"name": "Empty", "kind": "surface_damage"})
    answer = client.post("/api/training/start", json={"dataset": "Empty"})
    assert (answer.status_code, "Empty is empty" in answer.json()["detail"]) == (409, True)
    assert "label" in answer.json()["hint"]


def test_fusion_without_relief_is_refused_with_the_way_out(parts, client):
    add_dataset(parts, relief=False, kind="surface_damage")
    answer = start(client, architecture="photometric_fusion")
    assert answer.status_code == 422
    assert "relief" in answer.json()["detail"]
    assert "mask_rcnn_primary" in answer.json()["hint"]
    assert start(client).json()["architecture"] == "mask_rcnn_primary"


def test_a_dataset_deleted_after_the_launch_changes_nothing_for_the_run(parts, client):
    dataset_id, _ = add_dataset(parts)
    run = start(client).json()
    assert client.delete(f"/api/datasets/{dataset_id}").status_code == 204
    with parts.db.read() as session:
        assert session.get(Dataset, dataset_id) is None
    again = client.get(f"/api/training/{run['id']}").json()
    assert (again["dataset"], again["state"]) == ("Small", "queued")


def test_a_pre_flight_and_what_was_initialised_is_launched_once(parts, client):
    dataset_id, version_id = add_dataset(parts)
    begun = client.post(
        "/api/revolutionary-training/initialize",
        json={"dataset_id": dataset_id, "batch_size": 2, "steps": 5, "image_size": 64},
    )
    assert begun.status_code == 202
    begun = begun.json()
    assert (begun["success"], begun["status"]) == (True, "initializing")
    assert begun["job"]["kind"] == "preflight"
    assert begun["training_plan"]["steps"] == 5
    body = {"initialization_id": begun["initialization_id"], "name": "Mine"}
    first = client.post("/api/revolutionary-training/execute", json=body).json()
    second = client.post("/api/revolutionary-training/execute", json=body).json()
    assert first["training_id"] == second["training_id"]
    assert (first["name"], first["steps"], first["version_id"]) == ("Mine", 5, version_id)
    assert first["spec"] == begun["training_plan"]
    nobody = client.post("/api/revolutionary-training/execute", json={"initialization_id": "nobody"})
    assert nobody.status_code == 404
    assert client.post("/api/revolutionary-training/execute", json={}).status_code == 422
    advanced = client.post("/api/revolutionary-training/execute-advanced", json={"dataset": "Small"}).json()
    assert advanced["preset"] == "balanced"
    status = client.get("/api/revolutionary-training/status").json()
    assert (status["success"], status["status"], len(status["active"])) == (True, "idle", 2)
    assert status["runs"] == {"queued": 2}


def test_a_script_that_may_only_read_looks_and_launches_nothing(parts, client, script):
    add_dataset(parts)
    reader = script("read")
    assert reader.get("/api/training").status_code == 200
    assert reader.post("/api/training/start", json={"dataset": "Small"}).status_code == 403
    assert script("train").post("/api/training/start", json={"dataset": "Small"}).status_code == 201

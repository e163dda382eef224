"""Runs over the API with the real job system: launched, controlled, published, told as they were written."""

from __future__ import annotations

import hashlib
import threading

import httpx
import pytest
from training_kit import SMALL, add_dataset, add_items, all_events, ended, lines, until

from rcg.store.models import Job


def launch(client, **body):
    answer = client.post("/api/training/start", json={"dataset": "Small", "set": SMALL, **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_run_trains_is_told_row_by_row_and_publishes_its_model(server, client):
    dataset_id, version_id = add_dataset(server)
    heard = Listener(client, server.url)
    run = launch(client, name="First try")
    assert (run["success"], run["training_id"], run["state"]) == (True, run["id"], "queued")
    assert run["version_id"] == version_id
    assert {one["key"] for one in run["defaults_diff"]} >= {"steps", "batch_size"}

    done = ended(client, run["id"])
    assert done["error"] is None, done["error"]
    assert (done["state"], done["stopped_by"], done["step"], done["steps"]) == ("done", "steps", 8, 8)
    assert done["error"] is None
    assert done["message"] == "It is done, after 8 steps."

    rows = all_events(client, run["id"], limit=7)
    assert [row["seq"] for row in rows] == list(range(len(rows)))
    assert rows == lines(server.settings.data_dir / "runs" / run["id"] / "attempt-1" / "events.jsonl")
    assert rows == until(lambda: heard.of(run["id"]) if len(heard.of(run["id"])) == len(rows) else None)
    heard.stop()

    model = client.get(f"/api/models/{done['model_id']}").json()
    assert (model["name"], model["run_id"], model["in_use"]) == ("First try", run["id"], False)
    weights = server.blobs.read(model["weights_sha256"])
    assert hashlib.sha256(weights).hexdigest() == model["weights_sha256"]
    assert model["config"]["name"] == "First try"
    assert model["config"]["lineage"]["spec_sha256"] == run["spec_sha256"]
    job = client.get(f"/api/jobs/{done['job_id']}").json()
    assert job["result"]["model_id"] == model["id"]
    assert client.get(f"/api/training?dataset={dataset_id}").json()["items"][0]["model_id"] == model["id"]


class Listener:
    """Collects the rows of runs from the stream of events, as a page does."""

    def __init__(self, client, url):
        self.rows, self.open = [], threading.Event()
        self._client = httpx.Client(base_url=url, headers=client.headers, timeout=None)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self.open.wait(20)

    def _read(self):
        import json

        kind = ""
        try:
            with self._client.stream("GET", "/api/events") as response:
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        kind = line.removeprefix("event: ")
                        self.open.set()
                    elif line.startswith("data: ") and kind == "run":
                        self.rows.append(json.loads(line.removeprefix("data: ")))
        except (httpx.HTTPError, RuntimeError):
            return

    def of(self, run_id):
        return [each["row"] for each in self.rows if each["run_id"] == run_id]

    def stop(self):
        self._client.close()


def test_the_same_token_twice_is_one_run_also_at_the_same_time(server, client):
    add_dataset(server)
    ids = []

    def ask():
        ids.append(launch(client, launch_token="tuesday-1")["id"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1
    with server.db.read() as session:
        assert session.query(Job).filter(Job.kind == "train").count() == 1


def test_two_runs_at_once_queue_and_say_their_place_while_other_jobs_go_on(server, client):
    add_dataset(server)
    long = SMALL | {"steps": 4000, "eval_every": 4000, "checkpoint_every": 4000}
    first = launch(client, set=long, name="Long")
    until(lambda: client.get(f"/api/training/{first['id']}").json()["state"] == "running")
    second = launch(client, name="Second")
    third = launch(client, name="Third")
    assert (second["queue"]["place"], third["queue"]["place"]) == (2, 3)
    assert [one["name"] for one in third["queue"]["behind"]] == ["Long", "Second"]
    assert "in place 3" in third["message"]

    # Whatever computes elsewhere is not held up: the pre-flight of another run, say, or a grading.
    flight = client.post("/api/demo", json={"seed": 1}).json()
    until(lambda: client.get(f"/api/jobs/{flight['id']}").json()["state"] == "running")

    gone = client.post(f"/api/training/{third['id']}/cancel").json()
    assert gone["state"] == "cancelled"
    refused = client.delete(f"/api/training/{first['id']}")
    assert refused.status_code == 409
    assert f"/api/training/{first['id']}/cancel" in refused.json()["hint"]
    assert client.post(f"/api/training/{first['id']}/cancel").json()["cancelling"]
    assert ended(client, first["id"])["state"] == "cancelled"
    assert ended(client, second["id"])["state"] == "done"
    client.post(f"/api/jobs/{flight['id']}/cancel")
    assert client.delete(f"/api/training/{first['id']}").status_code == 204
    assert client.get(f"/api/training/{first['id']}").status_code == 404
    assert not (server.settings.data_dir / "runs" / first["id"]).exists()


def test_pause_resume_extend_evaluate_and_stop(server, client):
    add_dataset(server)
    run = launch(client, set=SMALL | {"steps": 2000, "checkpoint_every": 500, "eval_every": 1000})
    path = f"/api/training/{run['id']}"
    until(lambda: client.get(path).json()["step"] >= 3)
    assert client.post(f"{path}/resume").status_code == 409
    assert client.post(f"{path}/evaluate").json()["state"] == "running"
    until(lambda: any(row["kind"] == "eval" for row in all_events(client, run["id"])))

    assert client.post(f"{path}/pause").json()["state"] == "pausing"
    refused = client.post(f"{path}/evaluate")
    assert refused.status_code == 409
    assert refused.json()["hint"] == "What it can do now: cancel."
    paused = ended(client, run["id"])
    assert paused["state"] == "paused"
    assert paused["checkpoint_step"] == paused["step"] >= 3
    assert "resume" in paused["can"]

    short = client.post(f"{path}/extend", json={"steps": 10})
    assert short.status_code == 422
    assert client.post(f"{path}/extend", json={"steps": 2100}).json()["steps"] == 2100
    resumed = client.post(f"{path}/resume").json()
    assert resumed["state"] == "queued"
    assert resumed["job_id"] != run["job_id"]
    until(lambda: client.get(path).json()["step"] > paused["step"])
    assert client.post(f"{path}/stop").json()["state"] == "stopping"
    done = ended(client, run["id"])
    assert (done["state"], done["stopped_by"], done["steps"]) == ("done", "user", 2100)
    rows = all_events(client, run["id"])
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    starts = [row for row in rows if row["kind"] == "start"]
    assert [row["from_step"] for row in starts] == [0, paused["step"]]
    assert [row["steps"] for row in rows if row["kind"] == "extend"] == [2100]

    # A run that is done can be made longer; it publishes a further model.
    again = client.post(f"{path}/extend", json={"steps": 2000 + done["step"]})
    assert again.status_code == 422
    assert client.post(f"{path}/extend", json={"steps": 3000}).json()["state"] == "queued"
    until(lambda: client.get(path).json()["step"] > done["step"])
    client.post(f"{path}/stop")
    longer = ended(client, run["id"])
    assert longer["model_id"] != done["model_id"]
    names = sorted(one["name"] for one in client.get("/api/models").json()["items"])
    assert names == [run["name"], f"{run['name']} 2"]


@pytest.mark.usefixtures("thread_isolation")
def test_a_queued_run_pauses_at_once_and_a_paused_one_can_be_ended_with_a_model(server, client):
    add_dataset(server)
    first = launch(client, set=SMALL | {"steps": 3000, "eval_every": 3000}, name="Long")
    until(lambda: client.get(f"/api/training/{first['id']}").json()["step"] >= 2)
    second = launch(client, name="Second")
    assert client.post(f"/api/training/{second['id']}/pause").json()["state"] == "paused"
    nothing = client.post(f"/api/training/{second['id']}/stop")
    assert nothing.status_code == 409  # it has no checkpoint to make a model of
    client.post(f"/api/training/{first['id']}/pause")
    assert ended(client, first["id"])["state"] == "paused"
    assert client.post(f"/api/training/{first['id']}/stop").json()["state"] == "stopping"
    done = ended(client, first["id"], {"done", "failed"})
    assert (done["state"], done["stopped_by"]) == ("done", "user")
    assert done["model_id"]
    assert client.post(f"/api/training/{second['id']}/resume").json()["state"] == "queued"
    assert ended(client, second["id"], {"done", "failed"})["state"] == "done"


@pytest.mark.usefixtures("thread_isolation")
def test_models_are_used_one_per_kind_renamed_and_deleted(server, client):
    add_dataset(server)
    made = [ended(client, launch(client, name=name)["id"])["model_id"] for name in ("One", "Two")]
    assert client.post(f"/api/models/{made[0]}/use", json={"use": True}).json()["released"] == []
    second = client.post(f"/api/models/{made[1]}/use").json()
    assert (second["in_use"], [one["name"] for one in second["released"]]) == (True, ["One"])
    assert second["message"] == "Grading uses Two in place of One from now on."
    assert not client.get(f"/api/models/{made[0]}").json()["in_use"]

    refused = client.delete(f"/api/models/{made[1]}")
    assert refused.status_code == 409
    assert "Grading uses Two" in refused.json()["detail"]
    taken = client.patch(f"/api/models/{made[1]}", json={"name": "One"})
    assert taken.status_code == 409
    renamed = client.patch(f"/api/models/{made[1]}", json={"name": "Dents"}).json()
    assert (renamed["name"], renamed["config"]["name"]) == ("Dents", "Dents")
    assert (
        client.post(f"/api/models/{made[1]}/use", json={"use": False})
        .json()["message"]
        .startswith("Grading no longer")
    )
    assert client.delete(f"/api/models/{made[1]}").status_code == 204


@pytest.mark.usefixtures("thread_isolation")
def test_a_model_pre_labels_what_nobody_has_labelled(server, client):
    dataset_id, _ = add_dataset(server)
    model_id = ended(client, launch(client)["id"])["model_id"]
    nothing = client.post(f"/api/models/{model_id}/predict", json={"dataset_id": dataset_id})
    assert nothing.status_code == 409
    ids = add_items(server, dataset_id, range(100, 103))
    job = client.post(f"/api/models/{model_id}/predict", json={"item_ids": ids[:2], "least_score": 0}).json()
    assert job["subject"] == f"dataset:{dataset_id}"
    row = until(
        lambda: (one := client.get(f"/api/jobs/{job['id']}").json())["state"] in {"done", "failed"} and one
    )
    assert row["state"] == "done", row["error"]
    assert (row["result"]["items"], row["result"]["labelled"]) == (2, 2)


@pytest.mark.usefixtures("thread_isolation")
def test_a_run_that_computes_in_the_server_is_the_same(server, client):
    add_dataset(server)
    done = ended(client, launch(client)["id"])
    assert (done["state"], done["step"]) == ("done", 8)
    assert done["model_id"]


def test_a_full_disk_at_a_checkpoint_leaves_a_run_that_can_be_resumed(server, client):
    add_dataset(server)
    run = launch(client, set=SMALL | {"steps": 2000, "checkpoint_every": 4, "eval_every": 2000})
    path = f"/api/training/{run['id']}"
    folder = server.settings.data_dir / "runs" / run["id"]
    until(lambda: client.get(path).json()["checkpoint_step"])
    checkpoints = folder / "attempt-1" / "checkpoints"
    moved = folder / "kept"
    checkpoints.rename(moved)
    checkpoints.symlink_to("/dev/full")  # every write ends as on a full disk, also for root
    failed = ended(client, run["id"])
    assert failed["state"] == "failed", failed
    checkpoints.unlink()
    moved.rename(checkpoints)
    failed = client.get(path).json()
    assert failed["can"] == ["resume", "stop", "extend", "delete"]
    assert failed["checkpoint_step"] >= 4
    assert "resume" in failed["message"].lower()
    assert client.post(f"{path}/resume").json()["state"] == "queued"
    starts = until(
        lambda: (
            found
            if len(found := [r["from_step"] for r in all_events(client, run["id"]) if r["kind"] == "start"])
            == 2
            else None
        )
    )
    assert starts == [0, failed["checkpoint_step"]]
    client.post(f"{path}/cancel")
    assert ended(client, run["id"])["state"] == "cancelled"


def test_a_pre_flight_measures_the_run_and_the_run_is_what_it_measured(server, client):
    add_dataset(server)
    body = {"dataset": "Small", "set": SMALL}
    queued = client.post("/api/training/preflight", json=body).json()
    job = until(
        lambda: (
            (one := client.get(f"/api/jobs/{queued['job_id']}").json())["state"] in {"done", "failed"} and one
        )
    )
    assert job["state"] == "done", job["error"]
    found = job["result"]
    assert found["seconds"][0] < found["seconds"][1]
    assert found["seconds_per_step"] > 0
    assert (found["device"], found["threads"], found["items"]) == ("cpu", 1, {"train": 6, "val": 3})
    assert found["warnings"] == client.post("/api/training/plan", json=body).json()["warnings"]
    assert not list(server.settings.data_dir.glob("runs/*"))

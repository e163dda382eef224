"""From a file of weights to a run that began with it, through the REST API; and what is the wrong file."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import save_file
from training_kit import NARROW, SMALL, add_dataset, all_events, ended, until

from rcg.training import official
from rcg.training.models import build
from rcg.training.official import Source
from rcg.training.spec import MaskOptions

SHORT = SMALL | {"steps": 2, "eval_every": 2}


def network(backbone, **options):
    """A network's weights for three channels, as somebody else's training would have left them."""
    torch.manual_seed(4)
    made = build(
        MaskOptions(backbone=backbone, **NARROW, **options),
        relief=[False] * 3, classes=2, points=0, input_size=(64, 96),
    )  # fmt: skip
    return {name: value.contiguous() for name, value in made.state_dict().items()}


def upload(client, path):
    with path.open("rb") as file:
        answer = client.post("/api/weights", files={"files": (path.name, file)})
    assert answer.status_code == 201, answer.text
    return answer.json()["files"][0]["weights"]


def chosen(**options):
    return {"dataset": "Small", "architecture": "mask_rcnn_primary", "set": SHORT | options}


def job_of(client, job_id):
    def look():
        job = client.get(f"/api/jobs/{job_id}").json()
        return job if job["state"] in {"done", "failed", "dead", "cancelled"} else None

    return until(look)


def test_a_run_begins_with_a_file_that_was_added(server, client, tmp_path):
    add_dataset(server)
    given = network("tiny")
    path = tmp_path / "tiny.safetensors"
    save_file(given, path)
    one = upload(client, path)
    assert (one["tensors"], one["norm"]) == (len(given), "group")
    options = {"weights": "tiny.safetensors", "model.backbone": "tiny", "optimiser.lr": 1e-9}

    flight = client.post("/api/training/preflight", json=chosen(**options)).json()
    job = job_of(client, flight["job_id"])
    assert job["state"] == "done", job["error"]
    run = client.post("/api/training/start", json=chosen(**options)).json()
    assert run["spec"]["weights"] == {"sha256": one["sha256"], "name": "tiny.safetensors"}
    assert ended(client, run["id"])["state"] == "done"
    said = next(row["text"] for row in all_events(client, run["id"]) if row["kind"] == "log")
    assert said.startswith("Began with tiny.safetensors: ")
    assert job["result"]["began"] == said
    taken, fitted = numbers(said)
    # Colour and normals are six channels, the file's first convolution saw three; the heads have its shapes.
    assert fitted == 1
    assert taken > 40
    model = client.get(f"/api/training/{run['id']}").json()["model_id"]
    lineage = client.get(f"/api/models/{model}").json()["config"]["lineage"]
    assert lineage["weights"] == "tiny.safetensors"
    # The bytes stay while the run names them, though the file is offered no more.
    assert client.delete(f"/api/weights/{one['id']}").json()["kept_for"] == [run["name"]]
    assert server.blobs.has(one["sha256"])


def numbers(said):
    words = said.replace(",", "").split()
    return int(words[words.index("tensors") - 1]), int(words[words.index("fitted") - 1])


@pytest.mark.usefixtures("thread_isolation")
@pytest.mark.parametrize("what", ["preflight", "start"])
def test_a_file_of_another_backbone_fails_in_words(server, client, tmp_path, what):
    add_dataset(server)
    path = tmp_path / "other.pth"
    torch.save(network("resnet18"), path)
    upload(client, path)
    answer = client.post(
        f"/api/training/{what}", json=chosen(weights="other.pth", **{"model.backbone": "tiny"})
    ).json()
    if what == "preflight":
        error = job_of(client, answer["job_id"])["error"]
    else:
        run = ended(client, answer["id"])
        assert run["state"] == "failed"
        error = run["error"]
    assert error["error"] == "invalid_input"
    assert "other.pth" in error["detail"]
    assert "backbone" in error["detail"] + error["hint"]
    assert error["hint"].startswith("Choose the backbone")


@pytest.fixture
def files(monkeypatch):
    """A host on the loopback that serves what is put into it, and its address."""
    served = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            data = served[self.path]
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            return

    host = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    yield served, f"http://127.0.0.1:{host.server_port}"
    host.shutdown()
    host.server_close()


def test_official_weights_come_by_a_job_and_are_then_chosen(
    server, client, tmp_path, files, monkeypatch, thread_isolation
):
    served, address = files
    path = tmp_path / "classifier.pth"
    torch.save(
        {name.removeprefix("backbone.body."): value for name, value in network("resnet18").items()}, path
    )
    data = path.read_bytes()
    name = f"resnet18-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    served[f"/{name}"] = data
    said = Source(f"{address}/{name}", len(data))
    for asked in ("source", "offer"):
        monkeypatch.setattr(official, asked, lambda backbone: said)
    from rcg.api.services.training import weights as service

    monkeypatch.setattr(service, "offer", lambda backbone: said)
    answer = client.post("/api/weights/official", json={"backbone": "resnet18"})
    assert answer.status_code == 202
    job = job_of(client, answer.json()["job_id"])
    assert job["state"] == "done", json.dumps(job["error"])
    listed = client.get("/api/weights").json()
    assert [one["name"] for one in listed["files"]] == [name]
    assert listed["files"][0]["source"] == "official"
    offered = {one["backbone"]: one["weights"] for one in listed["official"]}
    assert offered["resnet18"]["sha256"] == job["result"]["sha256"]
    add_dataset(server)
    plan = client.post("/api/training/plan", json=chosen(weights=name)).json()
    assert plan["spec"]["model"]["backbone"] == "resnet18"

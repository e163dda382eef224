"""Files of weights over REST: added, listed, named in a plan, deleted. Nothing is fetched, nothing trains."""

import hashlib
import json
import pickle
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "integration" / "training"))

from training_kit import SMALL, add_dataset

from rcg.api.services.training import weights as service
from rcg.store.models import Job
from rcg.store.repositories import models, weights
from rcg.store.training_models import Run
from rcg.training import official


def stored_files(parts):
    return (
        [path for path in parts.blobs.folder.rglob("*") if path.is_file()]
        if parts.blobs.folder.exists()
        else []
    )


def file_of(values=3, name="layer.weight", norm=False):
    """A safetensors file, written by hand."""
    names = [name, "bn.running_mean"] if norm else [name]
    header, at = {}, 0
    for each in names:
        header[each] = {"dtype": "F32", "shape": [values], "data_offsets": [at, at + 4 * values]}
        at += 4 * values
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(range(1, at + 1))


def add(client, *files):
    return client.post("/api/weights", files=[("files", (name, data)) for name, data in files])


def added(client, name="mine.safetensors", data=None):
    answer = add(client, (name, data or file_of()))
    assert answer.status_code == 201, answer.text
    return answer.json()["files"][0]["weights"]


def listed(client):
    return client.get("/api/weights").json()


def test_a_file_is_added_once_and_listed(parts, client):
    data = file_of(norm=True)
    one = added(client, data=data)
    sha256 = hashlib.sha256(data).hexdigest()
    assert (one["sha256"], one["bytes"], one["tensors"], one["source"]) == (sha256, len(data), 2, "file")
    assert (one["backbone"], one["norm"]) == (None, None)
    assert parts.blobs.read(sha256) == data
    again = added(client, "copy.safetensors", data)
    assert again["id"] == one["id"]
    assert [each["name"] for each in listed(client)["files"]] == ["mine.safetensors"]
    assert added(client, "group.safetensors", file_of(5))["norm"] == "group"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pt", b"", "a.pt is empty"), ("a.pt", b"not weights", "a.pt is no file of weights"),
        ("a.pt", pickle.dumps([1], protocol=2), "a.pt is a bare pickle"),
        ("a.safetensors", file_of()[:-1], "a.safetensors is cut short"),
        ("a.safetensors", struct.pack("<Q", 2**40) + b"{}", "has 1099511627776 bytes"),
        ("../../a.pt", b"nothing of it", "a.pt is no file of weights"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing(parts, client, name, data, words):
    answer = add(client, (name, data))
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert "/" not in answer.json()["detail"]
    assert answer.json()["hint"]
    assert stored_files(parts) == []
    assert listed(client)["files"] == []


def test_each_file_of_an_upload_is_answered_for_by_itself(parts, client):
    answer = add(client, ("good.safetensors", file_of()), ("bad.pt", b"bad"))
    assert answer.status_code == 201
    good, bad = answer.json()["files"]
    assert good["accepted"]
    assert not bad["accepted"]
    assert "bad.pt" in bad["reason"]
    assert len(stored_files(parts)) == 1


def test_a_file_over_the_limit_is_refused_with_the_settings_name(parts, client):
    object.__setattr__(parts.settings.limits, "weights_mb", 1)
    answer = add(client, ("big.safetensors", bytes(1_000_001)))
    assert answer.status_code == 413
    assert "big.safetensors is larger than 1 MB" in answer.json()["detail"]
    assert "limits.weights_mb" in answer.json()["hint"]
    answer = add(client, ("huge.safetensors", bytes(2_100_000)))
    assert answer.status_code == 413
    assert "limits.weights_mb" in answer.json()["hint"]
    assert stored_files(parts) == []


def test_an_upload_that_is_no_form_is_refused(client):
    assert client.post("/api/weights", content=b"{}").status_code == 422
    answer = client.post("/api/weights", data={"a": "b"}, files={})
    assert answer.status_code == 422
    answer = client.post("/api/weights", files={"nothing": (None, "a")})
    assert "no files" in answer.json()["detail"]


def test_reading_needs_read_and_adding_needs_train(script):
    assert script("read").get("/api/weights").status_code == 200
    for method, path in (("POST", ""), ("POST", "/official"), ("DELETE", "/x")):
        assert script("read", "capture", "label").request(method, f"/api/weights{path}").status_code == 403
        assert script("train").request(method, f"/api/weights{path}").status_code != 403


def start(client, path="start", **body):
    chosen = {"dataset": "Small", "set": SMALL | body.pop("set", {}), **body}
    return client.post(f"/api/training/{path}", json=chosen)


def trained(parts, name="Dents", backbone="resnet18", norm="group"):
    """A model as a run would have published it."""
    info = parts.blobs.add(file_of(9, name))
    with parts.db.write() as session:
        from rcg.store.repositories import blobs

        blobs.ensure(session, info, "application/x-safetensors")
        run = Run(
            name=name, dataset_name="Small", kind="k", architecture="mask_rcnn_primary", preset="quick",
            spec={"weights": None}, spec_sha256="0" * 64, steps=1,
        )  # fmt: skip
        session.add(run)
        session.flush()
        config = {
            "label_schema": {"task": "instance"}, "metrics": {},
            "model": {"type": "mask", "backbone": backbone, "norm": norm},
        }  # fmt: skip
        return models.add(session, run, weights_sha256=info.sha256, config=config).weights_sha256


def test_a_plan_takes_weights_by_name_id_and_hash(parts, client):
    add_dataset(parts)
    one = added(client)
    wanted = {"sha256": one["sha256"], "name": "mine.safetensors"}
    for said in (one["name"], one["id"], one["sha256"], {"sha256": one["sha256"]}):
        plan = start(client, "plan", set={"weights": said}).json()
        assert plan["spec"]["weights"] == wanted
    assert start(client, "plan", set={"weights": "none"}).json()["spec"]["weights"] is None
    assert start(client, "plan", set={"weights": None}).json()["spec"]["weights"] is None
    answer = start(client, "plan", set={"weights": "another"})
    assert answer.status_code == 422
    assert "no weights named 'another'" in answer.json()["detail"]
    assert answer.json()["data"]["field"] == "weights"
    answer = start(client, set={"weights": "ab" * 32})
    assert answer.status_code == 422
    assert "rcg weights add" in answer.json()["hint"]


def test_the_plan_follows_the_weights_of_a_model(parts, client):
    add_dataset(parts)
    sha256 = trained(parts)
    plan = start(client, "plan", set={"weights": "Dents"}).json()
    assert plan["spec"]["weights"] == {"sha256": sha256, "name": "Dents"}
    assert (plan["spec"]["model"]["backbone"], plan["spec"]["model"]["norm"]) == ("resnet18", "group")
    reasons = {field["key"]: field["reason"] for field in plan["fields"]}
    assert "weights" in reasons["model.backbone"]
    assert [one["name"] for one in listed(client)["models"]] == ["Dents"]
    assert listed(client)["models"][0]["backbone"] == "resnet18"


@pytest.mark.parametrize("path", ["plan", "preflight", "start"])
def test_weights_of_another_backbone_are_refused_where_they_are_chosen(parts, client, path):
    add_dataset(parts)
    trained(parts)
    answer = start(client, path, set={"weights": "Dents", "model.backbone": "tiny"})
    assert answer.status_code == 422
    error = answer.json()
    assert "resnet18" in error["detail"]
    assert "tiny" in error["detail"]
    assert "Choose the backbone resnet18" in error["hint"]
    assert error["data"]["field"] == "weights"
    with parts.db.read() as session:
        assert session.query(Job).count() == 0


def official_file(parts, backbone="resnet50_v2", norm="batch"):
    info = parts.blobs.add(file_of(7, backbone))
    with parts.db.write() as session:
        from rcg.store.repositories import blobs

        blobs.ensure(session, info, "application/x-pytorch")
        return weights.add(
            session, sha256=info.sha256, name=f"{backbone}.pth", size=info.bytes, tensors=1,
            source="official", backbone=backbone, norm=norm,
        ).sha256  # fmt: skip


def test_the_second_version_of_a_backbone_shares_its_body(parts, client):
    add_dataset(parts)
    official_file(parts)
    chosen = {"weights": "resnet50_v2.pth"}
    mask = start(client, "plan", architecture="mask_rcnn_primary", set=chosen).json()["spec"]
    assert (mask["model"]["backbone"], mask["model"]["norm"]) == ("resnet50_v2", "batch")
    fusion = start(client, "plan", architecture="photometric_fusion", set=chosen).json()["spec"]
    assert fusion["model"]["backbone"] == "resnet50"
    tiny = trained(parts, "Small ones", "tiny")
    plan = start(client, "plan", architecture="photometric_fusion", set={"weights": tiny}).json()
    assert plan["spec"]["weights"]["name"] == "Small ones"


def test_an_architecture_without_the_backbone_says_so(parts, client):
    add_dataset(parts, kind="corner_detection")
    official_file(parts, "mobilenet_v3")
    answer = start(client, "plan", set={"weights": "mobilenet_v3.pth"})
    assert answer.status_code == 422
    assert "has none such" in answer.json()["detail"]
    assert "resnet18" in answer.json()["hint"]


def test_deleting_a_file_that_nothing_names_frees_its_bytes(parts, client):
    data = file_of()
    one = added(client, data=data)
    gone = client.delete(f"/api/weights/{one['id']}").json()
    assert gone == {"deleted": "mine.safetensors", "freed_bytes": len(data), "kept_for": []}
    assert stored_files(parts) == []
    assert listed(client)["files"] == []
    assert client.delete(f"/api/weights/{one['id']}").status_code == 404
    assert added(client, data=data)["sha256"] == one["sha256"]


def test_deleting_a_file_that_a_run_began_with_is_harmless(parts, client):
    add_dataset(parts)
    parts.jobs.training_threads = 1
    one = added(client)
    run = start(client, set={"weights": one["name"]}).json()
    gone = client.delete(f"/api/weights/{one['name']}").json()
    assert gone == {"deleted": one["name"], "freed_bytes": 0, "kept_for": [run["name"]]}
    assert parts.blobs.has(one["sha256"])
    with parts.db.read() as session:
        assert session.get_one(Run, run["id"]).spec["weights"]["sha256"] == one["sha256"]


def test_deleting_a_file_that_a_model_or_a_waiting_job_needs_keeps_its_bytes(parts, client):
    add_dataset(parts)
    parts.jobs.training_threads = 1
    sha256 = trained(parts)
    as_file = added(client, "Dents.safetensors", parts.blobs.read(sha256))
    assert client.delete(f"/api/weights/{as_file['id']}").json()["freed_bytes"] == 0
    assert parts.blobs.has(sha256)
    one = added(client)
    start(client, "preflight", set={"weights": one["id"]})
    assert client.delete(f"/api/weights/{one['id']}").json()["freed_bytes"] == 0
    assert parts.blobs.has(one["sha256"])


def test_official_weights_are_offered_in_torchvisions_words(client):
    offered = {one["backbone"]: one for one in listed(client)["official"]}
    assert set(offered) == set(official.OFFICIAL)
    one = offered["mobilenet_v3"]
    known = official.offer("mobilenet_v3")
    assert (one["host"], one["file_name"]) == (known.host, known.file_name)
    assert one["about_bytes"] == known.about_bytes
    assert (one["weights"], one["job_id"]) == (None, None)


def test_official_weights_are_asked_for_once(parts, client):
    answer = client.post("/api/weights/official", json={"backbone": "mobilenet_v3"})
    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    with parts.db.read() as session:
        job = session.get_one(Job, job_id)
        assert (job.kind, job.spec["backbone"], job.spec["max_mb"]) == (
            "official_weights", "mobilenet_v3", parts.settings.limits.weights_mb,
        )  # fmt: skip
    again = client.post("/api/weights/official", json={"backbone": "mobilenet_v3"}).json()
    assert again["job_id"] == job_id
    offered = {one["backbone"]: one["job_id"] for one in listed(client)["official"]}
    assert offered["mobilenet_v3"] == job_id
    assert offered["resnet18"] is None


def test_official_weights_that_are_here_are_not_fetched_again(parts, client):
    sha256 = official_file(parts)
    answer = client.post("/api/weights/official", json={"backbone": "resnet50_v2"})
    assert answer.status_code == 200
    assert answer.json()["weights"]["sha256"] == sha256
    assert answer.json()["job_id"] is None
    answer = client.post("/api/weights/official", json={"backbone": "tiny"})
    assert answer.status_code == 422
    assert "mobilenet_v3" in answer.json()["hint"]


def test_an_official_file_that_is_added_by_hand_is_known_by_its_hash(parts, client, monkeypatch):
    data = pickle.dumps({"an": "old one"}, protocol=2)
    sha256 = hashlib.sha256(data).hexdigest()
    known = official.Source(f"https://nowhere.invalid/resnet18-{sha256[:8]}.pth", None)
    monkeypatch.setattr(official, "offer", lambda backbone: known if backbone == "resnet18" else None)
    one = added(client, "from-a-stick.pth", data)
    assert (one["source"], one["backbone"], one["norm"]) == ("official", "resnet18", "frozen")
    offered = {each["backbone"]: each["weights"] for each in listed(client)["official"]}
    assert offered["resnet18"]["sha256"] == sha256


def test_a_file_that_is_deleted_while_it_comes_is_not_noted(parts, client, monkeypatch):
    inspect = service.weight_files.inspect
    seen = []

    def slow(path, name):
        seen.append(path)
        if len(seen) == 2:  # once before it is a blob, once after
            facts = inspect(path, name)
            path.unlink()
            return facts
        return inspect(path, name)

    monkeypatch.setattr(service.weight_files, "inspect", slow)
    answer = add(client, ("mine.safetensors", file_of()))
    assert answer.status_code == 409
    assert listed(client)["files"] == []

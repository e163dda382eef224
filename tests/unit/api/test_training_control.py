"""What may be asked of a run in each of its states, and what its job makes of it. Nothing trains."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "integration" / "training"))

from training_kit import SMALL, add_dataset

from rcg.jobs import rows
from rcg.jobs.model import Limits
from rcg.jobs.system import JobSystem
from rcg.jobs.train import accept
from rcg.store.models import Job
from rcg.store.training_models import Model, Run

RESULT = {
    "state": "done", "stopped_by": "steps", "step": 8, "steps": 8, "metric": "mask_ap50", "best": 0.5,
    "best_step": 4, "seconds": 3.0,
}  # fmt: skip
CRASH = {"error": "job_crashed", "detail": "It died.", "hint": "", "data": {"stderr": ""}}


@pytest.fixture
def parts(parts):
    parts.jobs = JobSystem(parts.settings, parts.db)
    return parts


@pytest.fixture
def run(parts, client):
    add_dataset(parts)
    return Handle(parts, client, client.post(
        "/api/training/start", json={"dataset": "Small", "set": SMALL, "name": "Mine"}
    ).json()["id"])  # fmt: skip


class Handle:
    """A run, what is asked of it, and what happens to its job."""

    def __init__(self, parts, client, run_id):
        self.parts, self.client, self.id = parts, client, run_id
        self.folder = parts.settings.data_dir / "runs" / run_id

    def now(self):
        return self.client.get(f"/api/training/{self.id}").json()

    def ask(self, what, **body):
        return self.client.post(f"/api/training/{self.id}/{what}", json=body or None)

    def control(self):
        return json.loads((self.folder / "control.json").read_text())

    def claim(self):
        with self.parts.db.write() as session:
            session.get_one(Job, self.now()["job_id"]).due_at = 0
        with self.parts.db.write() as session:
            return rows.claim(session, self.now()["job_id"], "w")

    def happen(self, what, *args):
        job = self.job()
        with self.parts.db.write() as session:
            return getattr(rows, what)(session, job.id, job.attempt, *args)

    def job(self):
        with self.parts.db.read() as session:
            return session.get_one(Job, self.now()["job_id"])

    def finish(self, **result):
        job = self.job()
        with self.parts.db.write() as session:
            row = rows.done(session, job.id, job.attempt)
            row.result = accept(session, row, RESULT | {"run_id": self.id, **result})

    def checkpoint(self, step):
        place = self.folder / "attempt-1" / "checkpoints"
        place.mkdir(parents=True)
        for ending in ("pt", "json"):
            (place / f"step-{step:06d}.{ending}").write_text("{}")


def weights(parts):
    """A model as a training hands it over."""
    info = parts.blobs.add(b"weights")
    config = {"label_schema": {"task": "instance"}, "metrics": {"mask_ap50": 0.5}, "name": ""}
    return {"sha256": info.sha256, "bytes": info.bytes, "config": config}


def test_the_row_follows_the_job_through_crashes_and_losses(run):
    run.claim()
    assert run.now()["state"] == "running"
    assert run.now()["started_at"]
    run.happen("lost", Limits())
    assert (run.now()["state"], run.now()["error"]) == ("queued", None)
    for crash in (1, 2, 3):
        run.claim()
        run.happen("crashed", CRASH, Limits())
        assert run.now()["state"] == ("queued" if crash < 3 else "failed")
    failed = run.now()
    assert (failed["error"]["detail"], failed["stopped_by"]) == ("It died.", "error")
    assert failed["can"] == ["resume", "extend", "delete"]
    run.checkpoint(4)
    assert run.now()["can"] == ["resume", "stop", "extend", "delete"]
    assert "go on from step 4" in run.now()["message"]
    assert run.ask("resume").json()["state"] == "queued"
    assert run.now()["error"] is None


def test_what_was_asked_for_is_kept_through_a_crash(run):
    run.claim()
    assert run.ask("pause").json()["state"] == "pausing"
    run.happen("crashed", CRASH, Limits())
    assert run.now()["state"] == "pausing"
    run.claim()
    assert (run.now()["state"], run.control()["command"]) == ("pausing", "pause")
    run.finish(state="paused", stopped_by="pause", step=5)
    assert (run.now()["state"], run.now()["step"]) == ("paused", 5)


def test_pausing_and_going_on_clears_the_request(run):
    run.claim()
    run.ask("pause")
    run.finish(state="paused", stopped_by="pause", step=5)
    first = run.now()["job_id"]
    resumed = run.ask("resume").json()
    assert (resumed["state"], resumed["job_id"] == first) == ("queued", False)
    assert run.control()["command"] is None


def test_an_extension_is_kept_with_every_other_request(run):
    run.claim()
    assert run.ask("extend", steps=20).json()["steps"] == 20
    run.ask("evaluate")
    assert run.control() | {"id": ""} == {"command": "evaluate", "id": "", "steps": 20}
    run.ask("pause")
    assert run.control() | {"id": ""} == {"command": "pause", "id": "", "steps": 20}
    refused = run.ask("extend", steps=30)
    assert refused.status_code == 409


def test_the_end_publishes_the_model_under_a_free_name(run, parts):
    run.claim()
    run.finish(model=weights(parts))
    done = run.now()
    assert (done["state"], done["best"], done["best_step"]) == ("done", 0.5, 4)
    with parts.db.read() as session:
        model = session.get_one(Model, done["model_id"])
    assert (model.name, model.config["name"], model.task) == ("Mine", "Mine", "instance")
    assert run.ask("pause").status_code == 409
    assert run.ask("cancel").status_code == 409
    run.ask("extend", steps=50)
    run.claim()
    run.finish(model=weights(parts), step=50, steps=50, stopped_by="stop")
    again = run.now()
    assert (again["model_name"], again["stopped_by"]) == ("Mine 2", "user")


def test_an_ended_run_is_deleted_and_its_model_stays(run, parts):
    run.claim()
    run.finish(model=weights(parts))
    model_id = run.now()["model_id"]
    assert run.client.delete(f"/api/training/{run.id}").status_code == 204
    assert run.client.get(f"/api/models/{model_id}").json()["run_id"] is None


def test_an_old_job_cannot_take_the_run_from_the_one_that_goes_on(run, parts):
    run.claim()
    run.happen("failed", CRASH)
    old = run.now()["job_id"]
    run.ask("resume")
    answer = run.client.post(f"/api/jobs/{old}/retry")
    assert (answer.status_code, "another job" in answer.json()["detail"]) == (409, True)
    run.ask("cancel")
    assert run.client.post(f"/api/jobs/{old}/retry").status_code == 200
    assert (run.now()["job_id"], run.now()["state"]) == (old, "queued")
    run.ask("cancel")
    run.client.delete(f"/api/training/{run.id}")
    gone = run.client.post(f"/api/jobs/{old}/retry")
    assert (gone.status_code, "deleted" in gone.json()["detail"]) == (409, True)


def test_cancelling_a_job_cancels_its_run(run):
    job_id = run.now()["job_id"]
    run.client.post(f"/api/jobs/{job_id}/cancel")
    assert (run.now()["state"], run.now()["stopped_by"]) == ("cancelled", "cancel")
    assert run.ask("cancel").json()["state"] == "cancelled"


def test_a_run_that_is_gone_or_was_never_there_is_not_found(client, parts):
    for method, path in (
        ("get", ""),
        ("delete", ""),
        ("post", "/pause"),
        ("get", "/events"),
        ("get", "/logs"),
    ):
        assert getattr(client, method)(f"/api/training/nobody{path}").status_code == 404


def test_figures_follow_the_rows_that_were_told(run, parts):
    from rcg.jobs.train_rows import keep

    run.claim()
    told = [
        {"kind": "start", "steps": 8, "from_step": 2}, {"kind": "step", "step": 4},
        {"kind": "eval", "step": 4, "metrics": {"mask_ap50": 0.25}, "best": True},
        {"kind": "extend", "steps": 12, "step": 4}, {"kind": "step", "step": 5}, {"kind": "log", "text": "x"},
        {"kind": "eval", "step": 6, "metrics": {"mask_ap50": 0.1}, "best": False},
    ]  # fmt: skip
    with parts.db.write() as session:
        keep(session, run.now()["job_id"], [{"run_id": run.id, "row": row} for row in told])
        keep(session, "another", [{"run_id": run.id, "row": {"kind": "step", "step": 99}}])
    with parts.db.read() as session:
        row = session.get_one(Run, run.id)
    assert (row.step, row.steps, row.best, row.best_step) == (6, 12, 0.25, 4)

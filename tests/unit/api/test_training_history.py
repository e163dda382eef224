"""A run's history over REST: pages of rows, superseded ones left out, samples, the owner's forms of it."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "integration" / "training"))

from training_kit import SMALL, add_dataset, all_events

from rcg.jobs.system import JobSystem
from rcg.store.training_models import Run


@pytest.fixture
def run_id(parts, client):
    parts.jobs = JobSystem(parts.settings, parts.db)
    add_dataset(parts)
    return client.post("/api/training/start", json={"dataset": "Small", "set": SMALL}).json()["id"]


@pytest.fixture
def folder(parts, run_id):
    place = parts.settings.data_dir / "runs" / run_id
    seq = iter(range(1000))

    def write(attempt, *rows):
        path = place / f"attempt-{attempt}" / "events.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            for row in rows:
                full = {"seq": next(seq), "attempt": attempt, "t": 1_764_000_000_000, **row}
                file.write(json.dumps(full, separators=(",", ":")) + "\n")

    write(
        1,
        {"kind": "start", "steps": 8, "from_step": 0, "device": "cpu"},
        *({"kind": "step", "step": at, "epoch": at / 3, "loss": 1 / at, "lr": 0.1} for at in (1, 2, 3)),
        {"kind": "eval", "step": 3, "metrics": {"mask_ap50": 0.4}, "per_class": {"dent": {"mask_ap50": 0.4}},
         "interval": {"mask_ap50": [0.3, 0.5]}, "best": True},
        {"kind": "warning", "code": "nan", "text": "Not a number.", "action": "Lower the rate."},
    )  # fmt: skip
    write(
        2,
        {"kind": "start", "steps": 8, "from_step": 2, "device": "cpu"},
        {"kind": "step", "step": 3, "epoch": 1.0, "loss": 0.25, "lr": 0.05},
        {"kind": "eta", "seconds_p10": 1.0, "seconds_p50": 2.0, "seconds_p90": 3.0},
        {"kind": "state", "state": "failed", "reason": "The disk is full.", "step": 3},
    )
    return place


def test_pages_of_rows_leave_out_what_a_resumed_run_computed_anew(client, run_id, folder):
    rows = all_events(client, run_id, limit=3)
    assert [row["seq"] for row in rows] == [0, 1, 2, 5, 6, 7, 8, 9]
    page = client.get(f"/api/training/{run_id}/events?after=5&limit=2").json()
    assert ([row["seq"] for row in page["events"]], page["more"], page["last_seq"]) == ([6, 7], True, 9)
    empty = client.get(f"/api/training/{run_id}/events?after=9").json()
    assert (empty["events"], empty["more"], empty["last_seq"]) == ([], False, 9)


def test_a_line_cut_short_by_a_kill_is_left_out(client, run_id, folder):
    with (folder / "attempt-2" / "events.jsonl").open("a") as file:
        file.write('{"seq":10,"attempt":2,"kind":"st')
    assert [row["seq"] for row in all_events(client, run_id)][-1] == 9


def test_the_owners_scripts_read_progress_metrics_and_logs(client, run_id, folder, parts):
    with parts.db.write() as session:
        row = session.get_one(Run, run_id)
        row.state, row.step, row.best, row.best_step = "running", 3, 0.4, 3
    progress = client.get(f"/api/training/{run_id}/progress").json()
    assert (progress["success"], progress["status"], progress["current_step"]) == (True, "running", 3)
    assert (progress["progress_percent"], progress["loss"], progress["eta_seconds"]) == (37.5, 0.25, 2.0)
    metrics = client.get(f"/api/training/{run_id}/metrics").json()
    assert (metrics["best"], metrics["current"], metrics["history"]) == (0.4, {}, [])  # of step 3: superseded
    assert [row["step"] for row in metrics["training"]] == [1, 2, 3]
    logs = client.get(f"/api/training/{run_id}/logs?limit=3").json()
    assert (logs["total"], len(logs["logs"])) == (4, 3)
    assert logs["logs"][-1]["message"] == "Failed: The disk is full."
    assert [line["level"] for line in logs["logs"]] == ["warning", "info", "error"]


def test_before_it_begins_there_is_nothing_and_nothing_is_made_up(client, run_id):
    assert client.get(f"/api/training/{run_id}/events").json() == {
        "events": [], "last_seq": -1, "more": False,
    }  # fmt: skip
    progress = client.get(f"/api/training/{run_id}/progress").json()
    assert (progress["loss"], progress["eta"], progress["queue_position"]) == (None, None, 1)
    assert client.get(f"/api/training/{run_id}/metrics").json()["current"] == {}
    assert client.get(f"/api/training/{run_id}/comparison").status_code == 404


@pytest.mark.parametrize("name", ["..%2Fspec.json", "spec.json", "0.png", "../0.webp", "1.webp"])
def test_samples_are_files_of_the_run_and_no_others(client, run_id, folder, name):
    place = folder / "samples" / "step-000003"
    place.mkdir(parents=True)
    (place / "0.webp").write_bytes(b"RIFF")
    (folder / "spec.json").write_text("{}")
    assert client.get(f"/api/training/{run_id}/samples/3/0.webp").content == b"RIFF"
    assert client.get(f"/api/training/{run_id}/samples/3/{name}").status_code in {400, 404}

"""The history of a long run at once, as its page asks for it."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "integration" / "training"))

from training_kit import SMALL, add_dataset

from rcg.jobs.system import JobSystem


def test_a_long_run_is_read_with_fewer_steps_and_gone_on_with_row_by_row(parts, client):
    parts.jobs = JobSystem(parts.settings, parts.db)
    add_dataset(parts)
    run = client.post("/api/training/start", json={"dataset": "Small", "set": SMALL}).json()["id"]
    path = parts.settings.data_dir / "runs" / run / "attempt-1" / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"kind": "start", "steps": 900, "from_step": 0}]
    rows += [{"kind": "step", "step": step, "loss": 7.0 if step == 455 else 1.0} for step in range(1, 901)]
    rows = [{"seq": seq, "attempt": 1, "t": 0, **row} for seq, row in enumerate(rows)]
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows[:900]))

    whole = client.get(f"/api/training/{run}/events?after=-1&points=60").json()
    assert (whole["last_seq"], whole["more"]) == (899, False)
    assert len(whole["events"]) <= 62
    assert all(rows[row["seq"]] == row for row in whole["events"]), "the rows are those that were written"
    assert 455 in {row.get("step") for row in whole["events"]}

    with path.open("a") as file:
        file.write(json.dumps(rows[900], separators=(",", ":")) + "\n")
    rest = client.get(f"/api/training/{run}/events?after={whole['last_seq']}&points=60").json()
    assert rest["events"] == [rows[900]]

"""SIGKILL of the process that trains and of the server over it: the run goes on by itself, bit for bit."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "training"))

from training_kit import SMALL, add_dataset, all_events, ended, until

from rcg.store.blobs import BlobStore
from rcg.store.db import Database
from rcg.store.migrate import migrate
from rcg.training.events import COMPUTED

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]
HOST = Path(__file__).with_name("training_host.py")
STEPS = 40
# A share of 1 leaves no evaluation out: that would hang on the clock, and the best step with it.
OPTIONS = SMALL | {
    "steps": STEPS, "eval_every": 10, "checkpoint_every": 6, "device": "cpu", "eval_share": 1,
}  # fmt: skip


class Host:
    """The server as a process of its own, and a client of it."""

    def __init__(self, home: Path) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.process = subprocess.Popen(
            [sys.executable, str(HOST), str(home)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path, "RCG_HOME": str(home)},
        )  # fmt: skip
        said = json.loads(self.process.stdout.readline())
        self.client = httpx.Client(
            base_url=said["url"], headers={"authorization": f"Bearer {said['token']}"}, timeout=60
        )

    def trainer(self) -> psutil.Process:
        """The process that trains: the youngest child that runs RCG's job code."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        found = [child for child in children if "rcg.jobs.child" in " ".join(child.cmdline())]
        return max(found, key=lambda child: child.create_time())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=60)


@pytest.fixture
def home(tmp_path):
    """A folder with a dataset in it."""
    (tmp_path / "data").mkdir()
    db = Database.in_folder(tmp_path / "data")
    migrate(db)
    add_dataset(SimpleNamespace(db=db, blobs=BlobStore(tmp_path / "data" / "blobs")))
    db.close()
    return tmp_path


@pytest.fixture
def hosts(home):
    started: list[Host] = []

    def start() -> Host:
        started.append(Host(home))
        return started[-1]

    yield start
    for host in started:
        host.end()


def launch(client) -> str:
    answer = client.post("/api/training/start", json={"dataset": "Small", "set": OPTIONS})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def result(client, run_id):
    """What a run came to: its weights' hash and its figures."""
    run = ended(client, run_id, {"done", "failed", "cancelled"}, within_s=300)
    assert run["state"] == "done", run["error"]
    model = client.get(f"/api/models/{run['model_id']}").json()
    return run, (model["weights_sha256"], model["metrics"], run["best"], run["best_step"])


def check_history(client, run_id, attempts):
    """One consistent sequence: numbers rise, steps rise, every evaluation is there once."""
    rows = all_events(client, run_id, limit=400)
    assert [row["seq"] for row in rows] == sorted({row["seq"] for row in rows})
    steps = [row["step"] for row in rows if row["kind"] == "step"]
    assert steps == sorted(set(steps))
    assert steps[-1] == STEPS
    assert [row["step"] for row in rows if row["kind"] == "eval"] == [10, 20, 30, 40]
    assert [row["attempt"] for row in rows if row["kind"] == "start"] == list(range(1, attempts + 1))
    assert [row["state"] for row in rows if row["kind"] == "state"][-1] == "done"
    return rows


class Page:
    """Follows a run as its page does: live rows; a gap is filled by asking; what is superseded goes."""

    def __init__(self, host: Host, run_id: str) -> None:
        self.rows: list[dict] = []
        self._run_id = run_id
        self._client = host.client
        self._stream = httpx.Client(base_url=host.client.base_url, headers=host.client.headers, timeout=None)
        self._open = threading.Event()
        self.asked = 0
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._open.wait(30)

    def _listen(self) -> None:
        kind = ""
        try:
            with self._stream.stream("GET", "/api/events") as response:
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        kind = line.removeprefix("event: ")
                        self._open.set()
                    elif line.startswith("data: ") and kind == "run":
                        said = json.loads(line.removeprefix("data: "))
                        if said["run_id"] == self._run_id:
                            self._take(said["row"])
        except (httpx.HTTPError, RuntimeError):
            return

    def _take(self, row: dict) -> None:
        last = self.rows[-1]["seq"] if self.rows else -1
        if row["seq"] > last + 1:
            self.asked += 1
            path = f"/api/training/{self._run_id}/events"
            for missed in self._client.get(path, params={"after": last}).json()["events"]:
                if last < missed["seq"] < row["seq"]:
                    self._add(missed)
        if row["seq"] > last:
            self._add(row)

    def _add(self, row: dict) -> None:
        if row["kind"] == "start":
            self.rows = [
                one for one in self.rows
                if one["kind"] not in COMPUTED or one.get("step", 0) <= row["from_step"]
            ]  # fmt: skip
        self.rows.append(row)

    def close(self) -> None:
        self._stream.close()


def test_a_killed_trainer_and_a_killed_server_change_nothing_of_the_result(hosts):
    seed = int(os.environ.get("RCG_TEST_SEED", time.time_ns() % 10_000))
    chance = random.Random(seed)
    print(f"RCG_TEST_SEED={seed}")
    host = hosts()
    _, undisturbed = result(host.client, launch(host.client))

    # The process that trains is killed twice, each time at a step that chance chooses.
    run_id = launch(host.client)
    page = Page(host, run_id)
    for killed, (low, high) in enumerate(((2, 12), (15, 30)), start=1):
        at = chance.randint(low, high)
        until(lambda at=at: host.client.get(f"/api/training/{run_id}").json()["step"] >= at)
        host.trainer().kill()
        until(lambda killed=killed: host.client.get(f"/api/training/{run_id}").json()["attempts"] > killed)
    run, disturbed = result(host.client, run_id)
    assert disturbed == undisturbed
    assert run["attempts"] == 3
    rows = check_history(host.client, run_id, 3)
    until(lambda: page.rows and page.rows[-1]["seq"] == rows[-1]["seq"], within_s=20)
    assert page.rows == rows
    page.close()
    job = host.client.get(f"/api/jobs/{run['job_id']}").json()
    assert (job["crashes"], job["losses"]) == (2, 0)

    # The server is killed over a run; the next one goes on with it, and nobody has to ask.
    run_id = launch(host.client)
    at = chance.randint(8, 25)
    until(lambda: host.client.get(f"/api/training/{run_id}").json()["step"] >= at)
    trainer = host.trainer()
    host.kill()
    until(lambda: not psutil.pid_exists(trainer.pid) or trainer.status() == psutil.STATUS_ZOMBIE, within_s=5)
    host = hosts()
    run, lost = result(host.client, run_id)
    assert lost == undisturbed
    assert run["attempts"] == 2
    check_history(host.client, run_id, 2)
    job = host.client.get(f"/api/jobs/{run['job_id']}").json()
    assert (job["crashes"], job["losses"]) == (0, 1)


def test_a_server_that_stops_in_order_gives_its_training_back_and_the_next_goes_on(hosts):
    host = hosts()
    run_id = launch(host.client)
    until(lambda: host.client.get(f"/api/training/{run_id}").json()["step"] >= 8)
    host.end()
    host = hosts()
    run, _ = result(host.client, run_id)
    rows = check_history(host.client, run_id, 2)
    states = [row["state"] for row in rows if row["kind"] == "state"]
    assert states == ["running", "stopped", "running", "done"]
    job = host.client.get(f"/api/jobs/{run['job_id']}").json()
    assert (job["crashes"], job["losses"]) == (0, 0)

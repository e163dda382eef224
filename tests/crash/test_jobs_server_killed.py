"""SIGKILL of the whole server: nothing lost, nothing doubled, nothing left running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from rcg.store.db import Database
from rcg.store.models import Card, Job

pytestmark = pytest.mark.crash
HOST = Path(__file__).with_name("jobs_host.py")
JOBS = 100


class Host:
    """The server as a process of its own."""

    def __init__(self, folder: Path, slots: int = 2) -> None:
        path = os.pathsep.join([str(HOST.parent), *(entry for entry in sys.path if entry)])
        self.process = subprocess.Popen(
            [sys.executable, str(HOST), str(folder), str(slots)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip

    def answer(self) -> dict:
        return json.loads(self.process.stdout.readline())

    def submit(self, kind: str, **spec) -> str:
        self.process.stdin.write(json.dumps({"kind": kind, "spec": spec}) + "\n")
        self.process.stdin.flush()
        return self.answer()["id"]

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)


@pytest.fixture
def hosts(tmp_path):
    started: list[Host] = []

    def start(slots: int = 2) -> Host:
        started.append(Host(tmp_path, slots))
        return started[-1]

    yield start
    for host in started:
        if host.process.poll() is None:
            host.kill()


def wait_for(condition, within_s: float = 40) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(processes: list[psutil.Process]) -> list[str]:
    found = []
    for process in processes:
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.name())
        except psutil.NoSuchProcess:
            continue
    return found


def states(folder: Path) -> Counter:
    db = Database.in_folder(folder / "data")
    with db.read() as session:
        found = Counter(session.scalars(select(Job.state)).all())
    db.close()
    return found


def test_100_jobs_survive_three_kills_and_each_has_one_effect(tmp_path, hosts):
    host = hosts()
    host.answer()
    for number in range(JOBS):
        host.submit("add", a=number, b=1, pause_s=0.01)
    for share in (0.1, 0.35, 0.6):
        wait_for(lambda share=share: states(tmp_path)["done"] >= share * JOBS)
        family = host.family()
        host.kill()
        wait_for(lambda family=family: not alive(family), within_s=2)
        assert states(tmp_path)["done"] < JOBS, "the kill came after the last job: nothing was tried"
        host = hosts()
        host.answer()
    wait_for(lambda: states(tmp_path) == {"done": JOBS})
    host.end()
    db = Database.in_folder(tmp_path / "data")
    with db.read() as session:
        effects = Counter(session.scalars(select(Card.name)).all())
        jobs = session.scalars(select(Job)).all()
        assert effects == {job.id: 1 for job in jobs}
        assert {job.result["sum"] for job in jobs} == set(range(1, JOBS + 1))
        assert sum(job.losses for job in jobs) >= 3
        assert sum(job.crashes for job in jobs) == 0
    db.close()


def test_nothing_outlives_a_killed_server_with_a_running_and_a_hung_job(tmp_path, hosts):
    host = hosts(2)
    host.answer()
    host.submit("hung", started=str(tmp_path / "hung"))
    host.submit("obedient", started=str(tmp_path / "obedient"))
    wait_for(lambda: (tmp_path / "hung").exists() and (tmp_path / "obedient").exists())
    family = host.family()
    assert len(family) == 3  # Valkey and two children
    host.kill()
    wait_for(lambda: not alive(family), within_s=2)


def test_nothing_outlives_a_server_that_ends_in_order(tmp_path, hosts):
    host = hosts(1)
    host.answer()
    job_id = host.submit("hung", started=str(tmp_path / "hung"))
    wait_for((tmp_path / "hung").exists)
    family = host.family()
    host.end()
    assert host.process.returncode == 0
    assert not alive(family)
    db = Database.in_folder(tmp_path / "data")
    with db.read() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.crashes, job.losses) == ("queued", 0, 0)
    db.close()


def test_a_second_server_on_the_same_folder_is_refused(tmp_path, hosts):
    first = hosts()
    first.answer()
    second = hosts()
    _, words = second.process.communicate(timeout=30)
    assert second.process.returncode == 1
    assert f"in use by another RCG server (process {first.process.pid})" in words
    assert first.submit("add", a=1, b=1)
    wait_for(lambda: states(tmp_path) == {"done": 1})


def test_the_launcher_that_watches_ends_valkey_with_its_starter(tmp_path):
    """What macOS has instead of PR_SET_PDEATHSIG; it works the same here."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from rcg.jobs.embedded import EmbeddedValkey; from rcg.jobs.spawner import Spawner\n"
        "spawner = Spawner(); spawner.start()\n"
        "server = EmbeddedValkey(Path(sys.argv[1]), spawner, watch=True); server.start()\n"
        "print(server.pid, flush=True); time.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    launcher = psutil.Process(int(starter.stdout.readline()))
    family = [launcher, *launcher.children()]
    assert [process.name() for process in family[1:]] == ["valkey-server"]
    starter.kill()
    starter.wait()
    wait_for(lambda: not alive(family), within_s=2)

"""SIGKILL of the server while annotations are edited: what was acknowledged is there, and once."""

from __future__ import annotations

import json
import os
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

import pytest
from sqlalchemy import select

from rcg.datasets.schema import LabelClass, LabelSchema
from rcg.store.dataset_models import AnnotationOp, Dataset, DatasetItem
from rcg.store.db import Database
from rcg.store.migrate import migrate

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]
OPS = 100
KILLS = 5
START_S = 90


class Server:
    """``rcg serve`` on one data folder, killed and started again."""

    def __init__(self, home):
        self.home = home
        self.process = None

    def start(self):
        told = self.home / "data" / "cli.json"
        told.unlink(missing_ok=True)
        environment = os.environ | {"RCG_HOME": str(self.home), "RCG_SERVER__HOST": "127.0.0.1"}
        with (self.home / "output.txt").open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rcg", "serve", "--port", "0"],
                env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=self.home,
            )  # fmt: skip
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            if told.is_file():
                local = json.loads(told.read_text())
                self.url, self.token = local["url"].rstrip("/"), local["token"]
                try:
                    self.call("GET", "/api/me")
                except (urllib.error.URLError, ConnectionError):
                    pass
                else:
                    return
            time.sleep(0.05)
        raise AssertionError((self.home / "output.txt").read_text())

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=30) as answer:
            return json.load(answer)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture
def item(tmp_path):
    """The id of an item in a data folder that a server will find."""
    (tmp_path / "data").mkdir()
    db = Database.in_folder(tmp_path / "data")
    migrate(db)
    schema = LabelSchema(task="instance", classes=[LabelClass(name="dent")])
    with db.write() as session:
        dataset = Dataset(name="Dents", kind="surface_damage", label_schema=schema.model_dump(mode="json"))
        session.add(dataset)
        session.flush()
        row = DatasetItem(
            id=uuid.uuid4().hex, dataset_id=dataset.id, name="a.png", position=0, width_px=100,
            height_px=100, px_per_mm=None, card_key="a", source="upload", state="ready",
        )  # fmt: skip
        session.add(row)
    db.close()
    return row.id


def steps():
    """Ops of every kind, and the annotations after each: ``[(op, {id: x})]``."""
    chance, now, made = random.Random(4), {}, []
    for number in range(OPS):
        kind = chance.choice(("add", "add", "change", "remove")) if now else "add"
        key = uuid.UUID(int=number + 1).hex if kind == "add" else chance.choice(sorted(now))
        op = {"op_id": f"op-{number}", "kind": kind}
        if kind == "remove":
            del now[key]
            op["ids"] = [key]
        else:
            now[key] = chance.uniform(0, 90)
            shape = {"type": "box", "x": now[key], "y": 0, "width": 5, "height": 5}
            op["annotations"] = [{"id": key, "label": "dent", "shape": shape}]
        made.append((op, dict(now)))
    return made


def stored(server, item):
    found = server.call("GET", f"/api/items/{item}/annotations")
    return {one["id"]: one["shape"]["x"] for one in found["annotations"]}, found["revision"]


def test_no_acknowledged_edit_is_lost_and_none_is_doubled(tmp_path, item):
    plan = steps()
    server = Server(tmp_path)
    server.start()
    chance = random.Random(9)
    kill_after = sorted(chance.sample(range(5, OPS - 5), KILLS))
    number, killed = 0, 0
    try:
        while number < OPS:
            op, _ = plan[number]
            if kill_after and number == kill_after[0] + 1:
                kill_after.pop(0)
                # The answer to the step before has just come; this one is under way when the server dies.
                threading.Timer(chance.choice((0, 0.002, 0.01)), server.kill).start()
                try:
                    server.call("POST", f"/api/items/{item}/ops", {"base_revision": number, "ops": [op]})
                except (urllib.error.URLError, ConnectionError):
                    acknowledged = number
                else:
                    acknowledged = number + 1
                server.process.wait()
                killed += 1
                server.start()
                found, revision = stored(server, item)
                assert revision in {acknowledged, number + 1}
                assert found == plan[revision - 1][1]
                # The page does not know whether it was taken, and sends it again as it was.
            server.call("POST", f"/api/items/{item}/ops", {"base_revision": number, "ops": [op]})
            number += 1
        assert killed == KILLS
        server.kill()
        server.start()
        assert stored(server, item) == (plan[-1][1], OPS)
        for _ in range(OPS):
            last = server.call("POST", f"/api/items/{item}/undo")
        assert last["can_undo"] is False
        assert stored(server, item)[0] == {}
    finally:
        server.stop()
    db = Database.in_folder(tmp_path / "data")
    with db.read() as session:
        ids = session.scalars(select(AnnotationOp.op_id).where(AnnotationOp.op_id.like("op-%"))).all()
    db.close()
    assert sorted(ids) == sorted(op["op_id"] for op, _ in plan)

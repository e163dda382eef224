"""Rows that follow their job, jobs that ask for the next, and signs of life of long steps."""

from __future__ import annotations

import sys
import threading
import time
from types import ModuleType

import pytest

from rcg.errors import CancelledError, ConflictError
from rcg.jobs import chain, cuda, rows
from rcg.jobs.handler import HANDLERS, Handler
from rcg.jobs.joblog import JobLog
from rcg.jobs.model import Limits
from rcg.jobs.outcomes import Settling
from rcg.jobs.pulse import Pulse
from rcg.jobs.reporter import Reporter
from rcg.jobs.runner import Control, Crashed, Done, Failed, Stopped
from rcg.jobs.system import JobSystem
from rcg.settings import Settings, WorkerSettings
from rcg.store.db import Database
from rcg.store.models import Base, Job

CRASH = {"error": "job_crashed", "detail": "It died.", "hint": "", "data": {"stderr": "words"}}


@pytest.fixture
def followed(monkeypatch):
    """A kind of job whose every change is noted; gives the notes and the handler."""
    notes = []
    module = ModuleType("following")
    module.follow = lambda _session, job, before: notes.append((before, job.state, job.error))
    module.keep = lambda _session, job_id, events: notes.append((job_id, events))
    module.accept = lambda session, job, result: {"next": chain.submit(session, "note", {}, title="n").id}
    monkeypatch.setitem(sys.modules, "following", module)
    handler = Handler("note", "following:compute", "following:accept", follow="following:follow")
    monkeypatch.setitem(HANDLERS, "note", handler)
    return notes, module, handler


@pytest.fixture
def db():
    db = Database("sqlite://")
    Base.metadata.create_all(db.engine)
    with db.write() as session:
        session.add(Job(id="j", kind="note", title="t", spec={}, due_at=0))
    yield db
    db.close()


def settle(db, tmp_path, handler, outcome, control=None, submit=None):
    with db.read() as session:
        job = session.get_one(Job, "j")
    settling = Settling(db, Limits(crashes=2), JobLog(tmp_path, "j"), threading.Event(), submit)
    return settling.settle(job, handler, outcome, control or Control())


def claim(db):
    with db.write() as session:
        session.get_one(Job, "j").due_at = 0
    with db.write() as session:
        assert rows.claim(session, "j", "w")


def test_every_change_of_a_job_is_followed_in_its_transaction(db, tmp_path, followed):
    notes, _, handler = followed
    claim(db)
    settle(db, tmp_path, handler, Crashed(CRASH))
    claim(db)
    settle(db, tmp_path, handler, Stopped(), Control(why="stop"))
    claim(db)
    settle(db, tmp_path, handler, Crashed(CRASH))
    with db.write() as session:
        rows.retry(session, "j")
    claim(db)
    settle(db, tmp_path, handler, Failed({"error": "x", "detail": "d", "hint": "h"}))
    assert [note[:2] for note in notes] == [
        ("queued", "running"), ("running", "queued"), ("queued", "running"), ("running", "queued"),
        ("queued", "running"), ("running", "dead"), ("dead", "queued"), ("queued", "running"),
        ("running", "failed"),
    ]  # fmt: skip
    assert notes[5][2] == CRASH
    assert notes[-1][2]["detail"] == "d"


def test_who_follows_can_refuse_a_change(db, followed):
    _, module, _ = followed

    def refuse(_session, _job, _before):
        raise ConflictError("The run was deleted.")

    module.follow = refuse
    with pytest.raises(ConflictError), db.write() as session:
        rows.cancel(session, "j")
    with db.read() as session:
        assert session.get_one(Job, "j").state == "queued"


def test_a_job_that_ends_can_ask_for_the_next_which_is_dispatched(tmp_path, followed):
    _, _, handler = followed
    (tmp_path / "data").mkdir()
    settings = Settings(data_dir=tmp_path / "data")
    db = Database.in_folder(settings.data_dir)
    Base.metadata.create_all(db.engine)
    system = JobSystem(settings, db)
    told = []
    system._changed = lambda job: told.append(job.id)
    with db.write() as session:
        session.add(Job(id="j", kind="note", title="t", spec={}, due_at=0))
    claim(db)
    done = settle(db, tmp_path, handler, Done({}), submit=system.submit)
    assert told == [done.result["next"]]
    with db.read() as session:
        assert session.get_one(Job, told[0]).state == "queued"
    db.close()


def test_a_queued_job_is_withdrawn_in_the_callers_transaction_and_a_running_one_is_not(tmp_path, followed):
    (tmp_path / "data").mkdir()
    settings = Settings(data_dir=tmp_path / "data")
    db = Database.in_folder(settings.data_dir)
    Base.metadata.create_all(db.engine)
    system = JobSystem(settings, db)
    with db.write() as session:
        session.add_all(Job(id=name, kind="note", title="t", spec={}, due_at=0) for name in ("j", "k"))
    claim(db)
    with db.write() as session:
        assert system.withdraw(session, "j") is None
        assert system.withdraw(session, "k").state == "cancelled"
        session.rollback()
    with db.read() as session:
        assert session.get_one(Job, "k").state == "queued"
    db.close()


def test_events_reach_the_rows_once_a_second_and_at_the_end(db, tmp_path, followed):
    notes, module, _ = followed

    class Hub:
        def publish(self, *_args):
            pass

    reporter = Reporter(db, Hub(), JobLog(tmp_path, "j"), "j", 1, module.keep)
    reporter._kept_at = time.monotonic()
    for number in range(3):
        reporter.event("run", {"n": number})
        reporter.flush()
    assert notes == []
    reporter._kept_at -= 2
    reporter.flush()
    assert notes == [("j", [{"n": 0}, {"n": 1}, {"n": 2}])]
    reporter.event("run", {"n": 3})
    reporter.close()
    assert notes[1:] == [("j", [{"n": 3}])]


def test_a_pulse_beats_while_the_process_computes_and_is_silent_while_it_waits():
    beats = []
    with Pulse(lambda: beats.append(1), look_s=0.02, worked_s=0.05):
        end = time.process_time() + 0.5
        while time.process_time() < end:
            pass
        busy = len(beats)
        time.sleep(0.3)
        assert busy >= 2
        assert len(beats) <= busy + 1


def test_a_stopped_job_is_told_whether_a_person_or_the_server_stops_it():
    for why in ("cancel", "stop"):
        control = Control()
        control.check()
        control.stop(why)
        control.stop("other")
        with pytest.raises(CancelledError) as caught:
            control.check()
        assert caught.value.data == {"why": why}


@pytest.mark.parametrize(
    ("isolation", "gpus", "device", "crashes", "losses", "in_child"),
    [
        ("auto", 0, "auto", 0, 0, True), ("auto", 1, "auto", 0, 0, False), ("auto", 1, "cpu", 0, 0, True),
        ("auto", 1, "auto", 1, 0, True), ("auto", 1, "cuda", 0, 1, True), ("child", 1, "auto", 0, 0, True),
        ("thread", 0, "auto", 3, 3, False),
    ],
)  # fmt: skip
def test_auto_computes_in_the_server_on_cuda_unless_it_crashed_before(
    tmp_path, monkeypatch, isolation, gpus, device, crashes, losses, in_child
):
    monkeypatch.setattr(cuda, "count", lambda: gpus)
    (tmp_path / "data").mkdir()
    settings = Settings(data_dir=tmp_path / "data", workers=WorkerSettings(isolation=isolation))
    system = JobSystem(settings, Database("sqlite://"))
    job = Job(kind="train", spec={"device": device}, crashes=crashes, losses=losses)
    assert system._in_child(HANDLERS["train"], job) is in_child
    other = Job(kind="grade", spec={}, crashes=0, losses=0)
    assert system._in_child(HANDLERS["grade"], other) is (isolation != "thread")


def test_trainings_have_slots_of_their_own(tmp_path):
    (tmp_path / "data").mkdir()
    settings = Settings(data_dir=tmp_path / "data", workers=WorkerSettings(train_slots=2, cpu_slots=1))
    system = JobSystem(settings, Database("sqlite://"))
    assert [slot.name for slot in system._slots] == ["cpu:0", "io:0", "net:0", "train:0", "train:1"]
    assert HANDLERS["train"].resource == "train"

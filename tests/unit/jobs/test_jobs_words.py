"""What a job says: its log, its progress, its errors."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from rcg.errors import InputError
from rcg.jobs import joblog, reporter, rows
from rcg.jobs.faults import describe
from rcg.jobs.joblog import JobLog
from rcg.jobs.model import Limits
from rcg.jobs.reporter import Reporter
from rcg.store.db import Database
from rcg.store.models import Base, Job


class Hub:
    def __init__(self):
        self.events = []

    def publish(self, kind, data, job_id=None):
        self.events.append((kind, data, job_id))


@pytest.fixture
def db():
    db = Database("sqlite://")
    Base.metadata.create_all(db.engine)
    with db.write() as session:
        session.add(Job(id="j", kind="k", title="t", spec={}, due_at=0))
        session.flush()
        rows.claim(session, "j", "w")
    yield db
    db.close()


@pytest.fixture
def clock(monkeypatch):
    times = [100.0]
    monkeypatch.setattr(reporter.time, "monotonic", lambda: times[0])
    return times


def kept(db):
    with db.read() as session:
        return session.get_one(Job, "j").progress


def test_progress_is_thinned_but_its_last_word_gets_out(db, clock, tmp_path):
    hub = Hub()
    words = Reporter(db, hub, JobLog(tmp_path, "j"), "j", 1)
    for step in range(100):
        clock[0] += 0.01
        words.progress(step / 100, f"step {step}")
    assert 4 <= len(hub.events) <= 6
    assert kept(db) == 0.0
    clock[0] += 1
    words.flush()
    assert hub.events[-1] == ("progress", {"progress": 0.99, "message": "step 99", "attempt": 1}, "j")
    assert kept(db) == 0.99
    count = len(hub.events)
    clock[0] += 1
    words.flush()
    assert len(hub.events) == count


def test_nothing_is_said_after_the_close(db, clock, tmp_path):
    hub = Hub()
    words = Reporter(db, hub, JobLog(tmp_path, "j"), "j", 1)
    words.progress(0.1, "")
    words.progress(0.2, "")
    words.close()
    clock[0] += 10
    words.progress(0.3, "")
    words.flush()
    assert [event[1]["progress"] for event in hub.events] == [0.1]


@pytest.mark.parametrize(("said", "shown"), [(-1, 0.0), (7, 1.0)])
def test_progress_stays_between_0_and_1(db, clock, tmp_path, said, shown):
    hub = Hub()
    Reporter(db, hub, JobLog(tmp_path, "j"), "j", 1).progress(said, "")
    assert hub.events[0][1]["progress"] == shown


def test_a_log_is_bounded_and_keeps_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(joblog, "BOUND_BYTES", 2_000)
    log = JobLog(tmp_path, "j")
    for number in range(200):
        log.add(f"line {number}")
    lines = [line["text"] for line in log.read()]
    assert lines[-1] == "line 199"
    assert 20 < len(lines) < 60
    assert lines == [f"line {number}" for number in range(200 - len(lines), 200)]
    assert sum(file.stat().st_size for file in (tmp_path / "jobs" / "j").iterdir()) < 5_000
    assert [line["text"] for line in log.read(limit=2)] == ["line 198", "line 199"]


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path):
    log = JobLog(tmp_path, "j")
    log.add("whole", level="warning", attempt=2)
    with (tmp_path / "jobs" / "j" / "log.jsonl").open("a") as file:
        file.write('{"t": 1, "text": "ha')
    (line,) = log.read()
    assert (line["text"], line["level"], line["attempt"]) == ("whole", "warning", 2)


def test_errors_say_what_was_wrong_and_the_way_out():
    assert describe(InputError("No card.", "Take it again."))["detail"] == "No card."
    assert describe(OSError(28, "No space left on device"))["error"] == "disk_full"
    full = OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
    assert describe(full)["error"] == "disk_full"
    assert describe(OSError(2, "No such file"))["error"] == "internal_error"
    assert describe(MemoryError())["error"] == "out_of_memory"


def test_a_job_that_lost_its_server_too_often_says_so(db):
    with db.write() as session:
        job = rows.lost(session, "j", 1, Limits(losses=1))
        assert (job.state, job.error["error"]) == ("dead", "job_lost")
        assert job.finished_at is not None


def test_a_job_that_waits_again_shows_no_progress(db):
    with db.write() as session:
        rows.note_progress(session, "j", 1, 0.7, "nearly")
        job = rows.released(session, "j", 1)
        assert (job.state, job.progress, job.message) == ("queued", 0.0, "waits for the server's next start")

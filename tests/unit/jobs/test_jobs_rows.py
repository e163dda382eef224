"""Rows under random interleavings of everything that can happen, against what must always hold."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rcg.jobs import rows
from rcg.jobs.model import Limits
from rcg.store.db import Database
from rcg.store.models import Base, Job

LIMITS = Limits(crashes=3, losses=4, rest_ms=0)
ATTEMPTS = st.integers(min_value=-1, max_value=1)


def make_db(path="") -> Database:
    db = Database(f"sqlite:///{path}")
    Base.metadata.create_all(db.engine)
    return db


class JobLife(RuleBasedStateMachine):
    """A reference told in other words: it counts what was granted, and knows who holds the job."""

    @initialize()
    def begin(self):
        self.db = make_db()
        with self.db.write() as session:
            session.add(Job(id="j", kind="k", title="t", spec={}, due_at=0))
        self.holder = None  # the attempt that may report, None when nobody may
        self.granted = 0
        self.crashes = self.losses = 0
        self.asked = False
        self.over = None  # how it ended

    def teardown(self):
        if hasattr(self, "db"):
            self.db.close()

    def do(self, function, *arguments):
        with self.db.write() as session:
            job = function(session, "j", *arguments)
            return job is not None

    def report(self, function, offset, *arguments):
        """An attempt reports; ``offset`` makes it an older or a newer one than the current."""
        accepted = self.do(function, self.granted + offset, *arguments)
        assert accepted == (self.holder is not None and offset == 0)
        return accepted

    def again_or_cancelled(self):
        self.holder = None
        self.over = "cancelled" if self.asked else None

    @rule()
    def claim(self):
        free = self.holder is None and self.over is None
        assert self.do(rows.claim, "w") == free
        if free:
            self.granted += 1
            self.holder = self.granted
            self.asked = False

    @rule(offset=ATTEMPTS)
    def done(self, offset):
        if self.report(rows.done, offset):
            self.holder, self.over = None, "done"

    @rule(offset=ATTEMPTS)
    def failed(self, offset):
        if self.report(rows.failed, offset, {"error": "e"}):
            self.holder, self.over = None, "failed"

    @rule(offset=ATTEMPTS)
    def stopped(self, offset):
        if self.report(rows.cancelled, offset):
            self.holder, self.over = None, "cancelled"

    @rule(offset=ATTEMPTS)
    def released(self, offset):
        if self.report(rows.released, offset):
            self.again_or_cancelled()

    @rule(offset=ATTEMPTS)
    def crashed(self, offset):
        if self.report(rows.crashed, offset, {"error": "e"}, LIMITS):
            self.crashes += 1
            self.again_or_cancelled()
            if self.crashes == LIMITS.crashes and not self.asked:
                self.over = "dead"

    @rule(offset=ATTEMPTS)
    def lost(self, offset):
        if self.report(rows.lost, offset, LIMITS):
            self.losses += 1
            self.again_or_cancelled()
            if self.losses == LIMITS.losses and not self.asked:
                self.over = "dead"

    @precondition(lambda self: not hasattr(self, "over") or self.over is None)
    @rule()
    def cancel(self):
        assert self.do(rows.cancel)
        if self.holder is None:
            self.over = "cancelled"
        else:
            self.asked = True

    @rule()
    def retry(self):
        can = self.over in {"failed", "cancelled", "dead"}
        assert self.do(rows.retry) == can
        if can:
            self.over, self.asked = None, False
            self.crashes = self.losses = 0

    @invariant()
    def row_agrees(self):
        with self.db.read() as session:
            job = session.get_one(Job, "j")
            expected = self.over or ("running" if self.holder else "queued")
            assert (job.state, job.attempt) == (expected, self.granted)
            assert (job.crashes, job.losses) == (self.crashes, self.losses)
            assert (job.finished_at is not None) == (self.over is not None)
            assert (job.worker is not None) == (self.holder is not None)


JobLife.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestJobLife = JobLife.TestCase


def test_of_many_who_claim_at_once_one_gets_the_job(tmp_path):
    db = make_db(tmp_path / "jobs.sqlite3")
    with db.write() as session:
        session.add_all(Job(id=f"j{n}", kind="k", title="t", spec={}, due_at=0) for n in range(10))
    granted: list[str] = []
    barrier = threading.Barrier(4)

    def claim_all(worker: str) -> None:
        barrier.wait()
        for n in range(10):
            with db.write() as session:
                if rows.claim(session, f"j{n}", worker):
                    granted.append(f"j{n}")

    threads = [threading.Thread(target=claim_all, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.close()
    assert sorted(granted) == sorted(f"j{n}" for n in range(10))


def test_progress_of_an_older_attempt_is_not_kept():
    db = make_db()
    with db.write() as session:
        session.add(Job(id="j", kind="k", title="t", spec={}, due_at=0))
        session.flush()
        rows.claim(session, "j", "w")
        rows.note_progress(session, "j", 1, 0.5, "half")
        rows.note_progress(session, "j", 0, 0.9, "a ghost")
    with db.read() as session:
        job = session.get_one(Job, "j")
        assert (job.progress, job.message) == (0.5, "half")
    db.close()


def test_a_change_is_computed_anew_when_another_writer_was_quicker():
    """On a database without a write lock another server can change the row between our read and our write."""
    db = make_db()
    with db.write() as session:
        session.add(Job(id="j", kind="k", title="t", spec={}, due_at=0, attempt=0))
        session.flush()
        seen: list[int] = []

        def step(ticket):
            if not seen:
                session.connection().exec_driver_sql("UPDATE jobs SET attempt = 7")
            seen.append(ticket.attempt)
            return rows.model.claim(ticket, "w", 1)

        job = rows.change(session, "j", step)
        assert seen == [0, 7]
        assert job is not None
        assert job.attempt == 8
    db.close()


@pytest.mark.parametrize("function", [rows.cancel, rows.retry])
def test_a_job_that_does_not_exist_is_refused(function):
    db = make_db()
    with db.write() as session:
        assert function(session, "nobody") is None
    db.close()

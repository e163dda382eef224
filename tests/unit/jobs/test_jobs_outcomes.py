"""The end of an attempt on a database that does not take it at once."""

from __future__ import annotations

import sqlite3
import sys
import threading
from types import ModuleType

import pytest
from sqlalchemy.exc import OperationalError

from rcg.jobs import rows
from rcg.jobs.handler import Handler
from rcg.jobs.joblog import JobLog
from rcg.jobs.model import Limits
from rcg.jobs.outcomes import Settling
from rcg.jobs.runner import Control, Done
from rcg.store.db import Database
from rcg.store.models import Base, Card, Job


class Patience(threading.Event):
    """Counts the waits instead of waiting."""

    def __init__(self, end_after=99):
        super().__init__()
        self.waits = 0
        self.end_after = end_after

    def wait(self, timeout=None):
        self.waits += 1
        return self.waits >= self.end_after


@pytest.fixture
def settle(tmp_path, monkeypatch):
    db = Database("sqlite://")
    Base.metadata.create_all(db.engine)
    with db.write() as session:
        session.add(Job(id="j", kind="k", title="t", spec={}, due_at=0))
        session.flush()
        job = rows.claim(session, "j", "w")

    def run(accept, patience):
        module = ModuleType("a_handler")
        module.accept = accept
        monkeypatch.setitem(sys.modules, "a_handler", module)
        settling = Settling(db, Limits(), JobLog(tmp_path, "j"), patience)
        handler = Handler("k", "nothing:compute", "a_handler:accept")
        settling.settle(job, handler, Done({"a": 1}), Control())
        with db.read() as session:
            return session.get_one(Job, "j"), session.query(Card).count()

    yield run
    db.close()


def refusing(times, words):
    calls = []

    def accept(session, job, result):
        session.add(Card(name=job.id))
        session.flush()
        calls.append(1)
        if len(calls) <= times:
            raise OperationalError("INSERT", {}, sqlite3.OperationalError(words))
        return {**result, "calls": len(calls)}

    return accept


def test_a_result_is_taken_in_once_the_database_is_free_again(settle):
    job, cards = settle(refusing(3, "database is locked"), Patience())
    assert (job.state, job.result, cards) == ("done", {"a": 1, "calls": 4}, 1)


def test_a_disk_that_stays_full_fails_the_job_in_words(settle):
    job, cards = settle(refusing(99, "database or disk is full"), Patience())
    assert (job.state, job.error["error"], cards) == ("failed", "disk_full", 0)
    assert "Free some space" in job.error["hint"]


def test_a_server_that_ends_leaves_the_row_for_its_next_start(settle):
    job, cards = settle(refusing(99, "database is locked"), Patience(end_after=2))
    assert (job.state, job.attempt, cards) == ("running", 1, 0)


def test_an_accept_that_breaks_fails_the_job_and_keeps_none_of_its_rows(settle):
    def accept(session, job, result):
        session.add(Card(name=job.id))
        session.flush()
        return result["missing"]

    job, cards = settle(accept, Patience())
    assert (job.state, cards) == ("failed", 0)
    assert "KeyError" in job.error["detail"]

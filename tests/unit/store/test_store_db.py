# ruff: noqa: PT012 -- a transaction is used in several steps
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from rcg.store.db import Database
from rcg.store.migrate import migrate
from rcg.store.models import Card
from rcg.store.repositories import cards


@pytest.fixture
def db(tmp_path):
    db = Database.in_folder(tmp_path)
    migrate(db)
    yield db
    db.close()


def test_every_connection_is_durable_and_checks_references(db):
    with db.read() as session:
        pragma = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_write_commits_and_read_throws_away(db):
    with db.write() as session:
        cards.add(session, name="kept")
    with db.read() as session:
        cards.add(session, name="not kept")
    with db.read() as session:
        assert [card.name for card in cards.listing(session).rows] == ["kept"]


def test_an_error_rolls_back(db):
    with pytest.raises(ZeroDivisionError), db.write() as session:
        cards.add(session, name="not kept")
        raise ZeroDivisionError
    with db.read() as session:
        assert cards.count(session) == 0


def test_a_writer_holds_the_lock_from_its_start_and_readers_go_on(db, tmp_path):
    with closing(sqlite3.connect(tmp_path / "rcg.sqlite3", timeout=0, isolation_level=None)) as other:
        with db.write() as session:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            session.add(Card(name="in between"))
            session.flush()
            assert other.execute("SELECT count(*) FROM cards").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM cards").fetchone() == (1,)

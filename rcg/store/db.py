"""The database connection: SQLite in WAL mode with every commit on disk, or any SQLAlchemy URL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session, sessionmaker

__all__ = ["Database", "Session", "now_ms"]  # who only passes a session on needs no sqlalchemy


def now_ms() -> int:
    """Milliseconds since 1970 UTC: how every time is stored."""
    return time.time_ns() // 1_000_000


class Database:
    """An engine and its sessions: :meth:`write` for transactions that change things, else :meth:`read`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _make_engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @classmethod
    def in_folder(cls, data_dir: Path) -> Database:
        """Open (or create) the SQLite file of a data folder."""
        return cls(f"sqlite:///{data_dir / 'rcg.sqlite3'}")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: takes the write lock at its start, commits at its end, rolls back on any error."""
        with self._sessions() as session:
            session.connection(execution_options={"rcg_write": True})
            with session.begin_nested() if session.in_nested_transaction() else _committing(session):
                yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for queries; whatever it changed is thrown away."""
        with self._sessions() as session:
            yield session

    def ping(self) -> None:
        """Ask the database for something. Raises what it answers when it cannot be used."""
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def _committing(session: Session) -> Iterator[None]:
    try:
        yield
    except BaseException:
        session.rollback()
        raise
    session.commit()


def _make_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 10}, pool_size=20)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we issue BEGIN ourselves, see below
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        # A writer takes the lock at once: upgrading a read transaction later fails instead of waiting.
        write = connection.get_execution_options().get("rcg_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine

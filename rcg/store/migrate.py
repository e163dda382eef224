"""Brings the database's schema up to this version of RCG at start, keeping a copy of what was there."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DatabaseError, OperationalError

from rcg.errors import StartError
from rcg.store.db import Database

_log = logging.getLogger(__name__)
_SCRIPTS = Path(__file__).parent / "migrations"


def head() -> str:
    """Return the schema that this version of RCG works with."""
    found = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert found is not None
    return found


def revision(db: Database) -> str | None:
    """Return the schema that the database has, None for an empty one."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(db: Database) -> Path | None:
    """Upgrade the schema to :func:`head`; return the copy that was made of the file before, if one was.

    An empty database is filled; one that is up to date is left alone. A copy is only made of a SQLite file.

    Raises:
        StartError: the schema is newer than this version of RCG, the file is no database of RCG's, it cannot
            be opened or written, or the disk is full.
    """
    try:
        return _migrate(db)
    except OperationalError as error:
        raise StartError(
            f"The database cannot be used: {error.orig} ({_shown(db)}).",
            "Check that the folder can be written and that the disk is not full.",
        ) from error
    except DatabaseError as error:
        raise StartError(
            f"The database is damaged or is no database: {error.orig} ({_shown(db)}).",
            "Put a copy from the folder backups beside it in its place, or move it away to begin afresh.",
        ) from error


def _migrate(db: Database) -> Path | None:
    current = revision(db)
    if current == head():
        return None
    known = {step.revision for step in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    if current is not None and current not in known:
        raise StartError(
            f"A newer version of RCG wrote the database (schema {current}; this one knows {head()}).",
            "Update RCG, or start it with another data folder (setting data_dir).",
        )
    if current is None and inspect(db.engine).get_table_names():
        raise StartError(
            f"{_shown(db)} holds tables that RCG did not make.",
            "Name another database (setting database.url).",
        )
    copy = _copy(db, current) if current is not None else None
    _log.info("upgrading the database's schema from %s to %s", current or "nothing", head())
    _upgrade(db)
    return copy


def _upgrade(db: Database) -> None:
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Rebuilding a table drops the old one, which must not cascade. No effect inside a transaction, so
            # it goes past the engine, which begins one at the first statement.
            _raw(connection).execute("PRAGMA foreign_keys=OFF")
        try:
            config = Config()
            config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            if sqlite:
                connection.rollback()
                _raw(connection).execute("PRAGMA foreign_keys=ON")


def _raw(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _copy(db: Database, current: str) -> Path | None:
    """Copy a SQLite file by its own backup, which is whole even with a journal beside it."""
    source = db.engine.url.database
    if db.engine.dialect.name != "sqlite" or not source:
        return None
    folder = Path(source).parent / "backups"
    folder.mkdir(exist_ok=True)
    target = folder / f"rcg-schema-{current}.sqlite3"
    number = 1
    while target.exists():
        number += 1
        target = folder / f"rcg-schema-{current}-{number}.sqlite3"
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    _log.info("kept a copy of the database as it was: %s", target)
    return target


def _shown(db: Database) -> str:
    return db.engine.url.render_as_string(hide_password=True)

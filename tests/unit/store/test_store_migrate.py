import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from rcg.errors import StartError
from rcg.store import migrate as module
from rcg.store.db import Database
from rcg.store.migrate import head, migrate, revision
from rcg.store.models import Base
from rcg.store.repositories import cards

STEP = '''"""Give cards a colour."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "next", "HEAD"
branch_labels = depends_on = None


def upgrade():
    with op.batch_alter_table("cards", recreate="always") as batch:
        batch.add_column(sa.Column("colour", sa.String(), nullable=True))
'''
BROKEN = STEP + "    raise ValueError('a step that fails half way')\n"


@pytest.fixture
def db(tmp_path):
    db = Database.in_folder(tmp_path)
    yield db
    db.close()


@pytest.fixture
def next_version(tmp_path, monkeypatch):
    """A version of RCG with one more step, as the next release will have."""

    def install(step):
        scripts = tmp_path / "scripts"
        (scripts / "versions").mkdir(parents=True)
        for file in module._SCRIPTS.rglob("*.py"):
            (scripts / file.relative_to(module._SCRIPTS)).write_text(file.read_text())
        (scripts / "versions" / "next_colour.py").write_text(step.replace("HEAD", head()))
        monkeypatch.setattr(module, "_SCRIPTS", scripts)

    return install


def columns(path, table="cards"):
    with closing(sqlite3.connect(path)) as file:
        return [row[1] for row in file.execute(f"PRAGMA table_info({table})")]


def test_an_empty_database_gets_the_schema_of_the_models(db, tmp_path):
    assert revision(db) is None
    assert migrate(db) is None
    assert revision(db) == head()
    with db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert not (tmp_path / "backups").exists()


def test_twice_changes_nothing(db, tmp_path):
    migrate(db)
    before = (tmp_path / "rcg.sqlite3").read_bytes()
    assert migrate(db) is None
    assert (tmp_path / "rcg.sqlite3").read_bytes() == before


def test_an_upgrade_keeps_the_rows_and_a_copy_of_what_was(db, tmp_path, next_version):
    migrate(db)
    with db.write() as session:
        card = cards.add(session, name="Charizard")
        from rcg.store.repositories import captures

        captures.add(session, card, "front")
    next_version(STEP)
    copy = migrate(db)
    assert revision(db) == "next"
    assert "colour" in columns(tmp_path / "rcg.sqlite3")
    with db.read() as session:
        assert [(row.name, len(row.captures)) for row in cards.listing(session).rows] == [("Charizard", 1)]
    assert copy is not None
    assert copy.parent == tmp_path / "backups"
    assert "colour" not in columns(copy)
    with closing(sqlite3.connect(copy)) as file:
        assert file.execute("SELECT name FROM cards").fetchall() == [("Charizard",)]
    with db.read() as session:
        from sqlalchemy import text

        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_step_that_fails_leaves_the_schema_as_it_was(db, tmp_path, next_version):
    migrate(db)
    head_before = head()
    next_version(BROKEN)
    with pytest.raises(ValueError, match="half way"):
        migrate(db)
    assert revision(db) == head_before
    assert "colour" not in columns(tmp_path / "rcg.sqlite3")


def test_a_newer_schema_than_the_code_is_refused(db, tmp_path):
    migrate(db)
    with closing(sqlite3.connect(tmp_path / "rcg.sqlite3")) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
        file.commit()
    with pytest.raises(StartError, match=r"newer version of RCG wrote .* .schema 9999; this one knows 0005"):
        migrate(db)


def test_a_file_that_is_no_database(db, tmp_path):
    (tmp_path / "rcg.sqlite3").write_bytes(b"this is a photograph, not a database" * 100)
    with pytest.raises(StartError, match="damaged or is no database"):
        migrate(db)


def test_somebody_elses_database_is_left_alone(db, tmp_path):
    with closing(sqlite3.connect(tmp_path / "rcg.sqlite3")) as file:
        file.execute("CREATE TABLE recipes (id)")
    with pytest.raises(StartError, match="did not make"):
        migrate(db)

"""The grading job: the same bytes as the command line, rows once, and a card that went meanwhile."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rcg.cli import app
from rcg.jobs import demo, grade
from rcg.store.blobs import BlobStore
from rcg.store.db import Database
from rcg.store.models import Base, Job
from rcg.store.repositories import blobs, cards, grades
from tests.integration import drawn_cards as drawn


@dataclass
class Context:
    """What a slot gives a job."""

    data_dir: Path
    scratch: Path
    job_id: str = "j" * 32
    attempt: int = 1
    threads: int = 2
    lines: list[str] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def progress(self, fraction: float, message: str = "") -> None:
        self.fractions.append(fraction)

    def log(self, text: str, level: str = "info") -> None:
        self.lines.append(text)

    def event(self, kind: str, data: dict[str, Any]) -> None: ...

    def check(self) -> None: ...


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path / "data", tmp_path / "scratch")


@pytest.fixture
def db(tmp_path: Path) -> Database:
    (tmp_path / "data").mkdir(exist_ok=True)
    database = Database.in_folder(tmp_path / "data")
    Base.metadata.create_all(database.engine)
    return database


def test_a_grade_by_job_is_the_grade_by_hand(tmp_path: Path, context: Context, db: Database) -> None:
    folder = drawn.capture(tmp_path / "Judge")
    out = tmp_path / "a.json"
    made = CliRunner().invoke(app, ["grade", str(folder), "--json", str(out), "--name", "Judge"])
    assert made.exit_code == 0, made.output
    store = BlobStore(context.data_dir / "blobs")
    frames = [
        {
            "light": light,
            "sha256": store.add((folder / f"{light}.jpg").read_bytes()).sha256,
            "file_name": light,
        }
        for light in sorted(drawn.DIRECTIONS)
    ]
    header = {
        "name": "Judge",
        "set_name": None,
        "width_mm": 63.0,
        "height_mm": 88.0,
        "size_source": "default",
    }
    side = {"capture_id": "c", "lights": None, "frames": frames}
    with db.write() as session:
        card_id = cards.add(session, name="Judge").id
    result = grade.compute(context, {"card_id": card_id, "header": header, "sides": {"front": side}})

    assert store.read(result["report"]["sha256"]) == out.read_bytes()
    assert context.fractions == sorted(context.fractions)
    job = Job(id=context.job_id, kind="grade", title="", spec={})
    with db.write() as session:
        first = grade.accept(session, job, result)
        assert grade.accept(session, job, result) == first
    with db.read() as session:
        kept = grades.get(session, first["grade_id"])
        assert kept.report_sha256 == result["report"]["sha256"]
        assert {"colour", "normal", "light:up", "thumbnail"} <= {layer.name for layer in kept.layers}
        for layer in kept.layers:
            row = blobs.get(session, layer.blob_sha256)
            assert row is not None
            assert (row.media_type, row.bytes) == ("image/webp", store.size(layer.blob_sha256))
        cards.delete(session, cards.get(session, card_id))
    with db.write() as session:
        cards.delete(session, cards.get(session, card_id))
        assert grade.accept(session, job, result)["grade_id"] is None


def test_the_sample_card(context: Context, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "FRAME_SIZE", (600, 800))
    monkeypatch.setattr(demo, "LIGHTS", 4)
    result = demo.compute(context, {"seed": 5})
    with db.write() as session:
        done = demo.accept(session, Job(id=context.job_id, kind="demo", title="", spec={}), result)
    with db.read() as session:
        card = cards.get(session, done["card_id"])
        assert card.name == "Sample card 5"
        assert {capture.side: len(capture.frames) for capture in card.captures} == {"front": 4, "back": 4}
        assert [one.id for one in card.grades] == [done["grade_id"]]
        assert {layer.side for layer in card.grades[0].layers} == {"front", "back"}

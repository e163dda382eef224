"""The pages over a real store, with a report written by hand."""

import shutil
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from handmade_report import add_graded, make_report

from rcg.api.auth import AuthService
from rcg.api.auth.principal import SCOPES, Principal
from rcg.settings import Settings
from rcg.store.blobs import BlobStore
from rcg.store.db import Database, now_ms
from rcg.store.models import Base
from rcg.web.areas import make_areas
from rcg.web.bundle import Bundle

FILES = ("main.js", "theme.js", "styles.css", "icons.svg")
PAGE = {"accept": "text/html,*/*"}


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A database without rows, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    db = Database.in_folder(folder)
    Base.metadata.create_all(db.engine)
    db.close()
    return folder / "rcg.sqlite3"


@pytest.fixture
def container(tmp_path, monkeypatch, empty_database):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    settings = Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs")
    settings.data_dir.mkdir()
    shutil.copy(empty_database, settings.data_dir)
    db = Database.in_folder(settings.data_dir)
    yield SimpleNamespace(
        settings=settings,
        db=db,
        blobs=BlobStore(settings.data_dir / "blobs"),
        jobs=None,
        auth=AuthService(db),
        started_at=now_ms(),
        areas=[],
    )
    db.close()


@pytest.fixture
def principal(container):
    made = container.auth.redeem(container.auth.create_link().secret, user_agent="Firefox Linux")
    return Principal("session", made.principal.id, "Firefox on Linux", frozenset(SCOPES), None)


@pytest.fixture(scope="session")
def areas():
    """The areas' apps, made once: their routes are resolved at the first request."""
    return make_areas(None, bundle=Bundle("hash", {name: name for name in FILES}))


@pytest.fixture
def client(container, principal, areas):
    """A signed-in browser."""
    return TestClient(_root(container, principal, areas), headers=PAGE, follow_redirects=False)


@pytest.fixture
def stranger(container, areas):
    return TestClient(_root(container, None, areas), headers=PAGE, follow_redirects=False)


def _root(container, principal, areas):
    root = FastAPI()

    @root.middleware("http")
    async def sign(request, call_next):
        request.state.principal = principal
        return await call_next(request)

    for area in areas:
        if isinstance(area.app, FastAPI):
            area.app.state.container = container
        root.mount(area.path, area.app)
    return root


@pytest.fixture
def graded(container):
    """A card with one frame, one report and its layers; returns the ids of the card and of the grade."""
    return add_graded(container, make_report())

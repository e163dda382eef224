"""The pages over a real store, with a report written by hand."""

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


@pytest.fixture
def container(tmp_path, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    settings = Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs")
    settings.data_dir.mkdir()
    db = Database.in_folder(settings.data_dir)
    Base.metadata.create_all(db.engine)
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


@pytest.fixture
def client(container, principal):
    """A signed-in browser."""
    return TestClient(_root(container, principal), headers=PAGE, follow_redirects=False)


@pytest.fixture
def stranger(container):
    return TestClient(_root(container, None), headers=PAGE, follow_redirects=False)


def _root(container, principal):
    root = FastAPI()

    @root.middleware("http")
    async def sign(request, call_next):
        request.state.principal = principal
        return await call_next(request)

    for area in make_areas(container, bundle=Bundle("hash", {name: name for name in FILES})):
        root.mount(area.path, area.app)
    return root


@pytest.fixture
def graded(container):
    """A card with one frame, one report and its layers; returns the ids of the card and of the grade."""
    return add_graded(container, make_report())

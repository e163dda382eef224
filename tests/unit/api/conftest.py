"""A server's front with the real store, and jobs that are only written down."""

import asyncio
import hashlib
import io
import shutil
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from rcg.api import make_api
from rcg.api.auth import AuthService
from rcg.api.errors import install_errors
from rcg.api.security import SecurityMiddleware
from rcg.api.services.capture.watching import Watches
from rcg.capture.lights.desk import LightDesk
from rcg.settings import LimitSettings, Settings
from rcg.store.blobs import BlobStore
from rcg.store.db import Database, now_ms
from rcg.store.migrate import migrate
from rcg.store.models import Job

ORIGIN = "https://rcg.test:8443"


class WrittenDownJobs:
    """Keeps to the interface of the job system; nothing runs."""

    def __init__(self, db):
        self.db = db
        self.events = self
        self.published = []

    def submit(self, session, kind, spec, *, title, subject=None, band=1):
        row = Job(kind=kind, spec=spec, title=title, subject=subject, band=band)
        session.add(row)
        session.flush()
        return row

    def publish(self, kind, data, job_id=None):
        self.published.append((kind, data))

    def cancel(self, job_id):
        with self.db.write() as session:
            session.get(Job, job_id).state = "cancelled"


@dataclass
class Parts:
    settings: Settings
    db: Database
    blobs: BlobStore
    jobs: object
    auth: AuthService
    started_at: int = field(default_factory=now_ms)
    areas: list = field(default_factory=list)
    health: object = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    lights: LightDesk | None = None
    watches: Watches = field(default_factory=Watches)

    def __post_init__(self):
        say = self.jobs.events.publish
        self.lights = LightDesk(self.settings.data_dir / "sim", lambda data: say("capture", data))


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    limits = LimitSettings(image_mb=1, frames_per_capture=6, min_free_disk_mb=0)
    return Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", limits=limits)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A migrated database without rows, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    db = Database.in_folder(folder)
    migrate(db)
    db.close()
    return folder / "rcg.sqlite3"


@pytest.fixture
def parts(settings, empty_database):
    settings.data_dir.mkdir()
    shutil.copy(empty_database, settings.data_dir)
    db = Database.in_folder(settings.data_dir)

    async def ready(*, details):
        return True, {"status": "ready", "details": details}

    yield Parts(
        settings,
        db,
        BlobStore(settings.data_dir / "blobs"),
        WrittenDownJobs(db),
        AuthService(db),
        health=SimpleNamespace(ready=ready),
    )
    db.close()


@pytest.fixture(scope="session")
def api():
    """The app for /api, made once: resolving its routes, at the first request, takes longer than a test."""
    return make_api(None)


@pytest.fixture
def root(parts, api):
    """The root app as the server makes it: security outside, the API and a page mounted."""
    api.state.container = parts
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.mount("/api", api)

    @app.get("/page")
    def page():
        return {"page": True}

    @app.get("/broken")
    def broken():
        raise RuntimeError("the secret inside")

    @app.get("/sign-in")
    def sign_in():
        return {"sign": "in"}

    install_errors(app)
    app.add_middleware(
        SecurityMiddleware, auth=parts.auth, limits=parts.settings.limits, allowed_hosts=lambda: {"rcg.test"}
    )
    return app


@pytest.fixture
def stranger(root):
    return TestClient(root, base_url=ORIGIN, follow_redirects=False)


@pytest.fixture
def client(root, parts):
    """A script that may do everything."""
    token = parts.auth.create_token("test", ["admin"]).secret
    return TestClient(
        root, base_url=ORIGIN, headers={"authorization": f"Bearer {token}"}, follow_redirects=False
    )


@pytest.fixture
def script(root, parts):
    """Makes a script with the named scopes."""

    def make(*scopes):
        token = parts.auth.create_token("script", scopes).secret
        return TestClient(root, base_url=ORIGIN, headers={"authorization": f"Bearer {token}"})

    return make


def picture(shade=0, kind="JPEG"):
    """A small photograph."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (25 * shade, 100, 50)).save(file, kind)
    return file.getvalue()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def photo():
    return picture

"""The API over a real socket, with the real job system, a training slot in a child, the embedded Valkey."""

import asyncio
import socket
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from rcg.api import make_api
from rcg.api.auth import AuthService
from rcg.api.errors import install_errors
from rcg.api.security import SecurityMiddleware
from rcg.jobs.child_runner import ChildLimits
from rcg.jobs.model import Limits
from rcg.jobs.system import JobSystem, Policy
from rcg.settings import Settings, WorkerSettings
from rcg.store.blobs import BlobStore
from rcg.store.db import Database, now_ms
from rcg.store.migrate import migrate

POLICY = Policy(limits=Limits(rest_ms=20), child=ChildLimits(term_after_s=2, kill_after_s=2), reconcile_s=600)
"""no reconciler comes to help: what has to go on by itself does"""


@pytest.fixture
def isolation(request):
    """``child``, or ``thread`` where a test is marked so by the fixture ``thread_isolation``."""
    return "thread" if "thread_isolation" in request.fixturenames else "child"


@pytest.fixture
def thread_isolation():
    """Has the server compute in its own threads."""


@pytest.fixture
def server(tmp_path, monkeypatch, isolation):
    """A running server: its parts, its address."""
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    settings = Settings(
        data_dir=tmp_path / "data", workers=WorkerSettings(isolation=isolation, threads=1, nice=0)
    )
    settings.data_dir.mkdir()
    db = Database.in_folder(settings.data_dir)
    migrate(db)
    jobs = JobSystem(settings, db, POLICY)
    parts = SimpleNamespace(
        settings=settings,
        db=db,
        blobs=BlobStore(settings.data_dir / "blobs"),
        jobs=jobs,
        auth=AuthService(db),
        started_at=now_ms(),
        stopping=asyncio.Event(),
        health=None,
        areas=[],
    )
    app = FastAPI(openapi_url=None)
    app.mount("/api", make_api(parts))
    install_errors(app)
    app.add_middleware(
        SecurityMiddleware, auth=parts.auth, limits=settings.limits, allowed_hosts=lambda: {"127.0.0.1"}
    )
    listener = socket.create_server(("127.0.0.1", 0))
    parts.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    uv = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
    asyncio.run(jobs.start())
    thread = threading.Thread(target=uv.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not uv.started:
        time.sleep(0.01)
    yield parts
    uv.should_exit = True
    thread.join(10)
    asyncio.run(jobs.stop())
    db.close()
    assert not thread.is_alive()


@pytest.fixture
def client(server):
    token = server.auth.create_token("test", ["admin"]).secret
    with httpx.Client(
        base_url=server.url, headers={"authorization": f"Bearer {token}"}, timeout=30
    ) as client:
        yield client

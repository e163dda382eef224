"""The API over a real socket, with the real job system and the embedded Valkey."""

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
from rcg.jobs.system import JobSystem
from rcg.settings import Settings, WorkerSettings
from rcg.store.blobs import BlobStore
from rcg.store.db import Database, now_ms
from rcg.store.migrate import migrate


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A running server: its parts, its address, its port."""
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    settings = Settings(data_dir=tmp_path / "data", workers=WorkerSettings(isolation="thread"))
    settings.data_dir.mkdir()
    db = Database.in_folder(settings.data_dir)
    migrate(db)
    jobs = JobSystem(settings, db)
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
    parts.port = listener.getsockname()[1]
    parts.url = f"http://127.0.0.1:{parts.port}"
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
def token(server):
    return server.auth.create_token("test", ["admin"]).secret


@pytest.fixture
def client(server, token):
    with httpx.Client(
        base_url=server.url, headers={"authorization": f"Bearer {token}"}, timeout=20
    ) as client:
        yield client

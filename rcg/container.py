"""The parts of a running RCG, built by hand in one place; every sub-app has them as ``app.state.container``.

Building opens nothing: no file, no socket, no process. The start steps (:mod:`rcg.server.startup`) do that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rcg.api.auth import AuthService
from rcg.api.services.capture.watching import Watches
from rcg.capture.lights.desk import LightDesk
from rcg.jobs.system import JobSystem
from rcg.server.health import HealthBoard
from rcg.server.hosts import KnownHosts
from rcg.server.progress import StartProgress
from rcg.settings import Settings
from rcg.store.blobs import BlobStore
from rcg.store.db import Database, now_ms

if TYPE_CHECKING:
    from rcg.server.startup import Startup
    from rcg.web.areas import Area


@dataclass
class Container:
    """What the parts share.

    Attributes:
        hosts: the names this server answers to.
        started_at: milliseconds since 1970 UTC.
        areas: the mounted areas with pages; ``/health/ready`` and the navigation name these and no others.
        starting: how far the start has come; everything but health answers 503 until ``starting.ready``.
        stopping: set when the server begins to stop; open event streams end on it.
        health: the checks behind ``/health/ready``.
        lights: the light drivers in use, one per rig.
        watches: the folders that are watched for capture sessions.
    """

    settings: Settings
    db: Database
    blobs: BlobStore
    jobs: JobSystem
    auth: AuthService
    hosts: KnownHosts
    starting: StartProgress
    stopping: asyncio.Event
    health: HealthBoard
    lights: LightDesk
    watches: Watches = field(default_factory=Watches)
    started_at: int = field(default_factory=now_ms)
    areas: list[Area] = field(default_factory=list)


def build(startup: Startup) -> Container:
    """Wire the parts of one server."""
    settings = startup.settings
    url = settings.database.url
    db = Database(url) if url else Database.in_folder(settings.data_dir)
    jobs = JobSystem(settings, db)
    return Container(
        settings=settings,
        db=db,
        blobs=BlobStore(settings.data_dir / "blobs", min_free_mb=settings.limits.min_free_disk_mb),
        jobs=jobs,
        auth=AuthService(db, port=settings.server.port),
        hosts=startup.hosts,
        starting=startup.progress,
        stopping=startup.stopping,
        health=startup.health,
        lights=LightDesk(settings.data_dir / "sim", lambda data: jobs.events.publish("capture", data)),
    )

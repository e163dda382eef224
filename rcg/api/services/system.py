"""How the computer is doing, and what RCG is set to."""

from __future__ import annotations

import os
import shutil
from collections import deque
from typing import TYPE_CHECKING, Any

import psutil

from rcg import __version__, settings_places
from rcg.api import schemas
from rcg.api.services.gpus import gpus
from rcg.errors import NotFoundError, UnavailableError
from rcg.grading.schema import GradeReport
from rcg.grading.tables import STANDARD_IDS, load_standard
from rcg.store.db import now_ms
from rcg.store.repositories import blobs, cards, grades, jobs

if TYPE_CHECKING:
    from rcg.container import Container

LOG_NAME = "rcg.log"

psutil.cpu_percent()  # its first figure is always 0: the next ones are since the one before


def system(container: Container) -> schemas.SystemOut:
    """Measure now. CPU load is since the last call."""
    memory = psutil.virtual_memory()
    folder = container.settings.data_dir
    disk = shutil.disk_usage(folder)
    cards_found, note = gpus()
    with container.db.read() as session:
        return schemas.SystemOut(
            version=__version__,
            uptime_s=(now_ms() - container.started_at) / 1000,
            cpu=schemas.CpuOut(
                percent=psutil.cpu_percent(),
                cores=os.cpu_count() or 1,
                load_average=[round(load, 2) for load in os.getloadavg()],
            ),
            memory=schemas.MemoryOut(available_bytes=memory.available, total_bytes=memory.total),
            disk=schemas.DiskOut(
                folder=str(folder),
                free_bytes=disk.free,
                total_bytes=disk.total,
                files_bytes=blobs.total_bytes(session),
            ),
            gpus=cards_found,
            gpu_note=note,
            cards=cards.count(session),
            grades=grades.count(session),
            jobs=jobs.count_by_state(session),
        )


def log_end(container: Container, lines: int) -> schemas.LogsOut:
    """Return the last lines of the server's log."""
    path = container.settings.log_dir / LOG_NAME
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            end = deque(file, maxlen=lines)
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no log at {path} yet.", "It is written from the server's start on."
        ) from None
    return schemas.LogsOut(file=str(path), lines=[line.rstrip("\n") for line in end])


async def health(container: Container, *, details: bool) -> tuple[bool, dict[str, Any]]:
    """Return whether all is well, and the answer that ``/health/ready`` gives too."""
    if container.health is None:
        raise UnavailableError("The server's checks are not set up yet.", "Try again in a moment.")
    return await container.health.ready(details=details)


def settings(container: Container) -> list[schemas.SettingOut]:
    """Return every setting, its value for people, and where it was set."""
    return [
        schemas.SettingOut(name=value.name, value=value.text, source=value.source)
        for value in settings_places.values(container.settings)
    ]


def grade_schema() -> dict[str, Any]:
    """Return the JSON schema of a report."""
    return GradeReport.model_json_schema(by_alias=True)


def standards() -> list[dict[str, Any]]:
    """Return every centering standard with its rows and provenance."""
    return [load_standard(name).model_dump(exclude={"inherit"}) for name in STANDARD_IDS]

"""The parts that ``/health/ready`` asks: database, Valkey, workers, disk, certificate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rcg.server import folders
from rcg.server.health import Check, Verdict

if TYPE_CHECKING:
    from rcg.container import Container
    from rcg.server.tls.certificates import Certificates

CERTIFICATE_DAYS = 7


def register(container: Container, certificates: Callable[[], Certificates | None]) -> None:
    """Add every part's check to the board; ``certificates`` tells what is served, None without TLS."""
    board = container.health

    async def database() -> Verdict:
        return await asyncio.to_thread(_database, container)

    async def disk() -> Verdict:
        room = await asyncio.to_thread(folders.disk, container.settings)
        return Verdict(room.ok, room.sentence, room.hint)

    async def certificate() -> Verdict:
        return _certificate(certificates())

    def job_part(name: str) -> Check:
        async def check() -> Verdict:
            part = next(part for part in container.jobs.health() if part.name == name)
            return Verdict(part.ok, part.detail, part.hint)

        return check

    board.add("database", database)
    for name in ("valkey", "workers"):
        board.add(name, job_part(name))
    board.add("disk", disk)
    if certificates() is not None:
        board.add("certificate", certificate)


def _database(container: Container) -> Verdict:
    container.db.ping()
    return Verdict(ok=True, detail=container.db.engine.url.render_as_string(hide_password=True))


def _certificate(found: Certificates | None) -> Verdict:
    assert found is not None
    days = found.leaf.days_left
    detail = f"{found.leaf.cert.name} for {', '.join(found.leaf.names)}, {days} days left"
    if found.skipped:
        detail += f"; left out: {'; '.join(found.skipped)}"
    if days > CERTIFICATE_DAYS:
        return Verdict(ok=True, detail=detail)
    way = (
        "See logs/rcg.log for why it was not renewed."
        if found.own
        else "Make it anew with mkcert, in certs/."
    )
    return Verdict(ok=False, detail=detail, hint=way)

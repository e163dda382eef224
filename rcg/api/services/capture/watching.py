"""Folders that the server watches for a session: their files become its frames, its lights go along."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rcg import paths
from rcg.api.auth import Principal
from rcg.api.capture_schemas import SessionFrameIn, SessionOut
from rcg.api.multipart import media_type_of
from rcg.api.services.capture import frames, lighting, sessions, watch_records
from rcg.api.watch_schemas import FolderOut, FoldersOut, NoteOut, WatchIn, WatchOut
from rcg.capture.lights.driver import ring_names
from rcg.capture.lights.told import words as words_of
from rcg.capture.watch import FolderError, Watch, scan
from rcg.errors import ConflictError, InputError, NotFoundError, RcgError
from rcg.store.repositories import blobs

if TYPE_CHECKING:
    from rcg.container import Container

logger = logging.getLogger("rcg.capture")
INCOMING = "incoming"
LOOK_S = 0.4
_AGAIN_S = 5.0
"""rest after a light that failed"""
_NOTES = 60
_OPEN = ("ready", "shooting")


def folders_of(container: Container) -> dict[str, Path]:
    """Return the folders that may be watched by the name that a request chooses one by; no path comes in."""
    named = {INCOMING: container.settings.data_dir / INCOMING}
    named[INCOMING].mkdir(parents=True, exist_ok=True)
    configured = container.settings.capture.watch_folders
    return named | {str(path): (paths.home() / path.expanduser()).resolve() for path in configured}


def folders(container: Container) -> FoldersOut:
    """Return the folders that may be watched, and what is wrong with one."""
    found = []
    for name, path in folders_of(container).items():
        try:
            count, problem = len(scan(path)), None
        except FolderError as error:
            count, problem = 0, f"{error.detail} {error.hint}"
        found.append(FolderOut(name=name, path=str(path), files=count, problem=problem))
    return FoldersOut(items=found)


@dataclass
class _Taker:
    """Takes files for one session, in a thread."""

    container: Container
    session: str
    by: Principal

    def wanted(self) -> str | None:
        out = sessions.get(self.container, self.session)
        if out.state not in _OPEN:
            raise ConflictError("This session has ended.", "Begin another, and watch for that.")
        return out.missing[0] if out.missing else None

    def take(self, light: str, data: bytes, sha256: str, taken_at: int) -> None:
        media_type = media_type_of(data[:32], "The file")
        self.container.blobs.check_space(len(data))
        info = self.container.blobs.add(data)
        with self.container.db.write() as session:
            blobs.ensure(session, info, media_type)
        side = sessions.get(self.container, self.session).side
        body = SessionFrameIn(sha256=sha256, side=side, mode="folder", taken_at=taken_at)
        frames.attach(self.container, self.session, light, body, self.by)


@dataclass
class _Running:
    name: str
    watch: Watch
    ignored: int
    by: Principal
    kept: dict[str, tuple[int, int]] | None = None  # as it was noted down
    task: asyncio.Task[None] | None = None
    notes: deque[NoteOut] = field(default_factory=lambda: deque(maxlen=_NOTES))
    lit: tuple[str, str] | None = None  # side and light that is on
    words: str = ""
    trouble: str = ""
    again_at: float = 0.0
    told: str = ""

    @property
    def active(self) -> bool:
        return self.task is not None and not self.task.done()


class Watches:
    """The folders that are watched now, one at most for a session. Everything runs in one event loop."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}

    async def begin(self, container: Container, session_id: str, body: WatchIn, by: Principal) -> WatchOut:
        """Begin to take frames from a folder.

        Raises:
            InputError: there is no folder of that name, or it cannot be read.
            ConflictError: the session has ended, or another watches that folder.
        """
        known = await asyncio.to_thread(folders_of, container)
        path = known.get(body.folder)
        if path is None:
            raise InputError(
                f"{body.folder[:200]!r} is no folder that may be watched.",
                f"Choose one of {', '.join(known)}, or add it to capture.watch_folders in config/rcg.toml.",
            )
        out = await asyncio.to_thread(sessions.get, container, session_id)
        if out.state not in _OPEN:
            raise ConflictError("This session has ended.", "Begin another, and watch for that.")
        taken = [key for key, one in self._running.items() if one.name == body.folder and one.active]
        other = next((key for key in taken if key != session_id), None)
        if other is not None:
            raise ConflictError(
                f"{body.folder} is being watched for another card.",
                f"End that first: DELETE /api/capture/sessions/{other}/watch", session=other,
            )  # fmt: skip
        await self.end(container, session_id)
        watch = _watch(container, session_id, path, by, existing=body.existing)
        running = _Running(body.folder, watch, await asyncio.to_thread(watch.begin), by)
        await asyncio.to_thread(_keep, container, session_id, running)
        self._go(container, session_id, running)
        return self.now(session_id)

    async def resume(self, container: Container) -> None:
        """Take up again what was watched when the server ended, for sessions that are still open."""
        for session_id, record in (await asyncio.to_thread(watch_records.kept, container)).items():
            running = await asyncio.to_thread(_resumed, container, session_id, record)
            if running is None:
                await asyncio.to_thread(watch_records.forget, container, session_id)
            else:
                logger.info("watching %s for session %s again", running.name, session_id)
                self._go(container, session_id, running)

    def _go(self, container: Container, session_id: str, running: _Running) -> None:
        self._running[session_id] = running
        running.task = asyncio.create_task(self._run(container, session_id, running))

    def now(self, session_id: str) -> WatchOut:
        """Return how a watch stands. Raises NotFoundError when none was begun."""
        running = self._running.get(session_id)
        if running is None:
            raise NotFoundError(
                "No folder is watched for this session.", f"PUT /api/capture/sessions/{session_id}/watch"
            )
        return _out(running)

    async def end(self, container: Container, session_id: str) -> None:
        """End a watch; nothing when there is none."""
        if session_id in self._running:
            await self._stop(session_id)
            await asyncio.to_thread(watch_records.forget, container, session_id)

    async def close(self) -> None:
        """Stop watching; the next start of the server takes it up again."""
        for session_id in list(self._running):
            await self._stop(session_id)

    async def _stop(self, session_id: str) -> None:
        task = self._running.pop(session_id).task
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, container: Container, session_id: str, running: _Running) -> None:
        while True:
            try:
                out = await asyncio.to_thread(sessions.get, container, session_id)
                if out.state in _OPEN:
                    await self._light(container, out, running)
                    notes = await asyncio.to_thread(running.watch.look, time.monotonic())
                    running.notes.extend(NoteOut(**asdict(note)) for note in notes)
                    await asyncio.to_thread(_keep, container, session_id, running)
                    out = await asyncio.to_thread(sessions.get, container, session_id)
                running.words = _words(out, running)
            except RcgError as error:
                running.trouble = f"{error.detail} {error.hint}".strip()
            except Exception:
                logger.exception("watching %s for session %s", running.name, session_id)
                running.trouble = "RCG failed while it looked at the folder; see logs/rcg.log."
            ended = out.state not in _OPEN
            self._tell(container, session_id, running, ended=ended)
            if ended:
                await asyncio.to_thread(watch_records.forget, container, session_id)
                return
            await asyncio.sleep(LOOK_S)

    async def _light(self, container: Container, out: SessionOut, running: _Running) -> None:
        """Have the light of the next frame on, where RCG can switch it."""
        told = out.rig.acknowledged_by if out.rig else "person"
        wanted = (out.side, out.missing[0]) if out.missing else None
        if told == "person" or wanted is None or wanted == running.lit or time.monotonic() < running.again_at:
            return
        running.lit = None
        try:
            await lighting.show(container, out.id, wanted[1])
        except RcgError as error:
            running.trouble = f"{error.detail} {error.hint}".strip()
            running.again_at = time.monotonic() + _AGAIN_S
        else:
            running.lit, running.trouble = wanted, ""

    def _tell(self, container: Container, session_id: str, running: _Running, *, ended: bool) -> None:
        out = _out(running, active=not ended)
        said = out.model_dump_json()
        if said != running.told:
            running.told = said
            container.jobs.events.publish(
                "capture", {"type": "watch", "session": session_id, "watch": out.model_dump(mode="json")}
            )


def _watch(container: Container, session_id: str, path: Path, by: Principal, *, existing: bool) -> Watch:
    limit = container.settings.limits.image_mb * 1_000_000
    return Watch(path, _Taker(container, session_id, by), existing=existing, max_bytes=limit)


def _resumed(container: Container, session_id: str, record: watch_records.WatchRecord) -> _Running | None:
    """Return a watch as it stood; None when its session has ended or its folder is not listed any more."""
    path = folders_of(container).get(record.folder)
    try:
        out = sessions.get(container, session_id)
    except NotFoundError:
        return None
    if path is None or out.state not in _OPEN:
        return None
    by = Principal("token", record.by, record.device, frozenset(), None)
    watch = _watch(container, session_id, path, by, existing=False)
    # A frame that was taken just before a kill may not be noted down yet: the session knows its bytes.
    watch.resume(record.settled, {frame.sha256: f"light {frame.light}" for frame in out.frames})
    return _Running(record.folder, watch, record.ignored, by, kept=record.settled)


def _keep(container: Container, session_id: str, running: _Running) -> None:
    """Note down how far a watch is, when that changed."""
    settled = running.watch.settled
    if settled == running.kept:
        return
    try:
        watch_records.keep(
            container, session_id,
            watch_records.record_of(running.name, running.by, running.ignored, settled),
        )  # fmt: skip
    except OSError as error:
        running.trouble = f"The watch would not go on after a restart: {error.strerror or error}."
    else:
        running.kept = settled


def _out(running: _Running, *, active: bool | None = None) -> WatchOut:
    return WatchOut(
        folder=running.name,
        active=running.active if active is None else active,
        ignored=running.ignored,
        arriving=running.watch.arriving,
        words=running.words,
        problem=" ".join(filter(None, (running.trouble, running.watch.problem))) or None,
        notes=list(running.notes),
    )


def _words(out: SessionOut, running: _Running) -> str:
    """What the person at the camera does next."""
    if out.state == "complete":
        return "Every frame is here."
    if out.state == "cancelled":
        return "Cancelled."
    if not out.missing:
        return f"The {out.side} is done: turn the card over, and say so here."
    light = out.missing[0]
    if running.lit == (out.side, light):
        name = "No light is on" if light == sessions.AMBIENT else f"Light {light} is on"
        return f"{name}: release the shutter."
    if out.rig is not None and out.rig.acknowledged_by != "person":
        return "Switching the light."
    count = len(ring_names(len([name for name in out.wanted if name != sessions.AMBIENT])))
    asked = words_of(None if light == sessions.AMBIENT else light, count)
    return f"{asked} Then release the shutter."

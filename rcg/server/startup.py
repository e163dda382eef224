"""Starts the parts in named, timed steps and stops what was started, in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from rcg.jobs.datalock import DataLock
from rcg.server import folders
from rcg.server.health import HealthBoard
from rcg.server.hosts import KnownHosts
from rcg.server.lag import LoopLag
from rcg.server.progress import StartProgress
from rcg.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rcg.container import Container
    from rcg.server.tls.certificates import Certificates

logger = logging.getLogger("rcg.start")


class Startup:
    """The start and the end of one server's parts.

    Attributes:
        settings: of the server.
        progress: how far the start has come.
        health: the checks behind ``/health/ready``.
        hosts: the names this server answers to.
        lock: on the data folder.
        stopping: set when the server begins to stop; open event streams end on it.
        certificates: what is served over TLS; None where the app runs without (tests).
        url: the server's address on this computer; empty before it listens.
        on_end: told, without ``wait``, how the start ended: None, or what went wrong.
        last_step: what the server still does before it is ready.
        background: coroutines to run from the first moment to the last.
        container, app: the parts and the root application, once loaded.
        pages: whether the areas with pages are mounted, or the API alone.
    """

    def __init__(self, settings: Settings, *, pages: bool = True) -> None:
        self.settings = settings
        self.pages = pages
        self.progress = StartProgress()
        self.health = HealthBoard(self.progress)
        self.hosts = KnownHosts(settings)
        self.stopping = asyncio.Event()
        self.lag = LoopLag()
        self.certificates: Certificates | None = None
        self.url = ""
        self.on_end: Callable[[Exception | None], None] = lambda _error: None
        self.last_step: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.background: list[Callable[[], Coroutine[Any, Any, None]]] = [self.lag.run]
        self.container: Container | None = None
        self.app: FastAPI | None = None
        self.lock = DataLock(settings.data_dir)

    def use(self, container: Container, app: FastAPI) -> None:
        """Take parts and application as made by :func:`rcg.app.assemble`."""
        self.container, self.app = container, app

    def hold_data_folder(self, stack: ExitStack | AsyncExitStack) -> None:
        """Take the data folder: it can be written, and no other server has it, until the stack is closed."""
        with self.progress.step("folders"):
            folders.open_folders(self.settings)
        with self.progress.step("data lock"):
            self.lock.acquire()
            stack.callback(self.lock.release)

    @asynccontextmanager
    async def running(self, *, wait: bool = True) -> AsyncIterator[None]:
        """Start every part; at the end stop every part that was started.

        Args:
            wait: whether entering waits for the last step; otherwise the steps run behind health.
        """
        async with AsyncExitStack() as stack:
            for work in self.background:
                stack.push_async_callback(_cancel, asyncio.create_task(work()))
            if wait:
                await self._start(stack)
                yield
            else:
                start = asyncio.create_task(self._report(stack), name="start")
                yield
                await _cancel(start)
            self.stopping.set()
            logger.info("stopping")
        logger.info("stopped")

    async def _report(self, stack: AsyncExitStack) -> None:
        failure: Exception | None = None
        try:
            await self._start(stack)
        except Exception as error:  # noqa: BLE001 - passed on to who waits for the end of the start
            failure = error
        self.on_end(failure)

    async def _start(self, stack: AsyncExitStack) -> None:
        step = self.progress.step
        if not self.lock.held:
            self.hold_data_folder(stack)
        if self.container is None or self.app is None:
            with step("loading"):
                self.use(*await asyncio.to_thread(_load, self))
        container, app = self.container, self.app
        assert container is not None
        assert app is not None
        stack.callback(container.db.close)
        with step("database"):
            await _to_its_end(asyncio.to_thread(_migrate, container))
        with step("job queue"):
            stack.push_async_callback(container.jobs.stop)
            await _to_its_end(container.jobs.start())
        stack.push_async_callback(container.lights.close)
        stack.push_async_callback(container.watches.close)
        with step("pages"):
            await _to_its_end(asyncio.to_thread(_prepare_pages, self.pages))
            _mount(app, container, self.pages)
        await container.watches.resume(container)
        _register_checks(self, container)
        if self.last_step is not None:
            with step("sign-in and notes"):
                await self.last_step()
        self.progress.finish()


# What only the later steps need is imported in their threads, while health already answers.


def _load(startup: Startup) -> tuple[Container, FastAPI]:
    from rcg.app import assemble  # noqa: PLC0415

    return assemble(startup)


def _migrate(container: Container) -> None:
    from rcg.store.migrate import migrate  # noqa: PLC0415

    migrate(container.db)
    removed = container.blobs.sweep_temporary()
    if removed:
        logger.info("removed %d unfinished uploads of a server that was killed", removed)


def _prepare_pages(wanted: bool) -> None:
    import rcg.api.app  # noqa: PLC0415

    if not wanted:
        return
    import rcg.web.areas  # noqa: F401, PLC0415
    from rcg.web import bundle  # noqa: PLC0415

    bundle.ensure(say=logger.warning)


def _mount(app: FastAPI, container: Container, pages: bool) -> None:
    from rcg.api import make_api  # noqa: PLC0415

    app.mount("/api", make_api(container))
    container.health.add_area("api", "/api")
    if not pages:
        return
    from rcg.web.areas import make_areas  # noqa: PLC0415

    container.areas = make_areas(container)
    for area in container.areas:
        app.mount(area.path, area.app)
        container.health.add_area(area.name, area.path or "/")


def _register_checks(startup: Startup, container: Container) -> None:
    from rcg.server import checks  # noqa: PLC0415

    checks.register(container, lambda: startup.certificates)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await what may not be left half-way: when cancelled, wait for its end, then pass that on."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

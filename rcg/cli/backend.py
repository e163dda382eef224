"""What a command talks to: the running server, or, where none runs, the same application in this process.

Both answer the same routes, so a command is written once. Without a server the application is started without
a port and without pages, and asked through :class:`AppTransport`; it holds the data folder as a server would
and stops with the command.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

import httpx

from rcg.cli.app_transport import AppTransport
from rcg.client import Client
from rcg.errors import UnavailableError
from rcg.jobs.datalock import DataLock, FolderInUseError
from rcg.settings_sources import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from rcg.settings import Settings

ORIGIN = "https://localhost"
_WAIT_FOR_START_S = 30.0
_LOOK_S = 0.25


class Backend(Client):
    """A client of either kind: ``get``, ``post``, ``put``, ``patch``, ``delete``, ``upload``, ``download``.

    Attributes:
        url: the running server's address; empty when this process is the server.
    """

    @property
    def here(self) -> bool:
        """Whether no server runs and this process does the work."""
        return not self.url

    def wait_job(self, job_id: str, progress: Callable[[float, str], None] | None = None) -> dict[str, Any]:
        """Wait until a job has ended, and those it went on with; return the last one.

        Raises AnswerError with the words of the job that did not end well.
        """
        job = self.wait(job_id, progress)
        while following := (job["result"] or {}).get("next_job_id"):
            job = self.wait(following, progress)
        return job

    def page(self, path: str) -> str:
        """Return where a page is for people: its address, or what to start first."""
        return f"{self.url}{path}" if self.url else f"{path} (start the server: rcg serve)"


@contextmanager
def open_backend(settings: Settings | None = None) -> Iterator[Backend]:
    """Give the command something to talk to, until the block ends.

    Args:
        settings: loaded when None.

    Raises:
        UnavailableError: the data folder is held by a server that does not answer, or by another command.
        StartError: there is no server, and the application cannot start here.
    """
    settings = settings or load()
    with ExitStack() as stack:
        if _take_folder(settings, stack):
            yield stack.enter_context(_in_this_process(settings))
        else:
            yield stack.enter_context(Backend(settings))


def _take_folder(settings: Settings, stack: ExitStack) -> bool:
    """Take the data folder; False when a server has it that can be asked. Waits for one that starts."""
    from rcg.server import folders

    folders.open_folders(settings)
    lock = DataLock(settings.data_dir)
    until = time.monotonic() + _WAIT_FOR_START_S
    while True:
        try:
            lock.acquire()
        except FolderInUseError as held:
            if "port" in held.data and _answers(settings):
                return False
            if time.monotonic() >= until:
                raise _silent(held) from held
        else:
            stack.callback(lock.release)
            return True
        time.sleep(_LOOK_S)


def _answers(settings: Settings) -> bool:
    """Whether the server is there and has started."""
    from rcg.server import local_client

    try:
        with local_client.client(settings, timeout_s=5) as http:
            return http.get("/api/me").status_code == httpx.codes.OK
    except (httpx.HTTPError, UnavailableError):
        return False


def _silent(held: FolderInUseError) -> UnavailableError:
    pid = held.data.get("pid", "unknown")
    if "port" in held.data:
        return UnavailableError(
            f"The server of this data folder (process {pid}) does not answer.",
            "See logs/rcg.log, or stop it and try again.",
        )
    return UnavailableError(
        f"Another rcg command (process {pid}) works on this data folder.",
        "Wait until it has ended. With a server (rcg serve) several commands can run at the same time.",
    )


@contextmanager
def _in_this_process(settings: Settings) -> Iterator[Backend]:
    from rcg.app import create_app
    from rcg.server import logs

    logs.set_up(settings.log_dir, quiet=True)
    app = create_app(settings, pages=False)
    with _Loop() as loop, loop.alive(app):
        token = _token(app, settings)
        http = httpx.Client(
            base_url=ORIGIN,
            headers={"authorization": f"Bearer {token}"},
            transport=AppTransport(app, loop.loop),
            timeout=None,  # noqa: S113 - nothing lies between the two that could be lost
        )
        with Backend(settings, http) as backend:
            yield backend


def _token(app: FastAPI, settings: Settings) -> str:
    """Return the command line's own token, as the server would write it into the data folder."""
    from rcg.server import local_client

    try:
        known = local_client.read(settings.data_dir)
        url, authority = known.url, known.ca
    except UnavailableError:  # no server has run here yet
        url, authority = f"{ORIGIN}:{settings.server.port}", None
    app.state.container.auth.ensure_local_token(settings.data_dir, url, authority)
    return local_client.read(settings.data_dir).token


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="rcg application", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    @contextmanager
    def alive(self, app: FastAPI) -> Iterator[None]:
        """Keep an application started for as long as the block runs."""
        started: Future[None] = Future()
        ended = asyncio.Event()

        async def live() -> None:
            async with app.router.lifespan_context(app):
                started.set_result(None)
                await ended.wait()

        life = asyncio.run_coroutine_threadsafe(live(), self.loop)
        wait({started, life}, return_when=FIRST_COMPLETED)
        if not started.done():
            life.result()  # what kept it from starting
        try:
            yield
        finally:
            self.loop.call_soon_threadsafe(ended.set)
            life.result()

"""Runs the server: takes folders, certificate and port, listens, starts the parts, and ends cleanly."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import sys
import time
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from rcg.errors import RcgError, StartError
from rcg.server import announce, last_good, local_client, logs, onboarding, port
from rcg.server.gate import StartGate
from rcg.server.startup import Startup
from rcg.server.tls import certificates, renewal
from rcg.settings import Settings

logger = logging.getLogger("rcg.server")
GRACE_S = 3
"""how long open requests may take to end"""


class Server(uvicorn.Server):
    """uvicorn whose signals end RCG cleanly: event streams are told, a wanted stop has exit code 0."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, say: Callable[[str], None]) -> None:
        super().__init__(config)
        self.stopping = stopping
        self.say = say
        self._asked = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[Any] | None = None) -> None:
        """Serve until asked to stop."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop: at once for the streams, then uvicorn's graceful way. The third time leaves without
        waiting."""
        self._asked += 1
        if self._asked == 1:
            self.say("Stopping ...")
            self.stop()
        elif self._asked >= 3 and sig == signal.SIGINT:
            # Children and Valkey notice the death of this process and end themselves.
            os._exit(130)

    def stop(self) -> None:
        """Begin the stop; safe from a signal handler and from any thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.stopping.set)


def run(settings: Settings, *, log_level: logs.LogLevel = "info", open_browser: bool = False) -> int:
    """Run a server until it is stopped.

    Args:
        settings: checked.
        log_level: of the log file.
        open_browser: open the first address when ready.

    Returns:
        The exit code: 0 after a wanted stop, 1 when it could not start (the reason is printed).
    """
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_early)
    try:
        logs.set_up(settings.log_dir, log_level)
        with ExitStack() as stack:
            return _run(settings, stack, began, open_browser)
    except RcgError as error:
        print_failure(error, settings)
        return 1
    except _StoppedEarlyError:
        _say("Stopped.")
        return 0


class _StoppedEarlyError(Exception):
    """A signal came before there was a server to stop."""


def _stop_early(_number: int, _frame: FrameType | None) -> None:
    raise _StoppedEarlyError


def print_failure(error: RcgError, settings: Settings | None, data_dir: Any = None) -> None:
    """Say why RCG did not start, the way out, and what has changed since it last did."""
    folder = data_dir if settings is None else settings.data_dir
    changed = last_good.sentence(folder, settings)
    sys.stderr.write(f"RCG cannot start: {error.detail}\n")
    for line in filter(None, (error.hint, changed)):
        sys.stderr.write(f"  {line}\n")


def _run(settings: Settings, stack: ExitStack, began: float, open_browser: bool) -> int:
    logger.info("starting; data in %s", settings.data_dir)
    startup = Startup(settings)
    step = startup.progress.step
    startup.progress.on_stuck = lambda sentence: _say(f"Still starting: {sentence}; see {settings.log_dir}.")
    startup.hold_data_folder(stack)
    with step("certificate"):
        startup.certificates = certificates.ensure(settings.certs_dir, settings.server.names)
        context = certificates.make_context(startup.certificates)
        startup.hosts.refresh(startup.certificates.leaf.names)
    with step("port"):
        listeners = port.take(settings.server.host, settings.server.port)
        onboarding_port = settings.server.onboarding_port
        plain = port.take(settings.server.host, onboarding_port) if onboarding_port else None
    urls = announce.addresses(settings.server.host, listeners.port)
    startup.url = urls[0]
    startup.lock.note_port(listeners.port)
    server = Server(_config(StartGate(startup), context), startup.stopping, _say)
    failure: list[Exception] = []

    def on_end(error: Exception | None) -> None:
        if error is not None:
            failure.append(error)
            server.stop()
        elif open_browser:
            webbrowser.open(f"{urls[0]}/")

    async def announced() -> None:
        await asyncio.to_thread(_announce, startup, urls, began)

    startup.on_end = on_end
    startup.last_step = announced
    startup.background.append(lambda: renewal.keep_current(startup, context))
    authority = startup.certificates.authority
    if plain is not None and authority is not None:
        sockets, address = plain.sockets, urls[-1]
        startup.background.append(lambda: onboarding.serve(sockets, authority, address))
    signal.signal(signal.SIGHUP, server.handle_exit)
    server.run(sockets=listeners.sockets)
    if failure:
        raise _as_start_error(failure[0], settings)
    _say("Stopped.")
    return 0


def _config(app: ASGIApp, context: ssl.SSLContext) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=logging.getLogger().isEnabledFor(logging.DEBUG),
        ssl_context_factory=lambda *_: context,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        workers=1,
        ws="none",
    )


def _announce(startup: Startup, urls: list[str], began: float) -> None:
    """Sign this computer's command line in, remember what worked, and print where to go."""
    from rcg.store.migrate import revision  # noqa: PLC0415 - loaded by the database's step already

    found, container, settings = startup.certificates, startup.container, startup.settings
    assert found is not None
    assert container is not None
    container.auth.ensure_local_token(settings.data_dir, urls[0], found.authority)
    header = local_client.write_header(settings.data_dir)
    setup = container.auth.create_link("setup").path if container.auth.setup_needed() else None
    last_good.save(settings.data_dir, last_good.present(settings, revision(container.db) or ""))
    _say(announce.text(settings, urls, found, header, setup, time.monotonic() - began))


def _as_start_error(error: Exception, settings: Settings) -> RcgError:
    if isinstance(error, RcgError):
        return error
    return StartError(
        f"something unforeseen went wrong: {type(error).__name__}: {error}.",
        f"The traceback is at the end of {settings.log_dir / logs.FILE_NAME}.",
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

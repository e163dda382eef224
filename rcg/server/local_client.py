"""How this computer's command line reaches the running server: address, token, and whom to trust."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rcg.errors import UnavailableError
from rcg.server.tls.files import write_private
from rcg.settings import Settings

if TYPE_CHECKING:
    import httpx

FILE_NAME = "cli.json"
HEADER_NAME = "cli.header"


@dataclass(frozen=True)
class Local:
    """The content of ``data/cli.json``, which the server writes at each start, readable by its owner only."""

    url: str
    token: str
    ca: Path | None


def read(data_dir: Path) -> Local:
    """Read the file.

    Raises:
        UnavailableError: when there is none: no server has been ready on this data folder yet.
    """
    file = data_dir / FILE_NAME
    try:
        content = json.loads(file.read_text("utf-8"))
        return Local(content["url"], content["token"], Path(content["ca"]) if content["ca"] else None)
    except FileNotFoundError as error:
        raise UnavailableError(
            f"No server has been started on {data_dir} yet.", "Start it: rcg serve (or scripts/serve)."
        ) from error
    except PermissionError as error:
        raise UnavailableError(
            f"{file} may be read by the user who runs the server only.",
            "Use that user, or RCG_DATA_DIR of your own.",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnavailableError(
            f"{file} is broken.", "Start the server again; it writes the file anew."
        ) from error


def write_header(data_dir: Path) -> Path:
    """Write the token as a header file for curl (``-H @FILE``): no shell has to take JSON apart."""
    file = data_dir / HEADER_NAME
    write_private(file, f"Authorization: Bearer {read(data_dir).token}\n".encode())
    return file


def client(settings: Settings, timeout_s: float = 30) -> httpx.Client:
    """An HTTP client that is signed in at the running server; use it with ``with``.

    A request raises ``httpx.ConnectError`` when the server is not running: see :func:`not_running`.
    """
    import httpx  # noqa: PLC0415 - the server imports this module, too, and need not load a client

    local = read(settings.data_dir)
    context = ssl.create_default_context(cafile=str(local.ca) if local.ca and local.ca.is_file() else None)
    headers = {"authorization": f"Bearer {local.token}"}
    # No proxy of the environment: the server is this computer.
    return httpx.Client(
        base_url=local.url, headers=headers, verify=context, timeout=timeout_s, trust_env=False
    )


def not_running(settings: Settings, error: Exception) -> UnavailableError:
    """The error to raise when the server does not answer."""
    url = read(settings.data_dir).url
    return UnavailableError(
        f"No server answers at {url} ({error}).", "Start it: rcg serve (or scripts/serve)."
    )

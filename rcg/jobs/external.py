"""A Valkey of the user's own, by URL: connected to, or said in one sentence why not."""

from __future__ import annotations

import hashlib
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import valkey
from sqlalchemy.engine import make_url
from valkey.backoff import NoBackoff
from valkey.retry import Retry

from rcg.errors import StartError
from rcg.settings import Settings

USUAL_PORTS = (6379, 6380)


def make_client(url: str, password: str | None, timeout_s: float) -> valkey.Valkey:
    """A thread-safe client of that URL. Raises StartError for a URL that is none."""
    options = {"password": password} if password else {}
    try:
        return valkey.Valkey.from_url(
            url,
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            **options,
        )
    except ValueError as error:
        raise StartError(
            f"The setting valkey.url is {shown(url)!r}, which is no address of a Valkey: {error}.",
            "Write valkey://127.0.0.1:6379/0, or leave it empty for the embedded Valkey.",
        ) from error


def check(client: valkey.Valkey, url: str) -> None:
    """Ask the server who it is. Raises StartError that says what was found instead of a Valkey."""
    where = shown(url)
    try:
        about: Any = client.info("server")  # Any: the stubs mix the types of valkey's two clients
        version = str(about.get("redis_version", "0"))
    except valkey.AuthenticationError as error:
        raise _wrong_password(where, str(error)) from error
    except valkey.ResponseError as error:
        if "NOAUTH" in str(error) or "WRONGPASS" in str(error):
            raise _wrong_password(where, str(error)) from error
        raise _not_a_valkey(where, str(error)) from error
    except valkey.InvalidResponse as error:
        raise _not_a_valkey(where, str(error)) from error
    except (valkey.ConnectionError, valkey.TimeoutError) as error:
        if _speaks_otherwise(url):
            raise _not_a_valkey(where, "it answers, but not in Valkey's language") from error
        why = str(error).rstrip(".")
        raise StartError(
            f"No Valkey answers at {where}: {why}. {_found_elsewhere(url)}".strip(),
            "Start it, correct valkey.url, or leave valkey.url empty for the embedded Valkey.",
        ) from error
    if int(version.partition(".")[0]) < 7:
        raise StartError(
            f"The server at {where} is of version {version}; RCG needs Valkey, or Redis 7 or newer.",
            "Update it, or leave valkey.url empty for the embedded Valkey.",
        )


def installation(settings: Settings) -> str:
    """A short name by which installations that share a Valkey differ; the servers of one database agree."""
    if settings.database.url:
        url = make_url(settings.database.url)
        return hashlib.sha256(f"{url.host}:{url.port}/{url.database}".encode()).hexdigest()[:12]
    file = settings.data_dir / "installation"
    if not file.exists():
        file.write_text(secrets.token_hex(6))
    return file.read_text().strip()


def shown(url: str) -> str:
    """The URL without a password, for messages."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def _wrong_password(where: str, answer: str) -> StartError:
    return StartError(
        f"The Valkey at {where} does not accept the password ({answer}).",
        "Set RCG_VALKEY__PASSWORD to the server's password (its setting requirepass).",
    )


def _not_a_valkey(where: str, answer: str) -> StartError:
    return StartError(
        f"What answers at {where} is not a Valkey ({answer}).",
        "Correct the host and port in valkey.url, or leave it empty for the embedded Valkey.",
    )


def _speaks_otherwise(url: str) -> bool:
    """Whether something at the URL's address takes a connection and answers other than Valkey would."""
    parts = urlsplit(url)
    if not parts.hostname:
        return False
    try:
        with socket.create_connection((parts.hostname, parts.port or 6379), timeout=1) as connection:
            connection.sendall(b"PING\r\n\r\n")
            answer = connection.recv(32)
    except OSError:
        return False
    return bool(answer) and not answer.startswith((b"+PONG", b"-"))


def _found_elsewhere(url: str) -> str:
    """Say what answers like a Valkey on this computer's usual ports."""
    parts = urlsplit(url)
    tried = (parts.hostname, parts.port or 6379)
    found = [port for port in USUAL_PORTS if tried != ("127.0.0.1", port) and _answers_ping(port)]
    if not found:
        return ""
    return "Something does answer at " + " and ".join(f"127.0.0.1:{port}" for port in found) + "."


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.3) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-NOAUTH", b"-DENIED"))
    except OSError:
        return False

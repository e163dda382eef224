"""Takes the one port before anything slow begins, and says who has it when it is not free."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

import psutil

from rcg.errors import StartError

ANY_V4 = "0.0.0.0"  # noqa: S104
BACKLOG = 2048


@dataclass(frozen=True)
class Listeners:
    """Bound sockets, all on one port."""

    sockets: list[socket.socket]
    port: int


def take(host: str, port: int) -> Listeners:
    """Bind ``host:port``; ``0.0.0.0`` takes the same port over IPv6 as well.

    Raises:
        StartError: the port is taken (by whom) or forbidden, or the address is not this computer's.
    """
    first = _bind(host, port)
    taken = first.getsockname()[1]
    found = [first]
    if host == ANY_V4:
        second = _bind_v6(taken)
        found += [second] if second else []
    return Listeners(found, taken)


def holder(port: int) -> str:
    """Who listens on a port, in words, as far as this user may see."""
    try:
        rows = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, PermissionError):  # macOS asks for root
        rows = []
    pids = {
        row.pid for row in rows if row.status == psutil.CONN_LISTEN and row.laddr and row.laddr.port == port
    }
    for pid in sorted(pid for pid in pids if pid):
        try:
            process = psutil.Process(pid)
            command = " ".join(process.cmdline())[:100] or process.name()
        except psutil.Error:
            continue
        if "rcg" in command and "serve" in command:
            return f"another RCG (process {pid}: {command})"
        return f"{process.name()} (process {pid}: {command})"
    return f"a program of another user (`sudo lsof -i :{port}` names it)"


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise StartError(
            f"server.host = {host!r} is no address of this computer.",
            "Use 0.0.0.0 for all, 127.0.0.1 for this one only.",
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Two that bind at once are told apart only by who listens first.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _why(host, port, error) from error
    return listener


def _bind_v6(port: int) -> socket.socket | None:
    if not socket.has_ipv6:
        return None
    try:
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::", port))
        listener.listen(BACKLOG)
    except OSError:  # no IPv6 here, or somebody has it: IPv4 alone serves
        listener.close()
        return None
    return listener


def _why(host: str, port: int, error: OSError) -> StartError:
    if error.errno == errno.EADDRINUSE:
        free = _free_after(port)
        return StartError(
            f"Port {port} is taken by {holder(port)}.",
            f"Stop it, or start RCG on another port: rcg serve --port {free} (setting server.port).",
        )
    if error.errno == errno.EACCES:
        return StartError(
            f"Port {port} may only be opened by root.", "Use a port from 1024 on: rcg serve --port 8443."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return StartError(
            f"server.host = {host!r} is no address of this computer.",
            "Use 0.0.0.0 for all addresses, 127.0.0.1 for this computer only.",
        )
    return StartError(
        f"Port {port} on {host} cannot be opened: {error.strerror or error}.", "Try another --port."
    )


def _free_after(port: int) -> int:
    for candidate in range(port + 1, min(port + 50, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            if trial.connect_ex(("127.0.0.1", candidate)) != 0:
                return candidate
    return 0

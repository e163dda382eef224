"""A plain HTTP page that hands out the public certificate of the authority, and nothing else; off unless set.

For devices whose browser lets no warning be passed. It is not encrypted, so a fingerprint on it would prove
nothing: the page says to compare with the one on the computer.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

FILE = "/rcg-ca.crt"
_TIMEOUT_S = 10.0
_MOST_LINES = 100
_HEADERS = (
    "connection: close\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
    "content-security-policy: default-src 'none'\r\nreferrer-policy: no-referrer\r\n"
)


async def serve(sockets: Sequence[socket.socket], authority: Path, url: str) -> None:
    """Answer until cancelled.

    Args:
        sockets: bound, not listening yet.
        authority: the certificate (PEM).
        url: where RCG itself is, without a slash at its end.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            async with asyncio.timeout(_TIMEOUT_S):
                line = (await reader.readline()).decode("latin-1").split()
                for _ in range(_MOST_LINES):
                    if (await reader.readline()).strip() == b"":
                        break
                writer.write(_response(line, authority, url))
                await writer.drain()
        writer.close()

    servers = [await asyncio.start_server(answer, sock=each, limit=8192) for each in sockets]
    try:
        await asyncio.gather(*(server.serve_forever() for server in servers))
    finally:
        for server in servers:
            server.close()


def _response(line: Sequence[str], authority: Path, url: str) -> bytes:
    method, path = (line[0], line[1]) if len(line) == 3 else ("", "")
    if method not in {"GET", "HEAD"}:
        return _packed("405 Method Not Allowed", "text/plain", b"Only GET.\n", method)
    if path == FILE:
        der = ssl.PEM_cert_to_DER_cert(authority.read_text("ascii"))
        return _packed("200 OK", "application/x-x509-ca-cert", der, method)
    if path == "/":
        return _packed("200 OK", "text/html; charset=utf-8", _page(url).encode(), method)
    return _packed("404 Not Found", "text/plain", b"There is / and /rcg-ca.crt.\n", method)


def _packed(status: str, kind: str, body: bytes, method: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{_HEADERS}\r\n"
    return head.encode() + (b"" if method == "HEAD" else body)


def _page(url: str) -> str:
    place = html.escape(url)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>RCG: trust this server</title>
<h1>Trust this server, once</h1>
<ol><li><a href="{FILE}">Get the certificate</a> and let this device install it.</li>
<li>This page is not encrypted:
compare the certificate's SHA-256 with the one that the computer
shows under Capture, "how".</li>
<li>iPhone: Settings, General, About, Certificate Trust Settings, and switch on full trust.
Android: Settings, search for "CA certificate".</li>
<li>Go on to <a href="{place}/certificate">{place}/certificate</a>: without a warning now.</li></ol></html>
"""

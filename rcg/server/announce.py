"""What the terminal says when RCG is ready: where, first sign-in, the browser's warning, a line for curl."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from rcg import __version__
from rcg.server.address import host_name, lan_addresses
from rcg.server.port import ANY_V4
from rcg.server.tls.certificates import Certificates
from rcg.settings import Settings


def addresses(host: str, port: int) -> list[str]:
    """The URLs of a server bound to ``host``, the one for this computer first."""
    if host not in (ANY_V4, "::"):
        return [f"https://{_in_url('localhost' if host in ('127.0.0.1', '::1') else host)}:{port}"]
    name = host_name()
    names = ["localhost", *([] if name == "localhost" else [name if "." in name else f"{name}.local"])]
    ips = [str(ip) for ip in lan_addresses() if not ip.is_link_local]
    return [f"https://{_in_url(name)}:{port}" for name in (*names, *ips)]


def curl_line(url: str, authority: Path | None, header_file: Path) -> str:
    """A command that works pasted in bash, zsh and fish; the token stays out of the process list."""
    trust = f"--cacert {shlex.quote(str(authority))} " if authority else ""
    return f"curl {trust}-H {shlex.quote(f'@{header_file}')} {url}/api/me"


def text(
    settings: Settings,
    urls: Sequence[str],
    certificates: Certificates,
    header_file: Path,
    setup_path: str | None,
    seconds: float,
) -> str:
    """The whole text.

    Args:
        settings: for the folders.
        urls: where the server answers.
        certificates: what it serves.
        header_file: holds the header that signs this computer's scripts in.
        setup_path: path of the one-time set-up link, when nobody has signed in yet.
        seconds: how long the start took.
    """
    lines = [f"RCG {__version__} is ready after {seconds:.1f} s", ""]
    lines += [f"  {url}/{_uncertified(url, certificates)}" for url in urls]
    if setup_path:
        lines += ["", f"  First sign-in (works once):  {urls[0]}{setup_path}"]
    if certificates.own:
        lines += ["", *_warning()]
    lines += [f"  {notice}" for notice in certificates.notices]
    lines += [
        "",
        f"  data   {settings.data_dir}",
        f"  logs   {settings.log_dir}",
        f"  certs  {settings.certs_dir}",
        *_command(),
        "",
        f"  {curl_line(urls[0], certificates.authority, header_file)}",
        "",
        "  Another sign-in link: rcg link. Stop: Ctrl-C.",
    ]
    return "\n".join(lines)


def _warning() -> list[str]:
    return [
        "  Your browser will warn that it does not know this certificate: RCG made it itself, on this",
        "  computer, for its own addresses. `rcg certs trust` ends that; until then: Advanced, then Proceed.",
    ]


def _command() -> list[str]:
    """Where ``rcg`` is, when the shell would not find it: scripts/setup puts it into .venv."""
    own = Path(sys.executable).with_name("rcg")
    found = shutil.which("rcg")
    if not own.exists() or (found and Path(found).samefile(own)):
        return []
    return [f"  rcg    {own}"]


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _uncertified(url: str, certificates: Certificates) -> str:
    """Remark on an address that RCG's own certificate may not name; a browser always warns there."""
    host = (urlsplit(url).hostname or "").lower()
    named = not certificates.own or host in {name.lower() for name in certificates.leaf.names}
    return "" if named else "  (not in the certificate: the browser warns)"

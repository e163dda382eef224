"""The same by curl and by the command line: what pages show for copying."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from rcg.errors import UnavailableError
from rcg.server import local_client
from rcg.settings import Settings


@dataclass(frozen=True)
class Commands:
    """One action as a curl call and as a command."""

    curl: str
    cli: str


def curl(base: str, settings: Settings, *arguments: str, path: str) -> str:
    """A curl line that works when pasted on the computer that runs RCG: with its CA and its owner's token."""
    header = settings.data_dir / local_client.HEADER_NAME
    try:
        ca = local_client.read(settings.data_dir).ca
    except UnavailableError:  # not started by `rcg serve`: nothing to trust but what is asked for
        ca = None
    trust = f"--cacert {shlex.quote(str(ca))} " if ca else ""
    parts = [f"curl {trust}-H {shlex.quote(f'@{header}')}", *arguments, shlex.quote(base + path)]
    return " \\\n  ".join(parts)

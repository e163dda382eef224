"""The same by curl and by the command line: what pages show for copying."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Commands:
    """One action as a curl call and as a command."""

    curl: str
    cli: str


def curl(base: str, ca: str, *arguments: str, path: str) -> str:
    """A curl line with this server's CA and the token from ``RCG_TOKEN``."""
    parts = [
        f"curl --cacert {shlex.quote(ca)}",
        '-H "Authorization: Bearer $RCG_TOKEN"',
        *arguments,
        shlex.quote(base + path),
    ]
    return " \\\n  ".join(parts)

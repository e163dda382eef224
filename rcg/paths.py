"""Where this installation keeps its things: in the checkout or ``RCG_HOME``, never in the current folder."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return the installation's folder: ``RCG_HOME``, else the checkout this package lies in.

    A wheel installed without a checkout has no folder of its own; it uses ``~/.rcg``.
    """
    named = os.environ.get("RCG_HOME")
    if named:
        return Path(named).expanduser().resolve()
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout
    return Path.home() / ".rcg"

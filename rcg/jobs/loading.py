"""From ``"package.module:name"`` to the thing; apart from the handlers, so that a child imports little."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(target: str) -> Any:
    """Import ``"package.module:name"``."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)

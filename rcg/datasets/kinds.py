"""The kinds that ship, and finding a kind by the name that a user wrote.

A kind is data: one TOML file of ``rcg/datasets/kinds/`` for each that ships, a row of the database for each
of the user's own. ``rcg.datasets.schema.Kind`` says what one holds.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from rcg.datasets.schema import Kind
from rcg.errors import InputError

FOLDER = Path(__file__).with_name("kinds")


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Kind]:
    kinds = [Kind.model_validate(tomllib.loads(path.read_text("utf-8"))) for path in FOLDER.glob("*.toml")]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)}


def shipped() -> dict[str, Kind]:
    """Return the kinds that ship, by name."""
    return dict(_shipped())


def resolve(name: str, extra: Mapping[str, Kind] | None = None) -> Kind:
    """Return the kind of that name or alias; the user's own go before those that ship.

    Args:
        name: as the user wrote it; case, spaces and hyphens are forgiven.
        extra: kinds of the user's own, by name.

    Raises:
        InputError: there is none; the hint names near ones.
    """
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = _shipped() | dict(extra or {})
    if wanted in known:
        return known[wanted]
    by_alias = {alias: kind for kind in known.values() for alias in kind.aliases}
    if wanted in by_alias:
        return by_alias[wanted]
    near = difflib.get_close_matches(wanted, [*known, *by_alias], n=3, cutoff=0.5)
    raise InputError(
        f"There is no dataset kind {name[:80]!r}.",
        f"Did you mean {' or '.join(near)}?" if near else f"The kinds are {', '.join(sorted(known))}.",
        kinds=sorted(known),
    )

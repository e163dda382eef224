"""Names of items: one that is free, or the item that is this very picture."""

from __future__ import annotations

from collections.abc import Callable

LookUp = Callable[[str], tuple[str, str | None] | None]
"""from a name to the item that has it: its id, and the hash of its first layer"""


def unused_name(name: str, sha256: str, look_up: LookUp) -> tuple[str, str | None]:
    """Return a name for a picture in a dataset, and the item that is this picture under it, if there is one.

    A name that another picture has gets a number: ``a/1.jpg``, ``a/1 (2).jpg``. The same picture sent again
    is found under whichever of these names it got, so that nothing is doubled.
    """
    folder, slash, last = name.rpartition("/")
    stem, dot, ending = last.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (last, "")
    number, tried = 1, name
    while (found := look_up(tried)) is not None:
        if found[1] == sha256:
            return tried, found[0]
        number += 1
        tried = f"{folder}{slash}{stem} ({number}){ending}"
    return tried, None

"""Train, val and test: by card, by a hash, the same today and when the dataset has grown.

Where a card falls follows from its key and the seed alone. So both sides and every picture of a card stay
together, new cards move no old one, and two machines agree without a list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from rcg.datasets.schema import SPLITS, Split
from rcg.errors import InputError

DEFAULT_SHARES: Mapping[str, float] = {"train": 0.8, "val": 0.2, "test": 0.0}


def place(card: str, seed: int) -> float:
    """Return where a card stands, 0 <= place < 1: uniform over cards, fixed for each."""
    digest = hashlib.sha256(f"{seed}:{card}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def assign(card: str, seed: int = 0, shares: Mapping[str, float] = DEFAULT_SHARES) -> Split:
    """Return the part a card falls into.

    Args:
        card: its key.
        seed: of the split.
        shares: of the parts, in any scale; a part that is not there has none.

    Raises:
        InputError: a share is negative, a part is unknown, or all are zero.
    """
    return _part(place(card, seed) * _total(shares), shares)


def balance(
    cards: Iterable[str],
    seed: int = 0,
    shares: Mapping[str, float] = DEFAULT_SHARES,
    fixed: Mapping[str, Split] | None = None,
) -> dict[str, Split]:
    """Return the part of every card.

    A small dataset may have no card that falls into ``val``, and a model nobody can judge. So where ``val``
    has a share, the free card that stands last goes there when no card does; and the one that stands first
    into ``train``, likewise. It stays so until another card falls there by itself.

    Args:
        cards: keys; memory is one entry a card.
        seed: of the split.
        shares: of the parts.
        fixed: cards whose part an import or a person chose.
    """
    known = fixed or {}
    total = _total(shares)
    found: dict[str, Split] = {}
    first: tuple[float, str] | None = None
    last: tuple[float, str] | None = None
    for card in cards:
        if card in known:
            found[card] = known[card]
            continue
        at = (place(card, seed), card)
        found[card] = _part(at[0] * total, shares)
        first, last = min(first or at, at), max(last or at, at)
    parts = set(found.values())
    if len(found) > 1 and shares.get("val", 0) > 0 and last and "val" not in parts:
        found[last[1]] = "val"
    if shares.get("train", 0) > 0 and first and "train" not in set(found.values()):
        found[first[1]] = "train"
    return found


def _part(at: float, shares: Mapping[str, float]) -> Split:
    """Return the part that a place on the shares, laid end to end, falls into."""
    chosen: Split = "train"
    for part in SPLITS:
        share = shares.get(part, 0.0)
        if share <= 0:
            continue
        chosen = part
        at -= share
        if at < 0:
            break
    return chosen


def _total(shares: Mapping[str, float]) -> float:
    unknown = sorted(set(shares) - set(SPLITS))
    if unknown:
        raise InputError(f"A split has no part {unknown[0]!r}.", f"Its parts are {', '.join(SPLITS)}.")
    wrong = next((part for part, share in shares.items() if not 0 <= share < float("inf")), None)
    if wrong is not None:
        raise InputError(f"The share of {wrong} is {shares[wrong]}.", "Shares are zero or more.")
    total = sum(shares.values())
    if total <= 0:
        raise InputError("Every share of the split is zero.", "Give train a share, e.g. 0.8, and val 0.2.")
    return total

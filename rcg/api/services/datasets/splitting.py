"""Which part of a split each card falls into: what a version will do, and the counts of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rcg.api.version_schemas import PartOut, SharesIn, SplitOut
from rcg.datasets.schema import Split
from rcg.datasets.splits import DEFAULT_SHARES, balance
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories import datasets, items, versions
from rcg.store.repositories.items import Filter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container

PARTS: tuple[Split, ...] = ("train", "val", "test")
DEFAULT: tuple[int, dict[str, float]] = (0, dict(DEFAULT_SHARES))
"""seed and shares, where nobody has said any yet"""
TAKEN = Filter(state="ready", label_state="labelled")
"""the items that a version holds: what cannot be read or is not labelled teaches nothing"""


@dataclass
class Plan:
    """A split of the items that a version would hold now.

    Attributes:
        seed, shares: it was asked for with.
        of_card: the part each card falls into.
        parts: counts by part.
        fixed: how many cards were given to their part by an import or a person.
    """

    seed: int
    shares: dict[str, float]
    of_card: dict[str, Split]
    parts: dict[Split, PartOut]
    fixed: int
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return what a version keeps of it."""
        return {"seed": self.seed, "shares": self.shares, "fixed_cards": self.fixed}


def plan(
    session: Session, dataset_id: str, seed: int, shares: Mapping[str, float], where: Filter = TAKEN
) -> Plan:
    """Split items of a dataset by card: the labelled ones, or others. Memory is a few words an item."""
    item_counts: dict[str, int] = {}
    card_of: dict[str, str] = {}
    rows = []
    for row in items.keys(session, dataset_id, where):
        item_counts[row.card_key] = item_counts.get(row.card_key, 0) + 1
        card_of[row.id] = row.card_key
        rows.append((row.card_key, row.split))
    of_card, given, clashing = split_cards(rows, seed, shares)
    parts: dict[Split, PartOut] = {part: PartOut(items=0, cards=0, annotations=0) for part in PARTS}
    for card, part in of_card.items():
        parts[part].cards += 1
        parts[part].items += item_counts[card]
    for item_id, count in annotation_rows.counts_by_item(session, dataset_id):
        if item_id in card_of:
            parts[of_card[card_of[item_id]]].annotations += count
    notes = []
    if clashing:
        notes.append(
            f"{len(clashing)} cards had items in several parts ({min(clashing)}, ...); each is kept "
            "whole, in the part of its first item."
        )
    return Plan(seed, dict(shares), of_card, parts, len(given), notes)


def split_cards(
    rows: Iterable[tuple[str, Split | None]], seed: int, shares: Mapping[str, float]
) -> tuple[dict[str, Split], dict[str, Split], set[str]]:
    """Return the part of every card, those parts that were given, and the cards that were given several.

    Args:
        rows: card and given part, or None, of every item.
        seed, shares: of the split.
    """
    given: dict[str, Split] = {}
    clashing = set[str]()
    cards: dict[str, None] = {}
    for card, part in rows:
        cards[card] = None
        if part is not None and given.setdefault(card, part) != part:
            clashing.add(card)
    return balance(cards, seed, shares, given), given, clashing


def preview(container: Container, id_or_name: str, seed: int, shares: SharesIn) -> SplitOut:
    """Return the counts of a split that a version made now would have."""
    with container.db.read() as session:
        dataset = datasets.get(session, id_or_name)
        made = plan(session, dataset.id, seed, shares.model_dump())
        return SplitOut(
            seed=seed,
            shares=made.shares,
            parts=made.parts,
            left_out=left_out(session, dataset.id),
            notes=[*made.notes, *_advice(made)],
        )


def left_out(session: Session, dataset_id: str) -> dict[str, int]:
    """Return how many items a version leaves out, by the reason."""
    counts = datasets.counts(session, [dataset_id])[dataset_id].items
    found: dict[str, int] = {}
    for (state, label_state), count in counts.items():
        if state != "ready":
            found[state] = found.get(state, 0) + count
        elif label_state != "labelled":
            found[label_state] = found.get(label_state, 0) + count
    return found


def ids_in(session: Session, dataset_id: str, where: Filter, part: Split) -> list[str]:
    """Return the ids of items whose card falls into a part of the newest version's split, in their order."""
    newest = versions.newest(session, dataset_id)
    seed, shares = (newest.split["seed"], newest.split["shares"]) if newest else DEFAULT
    taken = ((row.card_key, row.split) for row in items.keys(session, dataset_id, TAKEN))
    of_card, _, _ = split_cards(taken, seed, shares)
    return [row.id for row in items.keys(session, dataset_id, where) if of_card.get(row.card_key) == part]


def _advice(made: Plan) -> list[str]:
    cards = sum(part.cards for part in made.parts.values())
    if cards == 1:
        return ["All items are of one card, so there is nothing to measure a model on: add another card."]
    if cards and not made.parts["val"].cards:
        return ["No card is held out, so training cannot tell how good the model is: give val a share."]
    return []

"""Kinds as pages offer them: what each teaches, what its items need, what can learn it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rcg.datasets.layers import PHOTOMETRIC, role_of
from rcg.datasets.schema import Kind
from rcg.training.architectures import ARCHITECTURES
from rcg.web.formatting import words

SHOWN_CLASSES = 3
_FIRST = (
    "surface_damage", "photometric_fusion", "multi_modal", "corner_damage", "edge_damage",
    "centering_analysis", "dual_border_detection", "corner_detection", "edge_detection",
)  # fmt: skip


@dataclass(frozen=True)
class KindCard:
    """A kind to choose.

    Attributes:
        line: what it is for, in one line.
        teaches: its classes or points in short.
        needs: layers without which an item cannot teach it; empty when any photograph will do.
        architectures: titles of what can learn it.
        proposal: a name for a new dataset of it that is free.
    """

    name: str
    title: str
    line: str
    task: str
    teaches: str
    needs: str
    architectures: str
    shipped: bool
    proposal: str


def kind_cards(kinds: Mapping[str, Kind], taken: Collection[str]) -> list[KindCard]:
    """Every kind as a card, those of flaws first; ``taken`` are the names that datasets have."""
    cards = [kind_card(kind, taken) for kind in kinds.values()]
    order = {name: index for index, name in enumerate(_FIRST)}
    return sorted(cards, key=lambda card: order.get(card.name, len(order)))


def kind_card(kind: Kind, taken: Collection[str] = ()) -> KindCard:
    """One kind."""
    return KindCard(
        name=kind.name,
        title=kind.title,
        line=kind.description,
        task=kind.label_schema.task,
        teaches=teaches(kind),
        needs=layer_words(kind.required_layers),
        architectures=architecture_titles(kind.architectures),
        shipped=kind.shipped,
        proposal=free_name(kind.title, taken),
    )


def teaches(kind: Kind) -> str:
    """``dent, bump, scratch and 5 more`` or ``8 points``."""
    schema = kind.label_schema
    if schema.task == "points":
        return f"{len(schema.points)} point{'' if len(schema.points) == 1 else 's'}"
    titles = [(one.title or words(one.name)).lower() for one in schema.classes]
    more = len(titles) - SHOWN_CLASSES
    return ", ".join(titles) if more <= 1 else f"{', '.join(titles[:SHOWN_CLASSES])} and {more} more"


def architecture_titles(names: Iterable[str]) -> str:
    """The titles of architectures, those this RCG does not have by their identifier."""
    return ", ".join(ARCHITECTURES[name].title if name in ARCHITECTURES else name for name in names)


def layer_words(layers: Iterable[str]) -> str:
    """Layers in words: ``normal`` is relief, which captures and rendered cards have."""
    named = list(layers)
    relief = [name for name in named if role_of(name) in PHOTOMETRIC]
    plain = [name for name in named if name not in relief]
    found = [*plain, f"relief ({', '.join(relief)})"] if relief else plain
    return ", ".join(found)


def free_name(wanted: str, taken: Collection[str]) -> str:
    """The name, or the first of ``name 2``, ``name 3`` ... that is not taken."""
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name

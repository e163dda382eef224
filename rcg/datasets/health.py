"""The health of a dataset: what is wrong with it, and figures of it, in one pass over its items.

Memory is a few bytes an item (to find pictures and cards that are there twice). What follows from an item
alone is found in :mod:`rcg.datasets.item_facts`, and may be kept between two looks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from rcg.datasets.item_facts import ItemFacts, Looker
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.problems import Problem, Problems
from rcg.datasets.schema import Kind, LabelSchema

RARE = 10
UNEVEN = 20
_SAMPLE = 20_000
"""sizes that are kept of each class for its quantiles: every k-th beyond"""


@dataclass
class ClassFigures:
    """Figures of one class: annotations, items that have it, and the square root of areas, px."""

    annotations: int = 0
    items: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    sides_px: list[float] = field(default_factory=list)
    every: int = 1

    def add_size(self, side: float) -> None:
        """Keep a size, or one of many."""
        if self.annotations % self.every == 0:
            self.sides_px.append(side)
        if len(self.sides_px) > _SAMPLE:
            self.sides_px = self.sides_px[::2]
            self.every *= 2

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        sizes = sorted(self.sides_px)
        low, middle, high = (
            quantiles(sizes, n=4) if len(sizes) > 1 else [sizes[0]] * 3 if sizes else [None] * 3
        )
        return {
            "annotations": self.annotations, "items": self.items, "splits": dict(self.splits),
            "side_px": {"p25": low, "p50": middle, "p75": high},
        }  # fmt: skip


@dataclass
class Statistics:
    """Figures of a dataset.

    Attributes:
        items, labelled, cards, annotations, predictions: counts; annotations are of labelled items, accepted.
        without: labelled items without an annotation.
        most: annotations of the fullest item.
        classes: by name, every class of the schema.
        layers: how many items have each.
        splits: items by part, and cards by part.
        sizes: (width, height) -> items, the twenty most common.
    """

    items: int = 0
    labelled: int = 0
    cards: int = 0
    annotations: int = 0
    predictions: int = 0
    without: int = 0
    most: int = 0
    classes: dict[str, ClassFigures] = field(default_factory=dict)
    layers: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    cards_in: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "items": self.items, "labelled": self.labelled, "cards": self.cards,
            "annotations": self.annotations, "predictions": self.predictions,
            "labelled_without_annotation": self.without, "most_annotations_of_an_item": self.most,
            "classes": {name: one.as_json() for name, one in self.classes.items()},
            "layers": dict(self.layers), "splits": dict(self.splits), "cards_by_split": dict(self.cards_in),
            "sizes": [
                {"width": width, "height": height, "items": count}
                for (width, height), count in self.sizes.most_common(20)
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class HealthReport:
    """Problems, the worst first, and statistics."""

    problems: list[Problem]
    statistics: Statistics

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "problems": [problem.as_json() for problem in self.problems],
            "statistics": self.statistics.as_json(),
        }


def check(
    items: Iterable[ItemRecord], schema: LabelSchema, kind: Kind, *, split: bool = True
) -> HealthReport:
    """Look at every item.

    Args:
        items: of a version, or of a dataset as it is.
        schema: the dataset's.
        kind: its kind: what layers it needs.
        split: whether the items' parts mean something; False of a dataset that has no version yet.
    """
    looker = Looker(schema, kind)
    return judge(((item.id, item.split, looker.look(item)) for item in items), schema, kind, split=split)


def judge(
    items: Iterable[tuple[str, str, ItemFacts]], schema: LabelSchema, kind: Kind, *, split: bool = True
) -> HealthReport:
    """Put together what was found of every item.

    Args:
        items: id, part of the split, and facts of each.
        schema, kind: those the items were looked at by.
        split: as of :func:`check`.
    """
    judging = _Judging(schema, kind, split)
    for item_id, part, facts in items:
        judging.item(item_id, part, facts)
    return judging.report()


class _Judging:
    def __init__(self, schema: LabelSchema, kind: Kind, split: bool) -> None:
        self._schema, self._kind, self._split = schema, kind, split
        self._problems = Problems()
        self._seen = Statistics(classes={name: ClassFigures() for name in schema.class_names})
        self._figures = list(self._seen.classes.values())
        self._card_part: dict[int, str] = {}
        self._pictures: dict[int, tuple[int, str]] = {}

    def item(self, item_id: str, part: str, facts: ItemFacts) -> None:
        """Count one item."""
        seen = self._seen
        seen.items += 1
        seen.sizes[facts.width, facts.height] += 1
        seen.splits[part] += 1
        for name in facts.layers:
            seen.layers[name] += 1
        self._same(item_id, part, facts)
        for code, count, detail in facts.problems:
            self._problems.add(code, item_id, count=count, detail=detail)
        seen.predictions += facts.waiting
        if not facts.labelled:
            return
        seen.labelled += 1
        seen.annotations += facts.accepted
        seen.without += not facts.accepted
        seen.most = max(seen.most, facts.accepted)
        for index in set(facts.labels):
            self._figures[index].items += 1
        for index, side in zip(facts.labels, facts.sides_px, strict=True):
            figures = self._figures[index]
            figures.annotations += 1
            figures.splits[part] += 1
            if not math.isnan(side):
                figures.add_size(side)

    def _same(self, item_id: str, part: str, facts: ItemFacts) -> None:
        """Look for cards that are in several parts, and pictures that are there twice."""
        card = hash(facts.card)
        first = self._card_part.setdefault(card, part)
        if self._split and first != part:
            self._problems.add("leak", item_id, detail=f"card {facts.card}: {first} and {part}")
        if facts.picture is None:
            return
        other_card, other_part = self._pictures.setdefault(facts.picture, (card, part))
        if other_card != card:
            leak = self._split and other_part != part
            self._problems.add("leak" if leak else "same_picture", item_id, detail=facts.name)

    def report(self) -> HealthReport:
        """Judge the whole."""
        seen, problems = self._seen, self._problems
        seen.cards = len(self._card_part)
        seen.cards_in = Counter(self._card_part.values())
        if not seen.items:
            problems.add("empty")
        elif not seen.labelled:
            problems.add("nothing_labelled")
        elif not seen.annotations:
            problems.add("no_annotations")
        if self._split and seen.labelled and not seen.splits["val"]:
            problems.add("nothing_held_out")
        uneven = [
            name for name, count in seen.layers.items() if count < seen.items and name in self._kind.layers
        ]
        if uneven:
            lacking = max(seen.items - seen.layers[name] for name in uneven)
            problems.add("uneven_layers", count=lacking, detail=", ".join(sorted(uneven)))
        self._classes()
        return HealthReport(problems.sorted(), seen)

    def _classes(self) -> None:
        counts = {name: figures.annotations for name, figures in self._seen.classes.items()}
        used = {name: count for name, count in counts.items() if count}
        if not used:
            return
        unused = [name for name in counts if name not in used]
        rare = [name for name, count in used.items() if count < RARE]
        if unused:
            self._problems.add("unused_class", count=len(unused), detail=self._schema.titled(unused))
        if rare:
            self._problems.add("rare_class", count=len(rare), detail=self._schema.titled(rare))
        if max(used.values()) > UNEVEN * min(used.values()):
            most, least = max(used, key=lambda name: used[name]), min(used, key=lambda name: used[name])
            pair = f"{self._schema.titled([most])} and {self._schema.titled([least])}"
            self._problems.add("uneven_classes", detail=pair)

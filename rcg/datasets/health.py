"""The health of a dataset: what is wrong with it, and figures of it, in one pass over its items.

Memory is a few bytes an item (to find pictures and cards that are there twice).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from rcg.datasets.geometry import area, valid
from rcg.datasets.layers import LIGHT_PREFIX
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.problems import Problem, Problems
from rcg.datasets.schema import Annotation, Attribute, Kind, LabelSchema, Points
from rcg.errors import InputError

SMALL_PX = 224
TINY_PX2 = 4.0
HUGE_SHARE = 0.95
RARE = 10
UNEVEN = 20
_SAMPLE = 20_000
"""sizes that are kept of each class for its quantiles: every k-th beyond"""
_WORDS = (
    ("outside the image", "outside"),
    ("beyond the image", "beyond"),
    ("crosses itself", "crossing"),
    ("no area", "degenerate"),
    ("covers nothing", "degenerate"),
    ("is there twice", "strange_points"),
    ("none of its points", "degenerate"),
)


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
    checking = _Checking(schema, kind, split)
    for item in items:
        checking.item(item)
    return checking.report()


class _Checking:
    def __init__(self, schema: LabelSchema, kind: Kind, split: bool) -> None:
        self._schema, self._kind, self._split = schema, kind, split
        self._attributes = {one.name: one for one in schema.attributes}
        self._flaws = {one.name for one in schema.classes if one.flaw}
        self._problems = Problems()
        self._seen = Statistics(classes={name: ClassFigures() for name in schema.class_names})
        self._card_part: dict[int, str] = {}
        self._pictures: dict[int, tuple[int, str]] = {}
        self._uneven: list[tuple[str, str]] = []

    def item(self, item: ItemRecord) -> None:
        """Look at one item."""
        seen = self._seen
        seen.items += 1
        seen.sizes[item.width, item.height] += 1
        seen.splits[item.split] += 1
        seen.layers.update(layer.name for layer in item.layers)
        self._same(item)
        self._layers(item)
        if min(item.width, item.height) < SMALL_PX:
            self._problems.add("small", item.id)
        accepted = [one for one in item.annotations if one.state == "accepted"]
        waiting = len(item.annotations) - len(accepted)
        if waiting:
            seen.predictions += waiting
            self._problems.add("predictions", item.id, count=waiting)
        if not item.labelled:
            self._problems.add("unlabelled", item.id)
            return
        seen.labelled += 1
        seen.annotations += len(accepted)
        seen.without += not accepted
        seen.most = max(seen.most, len(accepted))
        for name in {one.label for one in accepted}:
            if name in seen.classes:
                seen.classes[name].items += 1
        for one in accepted:
            self._annotation(item, one)
        self._together(item, accepted)

    def _same(self, item: ItemRecord) -> None:
        """Look for cards that are in several parts, and pictures that are there twice."""
        card = hash(item.card)
        part = self._card_part.setdefault(card, item.split)
        if self._split and part != item.split:
            self._problems.add("leak", item.id, detail=f"card {item.card}: {part} and {item.split}")
        picture = next((layer.sha256 for layer in item.layers), None)
        if picture is None:
            return
        other_card, other_part = self._pictures.setdefault(int(picture[:15], 16), (card, item.split))
        if other_card != card:
            leak = self._split and other_part != item.split
            self._problems.add("leak" if leak else "same_picture", item.id, detail=item.name)

    def _layers(self, item: ItemRecord) -> None:
        names = {layer.name for layer in item.layers}
        missing = [name for name in self._kind.required_layers if name not in names]
        if missing:
            self._problems.add("missing_layers", item.id, detail=", ".join(missing))
        lights = {name.removeprefix(LIGHT_PREFIX) for name in names if name.startswith(LIGHT_PREFIX)}
        if lights - set(item.lights):
            self._problems.add("no_lights", item.id)

    def _annotation(self, item: ItemRecord, one: Annotation) -> None:
        figures = self._seen.classes.get(one.label)
        if figures is None:
            self._problems.add("unknown_class", item.id, detail=one.label)
            return
        figures.annotations += 1
        figures.splits[item.split] += 1
        for name, value in one.attributes.items():
            if not _fits(self._attributes.get(name), value):
                self._problems.add("attribute", item.id, detail=f"{name} = {value!r}")
        if isinstance(one.shape, Points) != (self._schema.task == "points"):
            self._problems.add("other_task", item.id, detail=one.shape.type)
            return
        for said in valid(one.shape, item.width, item.height):
            code = next((code for words, code in _WORDS if words in said), "broken_mask")
            self._problems.add(code, item.id, detail=f"{item.name}: {said}")
        if isinstance(one.shape, Points):
            self._points(item, one.shape)
        else:
            self._size(item, one, figures)

    def _points(self, item: ItemRecord, shape: Points) -> None:
        names = {point.name for point in shape.points}
        strange, missing = names - set(self._schema.point_names), set(self._schema.point_names) - names
        if strange:
            self._problems.add("strange_points", item.id, detail=min(strange))
        if missing:
            self._problems.add("missing_points", item.id, detail=min(missing))

    def _size(self, item: ItemRecord, one: Annotation, figures: ClassFigures) -> None:
        try:
            size = area(one.shape)
        except InputError:  # a broken mask, which was counted
            return
        figures.add_size(math.sqrt(size))
        if 0 < size < TINY_PX2:
            self._problems.add("tiny", item.id)
        if one.label in self._flaws and size > HUGE_SHARE * item.width * item.height:
            self._problems.add("huge", item.id)

    def _together(self, item: ItemRecord, accepted: list[Annotation]) -> None:
        keys = [(one.label, one.shape.model_dump_json()) for one in accepted] if len(accepted) > 1 else []
        if len(set(keys)) < len(keys):
            self._problems.add("repeated", item.id, count=len(keys) - len(set(keys)))
        if self._schema.task == "points" and len(accepted) > 1:
            self._problems.add("several", item.id)

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


def _fits(attribute: Attribute | None, value: str | float | bool | None) -> bool:
    if attribute is None or value is None:
        return True
    if attribute.type == "choice":
        return value in attribute.choices
    if attribute.type == "flag":
        return isinstance(value, bool)
    if attribute.type == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, str)

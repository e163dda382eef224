"""What a dataset version holds, as far as a plan needs it: from the manifest alone, no pixels, no torch."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rcg.datasets.geometry import extent
from rcg.datasets.manifest import ItemRecord, Manifest
from rcg.datasets.schema import Annotation, LabelSchema, Points, Split, Strict

_MOST_BOXES = 4000


class Summary(Strict):
    """A version in figures.

    Attributes:
        items, cards: per part of the split.
        labelled: items of the training part with at least one annotation.
        width, height: median, px. ``px_per_mm``: median, None when no item has a scale.
        smallest: the shortest side of any item, px.
        classes: annotations per class and part of the split.
        points: of a points task: how often each point is there, in the training part.
        layers: how many items have each layer.
        boxes: (class, width, height) of training annotations, shares of the item's width and height.
        pending: predictions that nobody accepted; they are not trained on.
    """

    dataset: str
    kind: str
    number: int
    manifest_sha256: str
    label_schema: LabelSchema
    recipe: dict[str, Any] | None
    items: dict[Split, int]
    cards: dict[Split, int]
    labelled: int
    width: int
    height: int
    smallest: int
    px_per_mm: float | None
    classes: dict[str, dict[Split, int]]
    points: dict[str, int]
    layers: dict[str, int]
    boxes: list[tuple[str, float, float]]
    pending: int = 0

    @property
    def total(self) -> int:
        """Items of every part."""
        return sum(self.items.values())


@dataclass
class _Tally:
    items: Counter[Split] = field(default_factory=Counter)
    cards: dict[Split, set[str]] = field(default_factory=dict)
    classes: dict[str, Counter[Split]] = field(default_factory=dict)
    points: Counter[str] = field(default_factory=Counter)
    layers: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    scales: list[float] = field(default_factory=list)
    boxes: list[tuple[str, float, float]] = field(default_factory=list)
    labelled: int = 0
    pending: int = 0
    smallest: int = 2**31

    def add(self, item: ItemRecord) -> None:
        self.items[item.split] += 1
        self.cards.setdefault(item.split, set()).add(item.card)
        self.layers.update({layer.name for layer in item.layers})
        self.sizes[item.width, item.height] += 1
        self.smallest = min(self.smallest, item.width, item.height)
        if item.px_per_mm:
            self.scales.append(item.px_per_mm)
        taught = [one for one in item.annotations if one.state == "accepted"]
        self.pending += len(item.annotations) - len(taught)
        self.labelled += item.split == "train" and bool(taught)
        for one in taught:
            self.classes.setdefault(one.label, Counter())[item.split] += 1
            if item.split == "train":
                self._measure(one, item)

    def _measure(self, one: Annotation, item: ItemRecord) -> None:
        if isinstance(one.shape, Points):
            self.points.update(point.name for point in one.shape.points if point.visible)
        elif len(self.boxes) < _MOST_BOXES and (at := extent(one.shape)) is not None:
            width, height = (at[2] - at[0]) / item.width, (at[3] - at[1]) / item.height
            self.boxes.append((one.label, round(width, 5), round(height, 5)))


def summarise(manifest: Path | Manifest) -> Summary:
    """Return what a version holds. Reads the whole file once; memory stays flat.

    A version never changes, so a summary may be kept by the manifest's hash.
    """
    manifest = manifest if isinstance(manifest, Manifest) else Manifest(manifest)
    with manifest.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    tally = _Tally()
    for item in manifest:
        tally.add(item)
    header, sizes = manifest.header, tally.sizes
    return Summary(
        dataset=header.dataset,
        kind=header.kind,
        number=header.number,
        manifest_sha256=sha256,
        label_schema=header.label_schema,
        recipe=header.recipe,
        items=dict(tally.items),
        cards={split: len(cards) for split, cards in tally.cards.items()},
        labelled=tally.labelled,
        width=_median([w for (w, _), n in sizes.items() for _ in range(n)]),
        height=_median([h for (_, h), n in sizes.items() for _ in range(n)]),
        smallest=tally.smallest if sizes else 0,
        px_per_mm=statistics.median(tally.scales) if tally.scales else None,
        classes={name: dict(tally.classes.get(name, {})) for name in header.label_schema.class_names},
        points=dict(tally.points),
        layers=dict(tally.layers),
        boxes=tally.boxes,
        pending=tally.pending,
    )


def _median(values: list[int]) -> int:
    return int(statistics.median(values)) if values else 0

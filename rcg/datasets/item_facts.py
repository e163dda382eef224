"""What one look at an item finds: all that follows from the item alone, whatever the others are and however
they are split.

So it is found once and kept while the item stays as it is; :func:`rcg.datasets.health.judge` puts it
together.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

from rcg.datasets.geometry import area, valid
from rcg.datasets.layers import LIGHT_PREFIX
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.schema import Annotation, Attribute, Kind, LabelSchema, Points
from rcg.errors import InputError

SMALL_PX = 224
TINY_PX2 = 4.0
HUGE_SHARE = 0.95
_WORDS = (
    ("outside the image", "outside"),
    ("beyond the image", "beyond"),
    ("crosses itself", "crossing"),
    ("no area", "degenerate"),
    ("covers nothing", "degenerate"),
    ("is there twice", "strange_points"),
    ("none of its points", "degenerate"),
)


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An item in about a kilobyte.

    Attributes:
        name, card, width, height, labelled: as the item has them; pixels.
        layers: their names.
        picture: 60 bits of the first layer's hash; None without layers.
        accepted: annotations of a labelled item that do not wait for a person.
        waiting: those that do.
        labels: of the accepted ones whose class the schema has: its index there.
        sides_px: the square roots of their areas; NaN where there is none.
        problems: code, how often, and the first one in words.
    """

    name: str
    card: str
    width: int
    height: int
    labelled: bool
    layers: tuple[str, ...]
    picture: int | None
    accepted: int
    waiting: int
    labels: array[int]
    sides_px: array[float]
    problems: tuple[tuple[str, int, str], ...]


class Looker:
    """Looks at items of one dataset.

    Args:
        schema: the dataset's.
        kind: its kind: what layers it needs.
    """

    def __init__(self, schema: LabelSchema, kind: Kind) -> None:
        self.schema, self.kind = schema, kind
        self._index = {name: at for at, name in enumerate(schema.class_names)}
        self._attributes = {one.name: one for one in schema.attributes}
        self._flaws = {one.name for one in schema.classes if one.flaw}
        self._layer_names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def look(self, item: ItemRecord) -> ItemFacts:
        """Look at one item."""
        found = _Found()
        names = tuple(layer.name for layer in item.layers)
        names = self._layer_names.setdefault(names, names)  # most items have the same: one copy will do
        self._layers(item, names, found)
        if min(item.width, item.height) < SMALL_PX:
            found.add("small")
        accepted = [one for one in item.annotations if one.state == "accepted"]
        waiting = len(item.annotations) - len(accepted)
        if waiting:
            found.add("predictions", count=waiting)
        if not item.labelled:
            found.add("unlabelled")
            accepted = []
        for one in accepted:
            self._annotation(item, one, found)
        self._together(accepted, found)
        return ItemFacts(
            name=item.name,
            card=item.card,
            width=item.width,
            height=item.height,
            labelled=item.labelled,
            layers=names,
            picture=int(item.layers[0].sha256[:15], 16) if item.layers else None,
            accepted=len(accepted),
            waiting=waiting,
            labels=found.labels,
            sides_px=found.sides_px,
            problems=found.as_tuple(),
        )

    def _layers(self, item: ItemRecord, names: tuple[str, ...], found: _Found) -> None:
        missing = [name for name in self.kind.required_layers if name not in names]
        if missing:
            found.add("missing_layers", ", ".join(missing))
        lights = {name.removeprefix(LIGHT_PREFIX) for name in names if name.startswith(LIGHT_PREFIX)}
        if lights - set(item.lights):
            found.add("no_lights")

    def _annotation(self, item: ItemRecord, one: Annotation, found: _Found) -> None:
        index = self._index.get(one.label)
        if index is None:
            found.add("unknown_class", one.label)
            return
        for name, value in one.attributes.items():
            if not _fits(self._attributes.get(name), value):
                found.add("attribute", f"{name} = {value!r}")
        side = math.nan
        if isinstance(one.shape, Points) != (self.schema.task == "points"):
            found.add("other_task", one.shape.type)
        else:
            for said in valid(one.shape, item.width, item.height):
                code = next((code for words, code in _WORDS if words in said), "broken_mask")
                found.add(code, f"{item.name}: {said}")
            if isinstance(one.shape, Points):
                self._points(one.shape, found)
            else:
                side = self._side(item, one, found)
        found.labels.append(index)
        found.sides_px.append(side)

    def _points(self, shape: Points, found: _Found) -> None:
        names = {point.name for point in shape.points}
        strange, missing = names - set(self.schema.point_names), set(self.schema.point_names) - names
        if strange:
            found.add("strange_points", min(strange))
        if missing:
            found.add("missing_points", min(missing))

    def _side(self, item: ItemRecord, one: Annotation, found: _Found) -> float:
        try:
            size = area(one.shape)
        except InputError:  # a broken mask, which was counted
            return math.nan
        if 0 < size < TINY_PX2:
            found.add("tiny")
        if one.label in self._flaws and size > HUGE_SHARE * item.width * item.height:
            found.add("huge")
        return math.sqrt(size)

    def _together(self, accepted: list[Annotation], found: _Found) -> None:
        if len(accepted) < 2:
            return
        keys = {(one.label, one.shape.model_dump_json()) for one in accepted}
        if len(keys) < len(accepted):
            found.add("repeated", count=len(accepted) - len(keys))
        if self.schema.task == "points":
            found.add("several")


class _Found:
    """What is found while an item is looked at."""

    def __init__(self) -> None:
        self.labels = array("H")
        self.sides_px = array("f")
        self._problems: dict[str, tuple[int, str]] = {}

    def add(self, code: str, detail: str = "", *, count: int = 1) -> None:
        before, first = self._problems.get(code, (0, detail))
        self._problems[code] = (before + count, first)

    def as_tuple(self) -> tuple[tuple[str, int, str], ...]:
        return tuple((code, count, detail) for code, (count, detail) in self._problems.items())


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

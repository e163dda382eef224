"""Names of classes, points and attributes of foreign files, and what RCG calls them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from rcg.datasets.formats.parts import LossReport
from rcg.datasets.schema import Attribute, LabelClass, LabelSchema, PointDef, Task
from rcg.errors import InputError

MOST_CLASSES = 1_000
_COLOURS = 8
_LONGEST = 48
_TYPES: dict[type, str] = {bool: "flag", int: "number", float: "number", str: "text"}


def identifier(name: str) -> str:
    """Return a name as an identifier, "" when nothing of it can be one.

    >>> identifier("Corner Wear (TL)"), identifier("2nd edge"), identifier("傷")
    ('corner_wear_tl', 'x2nd_edge', '')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_LONGEST]
    return f"x{found}" if found[:1].isdigit() else found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


class ClassBook:
    """Grows a label schema by what files name.

    A name that a schema given from outside has, as a name or a title, in any case and with any separators,
    is that class; any other becomes a class of its own, its name as the title.

    Args:
        schema: of the dataset that is filled; None: there is none yet.
        loss: told of names that are taken as one.
    """

    def __init__(self, schema: LabelSchema | None = None, loss: LossReport | None = None) -> None:
        self._given = self._relations = schema
        self._loss = LossReport() if loss is None else loss
        self.task: Task = schema.task if schema else "instance"
        self._classes = list(schema.classes) if schema else []
        self._points = list(schema.points) if schema else []
        self._skeleton = list(schema.skeleton) if schema else []
        self._attributes = {one.name: one for one in schema.attributes} if schema else {}
        self._found: dict[str, str] = {}
        self._class_of: dict[str, str] = {}
        for one in self._classes:
            for word in (one.name, one.title):
                self._class_of.setdefault(_plain(word), one.name) if word else None

    def join(self, schema: LabelSchema) -> None:
        """Add what a schema of RCG has and this one lacks, as it is there."""
        if self._given is None and not self._classes:
            self.task, self._relations = schema.task, schema
        classes = {one.name for one in self._classes}
        for one in schema.classes:
            if one.name not in classes:
                self._classes.append(one)
            for word in (one.name, one.title):
                self._class_of.setdefault(_plain(word), one.name) if word else None
        self._points += [one for one in schema.points if one.name not in self.point_names]
        self._skeleton += [pair for pair in schema.skeleton if pair not in self._skeleton]
        for attribute in schema.attributes:
            self._attributes.setdefault(attribute.name, attribute)

    @property
    def point_names(self) -> tuple[str, ...]:
        """Names of the points so far."""
        return tuple(point.name for point in self._points)

    def label(self, name: str) -> str:
        """Return the class of that foreign name; a new one is added."""
        if name not in self._found:
            known = self._class_of.get(_plain(name))
            if known in self._found.values():
                self._loss.add("classes that differ by case or separators alone: taken as one", name)
            self._found[name] = known or self._add(name)
        return self._found[name]

    def has_points(self) -> None:
        """Say that the files have points: a schema that is made anew is of a points task."""
        if self._given is None and not self._classes:
            self.task = "points"

    def first(self) -> str:
        """Return the first class's name, for objects that are told by their points alone."""
        return self._classes[0].name if self._classes else "card"

    def _add(self, name: str) -> str:
        if len(self._classes) >= MOST_CLASSES:
            raise InputError(
                f"The labels name more than {MOST_CLASSES} classes; the next one is {name[:64]!r}.",
                "Texts that differ for each object are no classes: check which field holds the class.",
            )
        taken = {one.name for one in self._classes}
        wanted = identifier(name) or f"class_{len(self._classes) + 1}"
        label, number = wanted, 1
        while label in taken:
            number += 1
            label = f"{wanted}_{number}"
        self._classes.append(
            LabelClass(
                name=label, title=name.strip()[:200], colour=len(self._classes) % _COLOURS + 1,
                tool="points" if self.task == "points" else "polygon", flaw=self.task != "points",
            )
        )  # fmt: skip
        self._class_of[_plain(name)] = label
        return label

    def points(self, names: Sequence[str], skeleton: Sequence[tuple[int, int]] = ()) -> list[str]:
        """Return what the points of a foreign file are called here, in their order.

        By name; where no name is known but there are as many as the schema has, by order; else they are
        added, with the skeleton (indices of two points each).
        """
        if not self._points:
            self._points = [
                PointDef(name=name, title=title)
                for name, title in zip(_unique([identifier(name) for name in names]), names, strict=True)
            ]
            own = self.point_names
            self._skeleton = [
                (own[a], own[b]) for a, b in skeleton if 0 <= a < len(own) and 0 <= b < len(own) and a != b
            ]
            return list(own)
        known = {_plain(word): one.name for one in reversed(self._points) for word in (one.title, one.name)}
        matched = [known.get(_plain(name)) for name in names]
        if all(matched) and len(set(matched)) == len(matched):
            return [name for name in matched if name]
        if not any(matched) and len(names) == len(self._points):
            return list(self.point_names)
        found: list[str] = []
        for name, match in zip(names, matched, strict=True):
            if match and match not in found:
                found.append(match)
                continue
            taken = [*self.point_names, *found]
            new = _unique([*taken, identifier(name)])[-1]
            self._points.append(PointDef(name=new, title=name))
            found.append(new)
        return found

    def attributes(self, found: Mapping[str, Any]) -> None:
        """Declare attributes whose name and value allow it; others stay on their annotations undeclared."""
        for name, value in found.items():
            kind = _TYPES.get(type(value))
            if name not in self._attributes and kind and identifier(name) == name:
                self._attributes[name] = Attribute(name=name, title=name.replace("_", " "), type=kind)

    def typed(self, name: str, text: str) -> str | float | bool | None:
        """Return an attribute's text as the type that the schema declares; as text where it declares none."""
        declared = self._attributes.get(name)
        if text == "" and declared and declared.type != "text":
            return None
        if declared and declared.type == "flag":
            return text.strip().lower() in ("1", "true", "yes")
        if declared and declared.type == "number":
            try:
                value = float(text)
            except ValueError:
                return text
            return value if math.isfinite(value) else text
        return text

    def schema(self) -> LabelSchema | None:
        """Return the schema given joined to what was found; None when there is no class."""
        if not self._classes or (self.task == "points" and not self._points):
            return self._given
        base = self._relations or LabelSchema(task="instance", classes=self._classes)
        return LabelSchema.model_validate(
            base.model_dump()
            | {
                "task": self.task,
                "classes": [one.model_dump() for one in self._classes],
                "points": [one.model_dump() for one in self._points],
                "skeleton": self._skeleton,
                "attributes": [one.model_dump() for one in self._attributes.values()],
            }
        )


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for at, name in enumerate(names, start=1):
        wanted = name or f"point_{at}"
        label, number = wanted, 1
        while label in found:
            number += 1
            label = f"{wanted}_{number}"
        found.append(label)
    return found

"""Objects of JSON files that follow no standard, by the names that they commonly use."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rcg.datasets.formats import incoming as inc
from rcg.datasets.formats.classes import ClassBook
from rcg.datasets.formats.parts import LossReport
from rcg.datasets.schema import XY, Annotation, Box, KeyPoint, Part, Points, Polygon, Quad, Shape

_LABELS = ("label", "class", "class_name", "category", "category_name", "type", "name", "damage_type")
_BOXES = ("bbox", "box", "bounding_box", "boundingBox", "rect", "bndbox")
_OUTLINES = ("polygon", "segmentation", "outline", "contour", "points", "vertices")
_LARGEST = sys.float_info.max
_CIRCLE_POINTS = 32
_CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")


class LooseShapes:
    """Turns such objects into annotations.

    Args:
        book: takes the classes in.
        loss: told what had no place.
    """

    def __init__(self, book: ClassBook, loss: LossReport) -> None:
        self._book, self._loss = book, loss
        self._ids = inc.Ids()

    def annotations(self, objects: Any, item: str, size: tuple[int, int] | None) -> list[Annotation]:
        """Return what a list of objects, or a mapping from labels to shapes, holds."""
        self._ids.next_item()
        bodies = (
            [{"label": name, **_as_body(one)} for name, one in objects.items()]
            if isinstance(objects, dict)
            else [one for one in objects if isinstance(one, dict)]
        )
        lone = (
            [] if self._book.task != "points" else [one for one in bodies if one.get("shape_type") == "point"]
        )
        found = [self._annotation(one, item, size) for one in bodies if one not in lone]
        if lone:
            found.append(self._from_points(lone, item))
        return [one for one in found if one is not None]

    def _annotation(
        self, body: Mapping[str, Any], item: str, size: tuple[int, int] | None
    ) -> Annotation | None:
        label = next(
            (body[name] for name in _LABELS if isinstance(body.get(name), str) and body[name].strip()), ""
        )
        if not label:
            self._loss.add("objects without a label: left out", item)
            return None
        try:
            shape = self._shape(body, size)
        except (ValueError, TypeError, KeyError, IndexError, ValidationError):
            self._loss.add(inc.NOT_NUMBERS, f"{label} in {item}")
            return None
        if shape is None:
            self._loss.add("objects without a shape that RCG knows: left out", f"{label} in {item}")
            return None
        return self._made(body, label, shape, item)

    def _made(self, body: Mapping[str, Any], label: str, shape: Shape, item: str) -> Annotation:
        attributes = {
            name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
            for name, value in dict(_mapping(body.get("attributes")), **_mapping(body.get("flags"))).items()
            if isinstance(value, (str, bool)) or (isinstance(value, (int, float)) and abs(value) <= _LARGEST)
        }
        self._book.attributes(attributes)
        score = body.get("score", body.get("confidence"))
        name = self._book.label(label)
        return Annotation(
            id=self._ids.of(item, name, shape), label=name, shape=shape, source="import",
            attributes=attributes,
            score=float(score) if isinstance(score, (int, float)) and 0 <= score <= 1 else None,
        )  # fmt: skip

    def _shape(self, body: Mapping[str, Any], size: tuple[int, int] | None) -> Shape | None:
        kind = str(body.get("shape_type", "")).lower()
        if kind in ("rectangle", "circle") and isinstance(body.get("points"), list):
            return _two_points(kind, body["points"])
        if isinstance(body.get("keypoints"), (list, dict)) and self._book.task == "points":
            return self._points(body["keypoints"])
        if isinstance(body.get("corners"), (list, dict)):
            a, b, c, d = _pairs(body["corners"])
            return Quad(corners=(a, b, c, d))
        if kind in ("point", "line", "linestrip", "points"):
            return None
        outlines = (_outline(body[name], size) for name in _OUTLINES if name in body)
        boxes = (_box(body[name]) for name in _BOXES if name in body)
        return next((found for found in (*outlines, *boxes) if found is not None), None)

    def _points(self, found: Any) -> Points | None:
        named = (
            [(str(name), value) for name, value in found.items()]
            if isinstance(found, dict)
            else [(str(one["name"]), [one["x"], one["y"], one.get("visible", 2)]) for one in found]
        )
        names = self._book.points([name for name, _ in named])
        points = [
            KeyPoint(name=name, x=inc.number(at[0]), y=inc.number(at[1]), visible=_visible(at))
            for name, (_, at) in zip(names, named, strict=True)
        ]
        return Points(points=points) if points else None

    def _from_points(self, bodies: list[dict[str, Any]], item: str) -> Annotation | None:
        """Join LabelMe's single points, each labelled with its name, to one object."""
        try:
            at = {str(one["label"]): [*_pairs(one["points"])[0], 2] for one in bodies}
            shape = self._points(at)
        except (ValueError, TypeError, KeyError, IndexError, ValidationError):
            shape = None
        if shape is None:
            self._loss.add(inc.UNREADABLE, item)
            return None
        return self._made({}, self._book.first(), shape, item)


def _as_body(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    is_box = isinstance(value, list) and len(value) == 4 and not isinstance(value[0], list)
    return {"bbox" if is_box else "polygon": value}


def _mapping(value: Any) -> dict[str, Any]:
    return {str(key): one for key, one in value.items()} if isinstance(value, dict) else {}


def _visible(at: Any) -> Any:
    return min(2, max(0, round(inc.number(at[2])))) if len(at) > 2 else 2


def _pairs(found: Any) -> list[XY]:
    """Return points, given as pairs, as mappings with x and y, by the names of corners, or flat."""
    if isinstance(found, dict):
        found = [found[name] for name in _CORNERS]
    if found and not isinstance(found[0], (list, dict)):
        return inc.points_of(found)
    pairs = [(one["x"], one["y"]) if isinstance(one, dict) else (one[0], one[1]) for one in found]
    return [(inc.number(x), inc.number(y)) for x, y in pairs]


def _rings(found: list[Any]) -> list[list[XY]]:
    """Return one ring or several: a list of points, of flat coordinates, or of such lists."""
    first = found[0]
    if not isinstance(first, list):
        return [_pairs(found)]
    if first and isinstance(first[0], (list, dict)):
        return [_pairs(ring) for ring in found]
    return [_pairs(found)] if len(first) == 2 else [_pairs(ring) for ring in found]


def _outline(found: Any, size: tuple[int, int] | None) -> Shape | None:
    if isinstance(found, dict):
        mask = inc.mask_of(found)
        return mask if mask is not None and (size is None or mask.size == size[::-1]) else None
    rings = _rings(found) if isinstance(found, list) and found else []
    parts = [Part(outer=ring) for ring in rings if len(ring) >= 3]
    return Polygon(parts=parts) if parts else None


def _box(found: Any) -> Box | None:
    if isinstance(found, dict):
        for names in (
            ("xmin", "ymin", "xmax", "ymax"),
            ("x1", "y1", "x2", "y2"),
            ("left", "top", "right", "bottom"),
        ):
            if all(name in found for name in names):
                left, top, right, bottom = (inc.number(found[name]) for name in names)
                return inc.box_of(left, top, right - left, bottom - top)
        width, height = found.get("width", found.get("w")), found.get("height", found.get("h"))
        return inc.box_of(found.get("x"), found.get("y"), width, height)
    return inc.box_of(*found) if isinstance(found, list) and len(found) == 4 else None


def _two_points(kind: str, points: Any) -> Shape | None:
    (ax, ay), (bx, by) = _pairs(points)[:2]
    if kind == "rectangle":
        return inc.box_of(min(ax, bx), min(ay, by), abs(bx - ax), abs(by - ay))
    radius = math.hypot(bx - ax, by - ay)
    if radius <= 0:
        return None
    turn = 2 * math.pi / _CIRCLE_POINTS
    ring = [
        (ax + radius * math.cos(k * turn), ay + radius * math.sin(k * turn)) for k in range(_CIRCLE_POINTS)
    ]
    return Polygon(parts=[Part(outer=ring)])

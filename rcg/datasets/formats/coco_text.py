"""Annotations as COCO writes them. The plain case, a polygon of one piece, is copied as text: a million take
seconds.

A canonical annotation line is ``{"attributes":{...},"crowd":...,"shape":{"parts":[{"holes":[],"outer":[[x,y],
...]}],"type":"polygon"},...}``. Its points are COCO's list of coordinates but for the inner brackets; only
box and area are computed, of many annotations at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from rcg.datasets import rle
from rcg.datasets.formats.ring_text import BETWEEN, DECIMALS, measure
from rcg.datasets.geometry import area, extent
from rcg.datasets.schema import Annotation, Box, KeyPoint, Mask, Points, Polygon, Quad, Shape

_PLAIN = re.compile(
    r'\{"attributes":(\{\}|\{(?:"[^"\\]*":(?:"[^"\\]*"|[\w.+-]+),?)*\}),"crowd":false,"extra":\{\},"id":"(.{32})",'
    r'"label":"([^"\\]+)","model":null,"score":null,"shape":\{"parts":\[\{"holes":\[\],'
    r'"outer":\[([^}]*)\]\}\],"type":"polygon"\},"source":"([^"]+)","state":"accepted"\},?'
    r"|(.+)",
    re.DOTALL,
)
"""a plain annotation of an item, or, last, all from the first on that is not plain"""
_WITHOUT_BRACKETS = str.maketrans("", "", "[]")
STANDARD = frozenset(
    {
        "id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "keypoints",
        "num_keypoints", "attributes", "score", "rcg",
    }
)  # fmt: skip
FLUSH_AT = 500
HOLES = "polygons with holes: other tools see them as run lengths, only RCG their outlines"


def dump(value: Any) -> str:
    """Return compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def check_of(segmentation: Any, bbox: Any, keypoints: Any = None) -> str:
    """Return a short hash of what other tools may change, to see whether they did."""
    return hashlib.sha256(dump([segmentation, bbox, keypoints]).encode()).hexdigest()[:12]


class AnnotationWriter:
    """Turns annotations into COCO's, in the order in which they come.

    Args:
        categories: category id by class name.
        points: names of the points of the schema, in order.
    """

    def __init__(self, categories: Mapping[str, int], points: tuple[str, ...]) -> None:
        self._categories = categories
        self._points = points
        self._next_id = 0
        self._found: list[tuple[str, ...]] = []
        self._images: list[str] = []
        self._done: list[str] = []
        self.with_holes = 0

    def add_item(self, body: str, image_id: int, width: int, height: int) -> None:
        """Add an item's annotations: the inside of the list, as its canonical line has it."""
        found = _PLAIN.findall(body)
        if found and found[-1][-1]:
            self._copy()
            for one in from_json(f"[{body}]"):
                self._add(Annotation.model_validate(one), image_id, width, height)
        else:
            self._found += found
            self._images += [f',"image_id":{image_id},"category_id":'] * len(found)

    @property
    def count(self) -> int:
        """How many annotations were taken."""
        return self._next_id

    def full(self) -> bool:
        """Whether enough was added to be taken."""
        return len(self._found) + len(self._done) >= FLUSH_AT

    def take(self) -> bytes:
        """Return what was added since, a comma between annotations, and forget it."""
        self._copy()
        text = ",\n".join(self._done)
        self._done.clear()
        return text.encode()

    def _copy(self) -> None:
        """Turn the plain ones that wait into COCO's text."""
        found = self._found
        if not found:
            return
        rings = BETWEEN.join([one[3] for one in found]).translate(_WITHOUT_BRACKETS)
        boxes, areas = measure(rings)
        box_texts = to_json(boxes)[2:-2].decode().split("],[")
        area_texts = to_json(areas)[1:-1].decode().split(",")
        number, categories, add = self._next_id, self._categories, self._done.append
        # Texts that many share are made once: in a million annotations every piece that is put in counts.
        classes = {label: f'{categories[label]},"segmentation":[[' for label in {one[2] for one in found}}
        measured = zip(found, self._images, rings.split(BETWEEN), box_texts, area_texts, strict=True)
        for (attributes, own_id, label, _, made_by, _), image, ring, box, size in measured:
            number += 1
            said = "" if attributes == "{}" else f'"attributes":{attributes},'
            made = "" if made_by == "person" else f',"source":"{made_by}"'
            add(
                f'{{"id":{number}{image}{classes[label]}{ring}]],"bbox":[{box}],"area":{size},"iscrowd":0,'
                f'{said}"rcg":{{"id":"{own_id}"{made}}}}}'
            )
        self._next_id = number
        self._found.clear()
        self._images.clear()

    def _add(self, annotation: Annotation, image_id: int, width: int, height: int) -> None:
        self._next_id += 1
        shape = annotation.shape
        left, top, right, bottom = extent(shape) or (0.0, 0.0, 0.0, 0.0)
        bbox = [round(value, DECIMALS) for value in (left, top, right - left, bottom - top)]
        if isinstance(shape, Box):
            bbox = [shape.x, shape.y, shape.width, shape.height]
        body: dict[str, Any] = {
            "id": self._next_id,
            "image_id": image_id,
            "category_id": self._categories[annotation.label],
            **self._segmentation(shape, width, height),
            "bbox": bbox,
            "area": round(area(shape), DECIMALS),
            "iscrowd": int(annotation.crowd),
        }
        if annotation.attributes:
            body["attributes"] = annotation.attributes
        if annotation.score is not None:
            body["score"] = annotation.score
        body |= {name: value for name, value in annotation.extra.items() if name not in STANDARD}
        body["rcg"] = self._own(annotation, body)
        self._done.append(dump(body))

    def _segmentation(self, shape: Shape, width: int, height: int) -> dict[str, Any]:
        if isinstance(shape, Mask):
            return {"segmentation": {"size": list(shape.size), "counts": shape.counts}}
        if isinstance(shape, Points):
            by_name = {point.name: point for point in shape.points}
            flat: list[float] = []
            for name in self._points:
                point = by_name.get(name)
                flat += [point.x, point.y, point.visible] if point else [0, 0, 0]
            seen = sum(point.visible > 0 for name, point in by_name.items() if name in self._points)
            return {"segmentation": [], "keypoints": flat, "num_keypoints": seen}
        if isinstance(shape, Polygon) and any(part.holes for part in shape.parts):
            self.with_holes += 1
            return {"segmentation": _run_lengths(shape, width, height)}
        if isinstance(shape, Box):
            left, top, right, bottom = shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
            return {"segmentation": [[left, top, right, top, right, bottom, left, bottom]]}
        rings = [shape.corners] if isinstance(shape, Quad) else [part.outer for part in shape.parts]
        return {"segmentation": [[value for point in ring for value in point] for ring in rings]}

    def _own(self, annotation: Annotation, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what COCO has no place for."""
        own: dict[str, Any] = {"id": annotation.id}
        if annotation.source != "person":
            own["source"] = annotation.source
        if annotation.state != "accepted":
            own["state"] = annotation.state
        if annotation.model is not None:
            own["model"] = annotation.model
        clashing = {name: value for name, value in annotation.extra.items() if name in STANDARD}
        if clashing:
            own["extra"] = clashing
        shape = annotation.shape
        if isinstance(shape, (Box, Quad)):
            own["type"] = shape.type
        elif self._needs_shape(shape):
            own["shape"] = shape.model_dump(mode="json")
        if "type" in own or "shape" in own:
            own["of"] = check_of(body["segmentation"], body["bbox"], body.get("keypoints"))
        return own

    def _needs_shape(self, shape: Shape) -> bool:
        if isinstance(shape, Points):
            plain = Points(
                points=[
                    KeyPoint(name=name, x=point.x, y=point.y, visible=point.visible)
                    for name, point in zip(self._points, shape.points, strict=False)
                ]
            )
            return plain != shape or len(shape.points) != len(self._points)
        return isinstance(shape, Polygon) and any(part.holes for part in shape.parts)


def _run_lengths(shape: Polygon, width: int, height: int) -> dict[str, Any]:
    from rcg.datasets.raster import rasterise  # noqa: PLC0415  OpenCV is not needed for most exports

    mask = rle.encode(rasterise(shape, width, height))
    return {"size": [height, width], "counts": mask.counts}

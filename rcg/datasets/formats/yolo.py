"""YOLO's text files: ``images/<part>/``, ``labels/<part>/``, ``data.yaml``; a line per object, 0..1.

``detect`` has boxes, ``segment`` outlines, ``pose`` a box and points. YOLO has no holes, no pieces, no
attributes, no
ids: those come back through the sidecar. In the plain files an object of several pieces, or with holes, is
one outline whose rings are joined by seams without width, so that its area stays what it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from rcg.datasets.formats import sidecar
from rcg.datasets.formats.outgoing import Outgoing
from rcg.datasets.geometry import extent, ring_area
from rcg.datasets.manifest import Header, ItemRecord
from rcg.datasets.schema import SPLITS, XY, Annotation, Box, LabelSchema, Mask, Points, Polygon, Quad
from rcg.errors import InputError

Variant = Literal["detect", "segment", "pose"]
ATTRIBUTES = "attributes: only in the sidecar"
BOXES = "outlines: as boxes"
SEAMS = "outlines of several rings: joined by seams"
MASKS = "masks: as outlines"
POINTLESS = "points: only in the sidecar"
CROWD = "crowd regions: only in the sidecar"
PREDICTED = "predictions that no person accepted: only in the sidecar"
_PARTS = {"train": "train", "val": "val", "test": "test"}


def variant_of(schema: LabelSchema) -> Variant:
    """Return the variant that carries most of a dataset's shapes."""
    return "pose" if schema.task == "points" else "segment"


def export(out: Outgoing, variant: Variant | None = None) -> None:
    """Write a dataset, item by item.

    Args:
        out: where it comes from and goes to.
        variant: None: the one that fits the dataset's task.

    Raises:
        InputError: ``pose`` of a dataset without points.
    """
    header = out.source.header
    schema = header.label_schema
    chosen: Variant = variant or variant_of(schema)
    if chosen == "pose" and schema.task != "points":
        raise InputError(f"{header.dataset} has no points.", "Export it as detect or segment.")
    numbers = {name: at for at, name in enumerate(schema.class_names)}
    present = set[str]()
    with out.sink.open(sidecar.NAME) as side:
        side.write(sidecar.head(header, "yolo_txt"))
        for line in out.source.lines():
            record = ItemRecord.model_validate_json(line)
            part = _PARTS[record.split]
            present.add(part)
            item = record.model_dump(mode="json", exclude={"annotations"})
            image = out.base(item, f"images/{part}/", stems=True)
            labels = image.replace("images/", "labels/", 1).rpartition(".")[0] + ".txt"
            text = None
            if record.labelled or record.annotations:
                text = _text(out, record, chosen, numbers, schema.point_names).encode()
                out.sink.write(labels, text)
            sidecar.write(side, line, image, labels, sidecar.check_of(text))
            out.rest(item)
            out.each()
    out.sink.write("data.yaml", data_yaml(header, chosen, present).encode())


def data_yaml(header: Header, variant: Variant, present: set[str]) -> str:
    """Return the file that trainers are given. Strings are written as JSON, which YAML reads."""
    schema = header.label_schema
    lines = ["path: .", *(f"{part}: images/{part}" for part in SPLITS if part in present)]
    if "val" not in present:
        lines.append("val: images/train  # nothing is held out")
    lines += ["names:", *(f"  {at}: {json.dumps(name)}" for at, name in enumerate(schema.class_names))]
    if variant == "pose":
        order = {name: at for at, name in enumerate(schema.point_names)}
        flipped = [order.get(point.mirror or point.name, order[point.name]) for point in schema.points]
        lines += [f"kpt_shape: [{len(order)}, 3]", f"flip_idx: {flipped}"]
        lines.append(f"kpt_names: {json.dumps(list(order), ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _text(
    out: Outgoing, record: ItemRecord, variant: Variant, numbers: dict[str, int], points: tuple[str, ...]
) -> str:
    lines = []
    for annotation in record.annotations:
        row = _row(out, annotation, record, variant, points)
        if row is not None:
            lines.append(f"{numbers[annotation.label]} {' '.join(f'{value:.10g}' for value in row)}\n")
    return "".join(lines)


def _row(
    out: Outgoing, annotation: Annotation, record: ItemRecord, variant: Variant, points: tuple[str, ...]
) -> list[float] | None:
    """Return what stands behind the class: coordinates as shares of width and height."""
    shape, name = annotation.shape, record.name
    if annotation.attributes:
        out.loss.add(ATTRIBUTES, name)
    left_out = _left_out(annotation, variant)
    if left_out:
        out.loss.add(left_out, name)
        return None
    if isinstance(shape, Points):
        return [*_box(annotation, record), *_points(shape, record, points)]
    if variant == "detect":
        if not isinstance(shape, Box):
            out.loss.add(BOXES, name)
        return _box(annotation, record) if extent(shape) else None
    ring = _ring(out, annotation, name, record.width, record.height)
    return (
        None if ring is None else [value for x, y in ring for value in (x / record.width, y / record.height)]
    )


def _left_out(annotation: Annotation, variant: Variant) -> str:
    """Return why a variant has no line for an annotation; "" when it has."""
    if annotation.state != "accepted":
        return PREDICTED
    if annotation.crowd:
        return CROWD
    if isinstance(annotation.shape, Points) != (variant == "pose"):
        return "shapes that are no points: only in the sidecar" if variant == "pose" else POINTLESS
    return ""


def _box(annotation: Annotation, record: ItemRecord) -> list[float]:
    left, top, right, bottom = extent(annotation.shape) or (0.0, 0.0, 0.0, 0.0)
    w, h = record.width, record.height
    return [(left + right) / 2 / w, (top + bottom) / 2 / h, (right - left) / w, (bottom - top) / h]


def _points(shape: Points, record: ItemRecord, names: tuple[str, ...]) -> list[float]:
    by_name = {point.name: point for point in shape.points}
    found: list[float] = []
    for name in names:
        point = by_name.get(name)
        found += [point.x / record.width, point.y / record.height, point.visible] if point else [0, 0, 0]
    return found


def _ring(out: Outgoing, annotation: Annotation, name: str, width: int, height: int) -> Sequence[XY] | None:
    shape = annotation.shape
    if isinstance(shape, Box):
        left, top, right, bottom = shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    if isinstance(shape, Quad):
        return shape.corners
    if isinstance(shape, Mask):
        from rcg.datasets.raster import polygons_of, rasterise  # noqa: PLC0415  OpenCV, where it is needed

        out.loss.add(MASKS, name)
        outline = polygons_of(rasterise(shape, width, height))
        if outline is None:
            return None
        shape = outline
    assert isinstance(shape, Polygon)
    rings = [ring for part in shape.parts for ring in (part.outer, *part.holes)]
    if len(rings) > 1:
        out.loss.add(SEAMS, name)
    return joined(shape)


def joined(shape: Polygon) -> list[XY]:
    """Return a polygon's rings as one ring: each next one is entered and left by the same seam, outer rings
    one
    way round and holes the other."""
    ring = _turned(shape.parts[0].outer, clockwise=True)
    further = [(hole, False) for hole in shape.parts[0].holes]
    for part in shape.parts[1:]:
        further += [(part.outer, True), *((hole, False) for hole in part.holes)]
    for points, clockwise in further:
        other = _turned(points, clockwise=clockwise)
        at, enter = _nearest(ring, other)
        ring = [*ring[: at + 1], *other[enter:], *other[: enter + 1], *ring[at:]]
    return ring


def _turned(points: Sequence[XY], *, clockwise: bool) -> list[XY]:
    doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))
    return list(points) if (doubled > 0) == clockwise or not ring_area(points) else list(points)[::-1]


def _nearest(ring: Sequence[XY], other: Sequence[XY]) -> tuple[int, int]:
    import numpy as np  # noqa: PLC0415

    a, b = np.asarray(ring), np.asarray(other)
    far = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    at, enter = np.unravel_index(int(far.argmin()), far.shape)
    return int(at), int(enter)

"""Pascal VOC: ``Annotations/*.xml``, ``JPEGImages/``, ``ImageSets/Main/*.txt``.

Boxes are written as ``xmin, ymin, xmax, ymax`` in pixels from the image's corner, not rounded; what VOC has
no place for comes back through the sidecar. Outlines of one ring are added as ``polygon``, as several tools
write and read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from rcg.datasets.formats import sidecar
from rcg.datasets.formats.outgoing import Outgoing
from rcg.datasets.formats.yolo import CROWD, POINTLESS, PREDICTED
from rcg.datasets.geometry import extent
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.schema import SPLITS, Annotation, Points, Polygon, Quad

IMAGES, LABELS = "JPEGImages/", "Annotations/"
OUTLINES = "outlines of several rings, and masks: as boxes"


def export(out: Outgoing) -> None:
    """Write a dataset, item by item."""
    header = out.source.header
    listed: dict[str, list[str]] = {}
    with out.sink.open(sidecar.NAME) as side:
        side.write(sidecar.head(header, "pascal_voc"))
        for line in out.source.lines():
            record = ItemRecord.model_validate_json(line)
            item = record.model_dump(mode="json", exclude={"annotations"})
            image = out.base(item, IMAGES, stems=True)
            stem = image.removeprefix(IMAGES).rpartition(".")[0]
            labels = f"{LABELS}{stem}.xml"
            text = None
            if record.labelled or record.annotations:
                listed.setdefault(record.split, []).append(stem)
                text = _xml(out, record, image).encode()
                out.sink.write(labels, text)
            sidecar.write(side, line, image, labels, sidecar.check_of(text))
            out.rest(item)
            out.each()
    for part in SPLITS:
        if part in listed:
            out.sink.write(f"ImageSets/Main/{part}.txt", ("\n".join(listed[part]) + "\n").encode())


def _xml(out: Outgoing, record: ItemRecord, image: str) -> str:
    folder, _, name = image.rpartition("/")
    head = [
        "<annotation>",
        _tag("folder", folder, 1),
        _tag("filename", name, 1),
        "  <size>",
        _tag("width", record.width, 2),
        _tag("height", record.height, 2),
        _tag("depth", 3, 2),
        "  </size>",
        _tag("segmented", 0, 1),
    ]
    objects = [line for annotation in record.annotations for line in _object(out, annotation, record.name)]
    return "\n".join([*head, *objects, "</annotation>", ""])


def _object(out: Outgoing, annotation: Annotation, item: str) -> list[str]:
    shape = annotation.shape
    if annotation.state != "accepted":
        out.loss.add(PREDICTED, item)
        return []
    if annotation.crowd:
        out.loss.add(CROWD, item)
        return []
    if isinstance(shape, Points):
        out.loss.add(POINTLESS, item)
    found = extent(shape)
    if found is None:
        return []
    names = ("xmin", "ymin", "xmax", "ymax")
    lines = [
        "  <object>",
        _tag("name", annotation.label, 2),
        _tag("pose", "Unspecified", 2),
        *(_tag(flag, 0, 2) for flag in ("truncated", "difficult", "occluded")),
        "    <bndbox>",
        *(_tag(name, repr(value), 3) for name, value in zip(names, found, strict=True)),
        "    </bndbox>",
    ]
    ring = shape.corners if isinstance(shape, Quad) else None
    if isinstance(shape, Polygon) and len(shape.parts) == 1 and not shape.parts[0].holes:
        ring = tuple(shape.parts[0].outer)  # type: ignore[assignment]
    if ring is not None:
        lines.append("    <polygon>")
        for at, (x, y) in enumerate(ring, start=1):
            lines += [_tag(f"x{at}", repr(x), 3), _tag(f"y{at}", repr(y), 3)]
        lines.append("    </polygon>")
    elif shape.type in ("polygon", "mask"):
        out.loss.add(OUTLINES, item)
    return [*lines, *_attributes(annotation.attributes), "  </object>"]


def _attributes(attributes: Mapping[str, object]) -> list[str]:
    """Return attributes as CVAT writes and reads them."""
    if not attributes:
        return []
    lines = ["    <attributes>"]
    for name, value in attributes.items():
        lines += ["      <attribute>", _tag("name", name, 4), _tag("value", value, 4), "      </attribute>"]
    return [*lines, "    </attributes>"]


def _tag(name: str, value: object, depth: int) -> str:
    text = "" if value is None else str(value)
    allowed = "".join(character for character in text if character >= " " or character in "\t\n\r")
    return f"{'  ' * depth}<{name}>{escape(allowed)}</{name}>"

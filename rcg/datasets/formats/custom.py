"""RCG's own JSON: ``dataset.json`` with a header and every item in full, ``images/``, and the other layers.

The file is what a script reads that wants everything in one place: an item is the record that a version
holds, with ``file``, the path of its image.
"""

from __future__ import annotations

from rcg.datasets.formats.coco_text import dump
from rcg.datasets.formats.outgoing import Outgoing

NAME = "dataset.json"
KEY = "dataset"
VERSION = 1
IMAGES = "images/"


def export(out: Outgoing) -> None:
    """Write a dataset, item by item."""
    from pydantic_core import from_json  # noqa: PLC0415

    header = out.source.header
    with out.sink.open(NAME) as file:
        head = dump(header.model_dump(mode="json"))
        file.write(f'{{"rcg":"{KEY}","format":{VERSION},"header":{head},\n"items":['.encode())
        first = True
        for line in out.source.lines():
            end = line.rfind(b'],"card":"')
            item = from_json(b"{" + line[end + 2 :])
            path = out.base(item, IMAGES)
            out.rest(item)
            file.write((b"\n" if first else b",\n") + line[:-1] + f',"file":{dump(path)}}}'.encode())
            first = False
            out.each()
        file.write(b"]}\n")

"""Formats in and out: COCO JSON, YOLO, Pascal VOC, and a JSON of RCG's own.

>>> from rcg.datasets import formats
>>> loss = formats.export("coco_json", source, Path("out.zip"))  # doctest: +SKIP
>>> found = formats.read(Path("folder"))  # doctest: +SKIP
>>> for item in found.items: ...  # doctest: +SKIP

Everything streams: a dataset of a hundred thousand items takes the memory of a few.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from rcg.datasets.formats.parts import (
    DatasetSource,
    Imported,
    ImportedItem,
    ImportedLayer,
    LossReport,
    ManifestSource,
    RecordSource,
    Sizes,
)
from rcg.datasets.schema import LabelSchema
from rcg.errors import InputError

__all__ = [
    "FORMATS", "DatasetSource", "Imported", "ImportedItem", "ImportedLayer", "LossReport", "ManifestSource",
    "RecordSource", "Sizes", "detect", "export", "read",
]  # fmt: skip

FORMATS: Final = {
    "coco_json": "COCO JSON",
    "yolo_txt": "YOLO",
    "pascal_voc": "Pascal VOC",
    "custom_json": "RCG's own JSON",
}
"""name -> what people call it"""
FOLDER: Final = "folder"


def export(
    name: str,
    source: DatasetSource,
    out: Path,
    *,
    images: bool = True,
    layers: bool = True,
    each: Callable[[], None] = lambda: None,
) -> LossReport:
    """Write a dataset in a format.

    Args:
        name: one of :data:`FORMATS`, a variant of YOLO behind it (``yolo_txt:detect``), or ``folder``: the
            layout of the older programs (:mod:`rcg.datasets.folders`).
        source: the dataset.
        out: a folder, or a zip archive when the name ends in ``.zip``.
        images, layers: bring the base images; bring the other layers.
        each: called after every item: progress, cancelling.

    Returns:
        What other programs will not see. RCG reads its own export back whole.

    Raises:
        InputError: no such format, or one that cannot hold the dataset.
    """
    from rcg.datasets import folders  # noqa: PLC0415
    from rcg.datasets.formats import coco, custom, voc, yolo  # noqa: PLC0415
    from rcg.datasets.formats.outgoing import Outgoing  # noqa: PLC0415
    from rcg.datasets.formats.sink import sink_for  # noqa: PLC0415

    base, _, variant = name.partition(":")
    if base != FOLDER:
        _check(base)
    loss = LossReport()
    with sink_for(out) as sink:
        outgoing = Outgoing(source, sink, loss, images=images, layers=layers, each=each)
        if base == "coco_json":
            coco.export(outgoing)
        elif base == "pascal_voc":
            voc.export(outgoing)
        elif base == "custom_json":
            custom.export(outgoing)
        elif base == FOLDER:
            folders.export(outgoing)
        elif variant in ("", "detect", "segment", "pose"):
            yolo.export(outgoing, variant or None)  # type: ignore[arg-type]
        else:
            raise InputError(f"YOLO has no variant {variant!r}.", "Choose detect, segment or pose.")
    return loss


def read(
    path: Path, name: str = "auto", *, schema: LabelSchema | None = None, known: Sizes | None = None
) -> Imported:
    """Read a folder or a single annotation file.

    Args:
        path: the folder, as it was unpacked, or the file.
        name: one of :data:`FORMATS`, or ``auto``.
        schema: of the dataset that is filled: classes are matched to it, new ones are added.
        known: the items that the dataset has, for labels that come without their images.

    Returns:
        Its ``items`` are read while they are iterated; ``label_schema`` and ``loss`` are complete then.

    Raises:
        InputError: nothing that can be read, or not in that format.
    """
    from rcg.datasets.formats.reading import read as read_folder  # noqa: PLC0415

    if name != "auto":
        _check(name)
    return read_folder(path, schema, name, known)


def detect(path: Path) -> str:
    """Return which format a folder or file is in; ``images`` when there are images alone.

    Raises:
        InputError: there is neither; the hint says what was looked for.
    """
    from rcg.datasets.formats.files import Folder  # noqa: PLC0415
    from rcg.datasets.formats.reading import format_of  # noqa: PLC0415

    return format_of(Folder(path))


def _check(name: str) -> None:
    if name not in FORMATS:
        raise InputError(f"There is no format {name!r}.", f"Choose one of {', '.join(FORMATS)}.")

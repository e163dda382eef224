"""The owner's older folders: ``images/ annotations/ trained_models/ training_metrics/ checkpoints/`` with a
``metadata.json`` or ``dataset_metadata.json``. They are found, described, read by
:func:`rcg.datasets.formats.read` like any folder, and a dataset can be written in that layout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rcg.datasets.formats import coco
from rcg.datasets.formats.files import Folder
from rcg.datasets.formats.outgoing import Outgoing
from rcg.datasets.formats.reading import IMAGES, format_of
from rcg.datasets.kinds import resolve
from rcg.errors import InputError

METADATA = ("metadata.json", "dataset_metadata.json")
PARTS = ("images", "annotations")
BESIDE = ("trained_models", "training_metrics", "checkpoints")
_NAMES = ("name", "dataset_name", "title")
_KINDS = ("model_type", "kind", "dataset_type", "type", "task")
_LARGEST = 4 << 20


@dataclass(frozen=True)
class OldFolder:
    """A folder that was found.

    Attributes:
        path: where it is.
        name: as its metadata says, else the folder's.
        kind: that ships with RCG, when the metadata name one.
        description: of the metadata.
        images, labels: how many files of each.
        format: of the labels; ``images`` when there are none, "" when they cannot be read.
        models: files below ``trained_models/``: they stay where they are.
        note: what to know, in a sentence; "" when there is nothing.
        metadata: as it is.
    """

    path: Path
    name: str
    kind: str | None
    description: str
    images: int
    labels: int
    format: str
    models: int
    note: str
    metadata: dict[str, Any] = field(default_factory=dict)


def find(root: Path) -> list[OldFolder]:
    """Return the old folders directly below a folder, by name; none when it is not there."""
    if not root.is_dir():
        return []
    found = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and is_old(path)]
    return [describe(path) for path in sorted(found)]


def is_old(path: Path) -> bool:
    """Whether a folder has the older layout: metadata, or both ``images`` and ``annotations``."""
    return any((path / name).is_file() for name in METADATA) or all((path / part).is_dir() for part in PARTS)


def describe(path: Path) -> OldFolder:
    """Look at one folder. Nothing in it is changed."""
    metadata, note = _metadata(path)
    folder = Folder(path)
    try:
        form = format_of(folder)
    except InputError as error:
        form, note = "", error.detail
    labels = [one for one in folder.others if one.endswith((".json", ".txt", ".xml"))]
    kind, wrong = _kind(metadata)
    models = path / BESIDE[0]
    return OldFolder(
        path=path,
        name=_first(metadata, _NAMES) or path.name,
        kind=kind,
        description=_first(metadata, ("description", "notes")),
        images=len(folder.images),
        labels=0 if form in ("", IMAGES) else len(labels),
        format=form,
        models=sum(one.is_file() for one in models.rglob("*")) if models.is_dir() else 0,
        note=note or wrong,
        metadata=metadata,
    )


def export(out: Outgoing) -> None:
    """Write a dataset in that layout: labels as COCO JSON, which RCG reads back whole."""
    header = out.source.header
    items, annotations = coco.export(out)
    for name in BESIDE:
        out.sink.folder(name)
    body = {
        "name": header.dataset,
        "model_type": header.kind,
        "version": header.number,
        "description": header.note,
        "annotation_format": "coco_json",
        "classes": list(header.label_schema.class_names),
        "points": list(header.label_schema.point_names),
        "image_count": items,
        "annotation_count": annotations,
    }
    out.sink.write(METADATA[0], (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode())


def _metadata(path: Path) -> tuple[dict[str, Any], str]:
    for name in METADATA:
        file = path / name
        if not file.is_file():
            continue
        try:
            with file.open("rb") as opened:
                found = json.loads(opened.read(_LARGEST))
        except (ValueError, RecursionError, OSError):
            return {}, f"{name} cannot be read; the folder's name is taken."
        return (found, "") if isinstance(found, dict) else ({}, f"{name} is no JSON object.")
    return {}, ""


def _kind(metadata: dict[str, Any]) -> tuple[str | None, str]:
    wanted = _first(metadata, _KINDS)
    if not wanted:
        return None, "Its metadata name no kind: choose one."
    try:
        return resolve(wanted).name, ""
    except InputError as error:
        return None, f"Its kind {wanted[:64]!r} is none that ships. {error.hint}"


def _first(metadata: dict[str, Any], names: tuple[str, ...]) -> str:
    return next(
        (
            metadata[name].strip()[:200]
            for name in names
            if isinstance(metadata.get(name), str) and metadata[name].strip()
        ),
        "",
    )

"""From an item that a format's reader found to a row for the database: files stored, pictures made."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.errors import InputError, RcgError, UnavailableError
from rcg.jobs.dataset_files import Files, StoredItem, put, store_image
from rcg.jobs.dataset_rows import ItemRow
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from rcg.datasets.formats.parts import ImportedItem, ImportedLayer
    from rcg.datasets.sample import LayerArray
    from rcg.jobs.handler import JobContext

SMALL_PX = 224


@dataclass
class Known:
    """The items that the dataset has, by name.

    Attributes:
        sizes: width and height.
        hashes: of the first layer's data.
    """

    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Known:
        """Read the list that the server wrote: a line of JSON for each."""
        known = cls()
        with path.open(encoding="utf-8") as file:
            for line in file:
                name, width, height, sha256 = json.loads(line)
                known.sizes[name] = (width, height)
                if sha256:
                    known.hashes[name] = sha256
        return known


@dataclass(frozen=True)
class Unreadable:
    """An item that cannot be taken, and why."""

    name: str
    error: RcgError


class ItemReader:
    """Makes rows of imported items. It keeps nothing of them, and several threads may share it.

    Args:
        ctx: of the job.
        known: the dataset's items.
    """

    def __init__(self, ctx: JobContext, known: Known) -> None:
        from rcg.settings import Settings  # noqa: PLC0415

        self._known = known
        self._blobs = BlobStore(ctx.data_dir / "blobs")
        self._max_megapixels = Settings().limits.image_megapixels

    def row(self, item: ImportedItem) -> ItemRow | Unreadable:
        """Return the row of an item, its files stored. Raises UnavailableError when they cannot be."""
        row = ItemRow(
            name=item.name,
            source="import",
            annotations=item.annotations,
            item_id=item.id,
            card=item.card,
            side=item.side,
            split=item.split,
            px_per_mm=item.px_per_mm,
            margin_mm=item.margin_mm,
            lights=item.lights or None,
        )
        if item.file is None and not item.layers:
            return row  # labels alone: whether the dataset has their image is seen when they are taken in
        try:
            row.stored = self._stored(item)
        except UnavailableError:  # the disk is full: that says nothing about the image
            raise
        except RcgError as error:
            return Unreadable(item.name, error)
        if row.stored is not None and min(row.stored.width, row.stored.height) < SMALL_PX:
            size = f"{row.stored.width} x {row.stored.height} px"
            row.problem = f"Small: {size}, under {SMALL_PX} px on its short side."
        return row

    def _stored(self, item: ImportedItem) -> StoredItem | None:
        """Store an item's files; None: they are those of the dataset's own item of that name."""
        if item.layers:
            return _store_layers(self._blobs, item)
        assert item.file is not None
        data, media_type = _clean(item.file, item.name)
        info = self._blobs.add(data)
        if self._known.hashes.get(item.name) == info.sha256:
            return None
        return store_image(
            self._blobs,
            self._blobs.path(info.sha256),
            item.name,
            info.sha256,
            media_type,
            self._max_megapixels,
        )


def _clean(path: Path, name: str) -> tuple[bytes, str]:
    """Return an image's bytes without the place where it was taken, and its media type."""
    from rcg.photometric.metadata import ACCEPTED, sniff, strip_location  # noqa: PLC0415

    data = path.read_bytes()
    media_type = sniff(data) or ""
    if media_type not in ACCEPTED:
        raise InputError(
            f"{name} is no image that RCG reads" + (f" (it is {media_type})." if media_type else "."),
            "Give JPEG, PNG, TIFF or WebP.",
        )
    return strip_location(data, media_type), media_type


def _store_layers(blobs: BlobStore, item: ImportedItem) -> StoredItem:
    """Store the layers of an item that RCG wrote, byte for byte, and draw what browsers cannot show."""
    from rcg.datasets.encode import base_layer, phash, picture, thumbnail  # noqa: PLC0415

    arrays: dict[str, LayerArray] = {}
    files: Files = {}
    rows: list[dict[str, Any]] = []
    for layer in item.layers:
        data, array = _read_layer(item, layer)
        arrays[layer.name] = array
        info = blobs.add(data)
        files[info.sha256] = (info.bytes, layer.media_type)
        rows.append(
            {
                "name": layer.name,
                "role": layer.role,
                "blob_sha256": info.sha256,
                "media_type": layer.media_type,
                "picture_sha256": None,
            }
        )
    normal = arrays.get("normal")
    for row, layer in zip(rows, item.layers, strict=True):
        if not layer.media_type.startswith("image/") or layer.media_type == "image/tiff":
            shown = picture(arrays[layer.name], normal.array if normal else None)
            row["picture_sha256"] = put(blobs, shown, files).sha256
    height, width = next(iter(arrays.values())).array.shape[:2]
    base = base_layer(arrays)
    small = put(blobs, thumbnail(base), files)
    return StoredItem(width, height, rows, small.sha256, phash(base), files)


def _read_layer(item: ImportedItem, layer: ImportedLayer) -> tuple[bytes, LayerArray]:
    from rcg.datasets.layers import NPY  # noqa: PLC0415
    from rcg.datasets.manifest import ItemRecord, LayerRef  # noqa: PLC0415
    from rcg.datasets.pixels import read_layer  # noqa: PLC0415

    data = layer.file.read_bytes() if layer.media_type == NPY else _clean(layer.file, item.name)[0]
    ref = LayerRef(name=layer.name, role=layer.role, sha256="0" * 64, media_type=layer.media_type)
    record = ItemRecord(
        id="0", name=item.name, width=item.width or 0, height=item.height or 0, card="", split="train",
        layers=[ref], annotations=[],
    )  # fmt: skip
    return data, read_layer(record, ref, lambda _sha256: layer.file)

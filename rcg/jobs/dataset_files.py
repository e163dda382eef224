"""What jobs of datasets store: an item's layers with their pictures, and what an image file holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.store.blobs import BlobInfo, BlobStore

if TYPE_CHECKING:
    from rcg.datasets.encode import EncodedFile
    from rcg.datasets.sample import Sample

Files = dict[str, tuple[int, str]]
"""stored files by their hash: bytes and media type; their rows are made when the job's result is taken in"""

MIN_SIDE_PX = 8


@dataclass
class StoredItem:
    """An item's files, stored.

    Attributes:
        width, height: pixels.
        layers: as rows of layers hold them: name, role, blob_sha256, media_type, picture_sha256.
        thumbnail: hash of the small picture.
        phash: perceptual hash.
        files: everything that was stored.
        remark: what to know of the picture; empty when there is nothing.
    """

    width: int
    height: int
    layers: list[dict[str, Any]]
    thumbnail: str
    phash: str
    files: Files = field(default_factory=dict)
    remark: str = ""


def store_sample(blobs: BlobStore, sample: Sample) -> StoredItem:
    """Encode and store every layer of a sample."""
    from rcg.datasets.encode import base_layer, encode_layers, phash, thumbnail  # noqa: PLC0415

    width, height = sample.size
    files: Files = {}
    layers = []
    for encoded in encode_layers(sample.layers):
        data = put(blobs, encoded.data, files)
        shown = put(blobs, encoded.picture, files).sha256 if encoded.picture else None
        layers.append(
            {
                "name": encoded.name,
                "role": encoded.role,
                "blob_sha256": data.sha256,
                "media_type": encoded.data.media_type,
                "picture_sha256": shown,
            }
        )
    base = base_layer(sample.layers)
    small = put(blobs, thumbnail(base), files)
    return StoredItem(width, height, layers, small.sha256, phash(base), files)


def store_image(
    blobs: BlobStore, path: Path, name: str, sha256: str, media_type: str, max_megapixels: float
) -> StoredItem:
    """Decode an image that is stored already, and store what shows it: a picture where browsers need one.

    Raises:
        ImageFileError: it cannot be decoded; in words.
    """
    from rcg.datasets.encode import phash, photograph, thumbnail, webp  # noqa: PLC0415
    from rcg.datasets.sample import LayerArray  # noqa: PLC0415
    from rcg.photometric import images  # noqa: PLC0415
    from rcg.photometric.metadata import TIFF  # noqa: PLC0415

    frame = images.decode(
        path, name=name, file_name=name, max_megapixels=max_megapixels, min_side_px=MIN_SIDE_PX
    )
    pixels = _in_eight_bits(frame.pixels, frame.encoding)
    layer = LayerArray("colour", pixels)
    height, width = pixels.shape[:2]
    files: Files = {sha256: (path.stat().st_size, media_type)}
    shown: str | None = sha256
    if frame.pixels.dtype.kind == "f":  # training reads integers
        stored = photograph(pixels)
        info = put(blobs, stored, files)
        sha256, media_type, shown = info.sha256, stored.media_type, info.sha256
    elif media_type == TIFF or frame.pixels.itemsize > 1 or _turned(path, media_type):
        shown = put(blobs, webp(pixels), files).sha256
    row = {
        "name": "colour",
        "role": "colour",
        "blob_sha256": sha256,
        "media_type": media_type,
        "picture_sha256": shown,
    }
    small = put(blobs, thumbnail(layer), files)
    remark = " ".join(frame.warnings)
    return StoredItem(width, height, [row], small.sha256, phash(layer), files, remark)


def put(blobs: BlobStore, file: EncodedFile, files: Files) -> BlobInfo:
    """Store a file and note it."""
    info = blobs.add(file.data)
    files[info.sha256] = (info.bytes, file.media_type)
    return info


def _turned(path: Path, media_type: str) -> bool:
    """Whether the file says that its picture stands on its side or head; not every viewer listens."""
    from rcg.photometric.image_header import read_header, read_png_notes  # noqa: PLC0415
    from rcg.photometric.metadata import PNG  # noqa: PLC0415

    data = path.read_bytes()
    header = read_header(data, media_type)
    return (read_png_notes(data, header) if media_type == PNG else header).orientation != 1


def _in_eight_bits(pixels: Any, encoding: str) -> Any:
    import numpy as np  # noqa: PLC0415

    from rcg.photometric.linearise import to_srgb_u8  # noqa: PLC0415

    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    values = np.clip(pixels.astype(np.float32), 0, 1)
    return to_srgb_u8(values) if encoding == "linear" else np.rint(values * 255).astype(np.uint8)

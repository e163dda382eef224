"""Stored files, on their way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcg.api import schemas
from rcg.errors import NotFoundError
from rcg.store.repositories import blobs

if TYPE_CHECKING:
    from rcg.container import Container

_ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/tiff": ".tif", "image/webp": ".webp",
            "application/json": ".json"}  # fmt: skip


def get(container: Container, sha256: str) -> schemas.BlobOut:
    """Return a stored file's row. Raises NotFoundError when row or file is not here."""
    with container.db.read() as session:
        row = blobs.get(session, sha256)
        if row is None or not container.blobs.has(sha256):
            raise NotFoundError(
                f"No file with the SHA-256 {sha256} is stored here.", "Upload it: PUT it here."
            )
        return schemas.BlobOut.model_validate(row)


def file_name(blob: schemas.BlobOut) -> str:
    """Return a name to save it under."""
    return blob.sha256[:16] + _ENDINGS.get(blob.media_type, "")

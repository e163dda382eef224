"""Rows of stored files."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rcg.store.blobs import BlobInfo
from rcg.store.models import Blob


def get(session: Session, sha256: str) -> Blob | None:
    """Return the row of a file, if there is one."""
    return session.get(Blob, sha256)


def ensure(session: Session, info: BlobInfo, media_type: str) -> Blob:
    """Return the row of a stored file, made if it is not there. Call in a write transaction."""
    row = session.get(Blob, info.sha256)
    if row is None:
        row = Blob(sha256=info.sha256, bytes=info.bytes, media_type=media_type)
        session.add(row)
        session.flush()
    return row


def total_bytes(session: Session) -> int:
    """Return how many bytes all files have together."""
    return session.scalar(select(func.sum(Blob.bytes))) or 0

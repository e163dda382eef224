"""Rows of stored files."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from rcg.store.blobs import BlobInfo
from rcg.store.db import now_ms
from rcg.store.models import Blob
from rcg.store.repositories.page import batched

_AT_ONCE = 500


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


def ensure_many(session: Session, files: Mapping[str, tuple[int, str]]) -> None:
    """Make the rows of many stored files that have none yet: ``{sha256: (bytes, media type)}``."""
    for some in batched(sorted(files), _AT_ONCE):
        known = set(session.scalars(select(Blob.sha256).where(Blob.sha256.in_(some))))
        missing = [
            {
                "sha256": sha256,
                "bytes": files[sha256][0],
                "media_type": files[sha256][1],
                "created_at": now_ms(),
            }
            for sha256 in some
            if sha256 not in known
        ]
        if missing:
            session.execute(insert(Blob), missing)

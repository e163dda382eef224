"""Rows of stored files."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, insert, literal, or_, select
from sqlalchemy.orm import Session

from rcg.store.blobs import BlobInfo
from rcg.store.db import now_ms
from rcg.store.models import Base, Blob, Job, Run
from rcg.store.repositories.jobs import ACTIVE
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


def is_needed(session: Session, sha256: str) -> bool:
    """Tell whether anything still names a file: a row of any table, a run's spec, a job that has not ended.

    What only a version's manifest names is not looked for: those are images, and images are not removed.
    """
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            names_files = any(key.column.table is Blob.__table__ for key in column.foreign_keys)
            if names_files and session.scalar(select(literal(1)).where(column == sha256).limit(1)):
                return True
    return bool(runs_beginning_with(session, sha256)) or _job_waits_for(session, sha256)


def runs_beginning_with(session: Session, sha256: str) -> list[str]:
    """Return the names of the runs whose spec begins with a file of weights, newest first."""
    query = select(Run.name).where(Run.spec["weights"]["sha256"].as_string() == sha256)
    return list(session.scalars(query.order_by(Run.created_at.desc(), Run.id)))


def forget(session: Session, sha256: str) -> None:
    """Delete a file's row, when :func:`is_needed` says no. The file itself is the caller's to remove."""
    row = session.get(Blob, sha256)
    if row is not None:
        session.delete(row)
        session.flush()


def _job_waits_for(session: Session, sha256: str) -> bool:
    named = (
        Job.spec["spec"]["weights"]["sha256"].as_string() == sha256,
        Job.spec["model"]["weights_sha256"].as_string() == sha256,
    )
    query = select(literal(1)).select_from(Job).where(Job.state.in_(ACTIVE), or_(*named))
    return session.scalar(query.limit(1)) is not None

"""Capture sessions and the frames that they took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from rcg.errors import NotFoundError
from rcg.store.capture_models import CaptureFrame, CaptureSession

OPEN = ("ready", "shooting")


def get(session: Session, session_id: str) -> CaptureSession:
    """Return a session with its frames. Raises NotFoundError."""
    row = session.scalar(
        select(CaptureSession)
        .where(CaptureSession.id == session_id)
        .options(selectinload(CaptureSession.frames))
    )
    if row is None:
        raise NotFoundError(
            f"There is no capture session {session_id[:100]!r}.", "GET /api/capture/sessions lists them."
        )
    return row


def open_of_rig(session: Session, rig_id: str) -> CaptureSession | None:
    """Return the session that a rig's lights are taken by, or None."""
    return session.scalar(
        select(CaptureSession)
        .where(CaptureSession.rig_id == rig_id, CaptureSession.state.in_(OPEN))
        .order_by(CaptureSession.created_at.desc())
        .limit(1)
    )


def listing(
    session: Session, *, only_open: bool = False, card_id: str | None = None, limit: int = 20
) -> Sequence[CaptureSession]:
    """Return sessions with their frames, newest first."""
    query = select(CaptureSession).options(selectinload(CaptureSession.frames))
    if only_open:
        query = query.where(CaptureSession.state.in_(OPEN))
    if card_id is not None:
        query = query.where(CaptureSession.card_id == card_id)
    return session.scalars(
        query.order_by(CaptureSession.created_at.desc(), CaptureSession.id.desc()).limit(limit)
    ).all()


def complete_of_rig(session: Session, rig_id: str, limit: int = 20) -> Sequence[CaptureSession]:
    """Return the newest sessions that a rig's lights took captures in."""
    query = select(CaptureSession).where(CaptureSession.rig_id == rig_id, CaptureSession.state == "complete")
    return session.scalars(query.order_by(CaptureSession.created_at.desc()).limit(limit)).all()


def add(session: Session, **values: Any) -> CaptureSession:
    """Make a session without frames."""
    row = CaptureSession(**values, frames=[])
    session.add(row)
    session.flush()
    return row


def frame_of(session: Session, session_id: str, side: str, light: str) -> CaptureFrame | None:
    """Return the frame of a light on a side, or None."""
    return session.scalar(
        select(CaptureFrame).where(
            CaptureFrame.session_id == session_id, CaptureFrame.side == side, CaptureFrame.light == light
        )
    )


def put_frame(session: Session, row: CaptureSession, side: str, light: str, **values: Any) -> CaptureFrame:
    """Keep the frame of a light on a side; one that is there gets the values."""
    frame = frame_of(session, row.id, side, light)
    if frame is None:
        frame = CaptureFrame(session_id=row.id, side=side, light=light, **values)
        session.add(frame)
    else:
        for column, value in values.items():
            setattr(frame, column, value)
    session.flush()
    session.expire(row, ["frames"])
    return frame


def mark_seen(
    session: Session,
    session_id: str,
    side: str,
    light: str,
    sha256: str,
    found: dict[str, Any],
    thumbnail: bytes | None,
) -> None:
    """Write what a look at a frame found; a frame that is another by now, or gone, is left alone."""
    frame = frame_of(session, session_id, side, light)
    if frame is None or frame.blob_sha256 != sha256:
        return
    frame.meta = {**frame.meta, **found}
    frame.thumbnail = thumbnail or frame.thumbnail
    row = get(session, session_id)
    row.revision += 1
    session.flush()


def drop_frames(session: Session, row: CaptureSession, side: str) -> None:
    """Forget a side's frames; their files stay."""
    for frame in [frame for frame in row.frames if frame.side == side]:
        session.delete(frame)
    session.flush()
    session.expire(row, ["frames"])


def count_of_card(session: Session, card_id: str) -> int:
    """Return how many sessions a card has had."""
    return (
        session.scalar(
            select(func.count()).select_from(CaptureSession).where(CaptureSession.card_id == card_id)
        )
        or 0
    )

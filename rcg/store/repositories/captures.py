"""Captures and their frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from rcg.errors import NotFoundError
from rcg.store.models import Capture, Card, Frame


def get(session: Session, capture_id: str) -> Capture:
    """Return the capture with its frames. Raises NotFoundError."""
    row = session.scalar(
        select(Capture).where(Capture.id == capture_id).options(selectinload(Capture.frames))
    )
    if row is None:
        raise NotFoundError(
            f"There is no capture {capture_id!r}.", "GET /api/cards/CARD lists a card's captures."
        )
    return row


def find(session: Session, capture_id: str) -> Capture | None:
    """Return the capture of an id, or None."""
    return session.get(Capture, capture_id)


def add(session: Session, card: Card, side: str, lights: dict[str, Any] | None = None) -> Capture:
    """Make an empty capture of one side, ``front`` or ``back``."""
    row = Capture(card_id=card.id, side=side, lights=lights, frames=[])
    session.add(row)
    session.flush()
    return row


def newest_of_side(session: Session, card_id: str, side: str) -> Capture | None:
    """Return the newest capture of a side that has frames: the one that is graded."""
    return session.scalar(
        select(Capture)
        .where(Capture.card_id == card_id, Capture.side == side, Capture.frames.any())
        .order_by(Capture.created_at.desc(), Capture.id.desc())
        .limit(1)
        .options(selectinload(Capture.frames))
    )


def cards_with_frames(session: Session) -> Sequence[str]:
    """Return the ids of the cards that have photographs, oldest first."""
    query = select(Card.id).where(Card.captures.any(Capture.frames.any()))
    return session.scalars(query.order_by(Card.created_at, Card.id)).all()


def put_frame(
    session: Session,
    capture: Capture,
    *,
    light: str,
    sha256: str,
    file_name: str,
    position: int | None = None,
    meta: dict[str, Any] | None = None,
) -> tuple[Frame, bool]:
    """Attach a stored file as the frame of a light; a frame of that light is replaced.

    Args:
        session: a write transaction.
        capture: where it belongs.
        light: name of the light.
        sha256: a file whose row exists.
        file_name: what the file was called.
        position: order of the frame; None keeps the old one's or puts it last.
        meta: how it was taken, where that is known.

    Returns:
        The frame, and whether it is new (False: it replaced one, or was there already).
    """
    row = session.scalar(select(Frame).where(Frame.capture_id == capture.id, Frame.light == light))
    new = row is None
    if row is None:
        last = session.scalar(select(func.max(Frame.position)).where(Frame.capture_id == capture.id))
        row = Frame(
            capture_id=capture.id,
            light=light,
            position=0 if last is None else last + 1,
            blob_sha256=sha256,
            file_name=file_name,
        )
        session.add(row)
    row.blob_sha256 = sha256
    row.file_name = file_name
    row.meta = meta
    if position is not None:
        row.position = position
    session.flush()
    session.expire(capture, ["frames"])
    return row, new


def delete_frame(session: Session, capture: Capture, light: str) -> None:
    """Take a frame out of a capture. Raises NotFoundError."""
    row = session.scalar(select(Frame).where(Frame.capture_id == capture.id, Frame.light == light))
    if row is None:
        have = ", ".join(frame.light for frame in capture.frames) or "none"
        raise NotFoundError(f"The capture has no frame of a light {light!r}; it has: {have}.")
    session.delete(row)
    session.flush()
    session.expire(capture, ["frames"])


def delete(session: Session, capture: Capture) -> None:
    """Delete a capture with its frames."""
    session.delete(capture)
    session.flush()

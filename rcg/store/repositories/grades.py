"""Grades and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from rcg.errors import NotFoundError
from rcg.store.models import Grade, Layer


@dataclass(frozen=True)
class NewLayer:
    """A picture that comes with a grade; its file's row exists. Sizes in pixels, margin in mm."""

    side: str
    name: str
    blob_sha256: str
    width_px: int
    height_px: int
    px_per_mm: float
    margin_mm: float


def find(session: Session, grade_id: str) -> Grade | None:
    """Return the grade with its layers, or None."""
    return session.scalar(select(Grade).where(Grade.id == grade_id).options(selectinload(Grade.layers)))


def get(session: Session, grade_id: str) -> Grade:
    """As :func:`find`. Raises NotFoundError."""
    row = find(session, grade_id)
    if row is None:
        raise NotFoundError(
            f"There is no grade {grade_id!r}.", "GET /api/cards/CARD/grades lists a card's grades."
        )
    return row


def of_card(session: Session, card_id: str) -> Sequence[Grade]:
    """Return a card's grades with their layers, newest first."""
    return session.scalars(
        select(Grade)
        .where(Grade.card_id == card_id)
        .order_by(Grade.created_at.desc(), Grade.id)
        .options(selectinload(Grade.layers))
    ).all()


def of_job(session: Session, job_id: str) -> Grade | None:
    """Return the grade that a job made, if it did."""
    return session.scalar(select(Grade).where(Grade.job_id == job_id).options(selectinload(Grade.layers)))


def add(
    session: Session,
    *,
    card_id: str,
    job_id: str,
    report_sha256: str,
    overall: str | None,
    score: float | None,
    layers: Sequence[NewLayer],
) -> Grade:
    """Make a grade with its layers, in their order. The files' rows exist. One job makes one grade."""
    row = Grade(card_id=card_id, job_id=job_id, report_sha256=report_sha256, overall=overall, score=score)
    row.layers = [
        Layer(
            side=layer.side,
            name=layer.name,
            position=position,
            blob_sha256=layer.blob_sha256,
            width_px=layer.width_px,
            height_px=layer.height_px,
            px_per_mm=layer.px_per_mm,
            margin_mm=layer.margin_mm,
        )
        for position, layer in enumerate(layers)
    ]
    session.add(row)
    session.flush()
    return row


def layer(session: Session, grade_id: str, side: str, name: str) -> Layer:
    """Return one picture of a grade. Raises NotFoundError that lists the names there are."""
    row = session.scalar(
        select(Layer).where(Layer.grade_id == grade_id, Layer.side == side, Layer.name == name)
    )
    if row is None:
        have = [f"{item.side}/{item.name}" for item in get(session, grade_id).layers]
        raise NotFoundError(
            f"The grade has no layer {side}/{name}.",
            f"It has: {', '.join(have)}." if have else "It has no layers.",
        )
    return row


def count(session: Session) -> int:
    """Return how many grades there are."""
    return session.scalar(select(func.count()).select_from(Grade)) or 0

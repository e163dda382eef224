"""Cards, captures and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcg.api import schemas
from rcg.api.services.views import capture_out, card_out
from rcg.errors import ConflictError, InputError
from rcg.photometric.lights import LightsSpec
from rcg.store.repositories import blobs, captures, cards, jobs
from rcg.store.repositories.cards import Sort

if TYPE_CHECKING:
    from rcg.container import Container


def listing(container: Container, *, q: str, sort: Sort, offset: int, limit: int) -> schemas.CardPage:
    """Return a page of cards."""
    with container.db.read() as session:
        page = cards.listing(session, q=q, sort=sort, offset=offset, limit=limit)
        return schemas.CardPage(
            items=[card_out(card) for card in page.rows],
            total=page.total,
            offset=page.offset,
            limit=page.limit,
            next_offset=page.next_offset,
        )


def create(container: Container, body: schemas.CardIn) -> schemas.CardOut:
    """Make a card."""
    _check_size(body.width_mm, body.height_mm)
    with container.db.write() as session:
        card = cards.add(session, **body.model_dump())
        return card_out(cards.get(session, card.id))


def get(container: Container, card_id: str) -> schemas.CardOut:
    """Return a card."""
    with container.db.read() as session:
        return card_out(cards.get(session, card_id))


def change(container: Container, card_id: str, body: schemas.CardPatch) -> schemas.CardOut:
    """Change what the body names, and no more."""
    changes = body.model_dump(exclude_unset=True)
    for key in ("name", "set_name", "notes"):
        if changes.get(key, "") is None:
            raise InputError(f"{key} cannot be null.", "Leave it out to keep it.")
    with container.db.write() as session:
        card = cards.get(session, card_id)
        for key, value in changes.items():
            setattr(card, key, value)
        _check_size(card.width_mm, card.height_mm)
        session.flush()
        return card_out(card)


def delete(container: Container, card_id: str) -> None:
    """Delete a card with its captures and grades. Refused while a job works on it."""
    with container.db.write() as session:
        card = cards.get(session, card_id)
        _refuse_while_graded(card_id, [job.id for job in jobs.active_of(session, f"card:{card_id}")])
        cards.delete(session, card)


def add_capture(container: Container, card_id: str, body: schemas.CaptureIn) -> schemas.CaptureOut:
    """Make an empty capture."""
    with container.db.write() as session:
        card = cards.get(session, card_id)
        return capture_out(captures.add(session, card, body.side, as_json(body.lights)))


def get_capture(container: Container, capture_id: str) -> schemas.CaptureOut:
    """Return a capture."""
    with container.db.read() as session:
        return capture_out(captures.get(session, capture_id))


def delete_capture(container: Container, capture_id: str) -> None:
    """Delete a capture. A job that works on its card keeps the files it began with."""
    with container.db.write() as session:
        captures.delete(session, captures.get(session, capture_id))


def set_lights(container: Container, capture_id: str, body: schemas.LightsIn) -> schemas.CaptureOut:
    """Say where the lights of a capture are."""
    with container.db.write() as session:
        capture = captures.get(session, capture_id)
        capture.lights = as_json(body.lights)
        session.flush()
        return capture_out(capture)


def put_frame(
    container: Container, capture_id: str, light: str, body: schemas.FrameIn
) -> tuple[schemas.FrameOut, bool]:
    """Attach a stored file as the frame of a light; return it, and whether it is new."""
    limit = container.settings.limits.frames_per_capture
    with container.db.write() as session:
        capture = captures.get(session, capture_id)
        if blobs.get(session, body.sha256) is None:
            raise ConflictError(
                f"No file with the SHA-256 {body.sha256} is stored here yet.",
                f"Upload it first: PUT /api/blobs/{body.sha256}",
            )
        if len(capture.frames) >= limit and light not in {frame.light for frame in capture.frames}:
            raise too_many_frames(limit)
        frame, new = captures.put_frame(
            session,
            capture,
            light=light,
            sha256=body.sha256,
            file_name=body.file_name or light,
            position=body.position,
        )
        return schemas.FrameOut.model_validate(frame), new


def delete_frame(container: Container, capture_id: str, light: str) -> None:
    """Take a frame out of a capture."""
    with container.db.write() as session:
        captures.delete_frame(session, captures.get(session, capture_id), light)


def as_json(lights: LightsSpec | None) -> dict[str, object] | None:
    """Return lights as they are stored."""
    return None if lights is None else lights.model_dump()


def too_many_frames(limit: int) -> ConflictError:
    """Say that a capture is full."""
    return ConflictError(
        f"The capture has {limit} frames already, the most it may have.",
        "Take some out, or raise limits.frames_per_capture in config/rcg.toml.",
    )


def _check_size(width_mm: float | None, height_mm: float | None) -> None:
    if (width_mm is None) != (height_mm is None):
        raise InputError("A card's size needs both width_mm and height_mm.", "Give both, or neither.")


def _refuse_while_graded(card_id: str, active: list[str]) -> None:
    if active:
        raise ConflictError(
            f"Card {card_id} is being graded by job {active[0]}.",
            f"Wait for it, or cancel it: POST /api/jobs/{active[0]}/cancel",
        )

"""Sessions: begin, look, turn the card over, take the next card, cancel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rcg.api.capture_schemas import NextCardIn, SessionIn, SessionOut, SessionsOut
from rcg.api.schemas import CardIn
from rcg.api.services.capture.views import missing, next_side, session_out, tell
from rcg.api.services.rigs import lights_of, setup_of
from rcg.capture.lights import ring_names
from rcg.errors import ConflictError, InputError
from rcg.store.db import now_ms
from rcg.store.repositories import capture_sessions as rows
from rcg.store.repositories import captures, cards, grades, rigs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.capture_models import CaptureSession, Rig
    from rcg.store.models import Card

AMBIENT = "ambient"


def begin(container: Container, body: SessionIn, device: str) -> SessionOut:
    """Begin a session.

    Raises:
        ConflictError: there is no rig, or another session has its lights.
        InputError: both a card's id and a new card are given.
    """
    with container.db.write() as session:
        rig = _rig(session, body.rig)
        busy = rows.open_of_rig(session, rig.id)
        if busy is not None:
            raise ConflictError(
                f"The lights of {rig.name} are taken: {name_of(session, busy)} is being photographed.",
                f"Go on with that session, or cancel it: POST /api/capture/sessions/{busy.id}/cancel",
                session=busy.id,
            )
        row = _begun(session, rig, body, device)
        out = session_out(session, row)
    tell(container, out)
    return out


def listing(container: Container, *, only_open: bool, card_id: str | None, limit: int) -> SessionsOut:
    """Return sessions, newest first."""
    with container.db.read() as session:
        found = rows.listing(session, only_open=only_open, card_id=card_id, limit=limit)
        return SessionsOut(items=[session_out(session, row) for row in found])


def get(container: Container, session_id: str) -> SessionOut:
    """Return a session."""
    with container.db.read() as session:
        return session_out(session, rows.get(session, session_id))


def turn(container: Container, session_id: str, side: str | None) -> SessionOut:
    """Put another side in front of the camera: the named one, else the next that lacks frames."""
    with container.db.write() as session:
        row = rows.get(session, session_id)
        refuse_cancelled(row)
        wanted = side or next_side(row)
        if wanted is None:
            raise ConflictError("Every side has its frames.", "Take the next card.")
        if wanted not in row.sides:
            raise InputError(
                f"This session photographs the {' and '.join(row.sides)} only.",
                f"Begin one with the {wanted}.",
            )
        if wanted != row.side:
            row.side = wanted
            touch(session, row)
        out = session_out(session, row)
    tell(container, out)
    return out


def next_card(container: Container, session_id: str, body: NextCardIn, device: str) -> SessionOut:
    """Begin a session as this one, with another card. This one has to be complete or cancelled."""
    with container.db.read() as session:
        row = rows.get(session, session_id)
        if row.state in rows.OPEN:
            lacks = missing(row, row.side)
            raise ConflictError(
                f"{name_of(session, row)} lacks {len(lacks)} of {len(row.wanted)} frames of its {row.side}.",
                "Finish it, or cancel it.",
            )
        if row.rig_id is None:
            raise ConflictError("The rig of this session was deleted.", "Begin a session with another rig.")
        again = SessionIn(
            rig=row.rig_id,
            card_id=body.card_id,
            card=body.card,
            sides=row.sides,
            ambient=AMBIENT in row.wanted,
        )
    return begin(container, again, device)


def cancel(container: Container, session_id: str) -> SessionOut:
    """End a session; a side that has every frame keeps its capture, frames of others are dropped.

    A card that was made with the session and got no side goes with it.
    """
    with container.db.write() as session:
        row = rows.get(session, session_id)
        if row.state in rows.OPEN:
            for side in row.sides:
                if side not in row.captures:
                    rows.drop_frames(session, row, side)
            row.state, row.ended_at = "cancelled", now_ms()
            if row.made_card and not row.captures and row.card_id:
                _drop_empty(session, cards.get(session, row.card_id))
                session.expire(row, ["card_id"])
            touch(session, row)
        out = session_out(session, row)
    tell(container, out)
    return out


def refuse_cancelled(row: CaptureSession) -> None:
    """Raise ConflictError when a session was cancelled."""
    if row.state == "cancelled":
        raise ConflictError("This session was cancelled.", "Begin a new one.", session=row.id)


def name_of(session: Session, row: CaptureSession) -> str:
    """Return what the card of a session is called."""
    card = cards.find(session, row.card_id) if row.card_id else None
    return card.name if card else "A card that was deleted"


def touch(session: Session, row: CaptureSession) -> None:
    """Say that a session has changed."""
    row.revision += 1
    session.flush()


def _rig(session: Session, wanted: str | None) -> Rig:
    if wanted is not None:
        return rigs.get(session, wanted)
    rig = rigs.default(session)
    if rig is None:
        raise ConflictError(
            "There is no rig yet: nothing says where the lights are.",
            "Make one on the page Capture > Rigs, or by POST /api/rigs.",
        )
    return rig


def _begun(session: Session, rig: Rig, body: SessionIn, device: str) -> CaptureSession:
    if body.card_id is not None and body.card is not None:
        raise InputError("Both card_id and card are given.", "Give card_id for a card that is here already.")
    if body.card_id is not None:
        card = cards.get(session, body.card_id)
    else:
        made = body.card or CardIn(name=time.strftime("Card of %Y-%m-%d %H:%M:%S"))
        card = cards.add(session, **made.model_dump())
    names = ring_names(setup_of(rig).count)
    return rows.add(
        session,
        rig_id=rig.id,
        card_id=card.id,
        made_card=body.card_id is None,
        sides=list(body.sides),
        side=body.sides[0],
        wanted=[*((AMBIENT,) if body.ambient else ()), *names],
        lights=lights_of(rig).model_dump(),
        captures={},
        device=device,
    )


def _drop_empty(session: Session, card: Card) -> None:
    alone = rows.count_of_card(session, card.id) == 1
    empty = not any(captures.newest_of_side(session, card.id, side) for side in ("front", "back"))
    if alone and empty and not grades.of_card(session, card.id):
        cards.delete(session, card)

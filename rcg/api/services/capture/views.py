"""Sessions as they are given out, and told to every open page."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rcg.api.capture_schemas import (
    CardOfSession,
    FrameCheck,
    Mode,
    QualityIn,
    RigOfSession,
    SessionFrameOut,
    SessionOut,
    SessionState,
)
from rcg.api.schemas import SideName
from rcg.capture.lights import kinds
from rcg.store.repositories import cards, rigs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.capture_models import CaptureFrame, CaptureSession


def missing(row: CaptureSession, side: str) -> list[str]:
    """Return the frames that a side lacks, in the order of shooting."""
    have = {frame.light for frame in row.frames if frame.side == side}
    return [light for light in row.wanted if light not in have]


def next_side(row: CaptureSession) -> str | None:
    """Return the first other side that lacks frames, or None."""
    return next((side for side in row.sides if side != row.side and missing(row, side)), None)


def session_out(session: Session, row: CaptureSession) -> SessionOut:
    """Show a session."""
    rig = rigs.find(session, row.rig_id) if row.rig_id else None
    card = cards.find(session, row.card_id) if row.card_id else None
    return SessionOut(
        id=row.id,
        revision=row.revision,
        state=cast("SessionState", row.state),
        rig=RigOfSession(
            id=rig.id, name=rig.name, driver=rig.driver, acknowledged_by=kinds.way(rig.driver).told
        )
        if rig
        else None,
        card=CardOfSession(id=card.id, name=card.name, set_name=card.set_name) if card else None,
        sides=cast("list[SideName]", row.sides),
        side=cast("SideName", row.side),
        next_side=cast("SideName | None", next_side(row)),
        wanted=row.wanted,
        missing=missing(row, row.side),
        frames=[_frame_out(row, frame) for frame in row.frames],
        captures=row.captures,
        mode=cast("Mode | None", row.mode),
        photometric=all(frame.mode != "file" for frame in row.frames),
        job_id=row.job_id,
        problem=row.problem,
        device=row.device,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def tell(container: Container, out: SessionOut) -> None:
    """Tell open pages of a session. Call after the commit."""
    container.jobs.events.publish(
        "capture", {"type": "session", "session": out.id, "state": out.model_dump(mode="json")}
    )


def _frame_out(row: CaptureSession, frame: CaptureFrame) -> SessionFrameOut:
    address = f"/api/capture/sessions/{row.id}/frames/{frame.light}/thumbnail"
    return SessionFrameOut(
        side=cast("SideName", frame.side),
        light=frame.light,
        sha256=frame.blob_sha256,
        mode=cast("Mode", frame.mode),
        taken_at=frame.taken_at,
        quality=QualityIn.model_validate(frame.meta.get("quality") or {}),
        thumbnail_url=f"{address}?side={frame.side}&of={frame.blob_sha256[:12]}" if frame.thumbnail else None,
        check=FrameCheck.model_validate(frame.meta["check"]) if frame.meta.get("check") else None,
    )

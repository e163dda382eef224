"""A look, in a slot, at each frame that needs one: the side of a hand-held lamp, a small picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rcg.api.services.capture.sessions import AMBIENT, name_of
from rcg.capture.lights import kinds
from rcg.store.repositories import capture_sessions as rows
from rcg.store.repositories import rigs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.capture_models import CaptureFrame, CaptureSession

WAITING: Final = {"state": "waiting", "words": "The side of the light is being checked."}


def is_due(session: Session, row: CaptureSession, light: str) -> bool:
    """Whether a frame is worth a look: a person held the lamp, and a frame without light has no side."""
    rig = rigs.find(session, row.rig_id) if row.rig_id else None
    return light != AMBIENT and rig is not None and kinds.way(rig.driver).told == "person"


def submit(
    container: Container, session: Session, row: CaptureSession, frame: CaptureFrame, *, check: bool
) -> None:
    """Queue the look at a frame, ahead of everything else: the lamp is still in the hand."""
    dark = _comparable(rows.frame_of(session, row.id, frame.side, AMBIENT))
    container.jobs.submit(
        session,
        "frame_look",
        {
            "session": row.id,
            "side": frame.side,
            "light": frame.light,
            "sha256": frame.blob_sha256,
            "lights": row.lights,
            "names": [name for name in row.wanted if name != AMBIENT],
            "ambient": dark.blob_sha256 if check and dark and _comparable(frame) else None,
            "check": check,
            "picture": frame.thumbnail is None,
        },
        title=f"Look at light {frame.light} of {name_of(session, row)}",
        subject=f"session:{row.id}",
        band=0,
    )


def _comparable(frame: CaptureFrame | None) -> CaptureFrame | None:
    """The frame, if its exposure was held: brightness of two frames can be compared only then."""
    return frame if frame is not None and "exposure" in frame.meta.get("held", []) else None

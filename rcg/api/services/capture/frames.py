"""Frames of a session: taken in once, replaced by retakes, and made a capture when a side is complete."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from rcg.api.capture_schemas import FrameTaken, SessionFrameIn
from rcg.api.services import grading
from rcg.api.services.capture import checking
from rcg.api.services.capture.sessions import AMBIENT, refuse_cancelled, touch
from rcg.api.services.capture.views import missing, session_out, tell
from rcg.errors import ConflictError, InputError, NotFoundError, RcgError
from rcg.store.db import now_ms
from rcg.store.repositories import blobs, captures, cards
from rcg.store.repositories import capture_sessions as rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.api.auth import Principal
    from rcg.container import Container
    from rcg.store.capture_models import CaptureFrame, CaptureSession

_JPEG = b"\xff\xd8\xff"
_ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/tiff": ".tif"}


def attach(
    container: Container, session_id: str, light: str, body: SessionFrameIn, by: Principal
) -> FrameTaken:
    """Make a stored file the frame of a light; the same again changes nothing, a retake replaces.

    When it is the last of its side the side becomes a capture, and when it is the last of all the grading
    begins, in the same transaction.

    Raises:
        InputError: the session wants no such light or side.
        ConflictError: the file is not here, the session was cancelled, the side is not in front of the
            camera yet, its other frames were taken in another way, or the file is another light's too.
    """
    stale: str | None = None
    with container.db.write() as session:
        row = rows.get(session, session_id)
        refuse_cancelled(row)
        _check_place(row, light, body.side)
        if blobs.get(session, body.sha256) is None:
            raise ConflictError(
                f"No file with the SHA-256 {body.sha256} is stored here yet.",
                f"Upload it first: PUT /api/blobs/{body.sha256}",
            )
        here = rows.frame_of(session, row.id, body.side, light)
        if here is not None and here.blob_sha256 == body.sha256:
            return FrameTaken(sha256=body.sha256, kept=True, changed=False, session=session_out(session, row))
        if here is not None and here.taken_by == by.id and here.taken_at > body.taken_at:
            # A first try that comes late, after its own retake: the device may forget it.
            return FrameTaken(
                sha256=body.sha256, kept=False, changed=False, session=session_out(session, row)
            )
        _check_others(row, light, body)
        values = _values(body, by)
        check = checking.is_due(session, row, light)
        if check:
            values["meta"] = {**values["meta"], "check": checking.WAITING}
        frame = rows.put_frame(session, row, body.side, light, **values)
        row.mode, row.device = body.mode, by.name
        row.state = "shooting" if row.state == "ready" else row.state
        if not missing(row, body.side):
            stale = row.job_id
            _complete(container, session, row, body.side)
            stale = stale if stale != row.job_id else None
        if check or body.mode == "folder":
            # After the grading, which expires every row: a job is shown after the commit, from its own.
            checking.submit(container, session, row, frame, check=check)
        touch(session, row)
        out = session_out(session, row)
    if stale is not None:
        container.jobs.cancel(stale)
    container.jobs.events.publish(
        "capture",
        {"type": "frame", "session": out.id, "side": body.side, "light": light, "sha256": body.sha256},
    )
    tell(container, out)
    return FrameTaken(sha256=body.sha256, kept=True, changed=True, session=out)


def thumbnail(container: Container, session_id: str, light: str, side: str) -> bytes:
    """Return the small JPEG of a frame. Raises NotFoundError."""
    with container.db.read() as session:
        frame = rows.frame_of(session, session_id, side, light)
        if frame is None or frame.thumbnail is None:
            raise NotFoundError(f"There is no thumbnail of light {light[:20]!r} of the {side}.")
        return frame.thumbnail


def _check_place(row: CaptureSession, light: str, side: str) -> None:
    if light not in row.wanted:
        raise InputError(
            f"This session wants no frame {light!r}.", f"It wants {', '.join(row.wanted)}.", wanted=row.wanted
        )
    if side not in row.sides:
        raise InputError(
            f"This session photographs the {' and the '.join(row.sides)}; the frame is of the {side}.",
            "Turn the card over, or begin a session with both sides.", sides=row.sides,
        )  # fmt: skip
    begun = side == row.side or any(frame.side == side for frame in row.frames)
    if not begun:
        raise ConflictError(
            f"The {row.side} is in front of the camera; the frame is of the {side}.",
            f"Turn the card over first: POST /api/capture/sessions/{row.id}/side", side=row.side,
        )  # fmt: skip


def _check_others(row: CaptureSession, light: str, body: SessionFrameIn) -> None:
    others = [frame for frame in row.frames if frame.side == body.side and frame.light != light]
    other_mode = next((frame.mode for frame in others if frame.mode != body.mode), None)
    if other_mode is not None:
        raise ConflictError(
            f"This frame was taken as {_IN_WORDS[body.mode]}, the others of the {body.side} as "
            f"{_IN_WORDS[other_mode]}: brightness of the two cannot be compared.",
            "Take every frame of a side in one way.", mode=other_mode,
        )  # fmt: skip
    sizes = {(frame.meta.get("width"), frame.meta.get("height")) for frame in others} - {(None, None)}
    if body.width and sizes and (body.width, body.height) not in sizes:
        width, height = next(iter(sizes))
        raise ConflictError(
            f"This frame has {body.width} x {body.height} px, "
            f"the others of the {body.side} {width} x {height}.",
            "Hold the phone as you began; or cancel, and take the side anew.",
        )
    twin = next((frame.light for frame in others if frame.blob_sha256 == body.sha256), None)
    if twin is not None:
        raise ConflictError(
            f"The frame of {_name(light)} is byte for byte that of {_name(twin)}.",
            "The light did not change, or the camera stood still: take it again.", light=twin,
        )  # fmt: skip


_IN_WORDS = {
    "stream": "a video frame",
    "photo": "a photograph",
    "file": "a file of a camera app",
    "folder": "a file of a watched folder",
}


def _name(light: str) -> str:
    return "no light" if light == AMBIENT else f"light {light}"


def _values(body: SessionFrameIn, by: Principal) -> dict[str, Any]:
    meta = {
        "mode": body.mode,
        "taken_at": body.taken_at,
        "device": by.name,
        "width": body.width,
        "height": body.height,
        "settings": body.settings,
        "held": body.held,
        "quality": body.quality.model_dump(exclude_none=True),
    }
    return {
        "blob_sha256": body.sha256,
        "mode": body.mode,
        "taken_at": body.taken_at,
        "taken_by": by.id,
        "meta": meta,
        "thumbnail": _thumbnail(body.thumbnail),
    }


def _thumbnail(text: str | None) -> bytes | None:
    if not text:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InputError("thumbnail: it is no base64.", "Leave it out, or send a small JPEG.") from error
    if not data.startswith(_JPEG):
        raise InputError("thumbnail: it is no JPEG.", "Leave it out, or send a small JPEG.")
    return data


def _complete(container: Container, session: Session, row: CaptureSession, side: str) -> None:
    """Make a side's frames its capture; when every side has one, begin the grading."""
    if row.card_id is None:
        raise ConflictError("The card of this session was deleted.", "Begin a session with another card.")
    card = cards.get(session, row.card_id)
    known = row.captures.get(side)
    capture = captures.find(session, known) if known else None
    if capture is None:
        capture = captures.add(session, card, side, row.lights)
        row.captures = {**row.captures, side: capture.id}
    frames: dict[str, CaptureFrame] = {frame.light: frame for frame in row.frames if frame.side == side}
    for position, light in enumerate(row.wanted):
        frame = frames[light]
        kind = blobs.get(session, frame.blob_sha256)
        ending = _ENDINGS.get(kind.media_type, "") if kind else ""
        captures.put_frame(
            session,
            capture,
            light=light,
            sha256=frame.blob_sha256,
            file_name=f"{light}{ending}",
            position=position,
            meta={key: value for key, value in frame.meta.items() if key != "check"},
        )
    if any(missing(row, each) for each in row.sides):
        return
    row.state, row.ended_at = "complete", row.ended_at or now_ms()
    session.flush()
    session.expire_all()
    try:
        row.job_id, row.problem = grading.submit(container, session, cards.get(session, card.id)).id, None
    except RcgError as error:  # the frames are kept whatever is wrong with the lights
        row.problem = error.as_json()

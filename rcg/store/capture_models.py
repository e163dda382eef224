"""The tables of capture: rigs, and sessions with what came of them so far. Times are ms since 1970 UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rcg.store.base import Base, new_id
from rcg.store.db import now_ms


class Rig(Base):
    """Lights and how they are switched."""

    __tablename__ = "rigs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    driver: Mapped[str] = mapped_column(String(16), doc="manual, screen, wled, serial or sim")
    config: Mapped[dict[str, Any]] = mapped_column(doc="the driver's own settings")
    lights: Mapped[dict[str, Any]] = mapped_column(doc="where the lights are: ring, positions or named")
    settle_ms: Mapped[float | None] = mapped_column(
        doc="from the acknowledgement until a camera sees the light steadily; None: not measured"
    )
    calibration: Mapped[dict[str, Any] | None]
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[int] = mapped_column(default=now_ms)
    updated_at: Mapped[int] = mapped_column(default=now_ms)


class CaptureSession(Base):
    """One card in front of a camera, from the first side chosen to the last."""

    __tablename__ = "capture_sessions"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    rig_id: Mapped[str | None] = mapped_column(ForeignKey("rigs.id", ondelete="SET NULL"), index=True)
    card_id: Mapped[str | None] = mapped_column(ForeignKey("cards.id", ondelete="SET NULL"), index=True)
    made_card: Mapped[bool] = mapped_column(doc="whether the card was made with the session")
    state: Mapped[str] = mapped_column(
        String(10), default="ready", index=True, doc="ready, shooting, complete or cancelled"
    )
    sides: Mapped[list[Any]] = mapped_column(doc="the chosen ones, in their order")
    side: Mapped[str] = mapped_column(String(5), doc="that is in front of the camera")
    wanted: Mapped[list[Any]] = mapped_column(doc="frames of each side: ambient, then the rig's lights")
    lights: Mapped[dict[str, Any]] = mapped_column(doc="LightsSpec of the rig when the session began")
    captures: Mapped[dict[str, Any]] = mapped_column(doc="side -> id of its capture, once it is complete")
    mode: Mapped[str | None] = mapped_column(
        String(6), doc="of the newest frame: stream, photo, file or folder"
    )
    job_id: Mapped[str | None] = mapped_column(String(32), doc="the grading that it started")
    problem: Mapped[dict[str, Any] | None] = mapped_column(doc="why no grading was started")
    device: Mapped[str] = mapped_column(doc="name of the device that took the newest frame, or began it")
    revision: Mapped[int] = mapped_column(default=0, doc="raised by every change")
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)
    ended_at: Mapped[int | None]
    frames: Mapped[list[CaptureFrame]] = relationship(
        cascade="all, delete-orphan", order_by="CaptureFrame.created_at", passive_deletes=True
    )


class CaptureFrame(Base):
    """A frame that a session took. It becomes a capture's frame when all of its side are there."""

    __tablename__ = "capture_frames"
    __table_args__ = (UniqueConstraint("session_id", "side", "light"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(ForeignKey("capture_sessions.id", ondelete="CASCADE"))
    side: Mapped[str] = mapped_column(String(5))
    light: Mapped[str] = mapped_column(String(10))
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    mode: Mapped[str] = mapped_column(String(6), doc="how it was taken: stream, photo, file or folder")
    taken_at: Mapped[int] = mapped_column(doc="by the clock of the device")
    taken_by: Mapped[str] = mapped_column(String(32), doc="id of who sent it: clocks of two are not compared")
    meta: Mapped[dict[str, Any]] = mapped_column(doc="size, the camera's settings, marks of quality")
    thumbnail: Mapped[bytes | None] = mapped_column(LargeBinary, doc="a small JPEG that the device made")
    created_at: Mapped[int] = mapped_column(default=now_ms)

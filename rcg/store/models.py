"""The tables. Times are milliseconds since 1970 UTC; ids are 32 hex digits unless stated."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rcg.store import capture_models, dataset_models, preference_models, training_models
from rcg.store.base import Base, new_id
from rcg.store.capture_models import CaptureFrame, CaptureSession, Rig
from rcg.store.dataset_models import (
    AnnotationOp,
    AnnotationRow,
    Dataset,
    DatasetItem,
    DatasetVersion,
    ItemLayer,
    KindRow,
    Recipe,
)
from rcg.store.db import now_ms
from rcg.store.preference_models import Preference
from rcg.store.training_models import Model, Run, WeightsFile

__all__ = [
    "AnnotationOp", "AnnotationRow", "ApiToken", "Base", "Blob", "Capture", "CaptureFrame",
    "CaptureSession", "Card", "Dataset", "DatasetItem", "DatasetVersion", "Frame", "Grade", "ItemLayer",
    "Job", "KindRow", "Layer", "Model", "OneTimeLink", "Preference", "Recipe", "Rig", "Run",
    "SignInSession", "WeightsFile", "capture_models", "dataset_models", "new_id", "preference_models",
    "training_models",
]  # fmt: skip


class Blob(Base):
    """A file kept by the SHA-256 of its bytes. The row is written after the file is in place."""

    __tablename__ = "blobs"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes: Mapped[int]
    media_type: Mapped[str]
    created_at: Mapped[int] = mapped_column(default=now_ms)


class Card(Base):
    """The physical thing."""

    __tablename__ = "cards"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str]
    set_name: Mapped[str] = mapped_column(default="")
    notes: Mapped[str] = mapped_column(default="")
    width_mm: Mapped[float | None] = mapped_column(doc="chosen by the user; None: the default size")
    height_mm: Mapped[float | None]
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)
    captures: Mapped[list[Capture]] = relationship(
        back_populates="card", cascade="all, delete-orphan", order_by="Capture.created_at"
    )
    grades: Mapped[list[Grade]] = relationship(
        back_populates="card", cascade="all, delete-orphan", order_by="Grade.created_at.desc()"
    )


class Capture(Base):
    """One side of one card on one rig. The newest capture of a side is the one that is graded."""

    __tablename__ = "captures"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    card_id: Mapped[str] = mapped_column(ForeignKey("cards.id", ondelete="CASCADE"), index=True)
    side: Mapped[str] = mapped_column(String(5), doc="front or back")
    lights: Mapped[dict[str, Any] | None] = mapped_column(doc="LightsSpec as JSON; None: names tell")
    created_at: Mapped[int] = mapped_column(default=now_ms)
    card: Mapped[Card] = relationship(back_populates="captures")
    frames: Mapped[list[Frame]] = relationship(
        back_populates="capture", cascade="all, delete-orphan", order_by="Frame.position"
    )


class Frame(Base):
    """One photograph under one light, byte-identical to what came."""

    __tablename__ = "frames"
    __table_args__ = (UniqueConstraint("capture_id", "light"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    capture_id: Mapped[str] = mapped_column(ForeignKey("captures.id", ondelete="CASCADE"), index=True)
    light: Mapped[str]
    position: Mapped[int] = mapped_column(doc="order of the frames; rows of a bare light list refer to it")
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    file_name: Mapped[str]
    meta: Mapped[dict[str, Any] | None] = mapped_column(doc="how it was taken, where a session took it")
    created_at: Mapped[int] = mapped_column(default=now_ms)
    capture: Mapped[Capture] = relationship(back_populates="frames")


class Grade(Base):
    """One report: the JSON as a blob, its pictures as blobs, and the few columns that lists need."""

    __tablename__ = "grades"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    card_id: Mapped[str] = mapped_column(ForeignKey("cards.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str] = mapped_column(String(32), unique=True)
    report_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    overall: Mapped[str | None] = mapped_column(doc="grade text of RCG's rubric")
    score: Mapped[float | None]
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)
    card: Mapped[Card] = relationship(back_populates="grades")
    layers: Mapped[list[Layer]] = relationship(
        back_populates="grade", cascade="all, delete-orphan", order_by="Layer.position"
    )


class Layer(Base):
    """A picture of one map or frame of one side, rectified to the card's coordinates."""

    __tablename__ = "layers"
    __table_args__ = (UniqueConstraint("grade_id", "side", "name"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    grade_id: Mapped[str] = mapped_column(ForeignKey("grades.id", ondelete="CASCADE"), index=True)
    side: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(doc="colour, albedo, normal, ..., light:<name>, thumbnail")
    position: Mapped[int]
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    width_px: Mapped[int]
    height_px: Mapped[int]
    px_per_mm: Mapped[float]
    margin_mm: Mapped[float]
    grade: Mapped[Grade] = relationship(back_populates="layers")


class Job(Base):
    """A unit of queued work. This row is the truth; Valkey only knows hints."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state_due", "state", "due_at"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(doc="for people: what it does to what")
    subject: Mapped[str | None] = mapped_column(String(40), index=True, doc='about what, e.g. "card:<id>"')
    resource: Mapped[str] = mapped_column(String(16), default="cpu")
    band: Mapped[int] = mapped_column(default=1, doc="0 first, 1 normal, 2 background")
    spec: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempt: Mapped[int] = mapped_column(default=0, doc="fencing token: raised by every claim")
    crashes: Mapped[int] = mapped_column(default=0)
    losses: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[int] = mapped_column(default=now_ms)
    worker: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(default="")
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(doc="RcgError.as_json(); data.stderr after a crash")
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)
    started_at: Mapped[int | None]
    finished_at: Mapped[int | None]


class SignInSession(Base):
    """A browser or a phone that is signed in. The cookie's value is stored hashed."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    kind: Mapped[str] = mapped_column(
        String(8),
        default="browser",
        server_default="browser",
        doc="browser: may do all; phone: read, capture",
    )
    device: Mapped[str] = mapped_column(doc="from the user agent, editable")
    created_at: Mapped[int] = mapped_column(default=now_ms)
    last_seen_at: Mapped[int] = mapped_column(default=now_ms)
    revoked_at: Mapped[int | None]


class ApiToken(Base):
    """A token for scripts, stored hashed."""

    __tablename__ = "tokens"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(doc="read, capture, label, train, admin")
    created_at: Mapped[int] = mapped_column(default=now_ms)
    expires_at: Mapped[int | None]
    last_used_at: Mapped[int | None]
    revoked_at: Mapped[int | None]


class OneTimeLink(Base):
    """A set-up, sign-in or pairing link: used once, soon, stored hashed."""

    __tablename__ = "links"
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10), doc="setup, sign_in, pair or pair_code")
    created_at: Mapped[int] = mapped_column(default=now_ms)
    expires_at: Mapped[int]
    used_at: Mapped[int | None]

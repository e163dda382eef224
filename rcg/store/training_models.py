"""The tables of training: runs, the models that come of them, files of weights to begin with. What happened
in a run is its event log, a file."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from rcg.store.base import Base, new_id
from rcg.store.db import now_ms


class Run(Base):
    """One training. ``spec`` never changes; an extension is an event of the run's log."""

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str]
    dataset_id: Mapped[str | None] = mapped_column(String(32), index=True)
    dataset_name: Mapped[str]
    version_id: Mapped[str | None] = mapped_column(String(32), index=True)
    kind: Mapped[str]
    architecture: Mapped[str]
    preset: Mapped[str]
    spec: Mapped[dict[str, Any]]
    spec_sha256: Mapped[str] = mapped_column(String(64))
    defaults_diff: Mapped[list[Any]] = mapped_column(
        default=list, doc="the fields of the plan that were set otherwise than it proposed"
    )
    launch_token: Mapped[str | None] = mapped_column(
        String(64), unique=True, doc="made by the page: the same launch twice is one run"
    )
    state: Mapped[str] = mapped_column(
        String(10), default="queued", index=True,
        doc="queued, running, pausing, paused, stopping, done, failed or cancelled",
    )  # fmt: skip
    job_id: Mapped[str | None] = mapped_column(String(32), index=True, doc="the newest job that trains it")
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(doc="the horizon, as extended")
    metric: Mapped[str | None] = mapped_column(doc="name of the metric that decides")
    best: Mapped[float | None]
    best_step: Mapped[int | None]
    stopped_by: Mapped[str] = mapped_column(
        default="", doc="target, patience, time, steps, epochs, user, nan, ..."
    )
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)
    started_at: Mapped[int | None]
    finished_at: Mapped[int | None]


class Model(Base):
    """The published result of a run, with its lineage."""

    __tablename__ = "models"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    run_id: Mapped[str | None] = mapped_column(String(32), index=True)
    dataset_name: Mapped[str]
    version_id: Mapped[str | None] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(index=True)
    architecture: Mapped[str]
    task: Mapped[str] = mapped_column(String(12))
    weights_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), doc="safetensors")
    config: Mapped[dict[str, Any]] = mapped_column(
        doc="all that is needed to build it again: rcg.training.ModelConfig"
    )
    metrics: Mapped[dict[str, Any]] = mapped_column(doc="of the held-out part, with the step they are from")
    in_use: Mapped[bool] = mapped_column(default=False, doc="grading uses it")
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)


class WeightsFile(Base):
    """A file of weights that a training can begin with: added by a person, or an official one."""

    __tablename__ = "weights_files"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), unique=True)
    name: Mapped[str] = mapped_column(doc="of the file, as it came")
    bytes: Mapped[int]
    tensors: Mapped[int | None] = mapped_column(doc="None: only loading would tell")
    source: Mapped[str] = mapped_column(String(8), doc="file or official")
    backbone: Mapped[str | None] = mapped_column(String(24), doc="whose weights they are; None: unknown")
    norm: Mapped[str | None] = mapped_column(String(8), doc="that they were trained with; None: unknown")
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)

"""What a kind of job is: a function that computes, and a function that takes its result in.

``compute`` runs in a slot: in a thread of the server or in a child process. It sees files and its spec, never
the database or Valkey. It must be idempotent: a job can run twice, and then its outputs are the same blobs.
``accept`` runs in the server, inside the transaction that marks the job done, and only for the current
attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from rcg.jobs.loading import load
from rcg.store.models import Job

__all__ = ["HANDLERS", "Accept", "Compute", "Handler", "JobContext", "load"]


class JobContext(Protocol):
    """What ``compute`` may use of the world."""

    job_id: str
    attempt: int
    data_dir: Path
    """the data folder: blobs are read from and written to ``BlobStore(data_dir / "blobs")``"""
    scratch: Path
    """an empty folder of this attempt, deleted after it"""
    threads: int
    """how many compute threads the job may use"""

    def progress(self, fraction: float, message: str = "") -> None:
        """Report progress, 0..1, and what is being done. Raises CancelledError when the job was cancelled."""

    def log(self, text: str, level: str = "info") -> None:
        """Add a line to the job's log."""

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Publish an event of another kind (metric, sample)."""

    def check(self) -> None:
        """Raise CancelledError when the job was cancelled; call often."""

    def beat(self) -> None:
        """Say that the job still works; for steps so long that its silence would be taken for a stall."""


Compute = Callable[[JobContext, dict[str, Any]], dict[str, Any]]
Accept = Callable[[Session, Job, dict[str, Any]], dict[str, Any]]
Follow = Callable[[Session, Job, str], None]
Keep = Callable[[Session, str, list[dict[str, Any]]], None]


@dataclass(frozen=True)
class Handler:
    """A kind of job.

    Attributes:
        kind: its name in the queue.
        compute: ``"package.module:function"``; named, not imported, so that the web process stays light and a
            child imports only what it runs.
        accept: likewise, or None when the result needs no rows. What it returns is stored as the result.
        resource: ``cpu``, ``gpu``, ``io``, ``net`` or ``train``.
        isolated: False lets a job that only copies or waits run in a thread whatever the isolation setting.
        cuda: it computes on CUDA where there is one; ``isolation = auto`` then keeps it in the server.
        follow: likewise named, or None: called with the job and its former state in the transaction of every
            change of the job's state, for kinds whose own rows tell how the job stands.
        keep: likewise named, or None: called with the job's id and the data of its events since the last
            time, once a second at most, for kinds whose own rows tell how far the job is.
    """

    kind: str
    compute: str
    accept: str | None = None
    resource: str = "cpu"
    isolated: bool = True
    cuda: bool = False
    follow: str | None = None
    keep: str | None = None


HANDLERS: dict[str, Handler] = {
    handler.kind: handler
    for handler in (
        Handler("grade", "rcg.jobs.grade:compute", "rcg.jobs.grade:accept"),
        Handler("frame_look", "rcg.jobs.frame_look:compute", "rcg.jobs.frame_look:accept", resource="io"),
        Handler("demo", "rcg.jobs.demo:compute", "rcg.jobs.demo:accept"),
        Handler("calibrate", "rcg.jobs.calibrate:compute", "rcg.jobs.calibrate:accept"),
        Handler("ingest", "rcg.jobs.ingest:compute", "rcg.jobs.ingest:accept"),
        Handler("dataset_import", "rcg.jobs.dataset_import:compute", "rcg.jobs.dataset_import:accept"),
        Handler(
            "dataset_rows",
            "rcg.jobs.dataset_accept:compute",
            "rcg.jobs.dataset_accept:accept",
            resource="io",
            isolated=False,
        ),
        Handler("dataset_export", "rcg.jobs.dataset_export:compute", "rcg.jobs.dataset_export:accept"),
        Handler("dataset_captures", "rcg.jobs.dataset_captures:compute", "rcg.jobs.dataset_captures:accept"),
        Handler("dataset_render", "rcg.jobs.dataset_render:compute", "rcg.jobs.dataset_render:accept"),
        Handler(
            "first_model", "rcg.jobs.first_model:compute", "rcg.api.services.training.first_model:accept"
        ),
        Handler("augment_preview", "rcg.jobs.augment_preview:compute", resource="io"),
        Handler(
            "train",
            "rcg.jobs.train:compute",
            "rcg.jobs.train:accept",
            resource="train",
            cuda=True,
            follow="rcg.jobs.train_rows:follow",
            keep="rcg.jobs.train_rows:keep",
        ),
        Handler(
            "official_weights",
            "rcg.jobs.official_weights:compute",
            "rcg.jobs.official_weights:accept",
            resource="net",
        ),
        Handler("preflight", "rcg.jobs.preflight:compute", cuda=True),
        Handler("predict", "rcg.jobs.predict:compute", "rcg.jobs.predict:accept", cuda=True),
    )
}

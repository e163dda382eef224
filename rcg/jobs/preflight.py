"""The job before a launch: three dry steps say how long a run takes, how much memory, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rcg.jobs.grade import Strict
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from rcg.jobs.handler import JobContext


class PreflightSpec(Strict):
    """What the job is told.

    Attributes:
        spec: of the run, :class:`rcg.training.spec.RunSpec` as JSON.
        device: the spec's, where the slot looks for it.
        threads: that the run itself will be given.
        beside: a run that trains meanwhile, by name; empty: none.
        warnings: of the plan, passed on.
        request: what the launch was asked with, for who launches it later.
    """

    spec: dict[str, Any]
    device: str = "auto"
    threads: int
    beside: str = ""
    warnings: list[dict[str, Any]] = Field(default_factory=list)
    request: dict[str, Any] = Field(default_factory=dict)


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Take the dry steps; return ``rcg.training.preflight.Preflight`` with the plan's warnings."""
    ctx.progress(0.0, "Loading")  # torch alone takes seconds
    from rcg.training.preflight import preflight  # noqa: PLC0415 - torch
    from rcg.training.spec import read_spec  # noqa: PLC0415

    order = PreflightSpec.model_validate(spec)
    run_spec = read_spec(order.spec)
    blobs = BlobStore(ctx.data_dir / "blobs")
    found = preflight(
        run_spec,
        blobs.path(run_spec.dataset.manifest_sha256),
        blobs.path,
        threads=order.threads,
        progress=ctx.progress,
    ).as_json()
    if order.beside:
        found["problems"].append(
            {
                "severity": "warning",
                "text": f"Measured while {order.beside} trains, which takes its share of the machine.",
                "action": "Alone the run is faster than said here.",
            }
        )
    return found | {"warnings": order.warnings}

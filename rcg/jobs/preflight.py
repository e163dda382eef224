"""The job of the dry steps: how long a run takes and how much memory, before it is launched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.jobs.grade import Strict
from rcg.jobs.pulse import Pulse
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from rcg.jobs.handler import JobContext


class PreflightSpec(Strict):
    """What the job is told.

    Attributes:
        spec: of the run, :class:`rcg.training.spec.RunSpec` as JSON.
        device: the spec's, where the slot looks for it.
        warnings: of the plan; they are answered with what the steps show.
        request: what was asked for, so that the same can be launched.
    """

    spec: dict[str, Any]
    device: str = "auto"
    warnings: list[dict[str, Any]]
    request: dict[str, Any]


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Take the steps; nothing is kept of them."""
    ctx.progress(0.0, "Loading")  # torch alone takes seconds
    from rcg.training.preflight import preflight  # noqa: PLC0415 - torch, which the web process does without
    from rcg.training.spec import read_spec  # noqa: PLC0415

    order = PreflightSpec.model_validate(spec)
    run_spec = read_spec(order.spec)
    blobs = BlobStore(ctx.data_dir / "blobs")
    with Pulse(ctx.beat):
        found = preflight(
            run_spec,
            blobs.path(run_spec.dataset.manifest_sha256),
            blobs.path,
            threads=ctx.threads,
            progress=ctx.progress,
        )
    said = found.as_json()
    told = {problem["text"] for problem in said["problems"]}
    said["problems"] += [
        {"severity": "warning", "text": one["text"], "action": one["action"]}
        for one in order.warnings
        if one["text"] not in told
    ]
    return {**said, "spec": order.spec, "request": order.request}

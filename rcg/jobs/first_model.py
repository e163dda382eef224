"""The job behind *Build my first model*: rendered cards of which a fixed part is held out.

Taking its result in makes the version and launches the run: :mod:`rcg.api.services.training.first_model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.jobs import dataset_render

if TYPE_CHECKING:
    from rcg.jobs.handler import JobContext


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Render the cards; the last ``held_out`` of them are in the part ``val``, the others in ``train``."""
    return dataset_render.compute(ctx, spec) | {"blobs": str(ctx.data_dir / "blobs")}

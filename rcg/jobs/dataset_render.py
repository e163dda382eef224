"""The job that renders cards into a dataset: every layer by the true engine, annotations by the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.jobs.ahead import ahead
from rcg.jobs.dataset_accept import accept_rows
from rcg.jobs.dataset_files import store_sample
from rcg.jobs.dataset_rows import ItemRow, RowWriter
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Render ``cards`` cards of ``seed``, a few in memory at a time. The same spec gives the same files.

    With ``held_out`` so many, the last ones, are given to the part ``val`` and the others to ``train``;
    ``px_per_mm`` and ``workers`` in place of the usual scale and of the slot's threads.
    """
    from rcg.datasets.rendered import PX_PER_MM, render_item  # noqa: PLC0415

    blobs = BlobStore(ctx.data_dir / "blobs")
    count = int(spec["cards"])
    held_out = int(spec.get("held_out", 0))
    px_per_mm = float(spec.get("px_per_mm", PX_PER_MM))

    def make(index: int) -> ItemRow:
        ctx.check()
        item = render_item(spec["kind"], int(spec["seed"]), index, px_per_mm=px_per_mm)
        return ItemRow(
            name=item.name,
            source="render",
            stored=store_sample(blobs, item.sample),
            annotations=item.sample.annotations,
            card=item.card,
            split=("train" if index < count - held_out else "val") if held_out else None,
            side=item.side,
            px_per_mm=item.sample.px_per_mm,
            margin_mm=item.margin_mm,
            lights=lights_of(item.sample.lights),
        )

    with RowWriter(ctx) as rows:
        # Cards side by side use the threads better than one card does.
        made = ahead(make, range(count), int(spec.get("workers", ctx.threads)))
        for done, row in enumerate(made, 1):
            rows.write(row)
            ctx.progress(done / count, f"{done} of {count} cards rendered")
    return {"dataset_id": spec["dataset_id"], "rows": rows.paths}


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Write the items into the dataset."""
    return accept_rows(session, job, result)


def lights_of(lights: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Return light directions as an item keeps them."""
    return {name: (float(xyz[0]), float(xyz[1]), float(xyz[2])) for name, xyz in lights.items()}

"""The job that makes items of captures: the engine measures each side, its maps become the item's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rcg.errors import CancelledError, RcgError
from rcg.jobs.dataset_accept import accept_rows
from rcg.jobs.dataset_files import store_sample
from rcg.jobs.dataset_render import lights_of
from rcg.jobs.dataset_rows import ItemRow, RowWriter
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Measure every side of the spec; one that cannot be measured is noted and spoils nothing else.

    ``known`` sides more were asked for, of which the dataset has the items already.

    Raises RcgError, the first side's, when none could be measured.
    """
    blobs = BlobStore(ctx.data_dir / "blobs")
    sides = spec["sides"]
    failed: list[dict[str, str]] = []
    first: RcgError | None = None
    with RowWriter(ctx) as rows:
        for index, side in enumerate(sides):
            title = f"{side['card_name']}, {side['side']}"
            report = _part(ctx, index, len(sides), title)
            try:
                rows.write(_item(ctx, blobs, side, spec.get("px_per_mm"), report))
            except CancelledError:
                raise
            except RcgError as error:
                ctx.log(f"{title}: {error}", "warning")
                failed.append({"name": title, "problem": str(error)})
                first = first or error
    if first is not None and len(failed) == len(sides) and not spec["known"]:
        raise first
    taken = {"known_items": spec["known"]}
    return {"dataset_id": spec["dataset_id"], "rows": rows.paths, "failed": failed, "taken": taken}


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Write the items into the dataset."""
    return accept_rows(session, job, result)


def _part(ctx: JobContext, index: int, count: int, title: str) -> Callable[[float, str], None]:
    return lambda fraction, message: ctx.progress((index + fraction) / count, f"{title}: {message}")


def _item(
    ctx: JobContext,
    blobs: BlobStore,
    side: dict[str, Any],
    px_per_mm: float | None,
    report: Callable[[float, str], None],
) -> ItemRow:
    from rcg.capture.card_input import FrameFile, SideInput  # noqa: PLC0415
    from rcg.capture.run import measure_side  # noqa: PLC0415
    from rcg.datasets.from_maps import sample_of_maps  # noqa: PLC0415
    from rcg.photometric.lights import LightsSpec  # noqa: PLC0415
    from rcg.photometric.types import DEFAULT_PX_PER_MM, CardSize  # noqa: PLC0415
    from rcg.settings import Settings  # noqa: PLC0415

    frames = tuple(
        FrameFile(frame["light"], frame["file_name"], blobs.path(frame["sha256"]), frame["sha256"])
        for frame in side["frames"]
    )
    lights = LightsSpec.model_validate(side["lights"]) if side["lights"] else None
    maps = measure_side(
        SideInput(frames, lights),
        CardSize(side["width_mm"], side["height_mm"], side["size_source"]),
        px_per_mm=max(px_per_mm or 0.0, DEFAULT_PX_PER_MM),
        mat_scale=side.get("mat_scale"),
        max_megapixels=float(Settings().limits.image_megapixels),
        threads=ctx.threads,
        progress=report,
    )
    report(0.9, "Storing the layers")
    sample, margin_mm = sample_of_maps(maps, px_per_mm=px_per_mm)
    return ItemRow(
        name=f"{side['card_name'].replace('/', '-')}/{side['side']}-{side['capture_id'][:8]}",
        source="capture",
        stored=store_sample(blobs, sample),
        card=side["card_id"],
        card_id=side["card_id"],
        side=side["side"],
        px_per_mm=sample.px_per_mm,
        margin_mm=margin_mm,
        lights=lights_of(sample.lights),
        origin=side["origin"],
        problem=" ".join(maps.warnings),
    )

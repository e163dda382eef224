"""The job behind the preview of a recipe: an item and some draws of the recipe on it, as pictures with
shapes.

The pictures are looked at once, so they are files below ``previews/`` of the data folder, one folder per
job, and no blobs; ``rcg.api.services.recipes`` removes those of older previews.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from rcg.datasets.augment import Recipe
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.schema import LabelSchema, Mask
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from rcg.datasets.augment.pictures import Pictures
    from rcg.datasets.sample import Sample
    from rcg.datasets.schema import Annotation
    from rcg.jobs.handler import JobContext

FOLDER = "previews"
_READING = 0.2
"""share of the job's time that reading the item takes"""


class PreviewSpec(BaseModel):
    """What the job is told.

    Attributes:
        item, label_schema: what is drawn on.
        recipe, seed, count: how often which recipe; draw ``i`` does not depend on ``count``.
        layers: which are pictured; None: all. Every layer is computed, so that draws do not depend on it.
        longest: longer side of the pictures, px; a smaller item keeps its size.
    """

    model_config = ConfigDict(extra="forbid")

    item: ItemRecord
    label_schema: LabelSchema
    recipe: Recipe
    seed: int = 0
    count: int = 6
    layers: list[str] | None = None
    longest: int = 480


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Draw. The same spec gives the same pictures.

    Returns:
        ``width``, ``height`` of the pictures, ``scales`` (layer -> what its picture means), ``before`` and
        ``draws``: per state ``images`` (layer -> address), ``annotations`` (in pixels of the pictures;
        masks as their outlines), ``notes`` (what was drawn, in words) and ``px_per_mm``.
    """
    import numpy as np  # noqa: PLC0415  the web process imports the kinds of jobs, a slot the engine

    from rcg.datasets.augment import apply_noted  # noqa: PLC0415
    from rcg.datasets.augment.pictures import Pictures  # noqa: PLC0415
    from rcg.datasets.pixels import read_sample  # noqa: PLC0415

    order = PreviewSpec.model_validate(spec)
    ctx.progress(0.0, "Reading the item")
    scale = min(1.0, order.longest / max(order.item.width, order.item.height))
    size = (max(1, round(order.item.width * scale)), max(1, round(order.item.height * scale)))
    sample = read_sample(order.item, BlobStore(ctx.data_dir / "blobs").path, size=size if scale < 1 else None)
    folder = ctx.data_dir / FOLDER / ctx.job_id
    folder.mkdir(parents=True, exist_ok=True)
    pictures = Pictures(sample)
    wanted = order.layers if order.layers is not None else list(sample.layers)
    before = _kept(ctx, pictures, sample, wanted, folder, "before") | {"notes": []}
    draws = []
    for index in range(order.count):
        ctx.progress(_READING + (1 - _READING) * index / order.count, f"Draw {index + 1} of {order.count}")
        drawn = apply_noted(
            order.recipe, sample, np.random.default_rng([order.seed, index]), order.label_schema
        )
        draws.append(_kept(ctx, pictures, drawn.sample, wanted, folder, str(index)) | {"notes": drawn.notes})
    width, height = sample.size
    return {
        "width": width,
        "height": height,
        "scales": pictures.scales,
        "before": before,
        "draws": draws,
    }


def _kept(
    ctx: JobContext, pictures: Pictures, sample: Sample, wanted: list[str], folder: Path, stem: str
) -> dict[str, Any]:
    images = {}
    for name in wanted:
        ctx.check()
        file = f"{stem}.{name.replace(':', '_')}.webp"
        part = folder / f"{file}.part"
        part.write_bytes(pictures.webp(name, sample))
        part.replace(folder / file)
        images[name] = f"/api/recipes/preview/{ctx.job_id}/{file}"
    shapes = [_outlined(item) for item in sample.annotations]
    return {
        "images": images,
        "annotations": [item.model_dump(mode="json") for item in shapes if item is not None],
        "px_per_mm": sample.px_per_mm,
    }


def _outlined(item: Annotation) -> Annotation | None:
    """An annotation that a page can draw: masks become their outlines."""
    from rcg.datasets import rle  # noqa: PLC0415
    from rcg.datasets.raster import polygons_of  # noqa: PLC0415

    if not isinstance(item.shape, Mask):
        return item
    polygon = polygons_of(rle.decode(item.shape), tolerance=0.5)
    return item.model_copy(update={"shape": polygon}) if polygon is not None else None

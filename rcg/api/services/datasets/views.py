"""From rows to what the API shows of datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rcg.api import dataset_schemas as schemas
from rcg.api.item_schemas import ItemDetail, ItemOut, LayerOut, Neighbours
from rcg.api.version_schemas import VersionOut, VersionRef
from rcg.datasets.layers import NPY
from rcg.photometric.metadata import TIFF
from rcg.store.repositories.datasets import Counts, schema_of
from rcg.store.repositories.items import LABEL_STATES, STATES

if TYPE_CHECKING:
    from rcg.api.schemas import JobOut
    from rcg.datasets.schema import Annotation, Kind
    from rcg.store.dataset_models import Dataset, DatasetItem, DatasetVersion, ItemLayer

_TAG_DIGITS = 12


def dataset_out(row: Dataset, counts: Counts, kinds: Mapping[str, Kind]) -> schemas.DatasetOut:
    """Show a dataset as lists do."""
    return schemas.DatasetOut(**_shown(row, counts, kinds))


def dataset_detail(
    row: Dataset, counts: Counts, kinds: Mapping[str, Kind], jobs: list[JobOut]
) -> schemas.DatasetDetail:
    """Show a dataset by itself."""
    return schemas.DatasetDetail(
        **_shown(row, counts, kinds), label_schema=schema_of(row), recipe_id=row.recipe_id, jobs=jobs
    )


def _shown(row: Dataset, counts: Counts, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    kind = kinds.get(row.kind)
    latest = None
    if counts.latest_id is not None and counts.latest_number is not None:
        latest = VersionRef(id=counts.latest_id, number=counts.latest_number)
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "kind_title": kind.title if kind else row.kind,
        "description": row.description,
        "items": sum(counts.items.values()),
        "labelled": counts.items.get(("ready", "labelled"), 0),
        "annotations": sum(counts.classes.values()),
        "classes": counts.classes,
        "states": {name: _sum(counts, 0, name) for name in STATES},
        "label_states": {name: _sum(counts, 1, name) for name in LABEL_STATES},
        "versions": counts.versions,
        "latest_version": latest,
        "thumbnails": [thumbnail_url(item_id, sha256) for item_id, sha256 in counts.previews],
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _sum(counts: Counts, place: int, name: str) -> int:
    return sum(count for key, count in counts.items.items() if key[place] == name)


def item_out(row: DatasetItem, classes: Mapping[str, int]) -> ItemOut:
    """Show an item; its layers are loaded."""
    return ItemOut(**_item(row, classes))


def item_detail(
    row: DatasetItem,
    dataset: Dataset,
    shapes: Sequence[Annotation],
    neighbours: tuple[str | None, str | None],
) -> ItemDetail:
    """Show an item by itself."""
    classes: dict[str, int] = {}
    for shape in shapes:
        classes[shape.label] = classes.get(shape.label, 0) + 1
    return ItemDetail(
        **_item(row, classes),
        dataset_name=dataset.name,
        kind=dataset.kind,
        lights=row.lights or {},
        shapes=list(shapes),
        neighbours=Neighbours(previous=neighbours[0], next=neighbours[1]),
    )


def _item(row: DatasetItem, classes: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": row.id,
        "dataset_id": row.dataset_id,
        "name": row.name,
        "position": row.position,
        "width": row.width_px,
        "height": row.height_px,
        "px_per_mm": row.px_per_mm,
        "margin_mm": row.margin_mm,
        "side": row.side,
        "card_id": row.card_id,
        "card_key": row.card_key,
        "split": row.split,
        "source": row.source,
        "state": row.state,
        "problem": row.problem,
        "label_state": row.label_state,
        "annotations": sum(classes.values()),
        "classes": dict(classes),
        "thumbnail": thumbnail_url(row.id, row.thumbnail_sha256) if row.thumbnail_sha256 else None,
        "layers": [layer_out(row.id, layer) for layer in row.layers],
        "revision": row.revision,
    }


def layer_out(item_id: str, layer: ItemLayer) -> LayerOut:
    """Show a layer: where its picture and its data are."""
    address = f"/api/items/{item_id}/layers/{quote(layer.name, safe=':')}"
    picture = picture_of(layer)
    return LayerOut(
        name=layer.name,
        role=layer.role,
        media_type=layer.media_type,
        url=f"{address}?v={picture[:_TAG_DIGITS]}" if picture else None,
        data_url=f"{address}/data?v={layer.blob_sha256[:_TAG_DIGITS]}",
    )


def picture_of(layer: ItemLayer) -> str | None:
    """Return the file that shows a layer to people, None while there is none."""
    if layer.picture_sha256 is None and layer.media_type not in {NPY, TIFF}:
        return layer.blob_sha256
    return layer.picture_sha256


def thumbnail_url(item_id: str, sha256: str) -> str:
    """Return where an item's small picture is."""
    return f"/api/items/{item_id}/thumbnail?v={sha256[:_TAG_DIGITS]}"


def version_out(row: DatasetVersion, *, new: bool | None = None) -> VersionOut:
    """Show a version."""
    return VersionOut(
        id=row.id,
        dataset_id=row.dataset_id,
        dataset_name=row.dataset_name,
        kind=row.kind,
        number=row.number,
        note=row.note,
        hash=row.manifest_sha256,
        summary=row.summary,
        split=row.split,
        recipe=row.recipe,
        created_at=row.created_at,
        new=new,
    )

"""Datasets, their items and versions."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from rcg.api import dataset_schemas as schemas
from rcg.api.deps import ContainerDep
from rcg.api.files import stored_file
from rcg.api.item_schemas import GoneOut, IdsIn, ItemDetail, ItemPage, ItemPatch, ItemState, LabelState
from rcg.api.multipart import Form, Intake, read_form
from rcg.api.routers.cards import Limit, Offset
from rcg.api.schemas import JobOut
from rcg.api.services.datasets import (
    catalogue,
    exports,
    files,
    filling,
    health,
    imports,
    items,
    splitting,
    versions,
)
from rcg.api.version_schemas import SharesIn, SplitOut, VersionIn, VersionOut
from rcg.datasets.schema import Split
from rcg.store.repositories.datasets import Sort
from rcg.store.repositories.items import Filter

router = APIRouter(tags=["datasets"])
Dataset = Annotated[str, Path(min_length=1, max_length=100, description="id or name of a dataset")]
LayerName = Annotated[str, Path(min_length=1, max_length=64, description="colour, normal, light:1, ...")]
_FILES: dict[str, Any] = {"type": "array", "items": {"type": "string", "format": "binary"}}
FORM_OF_FILES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": {"type": "object", "properties": {"files": _FILES}}}},
    }
}
FORM_OF_ARCHIVE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "archive": {"type": "string", "format": "binary"},
                        "files": _FILES,
                        "annotation_format": {"type": "string", "enum": list(get_args(schemas.ImportFormat))},
                    },
                }
            },
            "application/json": {"schema": schemas.FolderImportIn.model_json_schema()},
        },
    }
}


@router.get("/datasets")
def list_datasets(
    container: ContainerDep,
    q: Annotated[str, Query(max_length=200, description="text in name or description")] = "",
    kind: Annotated[str | None, Query(max_length=64, description="a kind or its alias")] = None,
    sort: Sort = "newest",
    offset: Offset = 0,
    limit: Limit = 50,
) -> schemas.DatasetPage:
    """A page of datasets; `datasets` and `items` are the same list."""
    return catalogue.listing(container, q=q, kind=kind, sort=sort, offset=offset, limit=limit)


@router.post("/datasets", status_code=201)
def create_dataset(body: schemas.DatasetIn, container: ContainerDep) -> schemas.DatasetDetail:
    """Make an empty dataset of a kind."""
    return catalogue.create(container, body)


@router.post("/datasets/render", status_code=202)
def render_dataset(body: schemas.RenderIn, container: ContainerDep) -> schemas.DatasetJobOut:
    """Make a dataset of rendered cards: every layer, and annotations that are the truth."""
    return filling.render(container, body)


@router.get("/datasets/{dataset}")
def get_dataset(dataset: Dataset, container: ContainerDep) -> schemas.DatasetDetail:
    """A dataset with its label schema."""
    return catalogue.get(container, dataset)


@router.patch("/datasets/{dataset}")
def change_dataset(
    dataset: Dataset, body: schemas.DatasetPatch, container: ContainerDep
) -> schemas.DatasetDetail:
    """Change name, description, default recipe or label schema.

    A class with a new name keeps its annotations. One that goes is refused while annotations have it, unless
    `drop_annotations` says that they go, too.
    """
    return catalogue.change(container, dataset, body)


@router.delete("/datasets/{dataset}", status_code=204)
def delete_dataset(dataset: Dataset, container: ContainerDep) -> None:
    """Delete a dataset with items and annotations. Its versions stay, so trainings lose nothing."""
    catalogue.delete(container, dataset)


@router.post("/datasets/{dataset}/copy", status_code=201)
def copy_dataset(
    dataset: Dataset, container: ContainerDep, body: schemas.CopyIn | None = None
) -> schemas.DatasetDetail:
    """Copy a dataset with items and annotations."""
    return catalogue.copy(container, dataset, body or schemas.CopyIn())


# Items


@router.get("/datasets/{dataset}/items")
def list_items(
    dataset: Dataset,
    container: ContainerDep,
    label_state: LabelState | None = None,
    state: ItemState | None = None,
    split: Annotated[
        Split | None, Query(description="as the newest version is split, else the default")
    ] = None,
    class_name: Annotated[
        str | None, Query(alias="class", max_length=64, description="has one of it")
    ] = None,
    q: Annotated[str, Query(max_length=200, description="text in the name")] = "",
    flagged: Annotated[bool | None, Query(description="has something to know: small, broken, ...")] = None,
    ids: Annotated[str, Query(max_length=8000, description="these ones, separated by commas")] = "",
    offset: Offset = 0,
    limit: Limit = 50,
) -> ItemPage:
    """A page of a dataset's items, in their order."""
    wanted = tuple(one.strip() for one in ids.split(",") if one.strip())
    where = Filter(
        label_state=label_state, state=state, class_name=class_name, q=q, flagged=flagged, ids=wanted
    )
    return items.listing(container, dataset, where, split=split, offset=offset, limit=limit)


@router.post("/datasets/{dataset}/items/delete")
def delete_items(dataset: Dataset, body: IdsIn, container: ContainerDep) -> GoneOut:
    """Delete items with their annotations. Versions that hold them keep them."""
    return GoneOut(deleted=items.delete_many(container, dataset, body.ids))


@router.get("/items/{item_id}")
def get_item(item_id: str, container: ContainerDep) -> ItemDetail:
    """An item with its annotations (`shapes`) and its neighbours."""
    return items.get(container, item_id)


@router.patch("/items/{item_id}")
def change_item(item_id: str, body: ItemPatch, container: ContainerDep) -> ItemDetail:
    """Give an item to a part of the split, to a card or a side, or say its scale."""
    return items.change(container, item_id, body)


@router.delete("/items/{item_id}", status_code=204)
def delete_item(item_id: str, container: ContainerDep) -> None:
    """Delete an item with its annotations."""
    items.delete(container, item_id)


@router.get("/items/{item_id}/thumbnail", response_class=FileResponse)
def get_thumbnail(item_id: str, request: Request, container: ContainerDep) -> Response:
    """An item's small picture."""
    file = items.thumbnail(container, item_id)
    return stored_file(request, container.blobs, file.sha256, file.media_type)


@router.get("/items/{item_id}/layers/{name}", response_class=FileResponse)
def get_layer(item_id: str, name: LayerName, request: Request, container: ContainerDep) -> Response:
    """A layer as a picture."""
    file = items.picture(container, item_id, name)
    return stored_file(request, container.blobs, file.sha256, file.media_type)


@router.get("/items/{item_id}/layers/{name}/data", response_class=FileResponse)
def get_layer_data(item_id: str, name: LayerName, request: Request, container: ContainerDep) -> Response:
    """A layer's data as training reads it: an image, or `.npy` of float16."""
    file = items.data(container, item_id, name)
    return stored_file(request, container.blobs, file.sha256, file.media_type)


# Filling


@router.post("/datasets/{dataset}/files", openapi_extra=FORM_OF_FILES)
async def add_images(dataset: Dataset, request: Request, container: ContainerDep) -> schemas.DatasetFilesOut:
    """Add images, up to 1000 at once; each is answered for by itself. Folders in a file's name are kept.

    By curl: `-F files=@1.jpg -F files=@2.jpg`.
    """
    form = await images_form(dataset, request, container)
    return await to_thread.run_sync(files.add_images, container, dataset, form)


async def images_form(dataset: str, request: Request, container: ContainerDep) -> Form:
    """Read the images of a form. Raises before anything is read when there is no such dataset, or no room."""
    await to_thread.run_sync(catalogue.get, container, dataset)
    limits = container.settings.limits
    await to_thread.run_sync(lambda: container.blobs.check_space(min_free_mb=limits.min_free_disk_mb))
    intake = Intake(
        limits.image_mb * 1_000_000,
        files.FILES_AT_ONCE,
        folders=True,
        strip=True,
        hint=f"Send {files.FILES_AT_ONCE} at a time, or all of them as one zip archive to .../import.",
    )
    return await read_form(request, container.blobs, intake)


@router.post("/datasets/{dataset}/render", status_code=202)
def render_into(dataset: Dataset, body: schemas.RenderMoreIn, container: ContainerDep) -> JobOut:
    """Render further cards into a dataset: every layer, and annotations that are the truth."""
    return filling.render_into(container, dataset, body)


@router.post("/datasets/{dataset}/captures", status_code=202)
def add_captures(dataset: Dataset, body: schemas.CapturesIn, container: ContainerDep) -> JobOut:
    """Measure captures and add their sides with all layers."""
    return filling.from_captures(container, dataset, body)


@router.post("/datasets/{dataset}/import", status_code=202, openapi_extra=FORM_OF_ARCHIVE)
async def import_into(dataset: Dataset, request: Request, container: ContainerDep) -> JobOut:
    """Read images and annotations in; what was imported before is not doubled.

    A form with `archive` (zip or tar), or with `files`, and `annotation_format`; or JSON `{"folder": NAME}`
    for a folder below `inbox` or `revolutionary_datasets` of the data folder. The result says what came, and
    what could not be carried over.
    """
    return await imports.from_request(container, dataset, request)


# Out


@router.post("/datasets/{dataset}/export", status_code=202)
def export_dataset(dataset: Dataset, body: schemas.ExportIn, container: ContainerDep) -> JobOut:
    """Write a version, or everything as it is now, as a zip archive. The job's result has the loss report."""
    return exports.export(container, dataset, body)


@router.get("/datasets/{dataset}/exports/{job_id}", response_class=FileResponse)
def get_export(dataset: Dataset, job_id: str, container: ContainerDep) -> FileResponse:
    """The archive that an export wrote."""
    sha256, name = exports.archive(container, dataset, job_id)
    return FileResponse(container.blobs.path(sha256), media_type="application/zip", filename=name)


@router.get("/datasets/{dataset}/health")
def get_health(dataset: Dataset, container: ContainerDep) -> dict[str, Any]:
    """What is not well with a dataset (each problem with its items and the way out), and its statistics."""
    return health.report(container, dataset)


@router.get("/datasets/{dataset}/readiness")
def get_readiness(dataset: Dataset, container: ContainerDep) -> dict[str, Any]:
    """How far a dataset carries, by which figures, what would help, and which architectures fit it."""
    return health.readiness(container, dataset)


# Versions


@router.get("/datasets/{dataset}/split")
def preview_split(
    dataset: Dataset,
    container: ContainerDep,
    seed: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    train: Annotated[float, Query(gt=0, le=1)] = 0.8,
    val: Annotated[float, Query(ge=0, le=1)] = 0.2,
    test: Annotated[float, Query(ge=0, le=1)] = 0.0,
) -> SplitOut:
    """How many items, cards and annotations each part of a version made now would have."""
    return splitting.preview(container, dataset, seed, SharesIn(train=train, val=val, test=test))


@router.get("/datasets/{dataset}/versions")
def list_versions(dataset: Dataset, container: ContainerDep) -> list[VersionOut]:
    """A dataset's versions, newest first."""
    return versions.of_dataset(container, dataset)


@router.post(
    "/datasets/{dataset}/versions",
    status_code=201,
    responses={200: {"model": VersionOut, "description": "An equal version is there; this is it"}},
)
def make_version(
    dataset: Dataset, response: Response, container: ContainerDep, body: VersionIn | None = None
) -> VersionOut:
    """Freeze the labelled items as they are, split by card."""
    made = versions.make(container, dataset, body or VersionIn())
    response.status_code = 201 if made.new else 200
    return made


@router.get("/versions/{version_id}")
def get_version(version_id: str, container: ContainerDep) -> VersionOut:
    """A version."""
    return versions.get(container, version_id)


@router.get("/versions/{older}/diff/{newer}")
def diff_versions(older: str, newer: str, container: ContainerDep) -> dict[str, Any]:
    """What changed from one version to another: items, annotations, classes, the split, the label schema."""
    return versions.difference(container, older, newer)


@router.get("/versions/{version_id}/manifest", response_class=FileResponse)
def get_manifest(version_id: str, container: ContainerDep) -> FileResponse:
    """The version itself: JSON lines, a header and then an item each."""
    sha256, name = versions.manifest(container, version_id)
    return FileResponse(
        container.blobs.path(sha256),
        media_type=versions.MANIFEST_TYPE,
        filename=name,
        headers={"etag": f'"{sha256}"'},
    )

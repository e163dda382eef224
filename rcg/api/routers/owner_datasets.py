"""The owner's own addresses for datasets, over the same services."""

from __future__ import annotations

from typing import Annotated, Any

from anyio.to_thread import run_sync as run
from fastapi import APIRouter, Path, Request

from rcg.api import dataset_schemas as schemas
from rcg.api.deps import ContainerDep
from rcg.api.owner_schemas import (
    OwnerAnnotationsOut,
    OwnerCreatedOut,
    OwnerCreateIn,
    OwnerDiscoverOut,
    OwnerImagesOut,
    OwnerManageOut,
)
from rcg.api.routers.datasets import FORM_OF_ARCHIVE, FORM_OF_FILES, Dataset, images_form
from rcg.api.schemas import JobOut
from rcg.api.services.datasets import discover, files, imports, legacy, owner

router = APIRouter(tags=["datasets, the owner's addresses"])
_CREATE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": OwnerCreateIn.model_json_schema()}
            for kind in ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")
        },
    }
}


@router.post("/datasets/create", openapi_extra=_CREATE)
async def create(request: Request, container: ContainerDep) -> OwnerCreatedOut:
    """Make a dataset of `name`, `model_type` and `description`, as a form or as JSON."""
    body = await owner.create_body(request, container)
    return await run(owner.create, container, body)


@router.get("/datasets/discover")
def discover_datasets(container: ContainerDep) -> OwnerDiscoverOut:
    """Every dataset: how ready it is and by which figures, what fits it, what helps, how long it takes."""
    return discover.discover(container)


@router.get("/datasets/legacy")
def list_legacy(container: ContainerDep) -> list[schemas.LegacyOut]:
    """The folders of `data/revolutionary_datasets` that can be imported."""
    return legacy.listing(container)


@router.post("/datasets/legacy/{folder}/import", status_code=202)
def import_legacy(
    folder: Annotated[str, Path(min_length=1, max_length=200)],
    container: ContainerDep,
    body: schemas.LegacyImportIn | None = None,
) -> schemas.DatasetJobOut:
    """Make a dataset of such a folder and import it. Doing it again adds what is new."""
    return legacy.take(container, folder, body or schemas.LegacyImportIn())


@router.get("/datasets/{dataset}/manage")
def manage(dataset: Dataset, container: ContainerDep) -> OwnerManageOut:
    """A dataset with its figures, its versions and everything that can be done with it."""
    return discover.manage(container, dataset)


@router.post("/datasets/{dataset}/upload/images", openapi_extra=FORM_OF_FILES)
async def upload_images(dataset: Dataset, request: Request, container: ContainerDep) -> OwnerImagesOut:
    """Add images (`files`, repeated): each accepted with size and format, or refused with the reason."""
    form = await images_form(dataset, request, container)
    return owner.uploaded(await run(files.add_images, container, dataset, form))


@router.post("/datasets/{dataset}/upload/annotations", openapi_extra=FORM_OF_ARCHIVE)
async def upload_annotations(
    dataset: Dataset, request: Request, container: ContainerDep
) -> OwnerAnnotationsOut:
    """Add annotations (`files`, with `annotation_format`) for the images that are there."""
    job: JobOut = await imports.from_form(container, dataset, request)
    return OwnerAnnotationsOut(job_id=job.id, job=job, message=f"{job.title}: GET /api/jobs/{job.id}")

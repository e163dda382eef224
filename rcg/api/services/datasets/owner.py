"""The owner's own routes, which his scripts call: thin answers over the same services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from rcg.api import dataset_schemas as schemas
from rcg.api.errors import checked
from rcg.api.multipart import Intake, read_form
from rcg.api.owner_schemas import OwnerCreatedOut, OwnerCreateIn, OwnerImagesOut
from rcg.api.services.datasets import catalogue
from rcg.errors import InputError

if TYPE_CHECKING:
    from fastapi import Request

    from rcg.container import Container

_BODY_BYTES = 200_000


async def create_body(request: Request, container: Container) -> OwnerCreateIn:
    """Read the fields of ``create``, however they come: JSON, a multipart form or an urlencoded one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await read_form(request, container.blobs, Intake(1_000_000, 0, hint="Upload them afterwards."))
        return checked(OwnerCreateIn, dict(form.fields))
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _BODY_BYTES:
            raise InputError("The body is too long.", "It holds name, model_type and description.")
    text = data.decode("utf-8", "replace")
    if kind == "application/x-www-form-urlencoded":
        return checked(OwnerCreateIn, dict(parse_qsl(text, keep_blank_values=True)))
    return checked(OwnerCreateIn, text or "{}")


def create(container: Container, body: OwnerCreateIn) -> OwnerCreatedOut:
    """Make a dataset."""
    made = catalogue.create(
        container, schemas.DatasetIn(name=body.name, kind=body.model_type, description=body.description)
    )
    return OwnerCreatedOut(
        dataset_id=made.id, metadata=metadata(made), upload_endpoints=upload_endpoints(made.id)
    )


def metadata(dataset: schemas.DatasetDetail) -> dict[str, Any]:
    """Return what the owner's files call a dataset's metadata."""
    return {
        "dataset_id": dataset.id,
        "name": dataset.name,
        "model_type": dataset.kind,
        "description": dataset.description,
        "created_at": dataset.created_at,
        "task": dataset.label_schema.task,
        "classes": list(dataset.label_schema.class_names),
        "points": list(dataset.label_schema.point_names),
        "image_count": dataset.items,
        "annotation_count": dataset.annotations,
    }


def upload_endpoints(dataset_id: str) -> dict[str, str]:
    """Return where a dataset's files go."""
    return {
        "images": f"/api/datasets/{dataset_id}/upload/images",
        "annotations": f"/api/datasets/{dataset_id}/upload/annotations",
    }


def uploaded(answer: schemas.DatasetFilesOut) -> OwnerImagesOut:
    """Say what became of images: accepted with size and format, or refused with the reason."""
    return OwnerImagesOut(
        success=answer.refused == 0,
        uploaded_count=answer.accepted,
        failed_count=answer.refused,
        **answer.model_dump(),
    )

"""Weights to begin a training with: add, list, delete, get official ones."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response

from rcg.api import weights_schemas as schemas
from rcg.api.deps import ContainerDep
from rcg.api.multipart import read_form
from rcg.api.services.training import weights

router = APIRouter(prefix="/weights", tags=["models"])
WeightsId = Annotated[str, Path(min_length=1, max_length=200, description="id or name of a file")]
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_FORM = {"schema": {"type": "object", "properties": {"files": _FILES}}}


@router.get("")
def list_weights(container: ContainerDep) -> schemas.WeightsListing:
    """What a training can begin with: files, models, and the official ones that there are."""
    return weights.listing(container)


@router.post(
    "",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": _FORM}}},
)
async def add_weights(request: Request, container: ContainerDep) -> schemas.WeightsAdded:
    """Add files of weights: safetensors, or what torch.save wrote. Adding one again changes nothing.

    By curl: `-F files=@weights.safetensors`.
    """
    claimed = request.headers.get("content-length", "")
    size = int(claimed) if claimed.isdigit() else 0
    least = container.settings.limits.min_free_disk_mb
    await to_thread.run_sync(lambda: container.blobs.check_space(size, min_free_mb=least))
    form = await read_form(request, container.blobs, weights.intake(container))
    return await to_thread.run_sync(weights.add, container, form)


@router.post("/official", status_code=202, responses={200: {"description": "They are here already"}})
def get_official(
    body: schemas.OfficialIn, response: Response, container: ContainerDep
) -> schemas.OfficialGet:
    """Queue the download of a backbone's official weights, from where torchvision says. Twice is once."""
    answer, coming = weights.fetch(container, body.backbone)
    response.status_code = 202 if coming else 200
    return answer


@router.delete("/{weights_id}")
def delete_weights(weights_id: WeightsId, container: ContainerDep) -> schemas.WeightsGone:
    """Offer a file no more. A run that began with it loses nothing: then its bytes stay."""
    return weights.delete(container, weights_id)

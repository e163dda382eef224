"""Files by the SHA-256 of their bytes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse

from rcg.api import schemas
from rcg.api.deps import ContainerDep
from rcg.api.services import blobs, uploads

router = APIRouter(prefix="/blobs", tags=["files"])
Sha256Path = Annotated[
    str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes, lower-case hex")
]
_BODY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.put(
    "/{sha256}",
    status_code=201,
    responses={200: {"model": schemas.BlobOut, "description": "It was here already"}},
    openapi_extra={"requestBody": {"required": True, **_BODY}},
)
async def put_blob(
    sha256: Sha256Path, request: Request, response: Response, container: ContainerDep
) -> schemas.BlobOut:
    """Store an image (JPEG, PNG, TIFF, WebP) under its hash. Sending it again changes nothing."""
    claimed = request.headers.get("content-length", "")
    size = int(claimed) if claimed.isdigit() else None
    blob, new = await uploads.put_blob(container, sha256, request.stream(), size)
    response.status_code = 201 if new else 200
    return blob


@router.head("/{sha256}")
def head_blob(sha256: Sha256Path, container: ContainerDep) -> Response:
    """Whether a file is here, and how large."""
    blob = blobs.get(container, sha256)
    return Response(headers={"content-length": str(blob.bytes)}, media_type=blob.media_type)


@router.get("/{sha256}", response_class=FileResponse)
def get_blob(sha256: Sha256Path, container: ContainerDep) -> FileResponse:
    """The original bytes, as they came: they may hold the place where the photograph was taken."""
    blob = blobs.get(container, sha256)
    return FileResponse(
        container.blobs.path(sha256),
        media_type=blob.media_type,
        filename=blobs.file_name(blob),
        content_disposition_type="attachment",
        headers={"cache-control": "private, no-store"},
    )

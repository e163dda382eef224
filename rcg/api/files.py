"""Answers that are stored files: kept by browsers for ever where the address names the content."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import FileResponse

from rcg.store.blobs import BlobStore

IMMUTABLE = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"


def stored_file(request: Request, blobs: BlobStore, sha256: str, media_type: str) -> Response:
    """Answer with a stored file, or with 304 when the client has it.

    An address with ``?v=`` and the first digits of the hash never means anything else, so it is immutable;
    without them the client has to ask each time whether the file is still this one.
    """
    tag = f'"{sha256}"'
    wanted = request.query_params.get("v", "")
    headers = {
        "etag": tag,
        "cache-control": IMMUTABLE if len(wanted) >= 8 and sha256.startswith(wanted) else ASK_AGAIN,
    }
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=headers)
    return FileResponse(blobs.path(sha256), media_type=media_type, headers=headers)

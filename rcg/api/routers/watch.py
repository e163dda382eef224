"""Folders that are watched for a capture session: a camera tethered to this computer by another program."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from rcg.api.deps import ContainerDep, PrincipalDep
from rcg.api.services.capture import watching
from rcg.api.watch_schemas import FoldersOut, WatchIn, WatchOut

router = APIRouter(prefix="/capture", tags=["capture"])
SessionId = Annotated[str, Path(max_length=32)]


@router.get("/folders")
def list_folders(container: ContainerDep) -> FoldersOut:
    """The folders of this computer that may be watched; no request names any other."""
    return watching.folders(container)


@router.get("/sessions/{session_id}/watch")
async def get_watch(session_id: SessionId, container: ContainerDep) -> WatchOut:
    """How the watch of a session stands; the event `capture` of type `watch` tells of every change."""
    return container.watches.now(session_id)


@router.put("/sessions/{session_id}/watch")
async def begin_watch(
    session_id: SessionId, body: WatchIn, container: ContainerDep, principal: PrincipalDep
) -> WatchOut:
    """Take the files that arrive in a folder as the frames of a session, in the order of its lights."""
    return await container.watches.begin(container, session_id, body, principal)


@router.delete("/sessions/{session_id}/watch", status_code=204)
async def end_watch(session_id: SessionId, container: ContainerDep) -> None:
    """End it; frames that were taken stay."""
    await container.watches.end(container, session_id)

"""Capture sessions: a card, its sides and their lit frames, from the first light to the grading job."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from rcg.api.capture_schemas import (
    FrameTaken,
    GuidanceIn,
    NextCardIn,
    SessionFrameIn,
    SessionIn,
    SessionLightIn,
    SessionLightOut,
    SessionOut,
    SessionsOut,
    SideIn,
)
from rcg.api.deps import ContainerDep, PrincipalDep
from rcg.api.schemas import SideName
from rcg.api.services.capture import frames, guidance, lighting, sessions

router = APIRouter(prefix="/capture/sessions", tags=["capture"])
SessionId = Annotated[str, Path(max_length=32)]
LightPath = Annotated[str, Path(max_length=10, description='"ambient", or the light: "1" to "16"')]


@router.get("")
def list_sessions(
    container: ContainerDep,
    open: Annotated[bool, Query(description="those that wait for frames, alone")] = False,  # noqa: A002
    card: Annotated[str | None, Query(max_length=32, description="of this card")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> SessionsOut:
    """Sessions, newest first."""
    return sessions.listing(container, only_open=open, card_id=card, limit=limit)


@router.post("", status_code=201)
def begin_session(body: SessionIn, container: ContainerDep, principal: PrincipalDep) -> SessionOut:
    """Begin to photograph a card. A rig's lights serve one session at a time."""
    return sessions.begin(container, body, principal.name)


@router.get("/{session_id}")
def get_session(session_id: SessionId, container: ContainerDep) -> SessionOut:
    """A session as it stands; the event `capture` tells of every change."""
    return sessions.get(container, session_id)


@router.post("/{session_id}/light")
async def show_light(session_id: SessionId, body: SessionLightIn, container: ContainerDep) -> SessionLightOut:
    """Have one light on; answers when that is acknowledged. Wait `settle_ms` before you expose."""
    return await lighting.show(container, session_id, body.light)


@router.put(
    "/{session_id}/frames/{light}",
    status_code=201,
    responses={200: {"model": FrameTaken, "description": "It was here already, or a newer one is"}},
)
def put_frame(
    session_id: SessionId,
    light: LightPath,
    body: SessionFrameIn,
    response: Response,
    container: ContainerDep,
    principal: PrincipalDep,
) -> FrameTaken:
    """Make a file that was stored by `PUT /api/blobs/SHA256` the frame of a light.

    Sending it again changes nothing; another file replaces it. The last frame of all starts the grading.
    """
    taken = frames.attach(container, session_id, light, body, principal)
    response.status_code = 201 if taken.changed else 200
    return taken


@router.get("/{session_id}/frames/{light}/thumbnail", response_class=Response)
def get_thumbnail(
    session_id: SessionId, light: LightPath, side: SideName, container: ContainerDep
) -> Response:
    """A small picture of a frame, as its device made it."""
    data = frames.thumbnail(container, session_id, light, side)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})


@router.post("/{session_id}/side")
def turn_card(session_id: SessionId, body: SideIn, container: ContainerDep) -> SessionOut:
    """Put another side in front of the camera; without a name the next that lacks frames."""
    return sessions.turn(container, session_id, body.side)


@router.post("/{session_id}/next-card", status_code=201)
def next_card(
    session_id: SessionId, body: NextCardIn, container: ContainerDep, principal: PrincipalDep
) -> SessionOut:
    """Begin the same with another card."""
    return sessions.next_card(container, session_id, body, principal.name)


@router.post("/{session_id}/cancel")
def cancel_session(session_id: SessionId, container: ContainerDep) -> SessionOut:
    """End a session. A side that has every frame stays; frames of an unfinished one are dropped."""
    return sessions.cancel(container, session_id)


@router.post("/{session_id}/guidance", status_code=204)
def tell_guidance(session_id: SessionId, body: GuidanceIn, container: ContainerDep) -> None:
    """Mirror what the camera's page advises to other pages; more than two a second are dropped."""
    guidance.tell(container, session_id, body)

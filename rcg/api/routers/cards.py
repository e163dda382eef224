"""Cards, their captures and frames."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from rcg.api import schemas
from rcg.api.deps import ContainerDep
from rcg.api.multipart import Form, Intake, read_form
from rcg.api.services import cards, grading, uploads
from rcg.store.repositories.cards import Sort

router = APIRouter(tags=["cards"])
Offset = Annotated[int, Query(ge=0, description="how many to skip")]
Limit = Annotated[int, Query(ge=1, le=200, description="how many to return")]
LightPath = Annotated[str, Path(min_length=1, max_length=100, description="name of the light: 1..8, up, ...")]
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}


@router.get("/cards")
def list_cards(
    container: ContainerDep,
    q: Annotated[str, Query(max_length=200, description="text in name, set or notes")] = "",
    sort: Sort = "newest",
    offset: Offset = 0,
    limit: Limit = 50,
) -> schemas.CardPage:
    """A page of cards."""
    return cards.listing(container, q=q, sort=sort, offset=offset, limit=limit)


@router.post("/cards", status_code=201)
def create_card(body: schemas.CardIn, container: ContainerDep) -> schemas.CardOut:
    """Make a card."""
    return cards.create(container, body)


@router.get("/cards/{card_id}")
def get_card(card_id: str, container: ContainerDep) -> schemas.CardOut:
    """A card with its captures and grades."""
    return cards.get(container, card_id)


@router.patch("/cards/{card_id}")
def change_card(card_id: str, body: schemas.CardPatch, container: ContainerDep) -> schemas.CardOut:
    """Change name, set, notes or size."""
    return cards.change(container, card_id, body)


@router.delete("/cards/{card_id}", status_code=204)
def delete_card(card_id: str, container: ContainerDep) -> None:
    """Delete a card with its captures and grades."""
    cards.delete(container, card_id)


@router.post("/cards/{card_id}/captures", status_code=201)
def add_capture(card_id: str, body: schemas.CaptureIn, container: ContainerDep) -> schemas.CaptureOut:
    """Make an empty capture of one side."""
    return cards.add_capture(container, card_id, body)


@router.get("/captures/{capture_id}")
def get_capture(capture_id: str, container: ContainerDep) -> schemas.CaptureOut:
    """A capture with its frames."""
    return cards.get_capture(container, capture_id)


@router.delete("/captures/{capture_id}", status_code=204)
def delete_capture(capture_id: str, container: ContainerDep) -> None:
    """Delete a capture."""
    cards.delete_capture(container, capture_id)


@router.patch("/captures/{capture_id}/lights")
def set_lights(capture_id: str, body: schemas.LightsIn, container: ContainerDep) -> schemas.CaptureOut:
    """Say where the lights of a capture are."""
    return cards.set_lights(container, capture_id, body)


@router.put(
    "/captures/{capture_id}/frames/{light}",
    status_code=201,
    responses={200: {"model": schemas.FrameOut, "description": "The light had a frame; this is it now"}},
)
def put_frame(
    capture_id: str, light: LightPath, body: schemas.FrameIn, response: Response, container: ContainerDep
) -> schemas.FrameOut:
    """Make a stored file the frame of a light. Sending it again changes nothing."""
    frame, new = cards.put_frame(container, capture_id, light, body)
    response.status_code = 201 if new else 200
    return frame


@router.delete("/captures/{capture_id}/frames/{light}", status_code=204)
def delete_frame(capture_id: str, light: LightPath, container: ContainerDep) -> None:
    """Take a frame out of a capture."""
    cards.delete_frame(container, capture_id, light)


@router.post(
    "/captures/{capture_id}/files",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": {"type": "object", "properties": {"files": _FILES}}}
            },
        }
    },
)
async def add_files(capture_id: str, request: Request, container: ContainerDep) -> schemas.FilesOut:
    """Add frames named by their light (`1.jpg`, `card_up.jpg`), or a `.lp` or rig `.toml` file.

    By curl: `-F files=@1.jpg -F files=@2.jpg`.
    """
    await to_thread.run_sync(cards.get_capture, container, capture_id)
    form = await _form(request, container)
    return await to_thread.run_sync(uploads.attach, container, capture_id, form)


@router.post("/cards/{card_id}/grade", status_code=202, tags=["grades"])
def grade_card(card_id: str, container: ContainerDep) -> schemas.JobOut:
    """Grade the newest capture of each side. The answer is the job."""
    return grading.grade_card(container, card_id)


@router.post(
    "/grade",
    status_code=202,
    tags=["grades"],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "files": _FILES,
                            "name": {"type": "string"},
                            "set_name": {"type": "string"},
                            "notes": {"type": "string"},
                            "side": {"type": "string", "enum": ["front", "back"]},
                            "lights": {"type": "string", "description": "a LightsSpec as JSON"},
                            "width_mm": {"type": "number"},
                            "height_mm": {"type": "number"},
                        },
                    }
                }
            },
        }
    },
)
async def grade_files(request: Request, container: ContainerDep) -> schemas.OneShotOut:
    """Card, capture and grading in one call.

    By curl: `-F name=Pikachu -F files=@up.jpg -F files=@right.jpg -F files=@down.jpg -F files=@left.jpg`.
    """
    form = await _form(request, container)
    return await to_thread.run_sync(uploads.one_shot, container, form)


async def _form(request: Request, container: ContainerDep) -> Form:
    limits = container.settings.limits
    await to_thread.run_sync(lambda: container.blobs.check_space(min_free_mb=limits.min_free_disk_mb))
    return await read_form(
        request, container.blobs, Intake(limits.image_mb * 1_000_000, limits.frames_per_capture + 1)
    )

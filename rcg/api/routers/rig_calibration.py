"""What is measured of a rig's lights."""

from __future__ import annotations

import re

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from rcg.api import schemas
from rcg.api.calibration_schemas import CalibrateIn, KeepIn, Part, RestoreIn, RigCaptures, SettleIn
from rcg.api.deps import ContainerDep
from rcg.api.multipart import Intake, read_form
from rcg.api.rig_schemas import RigOut
from rcg.api.routers.rigs import RigId
from rcg.api.services import rig_calibration as service
from rcg.api.services import rigs

router = APIRouter(prefix="/rigs/{rig_id}", tags=["rigs"])
_MOST_SETS = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@router.get("/captures")
def captures_of_rig(rig_id: RigId, container: ContainerDep) -> RigCaptures:
    """The newest captures that were made with the rig, to be measured on."""
    return service.captures_of(container, rig_id)


@router.post("/calibrations", status_code=202)
def calibrate(rig_id: RigId, body: CalibrateIn, container: ContainerDep) -> schemas.JobOut:
    """Measure the rig's lights on captures of a ball or a white card. The job's result is a proposal."""
    return service.start(container, rig_id, body)


@router.post(
    "/calibrations/files",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["what", "files"],
                        "properties": {
                            "what": {"type": "string", "enum": ["ball", "flat", "ring"]},
                            "options": {"type": "string", "description": "CalibrateOptions as JSON"},
                            "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        },
                    }
                }
            },
        }
    },
)
async def calibrate_files(rig_id: RigId, request: Request, container: ContainerDep) -> schemas.JobOut:
    """The same on photographs: one per light, in their order or named by them.

    By curl: `-F what=flat -F files=@1.jpg -F files=@2.jpg ...`. A ball that was moved comes in folders:
    `-F 'files=@a/1.jpg;filename=a/1.jpg'`.
    """
    await to_thread.run_sync(rigs.get, container, rig_id)
    limits = container.settings.limits
    await to_thread.run_sync(lambda: container.blobs.check_space(min_free_mb=limits.min_free_disk_mb))
    intake = Intake(limits.image_mb * 1_000_000, _MOST_SETS * limits.frames_per_capture, folders=True)
    form = await read_form(request, container.blobs, intake)
    return await to_thread.run_sync(service.start_files, container, rig_id, form)


@router.put("/calibration")
def keep_calibration(rig_id: RigId, body: KeepIn, container: ContainerDep) -> RigOut:
    """Keep a proposal with the rig: captures from now on carry it. The one before can be restored."""
    return service.keep(container, rig_id, body)


@router.post("/calibration/restore")
def restore_calibration(rig_id: RigId, body: RestoreIn, container: ContainerDep) -> RigOut:
    """Take back the calibration before this one."""
    return service.restore(container, rig_id, body.what)


@router.delete("/calibration/{what}")
def forget_calibration(rig_id: RigId, what: Part, container: ContainerDep) -> RigOut:
    """Go back to what was told of the rig by hand. The calibration can be restored."""
    return service.forget(container, rig_id, what)


@router.post("/settle")
def put_settle(rig_id: RigId, body: SettleIn, container: ContainerDep) -> RigOut:
    """Keep how long a camera saw a light take to become steady; captures wait for the slowest light."""
    return service.settle(container, rig_id, body)


@router.get("/lights.lp", response_class=PlainTextResponse)
def lights_as_lp(rig_id: RigId, container: ContainerDep) -> PlainTextResponse:
    """The lights' directions as a `.lp` file, for relighting programs."""
    return _file(*service.as_lp(container, rig_id), "lp")


@router.get("/lights.toml", response_class=PlainTextResponse)
def lights_as_toml(rig_id: RigId, container: ContainerDep) -> PlainTextResponse:
    """The lights as a rig file, with the flat field: `rcg grade` and `rcg solve` read it."""
    return _file(*service.as_toml(container, rig_id), "toml")


def _file(name: str, text: str, ending: str) -> PlainTextResponse:
    stem = _UNSAFE.sub("_", name).strip("._") or "rig"
    return PlainTextResponse(text, headers={"content-disposition": f'attachment; filename="{stem}.{ending}"'})

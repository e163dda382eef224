"""What a rig's page shows of its calibration, and the code that leads a screen to its light."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import segno
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api.rig_schemas import RigOut
from rcg.api.services import rigs as service
from rcg.capture.lights.calibration import OLD_DAYS, FlatCalibration, LightsCalibration, day, kept
from rcg.capture.lights.places import Directions, Places, Positions
from rcg.web.formatting import age, old
from rcg.web.pages import ContainerDep, base_url

router = APIRouter()
_SELF = "estimated from each card itself, which takes its curl along"
_BY = {"ball": "on a ball", "ring": "on a white card"}


@dataclass(frozen=True)
class Shown:
    """One part of a rig's calibration.

    Attributes:
        what: ``lights`` or ``flat``.
        title: for people.
        says: how it is known.
        on: day of the measurement; empty where it was not measured.
        age: in words.
        old: whether it is worth measuring again.
        earlier: how many calibrations can be taken back.
    """

    what: str
    title: str
    says: str
    on: str
    age: str
    old: bool
    earlier: int


def shown(rig: RigOut) -> list[Shown]:
    """Return how a rig's places and flat field are known."""
    lights, flat = kept(rig.calibration)
    earlier: dict[str, list[Any]] = rig.calibration.get("earlier", {})
    told = "told by hand" if rig.lights.kind != "named" else "not known; relief is uncalibrated"
    return [
        _part("lights", "Places", lights, _said(lights) if lights else told, earlier),
        _part(
            "flat", "Flat field", flat,
            f"measured on a white card, placed by {flat.where}" if flat else _SELF,
            earlier,
        ),
    ]  # fmt: skip


def measured_places(rig: RigOut) -> Places | None:
    """Return where a rig's lights are by its calibration; None where they were told."""
    lights, _ = kept(rig.calibration)
    if lights is None:
        return None
    vectors = [light.vector for light in lights.lights]
    return Positions(positions_mm=vectors) if lights.near else Directions(directions=vectors)


@router.get("/rigs/{rig_id}/light.svg")
def light_code(rig_id: str, request: Request, container: ContainerDep) -> Response:
    """The address of a rig's light as a code, for the camera of the screen that shall be it."""
    rig = service.get(container, rig_id)
    out = io.BytesIO()
    code = segno.make(f"{base_url(request)}/capture/light/{rig.id}", error="m")
    code.save(out, kind="svg", scale=4, border=3, xmldecl=False, omitsize=True, light="#fff")
    return Response(out.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})


def _part(
    what: str,
    title: str,
    found: LightsCalibration | FlatCalibration | None,
    says: str,
    earlier: dict[str, list[Any]],
) -> Shown:
    on = day(found.at) if found else ""
    return Shown(what, title, says, on, age(on), old(on, OLD_DAYS), len(earlier.get(what, [])))


def _said(lights: LightsCalibration) -> str:
    kind = "places" if lights.near else "directions"
    distance = ", distances as told" if lights.distance == "told" else ""
    return f"{kind} measured {_BY[lights.by]}{distance}"

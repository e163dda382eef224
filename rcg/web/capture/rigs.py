"""Rigs: the list, one rig with its lights, and the page that is a light itself."""

from __future__ import annotations

import json
import shlex
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api.services import rigs as service
from rcg.capture.lights.kinds import WAYS, Way, settings, way
from rcg.capture.lights.places import Directions, Named, Places, Positions, Ring, count_of
from rcg.errors import InputError
from rcg.web.capture.fields import settings_of
from rcg.web.capture.rig_calibration import measured_places, shown
from rcg.web.commands import Commands, curl
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter()
HERE = "/capture/rigs"
AREA = "/capture/desk"
"""the entry of the navigation that rigs belong to"""
_EXAMPLES: dict[str, dict[str, Any]] = {
    "wled": {"url": "http://wled-ring.local", "per_light": 8},
    "serial": {"port": "/dev/ttyACM0"},
}
_HERE_ONLY = ("localhost", "127.0.0.1", "::1")
_NEW = Ring(radius_mm=150, elevation_deg=45)


@router.get("/rigs")
def rigs_page(request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """Every rig."""
    found = [
        {"rig": rig, "way": WAYS[rig.driver], "where": where(rig.lights)}
        for rig in service.listing(container).items
    ]
    commands = Commands(
        curl=curl(base_url(request), container.settings, path="/api/rigs"), cli="rcg rig list"
    )
    return pages.page(
        "capture/rigs.html",
        title="Rigs",
        here=AREA,
        crumbs=(("Capture", AREA), ("Rigs", None)),
        rigs=found,
        commands=commands,
    )


@router.get("/rigs/new")
def new_page(request: Request, pages: PagesDep, container: ContainerDep, driver: str = "manual") -> Response:
    """A form for a new rig, for one driver."""
    chosen = way(driver)
    given = "".join(f" --set {key}={value}" for key, value in _EXAMPLES.get(driver, {}).items())
    body = {
        "name": "My rig",
        "driver": driver,
        "config": _EXAMPLES.get(driver, {}),
        "lights": _NEW.model_dump(exclude_none=True),
    }
    data = ("-X", "POST", "-H", "'content-type: application/json'", "-d", shlex.quote(json.dumps(body)))
    commands = Commands(
        curl=curl(base_url(request), container.settings, *data, path="/api/rigs"),
        cli=f"rcg rig create 'My rig' --driver {driver}{given} --radius 150 --elevation 45",
    )
    return pages.page(
        "capture/rig.html",
        title="New rig",
        here=AREA,
        crumbs=(("Capture", AREA), ("Rigs", HERE), ("New rig", None)),
        rig=None,
        measured="",
        by="",
        ways=[{"way": item, "missing": item.missing()} for item in WAYS.values()],
        **_form(request, chosen, {}, _NEW),
        commands=commands,
    )


@router.get("/rigs/{rig_id}")
def rig_page(
    rig_id: str,
    request: Request,
    pages: PagesDep,
    container: ContainerDep,
    driver: str = "",
    calibration: str = "",
) -> Response:
    """One rig: its lights, its settings, what was measured. ``driver`` shows another one's settings."""
    rig = service.get(container, rig_id)
    chosen = way(driver or rig.driver)
    config = rig.config if chosen.name == rig.driver else {}
    measured = measured_places(rig)
    name = shlex.quote(rig.name)
    path = f"/api/rigs/{rig.id}/light"
    data = ("-X", "POST", "-H", "'content-type: application/json'", "-d", '\'{"light": "3"}\'')
    commands = Commands(
        curl=curl(base_url(request), container.settings, *data, path=path),
        cli=f"rcg rig light {name} 3\nrcg rig test {name}\nrcg calibrate flat FRAMES --rig {name}",
    )
    return pages.page(
        "capture/rig.html",
        title=rig.name,
        here=AREA,
        crumbs=(("Capture", AREA), ("Rigs", HERE), (rig.name, None)),
        rig=rig,
        ways=[{"way": item, "missing": item.missing()} for item in WAYS.values()],
        calibration=shown(rig),
        measured=measured.model_dump_json() if measured else "",
        by="" if measured is None else shown(rig)[0].says,
        job=calibration,
        **_form(request, chosen, config, rig.lights),
        commands=commands,
    )


@router.get("/light/{rig_id}")
def light_page(rig_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """A white patch on black where light k is; for a tablet or monitor beside the card."""
    rig = service.get(container, rig_id)
    if rig.driver != "screen":
        raise InputError(
            f"The lights of {rig.name!r} are no screen.",
            f"Choose the driver Screen for it at {HERE}/{rig.id}, or make a rig of its own for the screen.",
        )
    config = settings("screen", rig.config).model_dump() | {"rig": rig.id, "count": len(rig.names)}
    return pages.page("capture/light.html", title=f"Light of {rig.name}", rig=rig, config=json.dumps(config))


def where(lights: Places) -> str:
    """Say where lights are.

    >>> where(Ring(radius_mm=150, elevation_deg=45))
    'ring of 8, radius 150\u2009mm, elevation 45\u2009°'
    """
    count = count_of(lights)
    if isinstance(lights, Ring):
        high = (
            f"height {lights.height_mm:g}\u2009mm"
            if lights.height_mm is not None
            else f"elevation {lights.elevation_deg:g}\u2009°"
        )
        return f"ring of {count}, radius {lights.radius_mm:g}\u2009mm, {high}"
    if isinstance(lights, Positions):
        return f"{count} measured places"
    if isinstance(lights, Directions):
        return f"{count} directions"
    return f"{count} lights in order, elevation assumed {lights.elevation_deg:g}\u2009°"


def _form(request: Request, chosen: Way, config: dict[str, Any], lights: Places) -> dict[str, Any]:
    rows = (
        lights.positions_mm
        if isinstance(lights, Positions)
        else lights.directions
        if isinstance(lights, Directions)
        else []
    )
    return {
        "way": chosen,
        "titles": {each.name: each.title for each in WAYS.values()},
        "missing": chosen.missing(),
        "fields": settings_of(chosen, config),
        "ports": service.ports() if chosen.name == "serial" else [],
        "lights": lights,
        "ring": lights if isinstance(lights, Ring) else _NEW,
        "named": lights if isinstance(lights, Named) else Named(count=8),
        "count": count_of(lights),
        "listed": "\n".join(" ".join(f"{value:g}" for value in row) for row in rows),
        "places": lights.model_dump_json(),
        "where": where(lights),
        "base": base_url(request),
        "local": request.url.hostname if request.url.hostname in _HERE_ONLY else "",
    }

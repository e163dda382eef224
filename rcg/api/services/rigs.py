"""Rigs: keep them, and say what a capture made with one has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.api.rig_schemas import DriverOut, DriversOut, PortOut, RigIn, RigOut, RigPatch, RigsOut
from rcg.capture.lights import kinds, ring_names, serial_line
from rcg.capture.lights.calibration import calibrated, spec_of
from rcg.capture.lights.desk import Setup
from rcg.capture.lights.places import PLACES, Places, check, count_of
from rcg.errors import InputError
from rcg.store.repositories import rigs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.photometric.lights import LightsSpec
    from rcg.store.capture_models import Rig


def drivers() -> DriversOut:
    """Return every way to switch lights, and this computer's serial ports."""
    found = [
        DriverOut.model_validate(
            {
                "name": way.name, "title": way.title, "says": way.says, "needs": way.needs,
                "missing": way.missing(), "acknowledged_by": way.told, "wait_ms": way.settle_ms,
                "config": way.config.model_json_schema(),
            }
        )
        for way in kinds.WAYS.values()
    ]  # fmt: skip
    return DriversOut(items=found, ports=ports())


def ports() -> list[PortOut]:
    """Return this computer's serial ports; empty without pyserial."""
    return [PortOut(port=port, says=says) for port, says in serial_line.ports()]


def listing(container: Container) -> RigsOut:
    """Return every rig."""
    with container.db.read() as session:
        return RigsOut(items=[rig_out(row) for row in rigs.listing(session)])


def get(container: Container, rig_id: str) -> RigOut:
    """Return a rig by id or name."""
    with container.db.read() as session:
        return rig_out(rigs.get(session, rig_id))


def create(container: Container, body: RigIn) -> RigOut:
    """Make a rig; the first one is the default."""
    check(body.lights)
    values = {
        "name": body.name, "driver": body.driver, "settle_ms": body.settle_ms, "calibration": {},
        "config": _config(body.driver, body.config), "lights": body.lights.model_dump(mode="json"),
    }  # fmt: skip
    with container.db.write() as session:
        return rig_out(rigs.add(session, **values))


def change(container: Container, rig_id: str, body: RigPatch) -> RigOut:
    """Change what the body names, and no more.

    Another driver, device or count of lights makes what was measured of the old one void, and other places
    those that were measured; a measured calibration can be taken back.
    """
    changes = body.model_dump(mode="json", exclude_unset=True)
    empty = [key for key, value in changes.items() if value is None and key != "settle_ms"]
    if empty:
        raise InputError(f"{empty[0]} cannot be null.", "Leave it out to keep it.")
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        before, told = setup_of(row), places_of(row)
        driver = changes.get("driver", row.driver)
        kept = row.config if driver == row.driver else {}
        if "config" in changes or driver != row.driver:
            changes["config"] = _config(driver, changes.get("config", kept))
        if body.lights is not None:
            check(body.lights)
        if changes.pop("is_default", False):
            rigs.make_default(session, row)
        rigs.change(session, row, **changes)
        if setup_of(row) != before:
            settle = changes.get("settle_ms") if "settle_ms" in changes else None
            rigs.change(session, row, settle_ms=settle)
            put_away(session, row, "round_trip", "settle")
        if setup_of(row).count != before.count:
            put_away(session, row, "lights", "flat")
        elif places_of(row) != told:
            put_away(session, row, "lights")
        return rig_out(row)


KEPT_BEFORE = 5
"""how many earlier calibrations of a kind a rig keeps"""


def put_away(session: Session, row: Rig, *parts: str) -> None:
    """Take parts of what was measured out of use; places and flat field are kept as earlier ones."""
    calibration = dict(row.calibration or {})
    earlier = {key: list(value) for key, value in calibration.get("earlier", {}).items()}
    for part in parts:
        old = calibration.pop(part, None)
        if old is not None and part in ("lights", "flat"):
            earlier[part] = [old, *earlier.get(part, [])][:KEPT_BEFORE]
    rigs.change(session, row, calibration=calibration | ({"earlier": earlier} if earlier else {}))


def delete(container: Container, rig_id: str) -> str:
    """Delete a rig; captures keep their lights. Returns its id."""
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        rigs.delete(session, row)
        return row.id


def places_of(row: Rig) -> Places:
    """Return where a rig's lights are."""
    return PLACES.validate_python(row.lights)


def lights(container: Container, rig_id: str) -> LightsSpec:
    """Return the lights of a capture that is made with a rig, by the rig's id or name."""
    with container.db.read() as session:
        return lights_of(rigs.get(session, rig_id))


def lights_of(row: Rig) -> LightsSpec:
    """Return the lights of a capture that is made with a rig."""
    return spec_of(places_of(row), row.calibration, row.name)


def setup_of(row: Rig) -> Setup:
    """Return a rig as the light desk needs it."""
    return Setup(row.id, row.driver, dict(row.config), count_of(places_of(row)))


def wait_ms(row: Rig) -> float:
    """Return how long to wait after an acknowledgement: what a camera measured, else a cautious guess."""
    return row.settle_ms if row.settle_ms is not None else kinds.way(row.driver).settle_ms


def rig_out(row: Rig) -> RigOut:
    """Return a row as it is given out."""
    places = places_of(row)
    return RigOut.model_validate(
        {
            "id": row.id, "name": row.name, "driver": row.driver, "config": row.config, "lights": places,
            "names": list(ring_names(count_of(places))), "calibrated": calibrated(places, row.calibration),
            "settle_ms": row.settle_ms, "wait_ms": wait_ms(row), "calibration": row.calibration or {},
            "is_default": row.is_default, "missing": kinds.way(row.driver).missing(),
            "created_at": row.created_at, "updated_at": row.updated_at,
        }
    )  # fmt: skip


def _config(driver: str, config: dict[str, Any]) -> dict[str, Any]:
    return kinds.settings(driver, config).model_dump(mode="json")

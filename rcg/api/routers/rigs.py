"""Rigs and their lights."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from rcg.api.deps import ContainerDep
from rcg.api.rig_schemas import (
    AckIn,
    DriversOut,
    LightIn,
    LightOut,
    NowOut,
    RigIn,
    RigOut,
    RigPatch,
    RigsOut,
    TestIn,
    TestOut,
)
from rcg.api.services import rig_lights, rigs
from rcg.photometric.lights import LightsSpec

router = APIRouter(prefix="/rigs", tags=["rigs"])
RigId = Annotated[str, Path(max_length=200, description="id or name")]


@router.get("")
def list_rigs(container: ContainerDep) -> RigsOut:
    """Every rig, the default first."""
    return rigs.listing(container)


@router.post("", status_code=201)
def create_rig(body: RigIn, container: ContainerDep) -> RigOut:
    """Make a rig. Nothing is switched."""
    return rigs.create(container, body)


@router.get("/drivers")
def list_drivers() -> DriversOut:
    """Every way to switch lights: its settings, what it needs, what is missing; and the serial ports."""
    return rigs.drivers()


@router.get("/{rig_id}")
def get_rig(rig_id: RigId, container: ContainerDep) -> RigOut:
    """A rig."""
    return rigs.get(container, rig_id)


@router.patch("/{rig_id}")
def change_rig(rig_id: RigId, body: RigPatch, container: ContainerDep) -> RigOut:
    """Change what the body names. A light that is on stays until the next is asked for."""
    return rigs.change(container, rig_id, body)


@router.delete("/{rig_id}", status_code=204)
async def delete_rig(rig_id: RigId, container: ContainerDep) -> None:
    """Delete a rig; captures that were made with it keep their lights."""
    await rig_lights.delete(container, rig_id)


@router.get("/{rig_id}/lights")
def lights_of_rig(rig_id: RigId, container: ContainerDep) -> LightsSpec:
    """The lights of a capture that is made with the rig, as captures take them."""
    return rigs.lights(container, rig_id)


@router.get("/{rig_id}/light")
async def light_now(rig_id: RigId, container: ContainerDep) -> NowOut:
    """Which light is on, and what a person or page is asked to do."""
    return await rig_lights.now(container, rig_id)


@router.post("/{rig_id}/light")
async def show_light(rig_id: RigId, body: LightIn, container: ContainerDep) -> LightOut:
    """Have one light on and no other; answers when that is acknowledged. Wait `wait_ms` before you expose."""
    return await rig_lights.show(container, rig_id, body.light)


@router.delete("/{rig_id}/light", status_code=204)
async def release_lights(rig_id: RigId, container: ContainerDep) -> None:
    """Give the device back as it was found. It happens by itself after a minute without use."""
    await rig_lights.release(container, rig_id)


@router.post("/{rig_id}/ack")
async def acknowledge(rig_id: RigId, body: AckIn, container: ContainerDep) -> AckIn:
    """A page has drawn a light, or a person has tapped."""
    await rig_lights.acknowledge(container, rig_id, body.seq)
    return body


@router.post("/{rig_id}/test")
async def test_rig(rig_id: RigId, body: TestIn, container: ContainerDep) -> TestOut:
    """Switch every light once and measure how long each takes to be acknowledged."""
    return await rig_lights.test(container, rig_id, body.lights)

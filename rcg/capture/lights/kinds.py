"""The ways to switch lights, by name: what each needs, its settings, and how one is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rcg.capture.lights import serial_line
from rcg.capture.lights.driver import LightDriver
from rcg.capture.lights.manual import ManualConfig, ManualDriver
from rcg.capture.lights.screen import ScreenConfig, ScreenDriver
from rcg.capture.lights.serial_line import SerialConfig, SerialDriver
from rcg.capture.lights.sim import SimConfig, SimDriver
from rcg.capture.lights.told import Tell
from rcg.capture.lights.wled import WledConfig, WledDriver
from rcg.errors import InputError


@dataclass(frozen=True)
class Surroundings:
    """What drivers may use.

    Attributes:
        scenes: folder of the simulated rigs' scenes.
        tell: passes a request on to a page.
        page: address of the rig's light page.
    """

    scenes: Path
    tell: Tell
    page: str


Make = Callable[[Any, int, Surroundings], LightDriver]


@dataclass(frozen=True)
class Way:
    """One way to switch lights.

    Attributes:
        name: of the driver.
        title, says: for people.
        needs: what has to be there.
        config: its settings.
        make: from settings, number of lights and surroundings.
        told: who acknowledges: a person's tap, a page, or the device itself.
        settle_ms: taken between acknowledgement and exposure until a camera has measured it.
        missing: what has to be installed first, or None.
    """

    name: str
    title: str
    says: str
    needs: str
    config: type[BaseModel]
    make: Make
    told: Literal["person", "page", "device"]
    settle_ms: float
    missing: Callable[[], str | None] = lambda: None


class _Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way(
            "manual", "By hand", "You hold a lamp at the stop that your phone names, and tap.",
            "A torch or a lamp, and the printed mat with its numbers.",
            ManualConfig, lambda config, count, at: ManualDriver(config, count, at.tell), "person", 300,
        ),
        Way(
            "screen", "A screen", "A tablet or monitor shows a white patch on black, one light at a time.",
            "Any screen with a browser that reaches this server, and a dark room.",
            ScreenConfig, lambda config, count, at: ScreenDriver(config, count, at.tell, at.page),
            "page", 150,
        ),
        Way(
            "wled", "WLED", "An LED strip or ring on a WLED controller, over the network.",
            "A WLED controller in this network, with as many LEDs in a row for each light.",
            WledConfig, lambda config, count, _at: WledDriver(config, count), "device", 60,
        ),
        Way(
            "serial", "USB", "A microcontroller on USB that switches the lights itself.",
            "A board with the sketch of docs/lights.md, and the package pyserial.",
            SerialConfig, lambda config, count, _at: SerialDriver(config, count), "device", 30,
            serial_line.missing,
        ),
        Way(
            "sim", "Simulated", "Rendered frames go to a browser's fake camera: to try RCG, and for tests.",
            "A scene of frames in the data folder, and Chromium started with a file as its camera.",
            SimConfig, lambda config, count, at: SimDriver(config, at.scenes, count), "device", 250,
            lambda: None if hasattr(os, "pwrite") else "This works on Linux and macOS.",
        ),
    )
}  # fmt: skip


def way(name: str) -> Way:
    """Return a way by name. Raises InputError."""
    found = WAYS.get(name)
    if found is None:
        raise InputError(f"There is no driver {name[:40]!r}.", f"Drivers: {', '.join(WAYS)}.")
    return found


def settings(name: str, config: dict[str, Any]) -> BaseModel:
    """Return a driver's settings, checked and complete. Raises InputError naming each wrong field."""
    try:
        return way(name).config.model_validate(config)
    except ValidationError as error:
        fields = [
            {"field": ".".join(("config", *map(str, item["loc"]))), "problem": item["msg"]}
            for item in error.errors()
        ]
        said = "; ".join(f"{item['field']}: {item['problem']}" for item in fields[:5])
        raise InputError(
            f"The settings of the driver {name!r} are wrong: {said}.",
            "GET /api/rigs/drivers lists what each driver takes.", fields=fields,
        ) from error  # fmt: skip

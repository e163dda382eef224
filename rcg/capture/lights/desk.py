"""Keeps the driver of each rig in use open, and lets one call at a time reach it.

A driver is opened by the first light that is asked for and closed, which puts back what the device showed
before, when nothing was asked of it for a minute. Everything runs in one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rcg.capture.lights import kinds
from rcg.capture.lights.driver import Ack, Light, LightDriver, LightError, LightInfo
from rcg.capture.lights.told import Request, Told
from rcg.errors import ConflictError

IDLE_S = 60.0
_log = logging.getLogger(__name__)
T = TypeVar("T")
Say = Callable[[dict[str, Any]], None]
"""publishes an event of kind ``capture``; must not block"""


@dataclass(frozen=True)
class Setup:
    """A rig as its driver needs it.

    Attributes:
        rig: its id.
        driver, config: which driver, with its settings.
        count: how many lights.
    """

    rig: str
    driver: str
    config: dict[str, Any]
    count: int


@dataclass(frozen=True)
class Now:
    """What a rig is doing.

    Attributes:
        open: whether its driver is in use.
        light: that is on.
        pending: what somebody is asked to do.
        info: what answered when it was opened.
    """

    open: bool = False
    light: Light = None
    pending: Request | None = None
    info: LightInfo | None = None


@dataclass
class _InUse:
    setup: Setup | None = None
    driver: LightDriver | None = None
    info: LightInfo | None = None
    light: Light = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0
    timer: asyncio.TimerHandle | None = None

    @property
    def told(self) -> Told | None:
        found = getattr(self.driver, "told", None)
        return found if isinstance(found, Told) else None


class LightDesk:
    """The lights of every rig.

    Args:
        scenes: folder of the simulated rigs' scenes.
        say: publishes ``{"type": "light", "rig", "seq", "light", "words", "driver", "ack"}``: somebody
            shall show it, and answer where ``ack``; and ``{"type": "lit", "rig", "light", "took_ms"}``: it is
            on.
        idle_s: how long a driver stays open without use.
        make: makes a driver; tests give their own.
    """

    def __init__(
        self,
        scenes: Path,
        say: Say,
        idle_s: float = IDLE_S,
        make: Callable[[Setup, kinds.Surroundings], LightDriver] | None = None,
    ) -> None:
        self._scenes = scenes
        self._say = say
        self._idle_s = idle_s
        self._make = make or _made
        self._rigs: dict[str, _InUse] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def open(self, setup: Setup) -> LightInfo:
        """Have a rig's driver open; return what answered. Raises LightError."""
        return await self._reach(setup, lambda _driver, info: _given(info))

    async def show(self, setup: Setup, light: Light) -> Ack:
        """Have one light on; returns when that is acknowledged.

        A request that waits for a person or a page gives way to a newer one.

        Raises:
            LightError: the device did not do it; the next call reaches for it anew.
            InputError: the rig has no such light.
        """

        async def switch(driver: LightDriver, _info: LightInfo) -> Ack:
            ack = await driver.show(light)
            self._rigs[setup.rig].light = light
            self._say({"type": "lit", "rig": setup.rig, "light": light, "took_ms": round(ack.took_ms, 1)})
            return ack

        return await self._reach(setup, switch)

    def now(self, rig: str) -> Now:
        """Tell what a rig is doing."""
        use = self._rigs.get(rig)
        if use is None or use.driver is None:
            return Now()
        return Now(True, use.light, use.told.pending if use.told else None, use.info)

    def answer(self, rig: str, seq: int) -> None:
        """Take the answer of a person or a page. Raises ConflictError when nothing of that number waits."""
        use = self._rigs.get(rig)
        if use is None or use.told is None or not use.told.answer(seq):
            raise ConflictError(
                "No light of that number is waited for: another was asked for since, or the time was over.",
                "GET /api/rigs/RIG/light tells what is waited for now.", seq=seq,
            )  # fmt: skip

    async def release(self, rig: str) -> None:
        """Close a rig's driver, if it is open."""
        use = self._rigs.get(rig)
        if use is None:
            return
        if use.told:
            use.told.give_way()
        async with use.lock:
            await self._leave(use)
        if self._rigs.get(rig) is use and not use.wanted:
            del self._rigs[rig]

    async def close(self) -> None:
        """Close every driver."""
        for rig in list(self._rigs):
            await self.release(rig)

    async def _reach(self, setup: Setup, do: Callable[[LightDriver, LightInfo], Awaitable[T]]) -> T:
        use = self._rigs.setdefault(setup.rig, _InUse())
        if use.timer:
            use.timer.cancel()
        use.wanted += 1
        if use.told:
            use.told.give_way()
        try:
            async with use.lock:
                if use.setup != setup:
                    await self._leave(use)
                try:
                    if use.driver is None or use.info is None:
                        use.setup, use.light = setup, None
                        use.driver = self._make(setup, self._surroundings(setup))
                        use.info = await use.driver.open()
                    return await do(use.driver, use.info)
                except LightError as error:
                    if error.code != "light_superseded":
                        await self._leave(use)
                    raise
        finally:
            use.wanted -= 1
            if not use.wanted and use.driver is not None:
                loop = asyncio.get_running_loop()
                use.timer = loop.call_later(self._idle_s, self._idle, setup.rig)

    def _idle(self, rig: str) -> None:
        task = asyncio.get_running_loop().create_task(self._release_unused(rig))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _release_unused(self, rig: str) -> None:
        use = self._rigs.get(rig)
        if use is not None and not use.wanted:
            await self.release(rig)

    async def _leave(self, use: _InUse) -> None:
        driver, use.driver, use.info, use.light, use.setup = use.driver, None, None, None, None
        if driver is None:
            return
        try:
            await driver.close()
        except Exception:  # noqa: BLE001 - a device that is gone must not keep a rig from being used again
            _log.exception("closing a light driver failed")

    def _surroundings(self, setup: Setup) -> kinds.Surroundings:
        def tell(request: Request) -> None:
            self._say(
                {
                    "type": "light", "rig": setup.rig, "driver": setup.driver, "seq": request.seq,
                    "light": request.light, "words": request.words, "ack": request.ack,
                }
            )  # fmt: skip

        return kinds.Surroundings(self._scenes, tell, f"/capture/light/{setup.rig}")


async def _given(info: LightInfo) -> LightInfo:
    return info


def _made(setup: Setup, surroundings: kinds.Surroundings) -> LightDriver:
    found = kinds.way(setup.driver)
    need = found.missing()
    if need:
        raise LightError(
            f"The driver {setup.driver!r} cannot work on this computer.", need, device=setup.driver
        )
    return found.make(kinds.settings(setup.driver, setup.config), setup.count, surroundings)

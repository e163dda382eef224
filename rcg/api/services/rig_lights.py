"""The lights of a rig: switch them, test them, take the answers of people and pages."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from rcg.api.rig_schemas import LightOut, NowOut, PendingOut, TestedLight, TestOut
from rcg.api.services import rigs as rig_rows
from rcg.api.services.rigs import setup_of, wait_ms
from rcg.capture.lights import kinds, ring_names
from rcg.capture.lights.driver import Ack, Light, LightError, check_light
from rcg.capture.lights.screen import FLASHES_PER_S
from rcg.errors import UnavailableError
from rcg.store.db import now_ms
from rcg.store.repositories import rigs

if TYPE_CHECKING:
    from rcg.capture.lights.desk import Setup
    from rcg.container import Container

_SAYS = {
    "person": "Your tap is the acknowledgement, so there is nothing to measure from this computer.",
    "page": "This is the time until the page had drawn two frames. How long the screen itself takes after "
    "that only a camera sees: your phone measures it as the settle time.",
    "device": "This is the time until the device answered. How long until the light is steady only a camera "
    "sees: your phone measures it as the settle time.",
}  # fmt: skip


async def show(container: Container, rig_id: str, light: Light) -> LightOut:
    """Have one light on; returns when it is acknowledged. Raises LightError."""
    setup, wait = await asyncio.to_thread(_find, container, rig_id)
    check_light(light, ring_names(setup.count))
    ack = await _unless_stopping(container, container.lights.show(setup, light))
    return LightOut(light=ack.light, took_ms=round(ack.took_ms, 1), wait_ms=wait)


async def now(container: Container, rig_id: str) -> NowOut:
    """Tell what a rig is doing."""
    setup, _ = await asyncio.to_thread(_find, container, rig_id)
    state = container.lights.now(setup.rig)
    asked = state.pending
    return NowOut(
        open=state.open,
        light=state.light,
        pending=PendingOut(seq=asked.seq, light=asked.light, words=asked.words) if asked else None,
        answered=state.info.answered if state.info else None,
        notes=list(state.info.notes) if state.info else [],
    )


async def acknowledge(container: Container, rig_id: str, seq: int) -> None:
    """Take the answer of a person or a page. Raises ConflictError when nothing of that number waits."""
    setup, _ = await asyncio.to_thread(_find, container, rig_id)
    container.lights.answer(setup.rig, seq)


async def release(container: Container, rig_id: str) -> None:
    """Give the device back as it was found."""
    setup, _ = await asyncio.to_thread(_find, container, rig_id)
    await container.lights.release(setup.rig)


async def delete(container: Container, rig_id: str) -> None:
    """Delete a rig, giving its device back first."""
    await release(container, rig_id)
    await asyncio.to_thread(rig_rows.delete, container, rig_id)


async def test(container: Container, rig_id: str, lights: list[str] | None) -> TestOut:
    """Switch lights one after the other and measure how long each takes to be acknowledged.

    Never more than three changes a second where people see the light. Raises LightError; ``data.passed``
    holds the lights that had worked until then.
    """
    setup, _ = await asyncio.to_thread(_find, container, rig_id)
    way, names = kinds.way(setup.driver), ring_names(setup.count)
    asked = lights if lights is not None else list(names[:1] if way.told == "person" else names)
    for light in asked:
        check_light(light, names)
    pace_s = 0.0 if setup.driver == "sim" else 1 / FLASHES_PER_S
    passed: list[TestedLight] = []
    try:
        info = await container.lights.open(setup)
        for light in asked:
            began = time.monotonic()
            ack = await _unless_stopping(container, container.lights.show(setup, light))
            passed.append(TestedLight(light=light, took_ms=round(ack.took_ms, 1)))
            await asyncio.sleep(max(0.0, pace_s - (time.monotonic() - began)))
        dark = await container.lights.show(setup, None)
    except LightError as error:
        error.data["passed"] = [item.light for item in passed]
        raise
    times = sorted(item.took_ms for item in passed) or [dark.took_ms]
    median = round(statistics.median(times), 1)
    p95 = round(times[min(len(times) - 1, int(0.95 * len(times)))], 1)
    trip = {
        "median_ms": median, "p95_ms": p95, "lights": len(times), "answered": info.answered, "at": now_ms(),
    }  # fmt: skip
    settle = await asyncio.to_thread(_remember, container, setup.rig, None if way.told == "person" else trip)
    return TestOut(
        answered=info.answered,
        notes=list(info.notes),
        lights=passed,
        dark_ms=round(dark.took_ms, 1),
        median_ms=median,
        p95_ms=p95,
        settle_ms=settle,
        says=_SAYS[way.told],
    )


async def _unless_stopping(container: Container, work: Coroutine[Any, Any, Ack]) -> Ack:
    """Await a light; a person who does not tap must not hold up the server's stop."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(container.stopping.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise UnavailableError("RCG is stopping.", "Ask for the light again when it runs.")
        return task.result()
    finally:
        for each in (task, stopping):
            each.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


def _find(container: Container, rig_id: str) -> tuple[Setup, float]:
    with container.db.read() as session:
        row = rigs.get(session, rig_id)
        return setup_of(row), wait_ms(row)


def _remember(container: Container, rig_id: str, trip: dict[str, Any] | None) -> float | None:
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        if trip is not None:
            rigs.change(session, row, calibration={**(row.calibration or {}), "round_trip": trip})
        return row.settle_ms

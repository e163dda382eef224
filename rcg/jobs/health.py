"""How the job system's parts are, from what their threads last saw; asking never blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rcg.jobs.link import ValkeyLink
from rcg.jobs.slots import Slot
from rcg.jobs.upkeep import Upkeep


@dataclass(frozen=True)
class PartHealth:
    """How a part is: ``detail`` says what is, ``hint`` what to do when it is not well."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def of_valkey(link: ValkeyLink) -> PartHealth:
    """Whether the dispatcher can be reached."""
    if not link.up.is_set():
        hint = "It is started again by itself; see logs/rcg.log." if link.server else "Start it again."
        return PartHealth("valkey", ok=False, detail=f"{link.where()}: {link.fault}", hint=hint)
    restarts = f", restarted {link.restarts} times" if link.restarts else ""
    return PartHealth("valkey", ok=True, detail=f"{link.where()}{restarts}")


def of_workers(slots: Sequence[Slot], upkeep: Upkeep) -> PartHealth:
    """Whether jobs are computed."""
    ended = [slot.name for slot in slots if not slot.alive] + ([] if upkeep.alive else ["upkeep"])
    if ended:
        return PartHealth("workers", ok=False, detail=f"not running: {', '.join(ended)}", hint="Restart RCG.")
    if upkeep.paused:
        hint = "Free some space on the disk of the data folder; the jobs go on by themselves."
        return PartHealth("workers", ok=False, detail=f"every job {upkeep.paused}", hint=hint)
    busy = sum(slot.current is not None for slot in slots)
    return PartHealth("workers", ok=True, detail=f"{busy} of {len(slots)} slots busy")

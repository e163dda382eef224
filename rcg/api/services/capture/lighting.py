"""The lights of a session: one on, acknowledged, and how long to wait then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rcg.api.capture_schemas import SessionLightOut, SessionOut
from rcg.api.services import rig_lights
from rcg.api.services.capture.sessions import AMBIENT, refuse_cancelled, touch
from rcg.api.services.capture.views import session_out, tell
from rcg.capture.lights.driver import ALL, Light
from rcg.errors import ConflictError, InputError
from rcg.store.repositories import capture_sessions as rows

if TYPE_CHECKING:
    from rcg.container import Container


async def show(container: Container, session_id: str, light: str) -> SessionLightOut:
    """Have a light of the session on; returns when that is acknowledged. Raises LightError."""
    rig_id, changed = await asyncio.to_thread(_shooting, container, session_id, light)
    if changed is not None:
        tell(container, changed)
    wanted: Light = None if light == AMBIENT else light
    on = await rig_lights.show(container, rig_id, wanted)
    return SessionLightOut(light=light, took_ms=on.took_ms, settle_ms=on.wait_ms)


def _shooting(container: Container, session_id: str, light: str) -> tuple[str, SessionOut | None]:
    """Return the rig, and the session if this is its first light."""
    with container.db.write() as session:
        row = rows.get(session, session_id)
        refuse_cancelled(row)
        if light not in {*row.wanted, ALL, AMBIENT}:
            raise InputError(
                f"This session has no light {light!r}.", f"Its frames are {', '.join(row.wanted)}."
            )
        if row.rig_id is None:
            raise ConflictError("The rig of this session was deleted.", "Begin a session with another rig.")
        if row.state != "ready":
            return row.rig_id, None
        row.state = "shooting"
        touch(session, row)
        return row.rig_id, session_out(session, row)

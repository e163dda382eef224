"""What a camera's page advises, mirrored to other pages. Nothing of it is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rcg.api.capture_schemas import GuidanceIn

if TYPE_CHECKING:
    from rcg.container import Container

EVERY_S = 0.45
_MOST = 100
_last: dict[str, float] = {}


def tell(container: Container, session_id: str, body: GuidanceIn) -> None:
    """Publish the advice, unless the same session's came less than half a second ago."""
    now = time.monotonic()
    if now - _last.get(session_id, -1e9) < EVERY_S:
        return
    if len(_last) >= _MOST:
        _last.clear()
    _last[session_id] = now
    container.jobs.events.publish(
        "capture", {"type": "guidance", "session": session_id, **body.model_dump(mode="json")}
    )

"""What is kept of a watched folder, so that the watch goes on after the server was restarted or killed."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from rcg.files import PRIVATE, write_atomically

if TYPE_CHECKING:
    from rcg.api.auth import Principal
    from rcg.container import Container

logger = logging.getLogger("rcg.capture")
FOLDER = "watches"


class WatchRecord(BaseModel):
    """A watch.

    Attributes:
        folder: its name among those that may be watched.
        by: id of who began it; ``device``: the name of that device or token.
        ignored: files that lay there before it began.
        settled: size and time of each file that is not to be looked at again, by its name.
    """

    folder: str
    by: str
    device: str
    ignored: int
    settled: dict[str, tuple[int, int]]


def record_of(folder: str, by: Principal, ignored: int, settled: dict[str, tuple[int, int]]) -> WatchRecord:
    """Return what is to be kept of a watch."""
    return WatchRecord(folder=folder, by=by.id, device=by.name, ignored=ignored, settled=settled)


def keep(container: Container, session_id: str, record: WatchRecord) -> None:
    """Write the record of a session's watch. Raises OSError."""
    path = _path(container, session_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, record.model_dump_json().encode(), mode=PRIVATE)


def forget(container: Container, session_id: str) -> None:
    """Remove the record of a session's watch, when there is one."""
    with contextlib.suppress(OSError):
        _path(container, session_id).unlink(missing_ok=True)


def kept(container: Container) -> dict[str, WatchRecord]:
    """Return the records by session. One that cannot be read is left out, with a line in the log."""
    found = {}
    for path in sorted((container.settings.data_dir / FOLDER).glob("*.json")):
        try:
            found[path.stem] = WatchRecord.model_validate(json.loads(path.read_bytes()))
        except (OSError, ValueError, ValidationError) as error:
            logger.warning("the watch in %s is not taken up again: %s", path, str(error).splitlines()[0])
    return found


def _path(container: Container, session_id: str) -> Path:
    return container.settings.data_dir / FOLDER / f"{session_id}.json"

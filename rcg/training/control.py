"""What a person asks of a running training: a small file that the loop looks at before every step.

A file works the same for a thread, a child and the command line, and a request outlives the process.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

FILE: Final = "control.json"
Command = Literal["pause", "stop", "evaluate"]


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        command: pause, stop or evaluate; None: nothing.
        id: of the request; one that was seen is not followed again.
        steps: the horizon as extended; None: that of the spec.
    """

    command: Command | None = None
    id: str = ""
    steps: int | None = None


def read(run_dir: Path) -> Request:
    """Return what is asked; nothing when there is no file or it is no request."""
    try:
        data: Any = json.loads((run_dir / FILE).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return Request()
    if not isinstance(data, dict):
        return Request()
    command = data.get("command")
    steps = data.get("steps")
    return Request(
        command if command in {"pause", "stop", "evaluate"} else None,
        str(data.get("id", "")),
        int(steps) if isinstance(steps, int) and steps > 0 else None,
    )


def write(run_dir: Path, request: Request) -> None:
    """Put a request in place of the former one, whole or not at all."""
    run_dir.mkdir(parents=True, exist_ok=True)
    temporary = run_dir / f".{FILE}-{os.getpid()}"
    data = {"command": request.command, "id": request.id, "steps": request.steps}
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(run_dir / FILE)


class Watcher:
    """Looks at the file; a look costs one ``stat``."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / FILE
        self._run_dir = run_dir
        self._seen: tuple[int, int] | None = None
        self._request = Request()
        self._done: set[str] = set()

    def look(self) -> Request:
        """Return the present request, without a command that was taken."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return Request()
        now = (stat.st_mtime_ns, stat.st_ino)
        if now != self._seen:
            self._seen = now
            self._request = read(self._run_dir)
        if self._request.id in self._done:
            return Request(None, self._request.id, self._request.steps)
        return self._request

    def taken(self, request: Request) -> None:
        """Do not follow this request again."""
        self._done.add(request.id)

"""What happened in a run, from its folder: pages of rows, the newest of a kind, sample pictures."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.api import training_schemas as schemas
from rcg.errors import NotFoundError
from rcg.jobs.train import runs_folder
from rcg.store.repositories import runs
from rcg.training import events
from rcg.training.thinning import thin

if TYPE_CHECKING:
    from rcg.container import Container
    from rcg.training.events import Row

SAMPLES = "samples"
_SAMPLE_FILE = re.compile(r"[0-9]{1,3}\.(webp|json)")
_RECENT = 400
_STEP = re.compile(r"step-(\d+)\.json")


def folder(container: Container, run_id: str) -> Path:
    """Return a run's folder, which need not be there yet. Raises NotFoundError when there is no such run."""
    with container.db.read() as session:
        return runs_folder(container.settings.data_dir, runs.get(session, run_id).id)


def page(container: Container, run_id: str, after: int, limit: int) -> schemas.EventsOut:
    """Return the rows after a number, at most ``limit``; superseded ones are left out."""
    place = folder(container, run_id)
    last = events.last_seq(place)
    rows = list(itertools.islice(events.read(place, after), limit + 1))
    return schemas.EventsOut(events=rows[:limit], last_seq=last, more=len(rows) > limit)


def overview(container: Container, run_id: str, points: int) -> schemas.EventsOut:
    """Return the whole history with the steps of a long run thinned out; what follows it is ``page``'s."""
    place = folder(container, run_id)
    last = events.last_seq(place)
    rows = thin(lambda: (row for row in events.read(place) if row["seq"] <= last), points)
    return schemas.EventsOut(events=rows, last_seq=last, more=False)


def of_kind(place: Path, *kinds: str) -> Iterator[Row]:
    """Yield the rows of some kinds, in order."""
    return (row for row in events.read(place) if row["kind"] in kinds)


def newest(place: Path, kind: str) -> Row | None:
    """Return the newest row of a kind among the last few hundred rows, if there is one."""
    found = None
    for row in events.read(place, events.last_seq(place) - _RECENT):
        if row["kind"] == kind:
            found = row
    return found


def checkpoint_step(place: Path) -> int | None:
    """Return the step of the newest checkpoint, from the files beside them; None when there is none."""
    steps = [
        int(match[1])
        for path in place.glob("attempt-*/checkpoints/step-*.json")
        if (match := _STEP.fullmatch(path.name)) and path.with_suffix(".pt").is_file()
    ]
    return max(steps, default=None)


def sample_file(container: Container, run_id: str, step: int, name: str) -> Path:
    """Return a file of a sample: its picture, or its shapes as JSON. Raises NotFoundError."""
    place = folder(container, run_id)
    path = place / SAMPLES / f"step-{step:06d}" / name
    if not _SAMPLE_FILE.fullmatch(name) or not path.is_file():
        raise NotFoundError(
            f"The run has no sample {name[:40]!r} of step {step}.",
            f"The rows of kind sample name them: GET /api/training/{run_id}/events",
        )
    return path


def samples(place: Path, step: int | None) -> dict[str, dict[str, Any]]:
    """Return the samples of an evaluation by item: of that step, else of the newest one."""
    by_step: dict[int, dict[str, dict[str, Any]]] = {}
    for row in of_kind(place, "sample"):
        by_step.setdefault(int(row["step"]), {})[str(row["item"])] = row
    if not by_step:
        return {}
    return by_step[step] if step in by_step else by_step[max(by_step)]


def spec_file(place: Path) -> dict[str, Any] | None:
    """Return the spec as the run's folder keeps it."""
    with suppress(OSError, ValueError):
        found = json.loads((place / "spec.json").read_text("utf-8"))
        return found if isinstance(found, dict) else None
    return None

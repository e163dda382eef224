"""How fast trainings were on this computer, from the runs that ended well."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from rcg.store.training_models import Run

_NEWEST = 5


@dataclass(frozen=True)
class Rate:
    """What an architecture's newest runs took.

    Attributes:
        seconds_per_step: median over the runs, evaluations and checkpoints included.
        steps: median of how many they made.
        runs: how many it is from.
    """

    seconds_per_step: float
    steps: int
    runs: int


def of_architectures(session: Session, names: list[str]) -> dict[str, Rate]:
    """Return the rate of each architecture that has ended a run here."""
    rows = session.execute(
        select(Run.architecture, Run.step, Run.started_at, Run.finished_at)
        .where(
            Run.state == "done",
            Run.architecture.in_(names),
            Run.step > 0,
            Run.started_at.is_not(None),
            Run.finished_at.is_not(None),
        )
        .order_by(Run.created_at.desc())
    )
    found: dict[str, list[tuple[float, int]]] = {}
    for name, steps, started, finished in rows:
        some = found.setdefault(name, [])
        if len(some) < _NEWEST and started is not None and finished is not None:
            some.append(((finished - started) / 1000 / steps, steps))
    return {
        name: Rate(median(rate for rate, _ in some), round(median(steps for _, steps in some)), len(some))
        for name, some in found.items()
    }

"""The health of a dataset and how far it carries. Looking at every item takes a while, so it is remembered
until something changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rcg.api.services.datasets import kinds, splitting
from rcg.datasets import health as library
from rcg.datasets.alike import alike
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.readiness import Readiness, assess
from rcg.errors import ConflictError
from rcg.store.repositories import datasets, items, versions
from rcg.store.repositories.items import Filter
from rcg.store.repositories.records import records
from rcg.training.architectures import compatible

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.datasets.schema import Kind
    from rcg.store.dataset_models import Dataset

READABLE = Filter(state="ready")
_KEPT = 64
_LISTED = 200


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        health: of the library: problems and statistics.
        readiness: the judgement.
        more: problems that only the database knows: broken, pending, looking alike.
        kind: of the dataset.
    """

    health: library.HealthReport
    readiness: Readiness
    more: list[dict[str, Any]]
    kind: Kind

    @property
    def problems(self) -> list[dict[str, Any]]:
        """All problems, the worst first."""
        rank = {"error": 0, "warning": 1, "info": 2}
        found = [*(problem.as_json() for problem in self.health.problems), *self.more]
        return sorted(found, key=lambda problem: (rank[problem["severity"]], -problem["count"]))


class _Remembered:
    """The newest reports, by dataset and by what they were made from."""

    def __init__(self) -> None:
        self._reports: OrderedDict[tuple[Any, ...], Report] = OrderedDict()
        self._lock = threading.Lock()
        self.making = threading.Lock()
        """one report is made at a time: two tabs need not look at every item twice"""

    def get(self, key: tuple[Any, ...]) -> Report | None:
        with self._lock:
            return self._reports.get(key)

    def put(self, key: tuple[Any, ...], report: Report) -> None:
        with self._lock:
            self._reports[key] = report
            while len(self._reports) > _KEPT:
                self._reports.popitem(last=False)


_remembered = _Remembered()


def report(container: Container, id_or_name: str) -> dict[str, Any]:
    """Return a dataset's problems, each with its items and the way out, and its statistics."""
    with container.db.read() as session:
        found = of(session, datasets.get(session, id_or_name))
    return {"problems": found.problems, "statistics": found.health.statistics.as_json()}


def readiness(container: Container, id_or_name: str) -> dict[str, Any]:
    """Return how far a dataset carries, by which figures, and which architectures fit it. Advice, no gate."""
    with container.db.read() as session:
        row = datasets.get(session, id_or_name)
        return judged(row, of(session, row))


def judged(row: Dataset, found: Report) -> dict[str, Any]:
    """Show a report's judgement; the architectures are all that RCG has, each with its reason."""
    seen = found.health.statistics
    layers = [name for name, count in seen.layers.items() if count] if seen.items else None
    architectures = [
        {"architecture": one.name, "title": one.title, "fits": fits, "reason": reason}
        for one, fits, reason in compatible(found.kind, datasets.schema_of(row), layers)
    ]
    return found.readiness.as_json() | {"architectures": architectures}


def of(session: Session, row: Dataset) -> Report:
    """Return the report of a dataset as it is now."""
    newest = versions.newest(session, row.id)
    split = (newest.split["seed"], newest.split["shares"]) if newest else None
    seen = items.fingerprint(session, row.id)
    key = (row.id, row.updated_at, seen, repr(split), repr(row.label_schema), row.kind)
    known = _remembered.get(key)
    if known is not None:
        return known
    with _remembered.making:
        known = _remembered.get(key)
        if known is None:
            known = _made(session, row, split)
            _remembered.put(key, known)
    return known


def _made(session: Session, row: Dataset, split: tuple[int, dict[str, float]] | None) -> Report:
    kind = kinds.known(session).get(row.kind)
    if kind is None:
        raise ConflictError(
            f"The kind {row.kind!r} of {row.name} is not known here.", "Define it again: POST /api/kinds."
        )
    seed, shares = split or splitting.DEFAULT
    of_card = splitting.plan(session, row.id, seed, shares, READABLE).of_card

    def lines() -> Iterator[ItemRecord]:
        for record in records(session, row.id, READABLE, of_card, accepted=False):
            yield ItemRecord.model_validate_json(record.line)

    found = library.check(lines(), datasets.schema_of(row), kind, split=split is not None)
    total = sum(shares.values())
    judgement = assess(found, kind, shares["val"] / total)
    return Report(found, judgement, [*_unreadable(session, row), *_alike(session, row)], kind)


def _unreadable(session: Session, row: Dataset) -> Iterator[dict[str, Any]]:
    for state, severity, title, hint in (
        ("broken", "warning", "Images that cannot be read", "Upload them again, or delete them."),
        ("pending", "info", "Images that are still being read", "Wait for their job; /jobs shows it."),
    ):
        where = Filter(state=state)
        count = items.count(session, row.id, where)
        if count:
            page = items.listing(session, row.id, where, limit=_LISTED)
            yield _problem(state, severity, title, hint, count, [item.id for item in page.rows])


def _alike(session: Session, row: Dataset) -> Iterator[dict[str, Any]]:
    pairs = list(alike(items.hashes(session, row.id)))
    ids = list(dict.fromkeys(item_id for pair in pairs for item_id in pair))
    if ids:
        yield _problem(
            "alike", "warning", "Pictures that look alike, as different cards",
            "Delete copies, or give both the same card, so that a split keeps them together.",
            len(ids), ids[:_LISTED],
        )  # fmt: skip


def _problem(
    code: str, severity: str, title: str, hint: str, count: int, item_ids: list[str]
) -> dict[str, Any]:
    return {
        "code": code, "severity": severity, "title": title, "count": count, "item_ids": item_ids,
        "hint": hint, "detail": "",
    }  # fmt: skip

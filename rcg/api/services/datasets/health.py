"""The health of a dataset and how far it carries. Looking at an item is remembered until the item changes,
and a report until anything does: of a hundred thousand items one edit costs one look.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rcg.api.services.datasets import kinds, splitting
from rcg.datasets import health as library
from rcg.datasets.alike import alike
from rcg.datasets.item_facts import ItemFacts, Looker
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.readiness import Readiness, assess
from rcg.errors import ConflictError
from rcg.store.repositories import datasets, items, versions
from rcg.store.repositories.items import Filter
from rcg.store.repositories.page import batched
from rcg.store.repositories.records import records
from rcg.training.architectures import compatible

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.datasets.schema import Kind
    from rcg.store.dataset_models import Dataset

READABLE = Filter(state="ready")
Stamp = int
"""a hash of what an item is, see :func:`rcg.store.repositories.items.stamps`"""
_KEPT = 64
_FACTS_KEPT = 100_000
"""items of all datasets, of about a kilobyte each; those of the newest dataset are kept in any case"""
_AT_ONCE = 500
_GIVE_WAY = 4
"""items, about 2 ms: a thread that computes is asked for the interpreter only every 5 ms, and a request waits
for it many times"""
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


Facts = dict[str, tuple[Stamp, ItemFacts]]
"""by item: what it was when it was looked at, and what was found"""


class _Remembered:
    """The newest reports, by dataset and by what they were made from; and what was found of each item."""

    def __init__(self) -> None:
        self._reports: OrderedDict[tuple[Any, ...], Report] = OrderedDict()
        self._facts: OrderedDict[tuple[str, ...], Facts] = OrderedDict()
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

    def facts(self, key: tuple[str, ...]) -> Facts:
        """Return what is known of a dataset's items; the caller holds ``making`` and adds to it."""
        found = self._facts.setdefault(key, {})
        self._facts.move_to_end(key)
        while len(self._facts) > 1 and sum(map(len, self._facts.values())) > _FACTS_KEPT:
            self._facts.popitem(last=False)
        return found


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
    rows = list(items.stamps(session, row.id, READABLE))
    schema = datasets.schema_of(row)
    facts = _remembered.facts((row.id, repr(row.label_schema), kind.model_dump_json()))
    _look(session, row.id, rows, Looker(schema, kind), facts)
    of_card, _, _ = splitting.split_cards(((one.card_key, one.split) for one in rows), seed, shares)
    looked = ((one.id, of_card[one.card_key], facts[one.id][1]) for one in rows if one.id in facts)
    found = library.judge(looked, schema, kind, split=split is not None)
    total = sum(shares.values())
    judgement = assess(found, kind, shares["val"] / total)
    return Report(found, judgement, [*_unreadable(session, row), *_alike(session, row)], kind)


def _look(
    session: Session, dataset_id: str, rows: Sequence[items.Record], looker: Looker, facts: Facts
) -> None:
    """Look at the items that are new or not as they were, and forget those that are gone."""
    stamps: dict[str, Stamp] = {row.id: hash(tuple(row)) for row in rows}
    for item_id in [item_id for item_id in facts if item_id not in stamps]:
        del facts[item_id]
    changed = [item_id for item_id, stamp in stamps.items() if facts.get(item_id, (None,))[0] != stamp]
    for some in batched(changed, _AT_ONCE):
        found = records(session, dataset_id, Filter(state="ready", ids=some), accepted=False)
        for at, record in enumerate(found):
            item = ItemRecord.model_validate_json(record.line)
            facts[item.id] = stamps[item.id], looker.look(item)
            if at % _GIVE_WAY == 0:
                time.sleep(0)


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
    ids = alike(items.hashes(session, row.id))
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

"""The steps of editing an item: what each did, what undoes it, and what there is left to label.

A step is applied together with its row in one transaction. Its row keeps two *effects*: what it did and
what takes it back, each as annotations to put (whole, with their place) and ids to drop. Undo and redo apply
one of them, so they survive a reload and a kill, and never depend on what a browser remembers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from rcg.datasets.schema import Annotation
from rcg.store.base import new_id
from rcg.store.dataset_models import AnnotationOp, AnnotationRow, DatasetItem
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories.page import batched

KEPT = 1000
"""steps of an item that can be undone; older ones are forgotten, a few at a time"""
_SLACK = 100
_AT_ONCE = 500


@dataclass(frozen=True)
class Effect:
    """A change of an item's annotations.

    Attributes:
        put: annotations as they are afterwards: ``(position, body)``, the body as in its row.
        drop: ids of annotations that are gone afterwards.
    """

    put: list[tuple[int, str]] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """What a row keeps of a step.

    Attributes:
        words: what it was, for people: ``draw``, ``change``, ``delete``.
        do, undo: its effects.
        states: the item's label state before and after.
    """

    words: str
    do: Effect
    undo: Effect
    states: tuple[str, str]


@dataclass(frozen=True)
class History:
    """What can be undone and redone next: the step's op id and its words, None where there is nothing."""

    undo: tuple[str, str] | None
    redo: tuple[str, str] | None


@dataclass(frozen=True)
class Progress:
    """How far a dataset's labelling is; items that cannot be read are not counted.

    Attributes:
        items, labelled, predicted, unlabelled: numbers of items.
        predictions: annotations that wait for a person.
    """

    items: int = 0
    labelled: int = 0
    predicted: int = 0
    unlabelled: int = 0
    predictions: int = 0


# --- annotations ------------------------------------------------------------------------------


def rows(session: Session, item_id: str, ids: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return those of these annotations that an item has: {id: (position, body)}."""
    return {
        row.id: (row.position, row.body)
        for some in batched(ids, _AT_ONCE)
        for row in session.execute(
            select(AnnotationRow.id, AnnotationRow.position, AnnotationRow.body).where(
                AnnotationRow.item_id == item_id, AnnotationRow.id.in_(some)
            )
        )
    }


def predicted(session: Session, item_id: str) -> list[str]:
    """Return the bodies of an item's predictions that wait for a person, in their order."""
    query = select(AnnotationRow.body).where(
        AnnotationRow.item_id == item_id, AnnotationRow.state == annotation_rows.PREDICTED
    )
    return list(session.scalars(query.order_by(AnnotationRow.position, AnnotationRow.id)))


def counts(session: Session, item_id: str) -> dict[str, int]:
    """Return how many annotations of each state an item has."""
    found = session.execute(
        select(AnnotationRow.state, func.count())
        .where(AnnotationRow.item_id == item_id)
        .group_by(AnnotationRow.state)
    )
    return {state: int(number) for state, number in found}


def next_position(session: Session, item_id: str) -> int:
    """Return the place behind an item's last annotation."""
    last = session.scalar(select(func.max(AnnotationRow.position)).where(AnnotationRow.item_id == item_id))
    return 0 if last is None else last + 1


def apply(session: Session, item: DatasetItem, effect: Effect) -> None:
    """Bring about an effect: whatever the item has of these ids before, afterwards it is as it says."""
    bodies = [(position, annotation_rows.of_body(body)) for position, body in effect.put]
    for some in batched([*effect.drop, *(one.id for _, one in bodies)], _AT_ONCE):
        session.execute(
            delete(AnnotationRow)
            .where(AnnotationRow.item_id == item.id, AnnotationRow.id.in_(some))
            .execution_options(synchronize_session=False)
        )
    annotation_rows.insert_rows(
        session, [annotation_rows.row_values(item.id, item.dataset_id, at, one) for at, one in bodies]
    )


def put(position: int, annotation: Annotation) -> tuple[int, str]:
    """Return what an effect holds of an annotation."""
    return position, annotation_rows.body_of(annotation)


# --- steps ------------------------------------------------------------------------------------


def known(session: Session, item_id: str, op_ids: Collection[str]) -> set[str]:
    """Return those of these op ids that were applied before."""
    return {
        one
        for some in batched(op_ids, _AT_ONCE)
        for one in session.scalars(
            select(AnnotationOp.op_id).where(AnnotationOp.item_id == item_id, AnnotationOp.op_id.in_(some))
        )
    }


def add(session: Session, item_id: str, op_id: str, step: Step) -> None:
    """Keep a step that was applied. What was undone before it cannot be redone any more."""
    session.execute(
        update(AnnotationOp)
        .where(AnnotationOp.item_id == item_id, AnnotationOp.state == "undone")
        .values(state="past")
    )
    _add(session, item_id, op_id, json.dumps(asdict(step), separators=(",", ":")), "done")


def note(session: Session, item_id: str, op_id: str) -> None:
    """Remember the id of an op that is no step of its own: an undo, a redo, a label state."""
    _add(session, item_id, op_id, "", "past")


def _add(session: Session, item_id: str, op_id: str, body: str, state: str) -> None:
    last = session.scalar(select(func.max(AnnotationOp.seq)).where(AnnotationOp.item_id == item_id))
    seq = 1 if last is None else last + 1
    session.add(AnnotationOp(id=new_id(), item_id=item_id, seq=seq, op_id=op_id, body=body, state=state))
    session.flush()
    if seq % _SLACK == 0:
        _forget(session, item_id)


def _forget(session: Session, item_id: str) -> None:
    """Delete what lies before the newest steps; ids of repeated ops are that old no more."""
    oldest = session.scalar(
        select(AnnotationOp.seq)
        .where(AnnotationOp.item_id == item_id, AnnotationOp.state != "past")
        .order_by(AnnotationOp.seq.desc())
        .offset(KEPT - 1)
        .limit(1)
    )
    if oldest is not None:
        session.execute(
            delete(AnnotationOp).where(AnnotationOp.item_id == item_id, AnnotationOp.seq < oldest)
        )


def next_step(
    session: Session, item_id: str, way: Literal["undo", "redo"]
) -> tuple[AnnotationOp, Step] | None:
    """Return the step that undo or redo would take next, or None: the last one done, the first one undone."""
    state, order = ("done", AnnotationOp.seq.desc()) if way == "undo" else ("undone", AnnotationOp.seq.asc())
    row = session.scalar(
        select(AnnotationOp)
        .where(AnnotationOp.item_id == item_id, AnnotationOp.state == state)
        .order_by(order)
        .limit(1)
    )
    return None if row is None else (row, _step(row.body))


def count(session: Session, item_id: str) -> int:
    """Return how many ops of an item are remembered."""
    query = select(func.count()).select_from(AnnotationOp).where(AnnotationOp.item_id == item_id)
    return int(session.scalar(query) or 0)


def by_op_id(session: Session, item_id: str, op_id: str) -> AnnotationOp | None:
    """Return a step's row, or None."""
    return session.scalar(
        select(AnnotationOp).where(AnnotationOp.item_id == item_id, AnnotationOp.op_id == op_id)
    )


def history(session: Session, item_id: str) -> History:
    """Return what can be undone and redone next."""
    undo, redo = next_step(session, item_id, "undo"), next_step(session, item_id, "redo")
    return History(
        (undo[0].op_id, undo[1].words) if undo else None, (redo[0].op_id, redo[1].words) if redo else None
    )


def _step(body: str) -> Step:
    values = json.loads(body)
    return Step(
        words=values["words"],
        do=_effect(values["do"]),
        undo=_effect(values["undo"]),
        states=(values["states"][0], values["states"][1]),
    )


def _effect(values: Mapping[str, list[tuple[int, str]]]) -> Effect:
    return Effect([(position, body) for position, body in values["put"]], [str(x) for x in values["drop"]])


# --- what is left to label --------------------------------------------------------------------


def progress(session: Session, dataset_ids: Sequence[str]) -> dict[str, Progress]:
    """Return how far the labelling of each of these datasets is: two queries, however many they are."""
    states: dict[str, dict[str, int]] = {dataset_id: {} for dataset_id in dataset_ids}
    found = session.execute(
        select(DatasetItem.dataset_id, DatasetItem.label_state, func.count())
        .where(DatasetItem.dataset_id.in_(dataset_ids), DatasetItem.state != "broken")
        .group_by(DatasetItem.dataset_id, DatasetItem.label_state)
    )
    for dataset_id, state, number in found:
        states[dataset_id][state] = int(number)
    waiting = {
        dataset_id: int(number)
        for dataset_id, number in session.execute(
            select(AnnotationRow.dataset_id, func.count())
            .where(
                AnnotationRow.dataset_id.in_(dataset_ids),
                AnnotationRow.state == annotation_rows.PREDICTED,
            )
            .group_by(AnnotationRow.dataset_id)
        )
    }
    return {
        dataset_id: Progress(
            items=sum(numbers.values()),
            labelled=numbers.get(annotation_rows.LABELLED, 0),
            predicted=numbers.get(annotation_rows.PREDICTED, 0),
            unlabelled=numbers.get(annotation_rows.UNLABELLED, 0),
            predictions=waiting.get(dataset_id, 0),
        )
        for dataset_id, numbers in states.items()
    }


def index_of(session: Session, item: DatasetItem) -> int:
    """Return how many items of its dataset come before an item."""
    before = or_(
        DatasetItem.position < item.position,
        (DatasetItem.position == item.position) & (DatasetItem.id < item.id),
    )
    query = select(func.count(DatasetItem.id)).where(DatasetItem.dataset_id == item.dataset_id, before)
    return int(session.scalar(query) or 0)


def next_open(session: Session, dataset_id: str, after: DatasetItem | None = None) -> str | None:
    """Return the first item that is not labelled and can be read, after one and then from the start."""
    query = (
        select(DatasetItem.id)
        .where(
            DatasetItem.dataset_id == dataset_id,
            DatasetItem.label_state != annotation_rows.LABELLED,
            DatasetItem.state != "broken",
        )
        .order_by(DatasetItem.position, DatasetItem.id)
        .limit(1)
    )
    if after is None:
        return session.scalar(query)
    behind = or_(
        DatasetItem.position > after.position,
        (DatasetItem.position == after.position) & (DatasetItem.id > after.id),
    )
    return session.scalar(query.where(behind)) or session.scalar(query.where(DatasetItem.id != after.id))


def first(session: Session, dataset_id: str) -> str | None:
    """Return a dataset's first item, None of an empty one."""
    return session.scalar(
        select(DatasetItem.id)
        .where(DatasetItem.dataset_id == dataset_id)
        .order_by(DatasetItem.position, DatasetItem.id)
        .limit(1)
    )

"""Labelling: annotations of an item edited step by step, undone, redone, accepted; what is left to do."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rcg.api import label_schemas as schemas
from rcg.api.services.label_rules import refuse_misfits
from rcg.datasets.schema import Annotation
from rcg.errors import ConflictError, NotFoundError
from rcg.store.repositories import annotation_ops as steps
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories import datasets, items
from rcg.store.repositories.annotation_ops import Effect, Step

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.datasets.schema import LabelSchema
    from rcg.store.dataset_models import DatasetItem

_ACCEPTED = "accepted"
_WORDS = {"add": "draw", "change": "change", "remove": "delete"}


@dataclass
class _Editing:
    """One transaction's work on an item.

    Attributes:
        counts: annotations by state, kept up while ops are applied.
        applied: ops that were new.
        effects: of undo, redo and accepting, for who does not know them.
    """

    session: Session
    item: DatasetItem
    schema: LabelSchema
    counts: Counter[str]
    applied: int = 0
    effects: list[Effect] = field(default_factory=list)


def sheet(container: Container, item_id: str) -> str:
    """Return an item's annotations and what can be undone, as the JSON of ``LabelsOut``.

    The bodies are copied as the rows have them: thousands of shapes need not be read to be sent.
    """
    with container.db.read() as session:
        item = items.get(session, item_id)
        return _sheet(session, item)


def edit(container: Container, item_id: str, body: schemas.OpsIn) -> schemas.OpsOut:
    """Apply steps: all or none, each op id once, on the disk before this returns.

    Raises:
        NotFoundError: no such item.
        ConflictError: somebody else changed the item since ``base_revision``, or a step does not fit what is
            there. Its data hold the present state, and the op ids that were applied before (``known``).
        InputError: an annotation does not fit the dataset's label schema.
    """
    with container.db.write() as session:
        work = _open(session, item_id)
        known = steps.known(session, item_id, [op.op_id for op in body.ops])
        new = _once(body.ops, known)
        revision = work.item.revision
        if new and body.base_revision is not None and revision != body.base_revision + len(known):
            raise _changed_elsewhere(session, work.item, known)
        for op in new:
            _apply(work, op)
        return _close(work)


def undo(
    container: Container, item_id: str, body: schemas.OneStepIn, way: Literal["undo", "redo"]
) -> schemas.OpsOut:
    """Take back the last step, or do the last one that was taken back again. Raises ConflictError."""
    op = schemas.UndoOp(op_id=body.op_id or uuid.uuid4().hex, kind=way)
    return edit(container, item_id, schemas.OpsIn(base_revision=body.base_revision, ops=[op]))


def set_state(container: Container, item_id: str, body: schemas.LabelStateIn) -> schemas.OpsOut:
    """Say that an item is labelled, or that it is not."""
    op = schemas.StateOp(op_id=uuid.uuid4().hex, kind="set_state", label_state=body.label_state)
    return edit(container, item_id, schemas.OpsIn(base_revision=None, ops=[op]))


def accept(container: Container, item_id: str, body: schemas.AcceptIn) -> schemas.OpsOut:
    """Take predictions for right, as one step."""
    with container.db.write() as session:
        work = _open(session, item_id)
        waiting = [annotation_rows.of_body(one) for one in steps.predicted(session, item_id)]
        if body.ids == "all":
            chosen = [one for one in waiting if one.score is None or one.score >= body.min_score]
        else:
            wanted = set(body.ids)
            chosen = [one for one in waiting if one.id in wanted]
            missing = sorted(wanted - {one.id for one in chosen})
            if missing:
                raise ConflictError(
                    f"Annotation {missing[0]} of {work.item.name} is no prediction that waits.",
                    f"GET /api/items/{item_id}/annotations shows what there is.",
                )
        if chosen:
            before = steps.rows(session, item_id, [one.id for one in chosen])
            accepted = [one.model_copy(update={"state": "accepted"}) for one in chosen]
            do = Effect([steps.put(before[one.id][0], one) for one in accepted])
            work.effects.append(do)
            _take(work, uuid.uuid4().hex, "accept", do, Effect(list(before.values())))
        return _close(work)


def progress(container: Container, dataset: str, item_id: str | None) -> schemas.LabellingOut:
    """Return how far a dataset is, and where an item stands in it."""
    with container.db.read() as session:
        row = datasets.get(session, dataset)
        item = items.get(session, item_id) if item_id else None
        if item is not None and item.dataset_id != row.id:
            raise NotFoundError(f"The dataset {row.name!r} has no item {item_id!r}.")
        found = steps.progress(session, [row.id])[row.id]
        previous, following = items.neighbours(session, item) if item else (None, None)
        return schemas.LabellingOut(
            items=found.items,
            labelled=found.labelled,
            predicted=found.predicted,
            unlabelled=found.unlabelled,
            predictions=found.predictions,
            total=items.count(session, row.id),
            index=steps.index_of(session, item) if item else None,
            previous=previous,
            next=following,
            next_open=steps.next_open(session, row.id, item),
        )


# --- one op -----------------------------------------------------------------------------------


def _open(session: Session, item_id: str) -> _Editing:
    item = items.get(session, item_id)
    schema = datasets.schema_of(datasets.get(session, item.dataset_id))
    return _Editing(session, item, schema, Counter(steps.counts(session, item_id)))


def _once(ops: Sequence[Any], known: set[str]) -> list[Any]:
    seen, new = set(known), []
    for op in ops:
        if op.op_id not in seen:
            seen.add(op.op_id)
            new.append(op)
    return new


def _apply(work: _Editing, op: Any) -> None:
    session, item = work.session, work.item
    if isinstance(op, schemas.StateOp):
        waits = work.counts[annotation_rows.PREDICTED] and op.label_state == annotation_rows.UNLABELLED
        item.label_state = annotation_rows.PREDICTED if waits else op.label_state
        steps.note(session, item.id, op.op_id)
        work.applied += 1
    elif isinstance(op, schemas.UndoOp):
        _step_back(work, op)
    elif isinstance(op, schemas.RemoveOp):
        before = steps.rows(session, item.id, op.ids)
        _take(work, op.op_id, _WORDS[op.kind], Effect([], sorted(before)), Effect(list(before.values())))
    else:
        do, undo = _added(work, op) if op.kind == "add" else _changed(work, op)
        _take(work, op.op_id, _WORDS[op.kind], do, undo)


def _added(work: _Editing, op: schemas.AddOp) -> tuple[Effect, Effect]:
    ids = _distinct(op.annotations)
    taken = sorted(annotation_rows.taken_ids(work.session, ids))
    if taken:
        raise ConflictError(
            f"There is an annotation {taken[0]} already.", "Give the new one an id of its own."
        )
    refuse_misfits(op.annotations, {}, work.schema, work.item)
    place = steps.next_position(work.session, work.item.id)
    put = [steps.put(place + at, one) for at, one in enumerate(op.annotations)]
    return Effect(put), Effect([], ids)


def _changed(work: _Editing, op: schemas.ChangeOp) -> tuple[Effect, Effect]:
    before = steps.rows(work.session, work.item.id, _distinct(op.annotations))
    gone = [one.id for one in op.annotations if one.id not in before]
    if gone:
        raise _misfit(work, f"{work.item.name} has no annotation {gone[0]}: it was deleted elsewhere.")
    former = {key: annotation_rows.of_body(body) for key, (_, body) in before.items()}
    refuse_misfits(op.annotations, former, work.schema, work.item)
    put = [steps.put(before[one.id][0], one) for one in op.annotations]
    return Effect(put), Effect(list(before.values()))


def _distinct(shapes: Sequence[Annotation]) -> list[str]:
    ids = [one.id for one in shapes]
    twice = next((key for key, number in Counter(ids).items() if number > 1), None)
    if twice is not None:
        raise ConflictError(f"The annotation {twice} stands twice in one op.", "Send it once.")
    return ids


def _take(work: _Editing, op_id: str, words: str, do: Effect, undo: Effect) -> None:
    """Apply a step and keep it, with the label state that follows from it."""
    before = work.item.label_state
    accepted = work.counts[_ACCEPTED]
    _bring_about(work, do, undo)
    work.item.label_state = _state_after(before, accepted, work.counts)
    step = Step(words, do, undo, (before, work.item.label_state))
    steps.add(work.session, work.item.id, op_id, step)
    work.applied += 1


def _bring_about(work: _Editing, effect: Effect, inverse: Effect) -> None:
    steps.apply(work.session, work.item, effect)
    work.counts.subtract(json.loads(body)["state"] for _, body in inverse.put)
    work.counts.update(json.loads(body)["state"] for _, body in effect.put)


def _state_after(before: str, accepted_before: int, counts: Counter[str]) -> str:
    """Return the label state after a step.

    The first annotation of a person makes an item labelled; predictions keep it open until the last of them
    is accepted or rejected; what a person said of an item stays.
    """
    accepted, waiting = counts[_ACCEPTED], counts[annotation_rows.PREDICTED]
    if before == annotation_rows.LABELLED:
        return before
    if waiting > 0:
        return annotation_rows.PREDICTED
    if before == annotation_rows.PREDICTED or accepted_before == 0:
        return annotation_rows.LABELLED if accepted > 0 else annotation_rows.UNLABELLED
    return before


def _step_back(work: _Editing, op: schemas.UndoOp) -> None:
    """Undo or redo the next step, if it is the one that is meant."""
    session, item = work.session, work.item
    way: Literal["undo", "redo"] = "undo" if op.kind == "undo" else "redo"
    found = steps.next_step(session, item.id, way)
    if op.target is not None and (found is None or found[0].op_id != op.target):
        row = steps.by_op_id(session, item.id, op.target)
        reached = "undone" if way == "undo" else "done"
        if row is None or row.state != reached:
            raise _misfit(work, f"That step of {item.name} is not the one that {way} would take next.")
        steps.note(session, item.id, op.op_id)  # somebody was quicker, and it is as it was meant to be
        work.applied += 1
        return
    if found is None:
        raise _misfit(work, f"There is nothing to {way} on {item.name}.")
    row, step = found
    effect, inverse = (step.undo, step.do) if way == "undo" else (step.do, step.undo)
    _refuse_lost_classes(work, effect)
    was, becomes = reversed(step.states) if way == "undo" else step.states
    steps.apply(session, item, effect)
    work.counts = Counter(steps.counts(session, item.id))
    if item.label_state == was:
        item.label_state = becomes
    row.state = "undone" if way == "undo" else "done"
    steps.note(session, item.id, op.op_id)
    gone = {one["id"] for one in map(json.loads, (body for _, body in inverse.put))}
    work.effects.append(Effect(effect.put, sorted(gone - _ids(effect) | set(effect.drop))))
    work.applied += 1


def _ids(effect: Effect) -> set[str]:
    return {json.loads(body)["id"] for _, body in effect.put}


def _refuse_lost_classes(work: _Editing, effect: Effect) -> None:
    known = set(work.schema.class_names)
    lost = sorted({json.loads(body)["label"] for _, body in effect.put} - known)
    if lost:
        raise _misfit(work, f"That step brings back the class {lost[0]!r}, which the dataset has no more.")


# --- answers ----------------------------------------------------------------------------------


def _close(work: _Editing) -> schemas.OpsOut:
    session, item = work.session, work.item
    if work.applied:
        item.revision += work.applied - 1  # `changed` raises it once more
        annotation_rows.changed(session, item, item.label_state)
    put: dict[str, Annotation] = {}
    drop: set[str] = set()
    for effect in work.effects:
        drop |= set(effect.drop)
        put = {key: one for key, one in put.items() if key not in effect.drop}
        for _, body in effect.put:
            one = annotation_rows.of_body(body)
            put[one.id] = one
            drop.discard(one.id)
    return schemas.OpsOut(
        revision=item.revision,
        label_state=item.label_state,
        applied=work.applied,
        changed=list(put.values()),
        removed=sorted(drop),
        **_history(session, item.id),
    )


def _history(session: Session, item_id: str) -> dict[str, Any]:
    found = steps.history(session, item_id)
    undo, redo = (
        {"op_id": one[0], "words": one[1]} if one else None for one in (found.undo, found.redo)
    )  # fmt: skip
    return {"can_undo": undo is not None, "can_redo": redo is not None, "undo": undo, "redo": redo}


def _sheet(session: Session, item: DatasetItem) -> str:
    head = {
        "revision": item.revision,
        "label_state": item.label_state,
        **_history(session, item.id),
    }
    bodies = ",".join(annotation_rows.bodies_of_item(session, item.id))
    return f'{json.dumps(head)[:-1]},"annotations":[{bodies}]}}'


def _changed_elsewhere(session: Session, item: DatasetItem, known: set[str]) -> ConflictError:
    return ConflictError(
        f"{item.name} was changed elsewhere: it is at revision {item.revision}.",
        "Take its present state and send the steps again on that.",
        known=sorted(known),
        **json.loads(_sheet(session, item)),
    )


def _misfit(work: _Editing, detail: str) -> ConflictError:
    """Say that a step does not fit. The transaction is given up, so the state told is the one before it."""
    work.session.rollback()
    item = items.get(work.session, work.item.id)
    return ConflictError(
        detail,
        f"GET /api/items/{item.id}/annotations shows what there is.",
        known=[],
        **json.loads(_sheet(work.session, item)),
    )

"""Changing what may be annotated while annotations are there: nothing is lost that was not named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rcg.datasets.schema import LabelSchema
from rcg.errors import ConflictError, InputError
from rcg.store.repositories import annotations as annotation_rows
from rcg.store.repositories import datasets

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.store.dataset_models import Dataset


def change(
    session: Session,
    dataset: Dataset,
    schema: LabelSchema,
    *,
    renames: Mapping[str, str] | None,
    drop: bool,
) -> None:
    """Give a dataset another label schema, and its annotations the new names of their classes and points.

    Args:
        session: a write transaction.
        dataset: to be changed.
        schema: the new one.
        renames: old name to new name, of classes and points. None: see :func:`renamed`.
        drop: delete the annotations of classes that are no more.

    Raises:
        ConflictError: a class that goes, or the task, is in use; with the counts.
        InputError: a rename names what is not there.
    """
    old = datasets.schema_of(dataset)
    used = annotation_rows.classes_of_datasets(session, [dataset.id]).get(dataset.id, {})
    if schema.task != old.task and used:
        raise ConflictError(
            f"{dataset.name} has {sum(used.values())} annotations of the task {old.task}.",
            f"Make a new dataset for the task {schema.task}.",
        )
    classes = renamed(old.class_names, schema.class_names, renames)
    points = renamed(old.point_names, schema.point_names, renames)
    if renames is not None:
        _check(renames, classes | points, old)
    going = set(old.class_names) - set(schema.class_names) - set(classes)
    in_use = {name: used[name] for name in old.class_names if name in going and used.get(name)}
    if in_use and not drop:
        listed = ", ".join(f"{name} ({count} annotations)" for name, count in in_use.items())
        raise ConflictError(
            f"In use, so not deleted: {listed}.",
            "Send drop_annotations: true to delete these annotations too, or rename the class.",
            in_use=in_use,
        )
    if in_use:
        annotation_rows.delete_classes(session, dataset.id, sorted(in_use))
    if classes:
        annotation_rows.rename_classes(session, dataset.id, classes)
    if points:
        annotation_rows.rename_points(session, dataset.id, points)
    dataset.label_schema = schema.model_dump(mode="json")
    session.flush()


def renamed(old: Sequence[str], new: Sequence[str], renames: Mapping[str, str] | None) -> dict[str, str]:
    """Return which names got another one: old to new.

    Without being told: a new name that stands where a name stood that is gone.
    """
    if renames is not None:
        return {was: now for was, now in renames.items() if was in old and now in new and was != now}
    pairs = zip(old, new, strict=False)
    return {was: now for was, now in pairs if was != now and was not in new and now not in old}


def _check(renames: Mapping[str, str], known: Mapping[str, str], old: LabelSchema) -> None:
    for was, now in renames.items():
        if was == now or was in known:
            continue
        missing_before = was not in {*old.class_names, *old.point_names}
        raise InputError(
            f"renames: {was!r} to {now!r} does not fit: there is no {was!r} in the present label schema."
            if missing_before
            else f"renames: {was!r} to {now!r} does not fit: there is no {now!r} in the new label schema.",
            "Name what is there now, and what the new label schema calls it.",
        )

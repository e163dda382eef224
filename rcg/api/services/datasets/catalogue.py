"""Datasets as wholes: list, make, change, copy, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcg.api import dataset_schemas as schemas
from rcg.api.services.datasets import kinds, labels
from rcg.api.services.datasets.views import dataset_detail, dataset_out
from rcg.api.services.views import job_out
from rcg.errors import ConflictError, InputError
from rcg.store.dataset_models import Dataset
from rcg.store.repositories import copies, datasets, items, jobs
from rcg.store.repositories import recipes as recipe_rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container

RESERVED = frozenset({"create", "discover", "legacy", "render"})
_AT_ONCE = 2_000
"""items that one transaction copies or deletes: who annotates meanwhile waits no longer than that takes"""


def listing(
    container: Container, *, q: str, kind: str | None, sort: datasets.Sort, offset: int, limit: int
) -> schemas.DatasetPage:
    """Return a page of datasets."""
    with container.db.read() as session:
        name = kinds.resolve(session, kind).name if kind else None
        page = datasets.listing(session, q=q, kind=name, sort=sort, offset=offset, limit=limit)
        counts = datasets.counts(session, [row.id for row in page.rows])
        known = kinds.known(session)
        shown = [dataset_out(row, counts[row.id], known) for row in page.rows]
        return schemas.DatasetPage(
            items=shown,
            datasets=shown,
            total=page.total,
            offset=page.offset,
            limit=page.limit,
            next_offset=page.next_offset,
        )


def get(container: Container, id_or_name: str) -> schemas.DatasetDetail:
    """Return a dataset by id or name."""
    with container.db.read() as session:
        return detail(session, datasets.get(session, id_or_name))


def detail(session: Session, row: Dataset) -> schemas.DatasetDetail:
    """Show a dataset by itself."""
    counts = datasets.counts(session, [row.id])[row.id]
    active = [job_out(job) for job in jobs.active_of(session, subject(row.id))]
    return dataset_detail(row, counts, kinds.known(session), active)


def subject(dataset_id: str) -> str:
    """Return what jobs about a dataset name as their subject."""
    return f"dataset:{dataset_id}"


def create(container: Container, body: schemas.DatasetIn) -> schemas.DatasetDetail:
    """Make an empty dataset of a kind, with the kind's label schema."""
    with container.db.write() as session:
        return detail(session, add(session, body))


def add(session: Session, body: schemas.DatasetIn) -> Dataset:
    """Make an empty dataset within the caller's transaction."""
    refuse_reserved(body.name)
    kind = kinds.resolve(session, body.kind)
    return datasets.add(
        session, name=body.name, kind=kind.name, schema=kind.label_schema, description=body.description
    )


def refuse_reserved(name: str) -> None:
    """Raise InputError for a name that an address has."""
    if name.lower() in RESERVED:
        raise InputError(
            f"A dataset cannot be named {name!r}: an address has that name.", "Choose another name."
        )


def change(container: Container, id_or_name: str, body: schemas.DatasetPatch) -> schemas.DatasetDetail:
    """Change what the body names, all of it or nothing."""
    given = body.model_fields_set
    with container.db.write() as session:
        row = datasets.get(session, id_or_name)
        if "name" in given:
            if body.name is None:
                raise InputError("name cannot be null.", "Leave it out to keep it.")
            refuse_reserved(body.name)
            if body.name != row.name:
                datasets.refuse_taken(session, body.name)
            row.name = body.name
        if body.description is not None:
            row.description = body.description
        if "recipe_id" in given:
            row.recipe_id = recipe_rows.get(session, body.recipe_id).id if body.recipe_id else None
        if body.label_schema is not None:
            labels.change(session, row, body.label_schema, renames=body.renames, drop=body.drop_annotations)
        datasets.touch(row)
        session.flush()
        return detail(session, row)


def copy(container: Container, id_or_name: str, body: schemas.CopyIn) -> schemas.DatasetDetail:
    """Copy a dataset with its items and annotations; versions and undo histories are not copied."""
    with container.db.write() as session:
        row = datasets.get(session, id_or_name)
        if body.name:
            refuse_reserved(body.name)
        name = body.name or datasets.free_name(session, f"{row.name[:90]} copy")
        unfinished = f"This copy of {row.name} is not finished; if it stays so, delete it and copy again."
        made = datasets.add(
            session, name=name, kind=row.kind, schema=datasets.schema_of(row), description=unfinished
        )
        made.recipe_id = row.recipe_id
        whole = items.count(session, row.id) <= _AT_ONCE
        after = copies.copy_items(session, row.id, made.id, limit=_AT_ONCE)
        if whole:
            made.description = row.description
            session.flush()
            return detail(session, made)
    while after:
        with container.db.write() as session:
            after = copies.copy_items(session, row.id, made.id, after=after, limit=_AT_ONCE)
    with container.db.write() as session:
        made = datasets.get(session, made.id)
        made.description = row.description
        session.flush()
        return detail(session, made)


def delete(container: Container, id_or_name: str) -> None:
    """Delete a dataset with items and annotations. Versions stay, and whatever trains on one goes on."""
    more = True
    while more:
        with container.db.write() as session:
            row = datasets.get(session, id_or_name)
            busy = jobs.active_of(session, subject(row.id))
            if busy:
                raise ConflictError(
                    f"{row.name} is being worked on: {busy[0].title}.",
                    f"Wait for it, or cancel it: POST /api/jobs/{busy[0].id}/cancel",
                )
            more = items.count(session, row.id) > _AT_ONCE
            if more:
                datasets.empty(session, row.id, _AT_ONCE)
            else:
                datasets.delete(session, row)

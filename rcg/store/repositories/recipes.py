"""Augmentation recipes, the datasets they are looked at on, and the jobs that drew them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from rcg.errors import ConflictError, NotFoundError
from rcg.store.dataset_models import Dataset, DatasetItem, Recipe
from rcg.store.db import now_ms
from rcg.store.models import Job

_ENDED = ("done", "failed", "cancelled", "dead")


def find(session: Session, recipe_id: str) -> Recipe | None:
    """Return the recipe of that id, else of that name, or None."""
    return session.get(Recipe, recipe_id) or session.scalar(select(Recipe).where(Recipe.name == recipe_id))


def get(session: Session, recipe_id: str) -> Recipe:
    """As :func:`find`. Raises NotFoundError."""
    row = find(session, recipe_id)
    if row is None:
        raise NotFoundError(f"There is no recipe {recipe_id[:100]!r}.", "GET /api/recipes lists them.")
    return row


def listing(session: Session) -> Sequence[Recipe]:
    """Return every recipe, by name."""
    return session.scalars(select(Recipe).order_by(func.lower(Recipe.name), Recipe.id)).all()


def save(session: Session, row: Recipe | None, name: str, body: dict[str, Any]) -> Recipe:
    """Make a recipe, or give one another name and body.

    Raises:
        ConflictError: another recipe has the name.
    """
    other = session.scalar(select(Recipe).where(func.lower(Recipe.name) == name.lower()))
    if other is not None and other is not row:
        raise ConflictError(
            f"There is a recipe {other.name!r} already.", "Give this one another name.", recipe_id=other.id
        )
    if row is None:
        row = Recipe(name=name, body=body)
        session.add(row)
    else:
        # A page compares this time to see that nobody else saved meanwhile, so that it must move on.
        row.name, row.body, row.updated_at = name, body, max(now_ms(), row.updated_at + 1)
    session.flush()
    return row


def delete(session: Session, row: Recipe) -> None:
    """Delete a recipe; datasets whose default it was have none. Versions keep their copy."""
    session.execute(update(Dataset).where(Dataset.recipe_id == row.id).values(recipe_id=None))
    session.delete(row)
    session.flush()


def users(session: Session) -> dict[str, list[tuple[str, str]]]:
    """Return id and name of the datasets that have a recipe as default, by recipe."""
    query = select(Dataset.recipe_id, Dataset.id, Dataset.name).where(Dataset.recipe_id.is_not(None))
    found: dict[str, list[tuple[str, str]]] = {}
    for recipe_id, dataset_id, name in session.execute(query.order_by(Dataset.name)):
        found.setdefault(str(recipe_id), []).append((dataset_id, name))
    return found


def datasets_with_items(session: Session) -> list[tuple[Dataset, int]]:
    """Return datasets that have ready items, the one changed last first, with how many."""
    count = func.count(DatasetItem.id)
    query = (
        select(Dataset, count)
        .join(DatasetItem, DatasetItem.dataset_id == Dataset.id)
        .where(DatasetItem.state == "ready")
        .group_by(Dataset.id)
        .order_by(Dataset.updated_at.desc(), Dataset.id)
    )
    return [(row, int(number)) for row, number in session.execute(query)]


def forget_previews(session: Session, keep: int) -> list[str]:
    """Delete the rows of ended previews but the newest; return the ids that are gone.

    A preview is looked at once, and moving a slider makes many: the list of jobs is no place for them.
    """
    ended = (
        select(Job.id)
        .where(Job.kind == "augment_preview", Job.state.in_(_ENDED))
        .order_by(Job.created_at.desc(), Job.id)
    )
    gone = list(session.scalars(ended.offset(keep)))
    if gone:
        session.execute(delete_from(Job).where(Job.id.in_(gone)))
    return gone

"""Models that runs published: find, list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from rcg.errors import NotFoundError
from rcg.store.repositories.page import Page, contains, paginate
from rcg.store.training_models import Model, Run

Sort = Literal["newest", "oldest", "name", "kind"]


def find(session: Session, model_id: str) -> Model | None:
    """Return the model, or None."""
    return session.get(Model, model_id)


def get(session: Session, model_id: str) -> Model:
    """Return the model. Raises NotFoundError."""
    row = session.get(Model, model_id)
    if row is None:
        raise NotFoundError(f"There is no model {model_id!r}.", "GET /api/models lists them.")
    return row


def of_run(session: Session, run_id: str) -> Model | None:
    """Return the newest model that a run published, if it did."""
    query = select(Model).where(Model.run_id == run_id).order_by(Model.created_at.desc(), Model.id)
    return session.scalars(query.limit(1)).first()


def of_runs(session: Session, run_ids: Sequence[str]) -> dict[str, Model]:
    """Return the newest model of each of these runs that published one."""
    query = select(Model).where(Model.run_id.in_(run_ids)).order_by(Model.created_at, Model.id)
    return {str(model.run_id): model for model in session.scalars(query)}


def add(session: Session, run: Run, *, weights_sha256: str, config: dict[str, Any]) -> Model:
    """Publish what a run made, under the run's name or the next free one like it. The file's row exists.

    Args:
        config: :class:`rcg.training.model_config.ModelConfig` as JSON; it is given the name.
    """
    name = free_name(session, run.name)
    row = Model(
        name=name,
        run_id=run.id,
        dataset_name=run.dataset_name,
        version_id=run.version_id,
        kind=run.kind,
        architecture=run.architecture,
        task=config["label_schema"]["task"],
        weights_sha256=weights_sha256,
        config=config | {"name": name},
        metrics=config["metrics"],
    )
    session.add(row)
    session.flush()
    return row


def free_name(session: Session, name: str) -> str:
    """Return the name, or the name with the first number that no model has."""
    taken = set(session.scalars(select(Model.name)))
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def by_name(session: Session, name: str) -> Model | None:
    """Return the model of that name, if there is one."""
    return session.scalar(select(Model).where(Model.name == name))


def listing(
    session: Session,
    *,
    q: str = "",
    kind: str | None = None,
    in_use: bool | None = None,
    sort: Sort = "newest",
    offset: int = 0,
    limit: int = 50,
) -> Page[Model]:
    """Return one page of models; ``q`` is part of a model's, a dataset's or an architecture's name."""
    query = select(Model)
    if q.strip():
        pattern = contains(q.strip())
        columns = (Model.name, Model.dataset_name, Model.architecture)
        query = query.where(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    if kind:
        query = query.where(Model.kind == kind)
    if in_use is not None:
        query = query.where(Model.in_use == in_use)
    orders = {
        "newest": (Model.created_at.desc(),),
        "oldest": (Model.created_at,),
        "name": (func.lower(Model.name),),
        "kind": (Model.kind, Model.created_at.desc()),
    }
    return paginate(session, query.order_by(*orders[sort], Model.id), offset=offset, limit=limit)


def in_use(session: Session) -> Sequence[Model]:
    """Return the models that grading uses, oldest first."""
    return session.scalars(select(Model).where(Model.in_use).order_by(Model.created_at, Model.id)).all()


def used_for(session: Session, kind: str) -> Sequence[Model]:
    """Return the models of a kind that grading uses; there is one at most unless rows were made by hand."""
    return session.scalars(select(Model).where(Model.in_use, Model.kind == kind).order_by(Model.id)).all()


def delete(session: Session, model: Model) -> None:
    """Delete a model's row; its weights stay as a file."""
    session.delete(model)
    session.flush()

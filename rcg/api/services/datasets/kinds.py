"""Kinds: those that ship and the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcg.datasets import kinds as library
from rcg.datasets.schema import Kind
from rcg.errors import ConflictError, InputError, NotFoundError
from rcg.store.repositories import kinds as rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container


def known(session: Session) -> dict[str, Kind]:
    """Return every kind by name: those that ship first."""
    return library.shipped() | rows.all_own(session)


def resolve(session: Session, name: str) -> Kind:
    """Return the kind of a name or alias. Raises InputError that names near ones."""
    return library.resolve(name, rows.all_own(session))


def listing(container: Container) -> list[Kind]:
    """Return every kind."""
    with container.db.read() as session:
        return list(known(session).values())


def get(container: Container, name: str) -> Kind:
    """Return one kind. Raises NotFoundError that names near ones."""
    with container.db.read() as session:
        try:
            return resolve(session, name)
        except InputError as error:
            raise NotFoundError(error.detail, error.hint) from error


def create(container: Container, body: Kind) -> Kind:
    """Make a kind of the user's own. Raises ConflictError when the name is taken."""
    kind = _checked(body)
    with container.db.write() as session:
        taken = known(session)
        if kind.name in taken or any(kind.name in other.aliases for other in taken.values()):
            raise ConflictError(
                f"There is a kind named {kind.name!r} already.",
                "Choose another name" + ("." if kind.name in library.shipped() else ", or change that one."),
            )
        rows.put(session, kind)
    return kind


def replace(container: Container, name: str, body: Kind) -> Kind:
    """Change a kind of the user's own. Its datasets keep the label schemas they have."""
    kind = _checked(body)
    if kind.name != name:
        raise InputError(
            f"The body names the kind {kind.name!r}, the address {name!r}.",
            "A kind keeps its name; make a new one for another.",
        )
    with container.db.write() as session:
        _own(session, name)
        rows.put(session, kind)
    return kind


def delete(container: Container, name: str) -> None:
    """Forget a kind of the user's own that no dataset is of."""
    with container.db.write() as session:
        _own(session, name)
        used = rows.datasets_of(session, name)
        if used:
            raise ConflictError(
                f"{len(used)} dataset{'s are' if len(used) > 1 else ' is'} of the kind {name!r}: "
                f"{', '.join(used[:5])}.",
                "Delete them first, or keep the kind.",
            )
        rows.delete(session, name)


def _own(session: Session, name: str) -> None:
    if name in library.shipped():
        raise ConflictError(
            f"{name} ships with RCG and cannot be changed.", "Make a kind of your own that begins like it."
        )
    if name not in rows.all_own(session):
        raise NotFoundError(f"There is no kind {name!r} of your own.", "GET /api/kinds lists them.")


def _checked(body: Kind) -> Kind:
    return body.model_copy(update={"shipped": False, "aliases": []})

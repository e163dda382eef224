"""The folders of the owner's older program: found, and imported in one click."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rcg.api import dataset_schemas as schemas
from rcg.api.services.datasets import catalogue, imports, kinds
from rcg.api.services.views import job_out
from rcg.datasets import folders
from rcg.errors import NotFoundError
from rcg.store.repositories import datasets, jobs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.datasets.folders import OldFolder
    from rcg.datasets.schema import Kind
    from rcg.store.dataset_models import Dataset

FALLBACK_KIND = "surface_damage"
"""what a folder becomes whose metadata and name tell no kind; its own classes are added to the kind's"""


def listing(container: Container) -> list[schemas.LegacyOut]:
    """Return the folders there are, and what each became."""
    found = folders.find(_root(container))
    with container.db.read() as session:
        known = kinds.known(session)
        return [_shown(session, folder, known) for folder in found]


def take(container: Container, name: str, body: schemas.LegacyImportIn) -> schemas.DatasetJobOut:
    """Import a folder: into the dataset it became before, else into a new one.

    Raises NotFoundError that names the folders there are, ConflictError when the name asked for is taken.
    """
    found = folders.find(_root(container))
    folder = next((one for one in found if one.path.name == name), None)
    if folder is None:
        there = ", ".join(one.path.name for one in found[:10])
        raise NotFoundError(
            f"There is no older folder {name!r} in {_root(container)}.",
            f"There are: {there}." if there else "Put it there first.",
        )
    transfer = imports.new_transfer(container)
    with container.db.write() as session:
        dataset = _became(session, folder.path) or _made(session, folder, body)
        spec = {"folder": str(folder.path), "format": "auto"}
        job = imports.submit(container, session, dataset, spec, transfer, folder.path.name)
        return schemas.DatasetJobOut(dataset=catalogue.detail(session, dataset), job=job_out(job))


def _made(session: Session, folder: OldFolder, body: schemas.LegacyImportIn) -> Dataset:
    kind = body.kind or _kind(folder, kinds.known(session))
    name = body.name or datasets.free_name(session, folder.name[:90])
    description = folder.description or f"Imported from the folder {folder.path.name}."
    return catalogue.add(session, schemas.DatasetIn(name=name, kind=kind, description=description))


def _kind(folder: OldFolder, known: dict[str, Kind]) -> str:
    """Return the kind that a folder's metadata tell, else its name, else the fallback."""
    if folder.kind:
        return folder.kind
    plain = folder.path.name.lower().replace("-", "_").replace(" ", "_")
    words = {word: kind.name for kind in known.values() for word in (kind.name, *kind.aliases)}
    return next(
        (words[word] for word in sorted(words, key=len, reverse=True) if word in plain), FALLBACK_KIND
    )


def _shown(session: Session, folder: OldFolder, known: dict[str, Kind]) -> schemas.LegacyOut:
    dataset = _became(session, folder.path)
    notes = [folder.note]
    if folder.models:
        notes.append(f"{folder.models} files of trained models stay where they are.")
    if not folder.kind:
        notes.append(f"It becomes a dataset of the kind {_kind(folder, known)}.")
    return schemas.LegacyOut(
        folder=folder.path.name,
        name=folder.name,
        kind=folder.kind,
        images=folder.images,
        annotations=folder.labels,
        formats=[folder.format] if folder.format else [],
        imported_as=dataset.name if dataset else None,
        note=" ".join(filter(None, notes)),
    )


def _became(session: Session, path: Path) -> Dataset | None:
    """Return the dataset that a folder was imported into, if it is still there."""
    for subject in jobs.subjects_of_folder(session, str(path)):
        row = datasets.find(session, subject.removeprefix("dataset:"))
        if row is not None:
            return row
    return None


def _root(container: Container) -> Path:
    return container.settings.data_dir / imports.LEGACY

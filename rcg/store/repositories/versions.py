"""Versions of datasets: rows that name a manifest, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rcg.errors import NotFoundError
from rcg.store.dataset_models import Dataset, DatasetVersion


def find(session: Session, version_id: str) -> DatasetVersion | None:
    """Return the version, or None."""
    return session.get(DatasetVersion, version_id)


def get(session: Session, version_id: str) -> DatasetVersion:
    """As :func:`find`. Raises NotFoundError."""
    row = find(session, version_id)
    if row is None:
        raise NotFoundError(
            f"There is no dataset version {version_id!r}.",
            "GET /api/datasets/DATASET/versions lists a dataset's.",
        )
    return row


def of_dataset(session: Session, dataset_id: str) -> Sequence[DatasetVersion]:
    """Return a dataset's versions, newest first."""
    return session.scalars(
        select(DatasetVersion)
        .where(DatasetVersion.dataset_id == dataset_id)
        .order_by(DatasetVersion.number.desc())
    ).all()


def of_number(session: Session, dataset: Dataset, number: int) -> DatasetVersion:
    """Return a dataset's version of a number. Raises NotFoundError that says which there are."""
    rows = of_dataset(session, dataset.id)
    found = next((row for row in rows if row.number == number), None)
    if found is None:
        have = ", ".join(str(row.number) for row in reversed(rows))
        raise NotFoundError(
            f"{dataset.name} has no version {number}.",
            f"It has: {have}." if have else "It has no versions yet; make one first.",
        )
    return found


def newest(session: Session, dataset_id: str) -> DatasetVersion | None:
    """Return a dataset's newest version, if it has any."""
    return session.scalar(
        select(DatasetVersion)
        .where(DatasetVersion.dataset_id == dataset_id)
        .order_by(DatasetVersion.number.desc())
        .limit(1)
    )


def with_content(session: Session, dataset_id: str, content_sha256: str) -> DatasetVersion | None:
    """Return the dataset's version that means the same, if there is one."""
    return session.scalar(
        select(DatasetVersion)
        .where(DatasetVersion.dataset_id == dataset_id, DatasetVersion.content_sha256 == content_sha256)
        .order_by(DatasetVersion.number.desc())
        .limit(1)
    )


def next_number(session: Session, dataset_id: str) -> int:
    """Return the number that a dataset's next version takes."""
    last = session.scalar(
        select(func.max(DatasetVersion.number)).where(DatasetVersion.dataset_id == dataset_id)
    )
    return 1 if last is None else last + 1


def add(
    session: Session,
    dataset: Dataset,
    *,
    number: int,
    note: str,
    manifest_sha256: str,
    content_sha256: str,
    summary: dict[str, Any],
    split: dict[str, Any],
    recipe: dict[str, Any] | None,
) -> DatasetVersion:
    """Make a version. The manifest's row exists."""
    row = DatasetVersion(
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        kind=dataset.kind,
        number=number,
        note=note,
        manifest_sha256=manifest_sha256,
        content_sha256=content_sha256,
        summary=summary,
        split=split,
        recipe=recipe,
    )
    session.add(row)
    session.flush()
    return row

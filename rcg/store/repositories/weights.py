"""Files of weights that trainings can begin with: find, list, add."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from rcg.errors import NotFoundError
from rcg.store.training_models import Model, WeightsFile

LISTED = 500


def find(session: Session, key: str) -> WeightsFile | None:
    """Return the file of that id or name, if there is one."""
    return session.get(WeightsFile, key) or by_name(session, key)


def get(session: Session, weights_id: str) -> WeightsFile:
    """Return the file of that id or name. Raises NotFoundError."""
    row = find(session, weights_id)
    if row is None:
        raise NotFoundError(f"There is no file of weights {weights_id!r}.", "GET /api/weights lists them.")
    return row


def by_sha256(session: Session, sha256: str) -> WeightsFile | None:
    """Return the row of a file's bytes, if they were added."""
    return session.scalar(select(WeightsFile).where(WeightsFile.sha256 == sha256))


def by_name(session: Session, name: str) -> WeightsFile | None:
    """Return the newest file of that name, if there is one."""
    query = select(WeightsFile).where(WeightsFile.name == name)
    return session.scalars(query.order_by(WeightsFile.created_at.desc(), WeightsFile.id).limit(1)).first()


def listing(session: Session) -> Sequence[WeightsFile]:
    """Return the files, newest first."""
    query = select(WeightsFile).order_by(WeightsFile.created_at.desc(), WeightsFile.id)
    return session.scalars(query.limit(LISTED)).all()


def official_of(session: Session, backbone: str) -> WeightsFile | None:
    """Return the official file of a backbone, if it is here."""
    query = select(WeightsFile).where(WeightsFile.source == "official", WeightsFile.backbone == backbone)
    return session.scalars(query.order_by(WeightsFile.created_at.desc()).limit(1)).first()


def add(
    session: Session,
    *,
    sha256: str,
    name: str,
    size: int,
    tensors: int | None,
    source: str,
    backbone: str | None = None,
    norm: str | None = None,
) -> WeightsFile:
    """Note a file whose blob has a row; the same bytes twice are one file.

    What is known of a file is never forgotten: an official one stays official when it is added by hand.

    Args:
        size: bytes.
        source: ``file`` or ``official``.
        backbone, norm: of the network whose weights they are; None: unknown.
    """
    row = by_sha256(session, sha256)
    if row is None:
        row = WeightsFile(sha256=sha256, name=name, bytes=size, source=source)
        session.add(row)
    if source == "official":
        row.source, row.name = source, name
    row.tensors = tensors if tensors is not None else row.tensors
    row.backbone = backbone or row.backbone
    row.norm = norm or row.norm
    session.flush()
    return row


def model_of(session: Session, key: str) -> Model | None:
    """Return the model with these weights, or of this id or name."""
    query = select(Model).where((Model.weights_sha256 == key) | (Model.id == key) | (Model.name == key))
    return session.scalars(query.order_by(Model.created_at.desc(), Model.id).limit(1)).first()

"""Files of weights to begin with: added, fetched, listed, deleted; and found by what a plan says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

from rcg.api import weights_schemas as schemas
from rcg.api.multipart import Form, Intake, ReceivedFile
from rcg.api.services.views import job_out
from rcg.errors import ConflictError, InputError, RcgError
from rcg.jobs.official_weights import KIND
from rcg.store.repositories import blobs, jobs, models, weights
from rcg.training import weight_files
from rcg.training.architectures import Backbone, Norm
from rcg.training.fields import NOTHING
from rcg.training.official import OFFICIAL, by_hash, offer, official
from rcg.training.spec import KnownWeights

if TYPE_CHECKING:
    from pathlib import Path

    from rcg.container import Container
    from rcg.store.db import Session
    from rcg.store.models import Job
    from rcg.store.training_models import Model, WeightsFile

FILES_AT_ONCE: Final = 20
MODELS_LISTED: Final = 200
_SHA256_DIGITS: Final = 64


def intake(container: Container) -> Intake:
    """Return what an upload of weights may bring."""
    limits = container.settings.limits
    return Intake(
        limits.weights_mb * 1_000_000,
        FILES_AT_ONCE,
        images=False,
        hint=f"Send {FILES_AT_ONCE} at a time.",
        limit_name="limits.weights_mb",
        check=_check,
    )


def add(container: Container, form: Form) -> schemas.WeightsAdded:
    """Note the files of a form; each is answered for by itself. Raises the first refusal if none is taken."""
    if not form.files:
        raise InputError(
            "The upload has no files.", "Send them as a form: curl -F files=@weights.safetensors"
        )
    answers, refusals = [], []
    for file in form.files:
        try:
            row = _add(container, file)
        except RcgError as error:
            refusals.append(error)
            answers.append(
                schemas.WeightsAnswer(
                    file_name=file.file_name, accepted=False, reason=error.detail, hint=error.hint or None
                )
            )
        else:
            answers.append(schemas.WeightsAnswer(file_name=file.file_name, accepted=True, weights=row))
    if len(refusals) == len(answers):
        raise refusals[0]
    return schemas.WeightsAdded(files=answers)


def listing(container: Container) -> schemas.WeightsListing:
    """Return files, models' weights, and what official ones there are."""
    with container.db.read() as session:
        fetching = {job.spec["backbone"]: job.id for job in jobs.active_of_kind(session, KIND)}
        return schemas.WeightsListing(
            files=[schemas.WeightsOut.model_validate(row) for row in weights.listing(session)],
            models=[_of_model(row) for row in models.listing(session, limit=MODELS_LISTED).rows],
            official=[_offered(session, backbone, fetching.get(backbone)) for backbone in OFFICIAL],
        )


def delete(container: Container, weights_id: str) -> schemas.WeightsGone:
    """Offer a file no more. Its bytes go too, unless a run, a model or a waiting job still names them."""
    with container.db.write() as session:
        row = weights.get(session, weights_id)
        name, sha256, size = row.name, row.sha256, row.bytes
        session.delete(row)
        session.flush()
        kept_for = blobs.runs_beginning_with(session, sha256)
        needed = blobs.is_needed(session, sha256)
        if not needed:
            blobs.forget(session, sha256)
            container.blobs.remove(sha256)
        return schemas.WeightsGone(deleted=name, freed_bytes=0 if needed else size, kept_for=kept_for)


def fetch(container: Container, backbone: str) -> tuple[schemas.OfficialGet, bool]:
    """Queue the download of official weights, once; return it, and whether anything is to come.

    Raises InputError for a backbone that has none.
    """
    entry, where = official(backbone), offer(backbone)
    limits = container.settings.limits
    with container.db.write() as session:
        row = weights.official_of(session, backbone)
        if row is not None and container.blobs.has(row.sha256):
            return _answer(backbone, row, None), False
        job = next(
            (one for one in jobs.active_of_kind(session, KIND) if one.spec["backbone"] == backbone), None
        )
        if job is None:
            job = container.jobs.submit(
                session,
                KIND,
                {
                    "backbone": backbone,
                    "max_mb": limits.weights_mb,
                    "min_free_disk_mb": limits.min_free_disk_mb,
                },
                title=f"Get {where.file_name if where else entry.entry}",
                subject=f"weights:{backbone}",
            )
            session.flush()
        return _answer(backbone, None, job), True


def named(session: Session, overrides: dict[str, Any]) -> tuple[dict[str, Any], KnownWeights | None]:
    """Return a plan's options with `weights` by hash and name, and what is known of them.

    A person may say the SHA-256, the id or the name of a file or a model. Raises InputError for what is none.
    """
    given = overrides.get("weights")
    key = str(given.get("sha256", "") if isinstance(given, Mapping) else given or "").strip()
    if key.lower() in NOTHING:
        return overrides, None
    found = _find(session, key)
    if found is None:
        if len(key) == _SHA256_DIGITS:  # a file that is not here: the launch says so
            return overrides, None
        raise InputError(
            f"There are no weights named {key[:80]!r} here.",
            "Say the name, id or SHA-256 of what rcg weights list shows.",
            field="weights",
        )
    sha256, known = found
    name = str(given.get("name") or "") if isinstance(given, Mapping) else ""
    return overrides | {"weights": {"sha256": sha256, "name": name or known.name}}, known


def _find(session: Session, key: str) -> tuple[str, KnownWeights] | None:
    row = weights.by_sha256(session, key) or weights.find(session, key)
    if row is not None and row.backbone is not None:
        return row.sha256, KnownWeights(row.name, _backbone(row.backbone), _norm(row.norm))
    model = weights.model_of(session, row.sha256 if row is not None else key)
    if model is not None:
        options = model.config["model"]
        known = KnownWeights(model.name, _backbone(options["backbone"]), _norm(options["norm"]))
        return model.weights_sha256, known
    return (row.sha256, KnownWeights(row.name, None, _norm(row.norm))) if row is not None else None


def _backbone(name: str) -> Backbone | None:
    return next((one for one in get_args(Backbone) if one == name), None)


def _norm(name: str | None) -> Norm | None:
    return next((one for one in get_args(Norm) if one == name), None)


def _check(path: Path, name: str) -> None:
    """Refuse what is no file of weights, unless it is an official one, whose hash torchvision tells."""
    try:
        weight_files.inspect(path, name)
    except InputError:
        if by_hash(weight_files.sha256_of(path)) is None:
            raise


def _add(container: Container, file: ReceivedFile) -> schemas.WeightsOut:
    if file.error is not None or file.info is None:
        raise file.error or InputError(f"{file.file_name} did not come.", "Send it again.")
    sha256 = file.info.sha256
    path, entry = container.blobs.path(sha256), by_hash(sha256)
    if entry is None:
        facts = weight_files.inspect(path, file.file_name)
    else:
        facts = weight_files.WeightsFacts(weight_files.TORCH, None, entry.norm)
    with container.db.write() as session:
        if not container.blobs.has(sha256):
            raise ConflictError(f"{file.file_name} was deleted while it came.", "Send it again.")
        blobs.ensure(session, file.info, facts.media_type)
        row = weights.add(
            session,
            sha256=sha256,
            name=file.file_name,
            size=file.info.bytes,
            tensors=facts.tensors,
            source="official" if entry else "file",
            backbone=entry.backbone if entry else None,
            norm=facts.norm,
        )
        return schemas.WeightsOut.model_validate(row)


def _offered(session: Session, backbone: str, job_id: str | None) -> schemas.OfficialOut:
    entry, where = official(backbone), offer(backbone)
    row = weights.official_of(session, backbone)
    return schemas.OfficialOut(
        backbone=backbone,
        trained_on=entry.trained_on,
        file_name=where.file_name if where else None,
        host=where.host if where else None,
        about_bytes=where.about_bytes if where else None,
        weights=schemas.WeightsOut.model_validate(row) if row else None,
        job_id=job_id,
    )


def _of_model(row: Model) -> schemas.ModelWeights:
    options = row.config["model"]
    return schemas.ModelWeights(
        id=row.id,
        name=row.name,
        sha256=row.weights_sha256,
        architecture=row.architecture,
        backbone=options["backbone"],
        norm=options["norm"],
    )


def _answer(backbone: str, row: WeightsFile | None, job: Job | None) -> schemas.OfficialGet:
    return schemas.OfficialGet(
        backbone=backbone,
        weights=schemas.WeightsOut.model_validate(row) if row else None,
        job_id=job.id if job else None,
        job=job_out(job) if job else None,
    )

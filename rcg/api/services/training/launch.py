"""Launching a run: once per token, with a name that says what it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rcg.api import training_schemas as schemas
from rcg.api.services.training import choices, views
from rcg.api.services.views import job_out
from rcg.errors import InputError
from rcg.jobs.launching import launch
from rcg.store.repositories import blobs, runs
from rcg.training.architectures import ARCHITECTURES

if TYPE_CHECKING:
    from rcg.api.services.training.choices import Chosen
    from rcg.container import Container
    from rcg.store.db import Session
    from rcg.training.plan import Plan


def start(container: Container, body: schemas.StartIn) -> schemas.RunOut:
    """Launch a run and return it; with a token that was seen, the run that was launched with it.

    Raises InputError, NotFoundError, ConflictError with the way out; then nothing was launched.
    """
    with container.db.read() as session:
        known = runs.by_token(session, body.launch_token) if body.launch_token else None
        if known is not None:
            return views.run_out(container, session, known)
    chosen = choices.choose(container, body.dataset, body.version)
    made = choices.make_plan(container, chosen, body)
    with container.db.write() as session:
        known = runs.by_token(session, body.launch_token) if body.launch_token else None
        if known is not None:
            return views.run_out(container, session, known)
        _check_weights(container, session, made)
        run = launch(
            session,
            container.jobs.submit,
            made.spec,
            name=body.name or name_of(chosen, made),
            dataset_id=chosen.dataset.id,
            version_id=chosen.version.id,
            defaults_diff=differences(made),
            launch_token=body.launch_token,
        )
        return views.run_out(container, session, run)


def preflight(container: Container, body: schemas.PlanIn) -> schemas.PreflightOut:
    """Queue the dry steps that say how long a run takes and how much memory."""
    chosen = choices.choose(container, body.dataset, body.version)
    made = choices.make_plan(container, chosen, body)
    with container.db.write() as session:
        _check_weights(container, session, made)
        job = container.jobs.submit(
            session,
            "preflight",
            {
                "spec": made.spec.model_dump(mode="json"),
                "device": made.spec.device,
                "threads": container.jobs.training_threads,
                "beside": next((run.name for run in runs.listing(session, states=views.GOING).rows), ""),
                "warnings": [asdict(one) for one in made.warnings],
                "request": body.model_dump(mode="json", exclude_none=True)
                | {"dataset": chosen.dataset.id, "version": chosen.version.id},
            },
            title=f"Pre-flight of {name_of(chosen, made)}",
            subject=f"dataset:{chosen.dataset.id}",
        )
        session.flush()
        return schemas.PreflightOut(job_id=job.id, job=job_out(job))


def name_of(chosen: Chosen, made: Plan) -> str:
    """Return a name for a run: what is learnt by what."""
    title = ARCHITECTURES[made.spec.architecture].title
    return f"{chosen.dataset.name} v{chosen.version.number}, {title.lower()}, {made.spec.preset}"


def differences(made: Plan) -> list[dict[str, Any]]:
    """Return the fields that were set otherwise than proposed."""
    return [
        {"key": one.key, "title": one.title, "value": one.value, "default": one.default, "unit": one.unit}
        for one in made.fields
        if one.value != one.default
    ]


def _check_weights(container: Container, session: Session, made: Plan) -> None:
    """Raise InputError when the weights to begin with are not stored here."""
    weights = made.spec.weights
    if weights is None:
        return
    if blobs.get(session, weights.sha256) is None or not container.blobs.has(weights.sha256):
        raise InputError(
            f"No file with the SHA-256 {weights.sha256[:12]}... is stored here to begin with.",
            "Add the file first (rcg weights add FILE), or take what GET /api/weights lists.",
            field="weights",
        )

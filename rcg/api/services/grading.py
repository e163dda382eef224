"""Asks for grades and shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rcg.api import schemas
from rcg.api.services.views import grade_summary, job_out, layer_out
from rcg.capture.card_input import refuse_identical
from rcg.errors import ConflictError, InputError, RcgError
from rcg.photometric.lights import LightsSpec, is_ambient, resolve
from rcg.store.models import Capture, Card, Job
from rcg.store.repositories import blobs, captures, cards, grades, jobs, models, preferences

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container

DEFAULT_SIZE_MM = (63.0, 88.0)
SIDES = ("front", "back")


def grade_card(container: Container, card_id: str) -> schemas.JobOut:
    """Queue the grading of a card's newest captures; a grading of it that waits or runs is returned instead.

    Raises ConflictError when there is nothing to grade, InputError when the lights do not fit the frames.
    """
    with container.db.write() as session:
        return job_out(submit(container, session, cards.get(session, card_id)))


def submit(container: Container, session: Session, card: Card) -> Job:
    """Queue the grading of a card within the caller's transaction."""
    subject = f"card:{card.id}"
    spec = spec_of(session, card)
    for job in jobs.active_of(session, subject, "grade"):
        if job.spec == spec and not job.cancel_requested:
            return job
    job = container.jobs.submit(session, "grade", spec, title=f"Grade {card.name}", subject=subject)
    session.flush()
    return job


def spec_of(session: Session, card: Card) -> dict[str, Any]:
    """Return what a grading job is told: the card's header, and each captured side's lights and frames."""
    newest = {side: captures.newest_of_side(session, card.id, side) for side in SIDES}
    taken = {side: capture for side, capture in newest.items() if capture is not None}
    if not taken:
        raise ConflictError(
            f"There is nothing to grade: {card.name} has no frames yet.",
            f"Add photographs: POST /api/cards/{card.id}/captures, then POST /api/captures/CAPTURE/files.",
        )
    for side, capture in taken.items():
        check_lights(side, capture)
    chosen = card.width_mm is not None and card.height_mm is not None
    return {
        "card_id": card.id,
        "header": {
            "name": card.name,
            "set_name": card.set_name or None,
            "width_mm": card.width_mm if chosen else DEFAULT_SIZE_MM[0],
            "height_mm": card.height_mm if chosen else DEFAULT_SIZE_MM[1],
            "size_source": "chosen" if chosen else "default",
        },
        "sides": {side: _side(capture) for side, capture in taken.items()},
        "models": models_of(session),
        **mat_scale_of(session),
    }


def mat_scale_of(session: Session) -> dict[str, float]:
    """Return ``mat_scale`` for a job's spec: printed over nominal size of the mat; nothing when not
    measured."""
    scale = preferences.mat_scale(session)
    return {} if scale is None else {"mat_scale": scale}


def check_lights(side: str, capture: Capture) -> None:
    """Raise InputError, naming side and lights, when lights do not fit the frames or two frames are the same.

    A photograph alone needs no light: it gives a centering ceiling.
    """
    names = [frame.light for frame in capture.frames if not is_ambient(frame.light)]
    try:
        refuse_identical([(frame.file_name, frame.blob_sha256) for frame in capture.frames])
        if len(names) == 1:
            return
        resolve(LightsSpec.model_validate(capture.lights) if capture.lights else None, names)
    except RcgError as error:
        raise InputError(
            f"The {side} cannot be graded: {error.detail}",
            error.hint,
            **{"side": side, "capture": capture.id, "frames": names, **error.data},
        ) from error


def _side(capture: Capture) -> dict[str, Any]:
    return {
        "capture_id": capture.id,
        "lights": capture.lights,
        "frames": [
            {"light": frame.light, "sha256": frame.blob_sha256, "file_name": frame.file_name}
            for frame in capture.frames
        ],
    }


def demo(container: Container, seed: int | None, item: tuple[int, int] | None = None) -> schemas.JobOut:
    """Queue the rendering and grading of a made-up card.

    Args:
        container: the server's parts.
        seed: of the sample card; None: 1, 2, 3 ... in turn.
        item: seed and index of a card of a rendered dataset, to be photographed and graded instead.
    """
    with container.db.write() as session:
        if seed is None:
            seed = 1 + jobs.listing(session, kind="demo", limit=1).total
        title = f"Render and grade sample card {seed}"
        if item:
            title = f"Photograph and grade rendered card {item[0]}/{item[1]}"
        job = container.jobs.submit(
            session,
            "demo",
            {"seed": seed, "item": list(item) if item else None, "models": models_of(session)},
            title=title,
            subject=f"demo:{seed}",
        )
        session.flush()
        return job_out(job)


def models_of(session: Session) -> list[dict[str, Any]]:
    """Return the models in use as grading jobs are told of them, by name."""
    return [
        {"name": model.name, "weights_sha256": model.weights_sha256, "config": model.config}
        for model in models.in_use(session)
    ]


def of_card(container: Container, card_id: str) -> list[schemas.GradeSummary]:
    """Return a card's grades, newest first."""
    with container.db.read() as session:
        cards.get(session, card_id)
        return [grade_summary(grade) for grade in grades.of_card(session, card_id)]


def report(container: Container, grade_id: str) -> tuple[bytes, str, str]:
    """Return a report's bytes, their SHA-256, and the card's name."""
    with container.db.read() as session:
        grade = grades.get(session, grade_id)
        sha256, name = grade.report_sha256, cards.get(session, grade.card_id).name
    return container.blobs.read(sha256), sha256, name


def layers(container: Container, grade_id: str) -> Sequence[schemas.LayerOut]:
    """Return a grade's pictures, in their order."""
    with container.db.read() as session:
        return [layer_out(layer) for layer in grades.get(session, grade_id).layers]


def layer_file(container: Container, grade_id: str, side: str, name: str) -> tuple[str, str]:
    """Return the SHA-256 and the media type of one picture of a grade."""
    with container.db.read() as session:
        layer = grades.layer(session, grade_id, side, name)
        row = blobs.get(session, layer.blob_sha256)
        return layer.blob_sha256, row.media_type if row else "application/octet-stream"

"""Filling datasets from what RCG has or makes: rendered cards, captures."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from rcg.api import dataset_schemas as schemas
from rcg.api.services import grading
from rcg.api.services.datasets import catalogue
from rcg.api.services.views import job_out
from rcg.datasets.kinds import shipped
from rcg.errors import InputError
from rcg.store.repositories import captures, cards, datasets, items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from rcg.api.schemas import JobOut
    from rcg.container import Container
    from rcg.store.dataset_models import Dataset
    from rcg.store.models import Capture, Job

MAPS: Final = "maps-1"
"""raised when the engine's maps change, so that captures are measured anew"""


def render(container: Container, body: schemas.RenderIn) -> schemas.DatasetJobOut:
    """Make a dataset and queue the rendering of its cards."""
    with container.db.write() as session:
        dataset, job = submit_render(container, session, body)
        return schemas.DatasetJobOut(dataset=catalogue.detail(session, dataset), job=job_out(job))


def submit_render(container: Container, session: Session, body: schemas.RenderIn) -> tuple[Dataset, Job]:
    """Make a dataset and queue the rendering within the caller's transaction."""
    description = f"{body.cards} rendered cards, seed {body.seed}: their annotations are the truth."
    dataset = catalogue.add(
        session, schemas.DatasetIn(name=body.name, kind=body.kind, description=description)
    )
    return dataset, _queue_render(container, session, dataset, body.cards, body.seed)


def render_into(container: Container, id_or_name: str, body: schemas.RenderMoreIn) -> JobOut:
    """Queue the rendering of further cards into a dataset. Cards of a seed that are there come once only."""
    with container.db.write() as session:
        dataset = datasets.get(session, id_or_name)
        return job_out(_queue_render(container, session, dataset, body.cards, body.seed))


def _queue_render(container: Container, session: Session, dataset: Dataset, cards: int, seed: int) -> Job:
    if dataset.kind not in shipped():
        raise InputError(
            f"Cards are rendered for the kinds that ship; {dataset.kind} is your own.",
            f"Choose one of {', '.join(shipped())}.",
        )
    job = container.jobs.submit(
        session,
        "dataset_render",
        {"dataset_id": dataset.id, "kind": dataset.kind, "cards": cards, "seed": seed},
        title=f"Render {cards} cards into {dataset.name}",
        subject=catalogue.subject(dataset.id),
    )
    session.flush()
    return job


def from_captures(container: Container, id_or_name: str, body: schemas.CapturesIn) -> JobOut:
    """Queue the measuring of captures whose maps become items; what the dataset has is not measured again.

    Raises InputError when a capture has no frames, or its lights do not fit them.
    """
    with container.db.write() as session:
        dataset = datasets.get(session, id_or_name)
        chosen = [_side(session, capture) for capture in _chosen(session, body)]
        if not chosen:
            raise InputError(
                "None of these cards has photographs.", "Add frames to a capture, or choose other cards."
            )
        for side in chosen:
            side["origin"] = _origin(side, body.px_per_mm)
        known = items.known_origins(session, dataset.id, [side["origin"] for side in chosen])
        sides = [side for side in chosen if side["origin"] not in known]
        job = container.jobs.submit(
            session,
            "dataset_captures",
            {
                "dataset_id": dataset.id,
                "px_per_mm": body.px_per_mm,
                "sides": sides,
                "known": len(chosen) - len(sides),
            },
            title=f"Measure {len(sides)} card side{'' if len(sides) == 1 else 's'} for {dataset.name}",
            subject=catalogue.subject(dataset.id),
        )
        session.flush()
        return job_out(job)


def _origin(side: dict[str, Any], px_per_mm: float | None) -> str:
    """Return what decides an item's layers, as one hash."""
    said = {name: side[name] for name in ("capture_id", "width_mm", "height_mm", "size_source", "lights")}
    said |= {"mat_scale": side["mat_scale"]} if "mat_scale" in side else {}
    frames = [(frame["light"], frame["sha256"]) for frame in side["frames"]]
    text = json.dumps(
        [MAPS, said, frames, px_per_mm, side["card_name"]], sort_keys=True, separators=(",", ":")
    )
    return sha256(text.encode()).hexdigest()


def _chosen(session: Session, body: schemas.CapturesIn) -> Iterator[Capture]:
    seen = set[str]()
    for capture_id in body.capture_ids:
        if capture_id not in seen:
            seen.add(capture_id)
            yield captures.get(session, capture_id)
    card_ids = captures.cards_with_frames(session) if body.all else body.card_ids
    for card_id in card_ids:
        cards.get(session, card_id)
        for side in grading.SIDES:
            capture = captures.newest_of_side(session, card_id, side)
            if capture is not None and capture.id not in seen:
                seen.add(capture.id)
                yield capture


def _side(session: Session, capture: Capture) -> dict[str, Any]:
    card = cards.get(session, capture.card_id)
    if not capture.frames:
        raise InputError(
            f"The capture {capture.id} of {card.name} has no frames.",
            "Add photographs to it, or leave it out.",
        )
    grading.check_lights(capture.side, capture)
    chosen = card.width_mm is not None and card.height_mm is not None
    return {
        "card_id": card.id,
        "card_name": card.name,
        "capture_id": capture.id,
        "side": capture.side,
        "width_mm": card.width_mm if chosen else grading.DEFAULT_SIZE_MM[0],
        "height_mm": card.height_mm if chosen else grading.DEFAULT_SIZE_MM[1],
        "size_source": "chosen" if chosen else "default",
        "lights": capture.lights,
        "frames": [
            {"light": frame.light, "sha256": frame.blob_sha256, "file_name": frame.file_name}
            for frame in capture.frames
        ],
        **grading.mat_scale_of(session),
    }

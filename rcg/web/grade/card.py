"""One card: its sides with their frames, its size, its grades, and what is missing for the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.photometric.lights import DEFAULT_ELEVATION_DEG, is_ambient
from rcg.settings import Settings
from rcg.store.db import Session
from rcg.store.models import Capture, Card
from rcg.store.repositories import blobs, captures, cards, grades, jobs
from rcg.web import views
from rcg.web.commands import curl
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter(prefix="/cards")
SIZES = (
    (63.0, 88.0, "63 × 88 mm, standard"),
    (63.5, 88.9, "63.5 × 88.9 mm, 2½ × 3½ inch"),
    (59.0, 86.0, "59 × 86 mm, small"),
)
_DIRECTIONS = {
    "up": "lit from above",
    "right": "lit from the right",
    "down": "lit from below",
    "left": "lit from the left",
    "up_right": "lit from the top right",
    "up_left": "lit from the top left",
    "down_right": "lit from the bottom right",
    "down_left": "lit from the bottom left",
}
_CLOCK = ("top", "top right", "right", "bottom right", "bottom", "bottom left", "left", "top left")


@dataclass(frozen=True)
class FrameRow:
    """A frame in the list of a side."""

    light: str
    says: str
    file_name: str
    bytes: int | None
    picture: str | None


@dataclass(frozen=True)
class SidePanel:
    """One side of the card as it will be graded."""

    name: str
    capture_id: str | None = None
    frames: list[FrameRow] = field(default_factory=list)
    bytes: int = 0
    lights: str = ""
    missing: list[str] = field(default_factory=list)


@router.get("/{card_id}")
def card_page(card_id: str, request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """One card."""
    with container.db.read() as session:
        card = cards.get(session, card_id)
        listed = grades.of_card(session, card_id)
        latest = listed[0] if listed else None
        pictures = {(layer.side, layer.name) for layer in latest.layers} if latest else set()
        sides = [
            _side(session, card, name, latest.id if latest else None, pictures) for name in ("front", "back")
        ]
        shown = jobs.listing(session, subject=f"card:{card_id}", limit=1).rows
        context: dict[str, Any] = {
            "card": card,
            "sides": sides,
            "can_grade": any(side.frames for side in sides),
            "grades": _grades(listed),
            "card_jobs": [job for job in shown if job.state != "done"],
            "sizes": _sizes(card),
            "own_size": _is_own(card),
            "going": _going(card),
            "commands": _commands(request, container.settings, card_id),
        }
    return pages.page(
        "grade/card.html",
        title=card.name,
        here="/grade/",
        crumbs=(("Cards", "/grade/"), (card.name, None)),
        **context,
    )


@router.get("/{card_id}/jobs")
def card_jobs(card_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """The newest job about this card, while it has not become a grade."""
    with container.db.read() as session:
        shown = jobs.listing(session, subject=f"card:{card_id}", limit=1).rows
        return pages.fragment("grade/card_jobs.html", card_jobs=[job for job in shown if job.state != "done"])


@router.get("/{card_id}/grades")
def card_grades(card_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """The list of this card's grades."""
    with container.db.read() as session:
        return pages.fragment("grade/card_grades.html", grades=_grades(grades.of_card(session, card_id)))


def _side(
    session: Session, card: Card, name: str, grade_id: str | None, pictures: set[tuple[str, str]]
) -> SidePanel:
    capture = captures.newest_of_side(session, card.id, name)
    if capture is None:
        return SidePanel(name, missing=[])
    rows = []
    for frame in capture.frames:
        blob = blobs.get(session, frame.blob_sha256)
        graded = grade_id and (name, f"light:{frame.light}") in pictures
        picture = views.layer_url(grade_id, name, f"light:{frame.light}") if grade_id and graded else None
        rows.append(
            FrameRow(
                frame.light, describe(frame.light), frame.file_name, blob.bytes if blob else None, picture
            )
        )
    return SidePanel(
        name, capture.id, rows, sum(row.bytes or 0 for row in rows), lights_of(capture), missing(capture)
    )


def describe(light: str) -> str:
    """A light's name in words: ``3`` is at the right."""
    if light in _DIRECTIONS:
        return _DIRECTIONS[light]
    if is_ambient(light):
        return "every light off"
    return f"light at the {_CLOCK[int(light) - 1]}" if light in {str(n) for n in range(1, 9)} else ""


def lights_of(capture: Capture) -> str:
    """Where the directions of the lights come from, in words."""
    spec: dict[str, Any] = capture.lights or {}
    kind = spec.get("kind", "azimuth")
    if kind == "lp":
        return "directions from a .lp file"
    if kind == "rig":
        return "from a rig file"
    return (
        f"told by the frames' names, {spec.get('elevation_deg', DEFAULT_ELEVATION_DEG):g}° elevation assumed"
    )


def missing(capture: Capture) -> list[str]:
    """What keeps this side from a full grade, in plain words."""
    count = sum(not is_ambient(frame.light) for frame in capture.frames)
    if count == 1:
        return [
            "One photograph: centering can be measured, relief and an overall grade cannot. Add three lights."
        ]
    if count < 4:
        return [f"{count} lights: relief needs four or more, so only centering will be measured."]
    if any((frame.meta or {}).get("mode") == "file" for frame in capture.frames):
        return [
            "Not photometric: a camera app took these frames and altered their brightness. Relief is a hint."
        ]
    return []


def _grades(listed: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": grade.id,
            "overall": grade.overall,
            "score": grade.score,
            "created_at": grade.created_at,
            "thumbnail": views.thumbnail(grade),
        }
        for grade in listed
    ]


def _is_own(card: Card) -> bool:
    return card.width_mm is not None and (card.width_mm, card.height_mm) not in {(w, h) for w, h, _ in SIZES}


def _sizes(card: Card) -> list[dict[str, Any]]:
    chosen = (card.width_mm, card.height_mm)
    options: list[dict[str, Any]] = [
        {"value": "", "text": "Not chosen: 63 × 88 mm assumed", "chosen": card.width_mm is None}
    ]
    options += [{"value": f"{w}x{h}", "text": text, "chosen": chosen == (w, h)} for w, h, text in SIZES]
    return [*options, {"value": "own", "text": "Another size", "chosen": _is_own(card)}]


def _going(card: Card) -> str:
    frames = _count(sum(len(capture.frames) for capture in card.captures), "frame")
    return f"Its {frames} and {_count(len(card.grades), 'grade')} go with it."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _commands(request: Request, settings: Settings, card_id: str) -> dict[str, str]:
    call = curl(base_url(request), settings, "-X POST", path=f"/api/cards/{card_id}/grade")
    return {"curl": call, "cli": "rcg grade DIR --json OUT.json\nrcg import DIR"}

"""The report of one grade: the card with its layers, and every figure with its error and its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.grading.schema import Aspect, Finding, GradeReport, Point, Side, SideName, SubScore
from rcg.store.models import Grade, Layer
from rcg.store.repositories import cards, grades
from rcg.web import views
from rcg.web.commands import curl
from rcg.web.formatting import sentence, unit, words
from rcg.web.grade import overlay
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter(prefix="/reports")
ASPECTS: tuple[Aspect, ...] = ("centering", "corners", "edges", "surface")
_WORDS = {
    "colour": "Colour",
    "albedo": "Albedo",
    "normal": "Normals",
    "curvature": "Curvature",
    "height": "Height",
    "specular": "Specular",
}
_ARROWS = {"up": "↑", "right": "→", "down": "↓", "left": "←"}
_RELIEF_LAYERS = ("curvature", "height", "normal")


@dataclass(frozen=True)
class LayerChip:
    """A layer in the switch."""

    name: str
    word: str
    light: bool
    url: str
    box: overlay.Box
    width_px: int
    height_px: int


@dataclass(frozen=True)
class FindingRow:
    """A finding with its outline and its close-ups."""

    finding: Finding
    outline: str
    at: Point
    crop: overlay.Box
    title: str


@dataclass(frozen=True)
class SideView:
    """One side as the page shows it."""

    name: SideName
    side: Side
    layers: list[LayerChip]
    box: overlay.Box
    card: overlay.Box
    ticks: list[overlay.Tick]
    print_edges: list[str]
    findings: list[FindingRow]
    close_ups: list[LayerChip]
    unmeasured_stations: int


@dataclass(frozen=True)
class ScoreBar:
    """A sub-score of one side, with the words of what limits it."""

    side: SideName
    score: SubScore
    why: str
    limiting: bool


@router.get("/{grade_id}")
def report_page(grade_id: str, request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """The report of a grade."""
    with container.db.read() as session:
        grade = grades.get(session, grade_id)
        card = cards.get(session, grade.card_id)
    report = GradeReport.model_validate_json(container.blobs.read(grade.report_sha256))
    sides = [view for name in ("front", "back") if (view := _side_view(grade, report, name)) is not None]
    return pages.page(
        "grade/report.html",
        title=f"{card.name}, report",
        here="/grade/",
        crumbs=(("Cards", "/grade/"), (card.name, f"/grade/cards/{card.id}"), ("Report", None)),
        report=report,
        grade=grade,
        card=card,
        sides=sides,
        bars=score_bars(sides),
        aspects=ASPECTS,
        commands={
            "curl": curl(base_url(request), container.settings, path=f"/api/grades/{grade.id}"),
            "cli": "rcg grade DIR --json OUT.json",
        },
    )


def score_bars(sides: Sequence[SideView]) -> dict[Aspect, list[ScoreBar]]:
    """The sub-scores by aspect, each side's beside the other's."""
    bars: dict[Aspect, list[ScoreBar]] = {aspect: [] for aspect in ASPECTS}
    scores = [score.score for view in sides for score in view.side.sub_scores if score.score is not None]
    lowest = min(scores, default=None)
    for view in sides:
        for score in view.side.sub_scores:
            limiting = lowest is not None and score.score == lowest
            bars[score.aspect].append(ScoreBar(view.name, score, _why(view.side, score), limiting))
    return bars


def _why(side: Side, score: SubScore) -> str:
    limiting = next((f for f in side.findings if f.id == score.limiting_finding), None)
    if limiting is not None:
        return f"limited by finding {limiting.id}, {words(limiting.kind)} of {unit(limiting.size_mm, 'mm')}"
    return score.reason or ""


def _side_view(grade: Grade, report: GradeReport, name: SideName) -> SideView | None:
    side: Side | None = getattr(report.sides, name)
    if side is None:
        return None
    layers = [
        _chip(grade.id, layer) for layer in grade.layers if layer.side == name and layer.name != "thumbnail"
    ]
    card = overlay.Box(
        -side.card.width_mm / 2, -side.card.height_mm / 2, side.card.width_mm, side.card.height_mm
    )
    box = layers[0].box if layers else card
    by_name = {layer.name: layer for layer in layers}
    relief = next((by_name[key] for key in _RELIEF_LAYERS if key in by_name), None)
    colour = by_name.get("colour")
    stations = side.centering.stations
    return SideView(
        name=name,
        side=side,
        layers=layers,
        box=box,
        card=card,
        ticks=overlay.ticks(side),
        print_edges=overlay.print_edges(stations),
        findings=[_row(f, box) for f in side.findings],
        close_ups=[layer for layer in (colour, relief) if layer is not None],
        unmeasured_stations=sum(station.status != "measured" for station in stations),
    )


def _chip(grade_id: str, layer: Layer) -> LayerChip:
    light = layer.name.startswith("light:")
    name = layer.name.removeprefix("light:")
    word = _ARROWS.get(name, name) if light else _WORDS.get(name, sentence(name))
    return LayerChip(
        layer.name,
        word,
        light,
        views.layer_url(grade_id, layer.side, layer.name),
        overlay.image_box(layer.width_px, layer.height_px, layer.px_per_mm),
        layer.width_px,
        layer.height_px,
    )


def _row(finding: Finding, box: overlay.Box) -> FindingRow:
    where = overlay.bounds(finding.polygon_mm) if finding.polygon_mm else overlay.Box(0, 0, 0, 0)
    return FindingRow(
        finding,
        overlay.path(finding.polygon_mm, close=True),
        (where.x + where.width, where.y),
        overlay.crop(finding, box),
        f"{finding.id}. {sentence(finding.kind)}, {finding.size_mm:.2f} mm",
    )

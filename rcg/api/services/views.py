"""From rows to what the API shows."""

from __future__ import annotations

from urllib.parse import quote

from rcg.api import schemas
from rcg.store.models import Capture, Card, Grade, Job, Layer


def card_out(card: Card) -> schemas.CardOut:
    """Show a card; its captures, their frames and its grades are loaded."""
    return schemas.CardOut(
        id=card.id,
        name=card.name,
        set_name=card.set_name,
        notes=card.notes,
        width_mm=card.width_mm,
        height_mm=card.height_mm,
        created_at=card.created_at,
        captures=[capture_out(capture) for capture in card.captures],
        grades=[grade_summary(grade) for grade in card.grades],
    )


def capture_out(capture: Capture) -> schemas.CaptureOut:
    """Show a capture with its frames, in their order."""
    return schemas.CaptureOut.model_validate(capture)


def grade_summary(grade: Grade) -> schemas.GradeSummary:
    """Show a grade as lists do."""
    small = [layer for layer in grade.layers if layer.name == "thumbnail"]
    return schemas.GradeSummary(
        id=grade.id,
        card_id=grade.card_id,
        job_id=grade.job_id,
        overall=grade.overall,
        score=grade.score,
        created_at=grade.created_at,
        report_url=f"/api/grades/{grade.id}",
        thumbnail_url=layer_url(small[0]) if small else None,
    )


def layer_url(layer: Layer) -> str:
    """Return where the picture of a layer is."""
    return f"/api/grades/{layer.grade_id}/layers/{layer.side}/{quote(layer.name, safe=':')}"


def layer_out(layer: Layer) -> schemas.LayerOut:
    """Show a layer."""
    return schemas.LayerOut(
        side="front" if layer.side == "front" else "back",
        name=layer.name,
        url=layer_url(layer),
        width_px=layer.width_px,
        height_px=layer.height_px,
        px_per_mm=layer.px_per_mm,
        margin_mm=layer.margin_mm,
    )


def job_out(job: Job) -> schemas.JobOut:
    """Show a job."""
    return schemas.JobOut.model_validate(job)

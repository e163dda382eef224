"""What the routes of the mat take and give."""

from __future__ import annotations

from pydantic import BaseModel, Field

from rcg.api.schemas import In


class BarIn(In):
    """The scale bar as measured on the printed sheet."""

    bar_mm: float = Field(
        ge=80,
        le=120,
        allow_inf_nan=False,
        description="length of the 100 mm bar on paper, mm",
        examples=[99.5],
    )


class PrintOut(BaseModel):
    """The printed mat as far as it is known."""

    bar_mm: float | None = Field(description="measured length of the 100 mm bar; null: not measured")
    scale: float | None = Field(description="printed over nominal size; with it the mat tells a card's size")
    measured_at: int | None

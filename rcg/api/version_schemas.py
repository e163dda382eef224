"""What the routes of dataset versions take and give."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from rcg.api.schemas import In, LongText
from rcg.datasets.schema import Split

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class VersionRef(BaseModel):
    """Which version."""

    id: str
    number: int


class SharesIn(In):
    """How cards are shared out; the three need not add up to 1."""

    train: Share = 0.8
    val: Share = 0.2
    test: Share = 0.0

    @model_validator(mode="after")
    def _some(self) -> SharesIn:
        if self.train <= 0:
            raise ValueError("train must be above 0")
        return self


class VersionIn(In):
    """A new version."""

    note: LongText = ""
    shares: SharesIn = SharesIn()
    seed: int = Field(0, ge=0, le=2**31 - 1)
    recipe: dict[str, Any] | None = Field(None, description="augmentation recipe")
    recipe_id: str | None = Field(None, description="a stored recipe; both null: the dataset's own, if any")


class VersionOut(BaseModel):
    """An immutable version."""

    id: str
    dataset_id: str | None = Field(description="null: the dataset was deleted")
    dataset_name: str
    kind: str
    number: int
    note: str
    hash: str = Field(description="SHA-256 of its manifest")
    summary: dict[str, Any]
    split: dict[str, Any]
    recipe: dict[str, Any] | None
    created_at: int
    new: bool | None = Field(None, description="False: an equal version was there already and is this one")


class PartOut(BaseModel):
    """One part of a split."""

    items: int
    cards: int
    annotations: int


class SplitOut(BaseModel):
    """How a version would be split now."""

    seed: int
    shares: dict[str, float]
    parts: dict[Split, PartOut]
    left_out: dict[str, int] = Field(description="items that a version leaves out, by the reason")
    notes: list[str]

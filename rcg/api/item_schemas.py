"""What the routes of a dataset's items take and give. Coordinates are pixels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from rcg.api.schemas import In, PageOut
from rcg.datasets.schema import Annotation, Split

LabelState = Literal["unlabelled", "predicted", "labelled"]
ItemState = Literal["pending", "ready", "broken"]
Ids = Annotated[
    list[Annotated[str, StringConstraints(max_length=64)]], Field(min_length=1, max_length=10_000)
]


class LayerOut(BaseModel):
    """A layer of an item."""

    name: str
    role: str
    media_type: str
    url: str | None = Field(description="its picture; null while it is being made")
    data_url: str


class ItemOut(BaseModel):
    """An item of a dataset."""

    id: str
    dataset_id: str
    name: str
    position: int
    width: int
    height: int
    px_per_mm: float | None
    margin_mm: float
    side: str | None
    card_id: str | None
    card_key: str
    split: Split | None = Field(description="the part it was given to; null: the version's seed decides")
    source: str
    state: ItemState
    problem: str
    label_state: LabelState
    annotations: int
    classes: dict[str, int]
    thumbnail: str | None
    layers: list[LayerOut]
    revision: int


class ItemPage(PageOut):
    """A page of items."""

    items: list[ItemOut]


class Neighbours(BaseModel):
    """The items before and after, in the dataset's order."""

    previous: str | None
    next: str | None


class ItemDetail(ItemOut):
    """An item with its annotations."""

    dataset_name: str
    kind: str
    lights: dict[str, tuple[float, float, float]]
    shapes: list[Annotation] = Field(description="its annotations")
    neighbours: Neighbours


class ItemPatch(In):
    """What to change of an item; what is left out stays."""

    split: Split | None = None
    card_key: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None
    ) = None
    px_per_mm: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    side: Literal["front", "back"] | None = None


class IdsIn(In):
    """Which items."""

    ids: Ids


class GoneOut(BaseModel):
    """How many were deleted."""

    deleted: int

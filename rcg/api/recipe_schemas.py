"""What the routes of recipes take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from rcg.api.schemas import In

RecipeBody = Annotated[
    dict[str, Any],
    Field(
        description="name, steps [{op, p, on, parameters...}], min_visible; GET /recipes/ops describes them"
    ),
]


class ParameterOut(BaseModel):
    """A parameter of an operation, as a form shows it."""

    name: str
    title: str
    description: str
    type: Literal["number", "choice", "flag"]
    default: bool | float | str
    minimum: float | None
    maximum: float | None
    step: float | None
    unit: str
    choices: list[str]


class OpOut(BaseModel):
    """An operation a step may name."""

    name: str
    title: str
    word: str = Field(description="the title in a word")
    description: str
    moves: bool = Field(description="it moves pixels and shapes; all such steps are one resampling")
    roles: list[str] = Field(description="of the layers it changes")
    p: float = Field(description="how often it happens when a step says nothing")
    parameters: list[ParameterOut]


class UserOut(BaseModel):
    """A dataset that has a recipe as default."""

    id: str
    name: str


class RecipeOut(BaseModel):
    """A saved recipe."""

    id: str
    name: str
    recipe: dict[str, Any]
    datasets: list[UserOut] = Field(description="whose new versions take it when nothing else is said")
    created_at: int
    updated_at: int


class DefaultOut(BaseModel):
    """The recipe a kind begins with."""

    kind: str
    title: str
    recipe: dict[str, Any]


class RecipesOut(BaseModel):
    """All recipes, and those that kinds begin with."""

    items: list[RecipeOut]
    defaults: list[DefaultOut]


class RecipeIn(In):
    """A recipe to save."""

    recipe: RecipeBody
    updated_at: int | None = Field(
        None, description="of the state it was made from; refused when somebody else saved meanwhile"
    )


class CheckIn(In):
    """A recipe and the labels it should fit."""

    recipe: RecipeBody
    dataset: str | None = Field(None, max_length=200, description="id or name")
    kind: str | None = Field(None, max_length=64)


class ProblemOut(BaseModel):
    """Why a step cannot be used with these labels."""

    step: int
    op: str
    reason: str
    hint: str


class CheckOut(BaseModel):
    """What the labels cannot follow; empty when the recipe can be used."""

    problems: list[ProblemOut]


class PreviewIn(In):
    """What to draw."""

    item_id: str = Field(max_length=64)
    recipe: RecipeBody
    seed: int = Field(0, ge=0, le=2**53 - 1, description="the same seed gives the same draws")
    count: int = Field(6, ge=1, le=16, description="how many draws")
    layers: list[Annotated[str, Field(max_length=64)]] | None = Field(
        None, max_length=64, description="which to picture; null: all"
    )
    longest: int = Field(480, ge=64, le=1200, description="longer side of the pictures, px")

"""A recipe: an augmentation pipeline as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from rcg.datasets.augment.ops import OPS, Step
from rcg.datasets.schema import Strict
from rcg.errors import InputError

RecipeName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
MAX_STEPS = 40


class Recipe(Strict):
    """Steps, done to every item of training anew.

    The steps that move pixels are done first and together, as one matrix, so that every layer is resampled
    once; then the others, in their order.

    Attributes:
        name: for people.
        steps: in order.
        min_visible: share of a shape's area that must stay inside the image; below it the shape is dropped.
    """

    name: RecipeName = "Recipe"
    steps: list[Step] = Field([], max_length=MAX_STEPS)
    min_visible: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.25

    @property
    def active(self) -> list[Step]:
        """The steps that can happen."""
        return [step for step in self.steps if step.on and step.p > 0]


def parse(body: Mapping[str, Any]) -> Recipe:
    """Read a recipe from JSON values.

    Raises:
        InputError: naming the first step and parameter that is wrong, with its value and what it may be.
    """
    try:
        return Recipe.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"The recipe is not valid: {_where(first)}: {_what(first)}.", _way_out(first)
        ) from error


def _where(item: Mapping[str, Any]) -> str:
    parts = [str(part) for part in item["loc"]]
    if len(parts) > 1 and parts[0] == "steps" and parts[1].isdigit():
        names = [f"step {int(parts[1]) + 1}", *parts[2:]]
        return ", ".join(names)
    return ", ".join(parts) or "it"


def _what(item: Mapping[str, Any]) -> str:
    if item["type"] == "union_tag_invalid":
        return f"there is no operation {str(item['ctx']['tag'])[:60]!r}"
    if item["type"] == "union_tag_not_found":
        return "it names no operation ('op')"
    if item["type"] == "extra_forbidden":
        return "there is no such parameter"
    value = repr(item.get("input"))
    return f"{value[:60]} is not possible: {str(item['msg'])[:1].lower()}{str(item['msg'])[1:]}"


def _way_out(item: Mapping[str, Any]) -> str:
    parts = [str(part) for part in item["loc"]]
    if item["type"].startswith("union_tag"):
        return f"The operations are {', '.join(OPS)}."
    if item["type"] == "extra_forbidden" and len(parts) > 3 and parts[2] in OPS:
        names = ", ".join(["p", "on", *(parameter.name for parameter in OPS[parts[2]].parameters)])
        return f"The parameters of {parts[2]} are {names}."
    return "GET /api/recipes/ops lists every operation with its parameters and their limits."

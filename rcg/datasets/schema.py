"""Annotations, label schemas and kinds: the one typed form that every format, page and trainer speaks.

Coordinates are pixels of the item's grid, x right, y down, the top left corner of the top left pixel at
(0, 0): the
centre of the first pixel is (0.5, 0.5). They are kept as they came, as float64, never rounded or clipped.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Finite = Annotated[float, Field(allow_inf_nan=False)]
XY = tuple[Finite, Finite]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

Task = Literal["instance", "points"]
"""instance: every object by itself, with mask and box. points: named points, one of each per item."""
Tool = Literal["box", "polygon", "quad", "points"]
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


class Strict(BaseModel):
    """Base of every part: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- shapes -----------------------------------------------------------------------------------


class Box(Strict):
    """An upright rectangle."""

    type: Literal["box"] = "box"
    x: Finite
    y: Finite
    width: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    height: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Part(Strict):
    """One piece of a polygon: an outer ring and the holes in it. Rings are open: the last point joins the
    first."""

    outer: Annotated[list[XY], Field(min_length=3)]
    holes: list[Annotated[list[XY], Field(min_length=3)]] = []


class Polygon(Strict):
    """One or more pieces; a pixel belongs to it when its centre lies in a piece and in none of that
    piece's holes."""

    type: Literal["polygon"] = "polygon"
    parts: Annotated[list[Part], Field(min_length=1)]


class Mask(Strict):
    """A bitmap as COCO's compressed run lengths: what came as a mask stays one, holes and all."""

    type: Literal["mask"] = "mask"
    size: tuple[int, int] = Field(description="height, width")
    counts: str


class Quad(Strict):
    """Four corners: the card's top left, top right, bottom right, bottom left, wherever they lie in the
    image."""

    type: Literal["quad"] = "quad"
    corners: tuple[XY, XY, XY, XY]


class KeyPoint(Strict):
    """A named point. ``visible`` as in COCO: 0 not there, 1 hidden, 2 seen."""

    name: Name
    x: Finite
    y: Finite
    visible: Literal[0, 1, 2] = 2


class Points(Strict):
    """Named points of one object."""

    type: Literal["points"] = "points"
    points: Annotated[list[KeyPoint], Field(min_length=1)]
    box: Box | None = Field(None, description="the object's box, where a format gave one")


Shape = Annotated[Box | Polygon | Mask | Quad | Points, Field(discriminator="type")]


class Annotation(Strict):
    """One labelled thing.

    Attributes:
        id: 32 hex digits, stable through every format of RCG's own.
        label: the class's name.
        source: who made it.
        state: ``predicted`` waits for a person.
        score, model: of a prediction: confidence 0..1 and the model's name.
        extra: fields of a foreign file that have no place here, kept as they came.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] = Field(
        default_factory=lambda: uuid.uuid4().hex
    )
    label: Name
    shape: Shape
    attributes: dict[str, str | float | bool | None] = {}
    crowd: bool = False
    source: Literal["person", "model", "import", "render"] = "person"
    state: Literal["accepted", "predicted"] = "accepted"
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    model: str | None = None
    extra: dict[str, Any] = {}


# --- label schemas and kinds ------------------------------------------------------------------


class Attribute(Strict):
    """A further property of an annotation: one of some choices, a number with a unit, a text, or yes and
    no."""

    name: Identifier
    title: str = ""
    type: Literal["choice", "number", "text", "flag"]
    choices: list[str] = []
    unit: str = ""
    classes: list[str] = Field([], description="the classes that have it; empty: all")


class LabelClass(Strict):
    """A class."""

    name: Identifier
    title: str = ""
    description: str = ""
    colour: Annotated[int, Field(ge=1, le=8)] = Field(1, description="of the palette --class-1..8")
    tool: Tool = Field("polygon", description="the tool that opens when the class is chosen")
    aspect: Literal["centering", "corners", "edges", "surface"] = Field(
        "surface", description="what a finding of this class costs in a grade"
    )
    flaw: bool = Field(True, description="False: a part of the card, never a finding of a grade")


class PointDef(Strict):
    """A named point and what it is called after the card is moved."""

    name: Identifier
    title: str = ""
    mirror: Identifier | None = Field(
        None, description="its name after left and right are exchanged; None: its own"
    )
    flip: Identifier | None = Field(
        None, description="its name after top and bottom are exchanged; None: its own"
    )
    turn: Identifier | None = Field(
        None, description="its name after a quarter turn counter-clockwise; None: its own"
    )


class LabelSchema(Strict):
    """What may be annotated."""

    task: Task
    classes: list[LabelClass] = []
    points: list[PointDef] = Field([], description="of a points task")
    skeleton: list[tuple[str, str]] = []
    attributes: list[Attribute] = []
    mirror: dict[str, str] = Field(
        {}, description="class names that change when left and right are exchanged"
    )
    flip: dict[str, str] = Field({}, description="class names that change when top and bottom are exchanged")
    turn: dict[str, str] = Field(
        {}, description="class names that change with a quarter turn counter-clockwise"
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> LabelSchema:
        for what, names in (
            ("classes", [item.name for item in self.classes]),
            ("points", [item.name for item in self.points]),
            ("attributes", [item.name for item in self.attributes]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: {twice[0]!r} is there twice")
        if self.task == "points" and not self.points:
            raise ValueError("a points task needs at least one point")
        if not self.classes:
            raise ValueError("a label schema needs at least one class")
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in order: a network's labels are 1, 2, ... in this order."""
        return tuple(item.name for item in self.classes)

    def titled(self, names: Iterable[str]) -> str:
        """Say classes or points as people read them: by their titles, where they have some."""
        titles = {one.name: one.title for one in self.classes} | {one.name: one.title for one in self.points}
        return ", ".join(titles.get(name) or name for name in names)

    @property
    def point_names(self) -> tuple[str, ...]:
        """Names of the points in order."""
        return tuple(item.name for item in self.points)


class Kind(Strict):
    """What a dataset teaches.

    Attributes:
        name: the identifier users and scripts write.
        required_layers: without one of these an item cannot teach this.
        layers: that are shown and trained on where they are there, in the order of the annotator's hot keys.
        channels: layers that a network is given by default; those an item lacks are left out with a warning.
        architectures: that can learn it, the proposed one first.
        metric: that decides which checkpoint is best, see rcg.training.metrics.
    """

    name: Identifier
    title: str
    description: str
    label_schema: LabelSchema
    required_layers: list[str] = []
    layers: list[str] = []
    channels: list[str] = ["colour"]
    architectures: list[str]
    metric: str
    aliases: list[str] = []
    recipe: dict[str, Any] | None = Field(None, description="default augmentation recipe")
    shipped: bool = True

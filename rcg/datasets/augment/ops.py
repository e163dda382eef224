"""The steps a recipe may hold, as data: one model per operation, whose fields are its parameters.

What a form shows (title, unit, limits) stands beside the field it is about; ``OPS`` reads it from there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from annotated_types import Ge, Le
from pydantic import Field
from pydantic.fields import FieldInfo

from rcg.datasets.layers import PHOTOMETRIC, ROLES, Role
from rcg.datasets.schema import Strict

PHOTOGRAPHS: frozenset[Role] = frozenset({"colour", "albedo", "light"})
"""roles whose values are light that a camera saw; the others are measurements"""

Chance = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _number(title: str, default: float, low: float, high: float, step: float, unit: str, about: str) -> Any:
    return Field(
        default, ge=low, le=high, allow_inf_nan=False, title=title, description=about,
        json_schema_extra={"unit": unit, "step": step},
    )  # fmt: skip


class StepBase(Strict):
    """What every step has: how often it happens, and whether it is switched on."""

    title: ClassVar[str]
    word: ClassVar[str]
    about: ClassVar[str]
    moves: ClassVar[bool] = True
    """it moves pixels and shapes; such steps are composed into one matrix"""
    roles: ClassVar[frozenset[Role]] = frozenset(ROLES)

    p: Chance = Field(1.0, title="Probability", description="How often the step happens, 0 to 1.")
    on: bool = Field(True, title="On", description="A step that is off keeps its place and does nothing.")


class FlipHorizontal(StepBase):
    """Left and right exchanged."""

    title = "Flip left and right"
    word = "mirror"
    about = "Mirrors the card: normals, lights and names of left and right follow. Print becomes unreadable."
    op: Literal["flip_horizontal"] = "flip_horizontal"
    p: Chance = Field(0.5, title="Probability", description="How often the step happens, 0 to 1.")


class FlipVertical(StepBase):
    """Top and bottom exchanged."""

    title = "Flip top and bottom"
    word = "upside down"
    about = "Mirrors the card upside down: normals, lights and names of top and bottom follow."
    op: Literal["flip_vertical"] = "flip_vertical"
    p: Chance = Field(0.5, title="Probability", description="How often the step happens, 0 to 1.")


class QuarterTurn(StepBase):
    """Turned by a multiple of 90 degrees, counter-clockwise."""

    title = "Quarter turns"
    word = "turns"
    about = "Turns the card under the same lights. A turn by 90 degrees of an oblong image is fitted into it."
    op: Literal["quarter_turn"] = "quarter_turn"
    p: Chance = Field(0.75, title="Probability", description="How often the step happens, 0 to 1.")
    turns: Literal["any", "half", "left", "right"] = Field(
        "any", title="Turns", description="any: 90, 180 or 270 degrees; half: 180; left: 90; right: 270."
    )


class Affine(StepBase):
    """Rotated, stretched, sheared and moved about the centre."""

    title = "Rotate, stretch, shear, move"
    word = "rotate"
    about = "Moves the surface like a rubber sheet: heights stay, so stretching makes slopes gentler."
    op: Literal["affine"] = "affine"
    rotate: float = _number("Rotation", 5.0, 0, 180, 0.5, "°", "Either way, up to this angle.")
    scale: float = _number("Stretch", 5.0, 0, 100, 1, "%", "Larger or smaller, up to this share.")
    stretch: float = _number("Aspect", 0.0, 0, 50, 1, "%", "Wider against taller, up to this share.")
    shear: float = _number("Shear", 0.0, 0, 30, 0.5, "°", "Sideways, up to this angle.")
    translate: float = _number("Shift", 3.0, 0, 50, 0.5, "%", "Of the width and the height, either way.")


class Perspective(StepBase):
    """The corners drawn in or out."""

    title = "Perspective"
    word = "perspective"
    about = "Moves each corner of the image by itself, as a camera does that is not straight above."
    op: Literal["perspective"] = "perspective"
    strength: float = _number("Strength", 3.0, 0, 20, 0.5, "%", "How far a corner moves, of the size.")


class Crop(StepBase):
    """A window of the image, enlarged to its size again."""

    title = "Crop"
    word = "crop"
    about = "Looks from nearer at a part: slopes stay as they are, the scale in px/mm grows."
    op: Literal["crop"] = "crop"
    smallest: float = _number("Smallest window", 60.0, 10, 100, 1, "%", "Of the image's area.")
    keep: Literal["all", "one", "free"] = Field(
        "one",
        title="Keep",
        description="all: everything annotated stays inside; one: at least one thing does; free: anywhere.",
    )


class Colour(StepBase):
    """Brightness, contrast, saturation and hue."""

    title = "Colour"
    word = "colour"
    about = "Photographs only, and one draw for all of an item, so that its lights stay comparable."
    moves = False
    roles = PHOTOGRAPHS
    op: Literal["colour"] = "colour"
    brightness: float = _number("Brightness", 15.0, 0, 80, 1, "%", "Of the light, either way.")
    contrast: float = _number("Contrast", 15.0, 0, 80, 1, "%", "About middle grey, either way.")
    saturation: float = _number("Saturation", 20.0, 0, 100, 1, "%", "Either way.")
    hue: float = _number("Hue", 5.0, 0, 180, 1, "°", "Round the colour circle, either way.")


class Gamma(StepBase):
    """Another tone curve."""

    title = "Gamma"
    word = "gamma"
    about = "Bends the tone curve of photographs; one draw for all of an item."
    moves = False
    roles = PHOTOGRAPHS
    op: Literal["gamma"] = "gamma"
    amount: float = _number("Amount", 15.0, 0, 100, 1, "%", "Of the exponent, either way.")


class Noise(StepBase):
    """Noise as each layer has it."""

    title = "Noise"
    word = "noise"
    about = "Noise of the sensor on photographs, small errors on measurements; drawn between none and this."
    moves = False
    roles = PHOTOGRAPHS | {"normal", "height", "curvature"}
    op: Literal["noise"] = "noise"
    photograph: float = _number("Photographs", 4.0, 0, 30, 0.5, "levels", "Standard deviation, of 255.")
    normal: float = _number("Normals", 0.3, 0, 5, 0.1, "°", "Standard deviation of the tilt.")
    height: float = _number("Height", 0.0, 0, 20, 0.5, "µm", "Standard deviation.")
    curvature: float = _number("Curvature", 0.0, 0, 0.2, 0.005, "1/mm", "Standard deviation.")


class Blur(StepBase):
    """Out of focus."""

    title = "Blur"
    word = "blur"
    about = "Softens every photograph of an item alike; drawn between none and this."
    moves = False
    roles = PHOTOGRAPHS | {"normal", "height", "curvature", "specular"}
    op: Literal["blur"] = "blur"
    p: Chance = Field(0.3, title="Probability", description="How often the step happens, 0 to 1.")
    sigma: float = _number("Blur", 0.8, 0, 5, 0.1, "px", "Standard deviation of the Gaussian.")
    relief: bool = Field(False, title="Relief too", description="Soften the measured relief as well.")


class LayerDropout(StepBase):
    """One group of layers blanked."""

    title = "Leave layers out"
    word = "layers out"
    about = "Blanks one group of layers, so that a model also works where it is missing; never the last."
    moves = False
    op: Literal["layer_dropout"] = "layer_dropout"
    p: Chance = Field(0.15, title="Probability", description="How often the step happens, 0 to 1.")
    group: Literal["any", "photographs", "lights", "relief"] = Field(
        "any",
        title="Group",
        description="any: one of those there; photographs: colour and albedo; lights; relief: measurements.",
    )


Step = Annotated[
    FlipHorizontal
    | FlipVertical
    | QuarterTurn
    | Affine
    | Perspective
    | Crop
    | Colour
    | Gamma
    | Noise
    | Blur
    | LayerDropout,
    Field(discriminator="op"),
]
STEPS: tuple[type[StepBase], ...] = get_args(get_args(Step)[0])


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation, as a form shows it.

    Attributes:
        name, title, description: the key in the recipe, and words for people.
        type: ``number`` (a slider), ``choice`` or ``flag``.
        default: its value in a step that names none.
        minimum, maximum, step, unit: of a number.
        choices: of a choice.
    """

    name: str
    title: str
    description: str
    type: Literal["number", "choice", "flag"]
    default: float | str | bool
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Op:
    """One operation.

    Attributes:
        name, title, description: the ``op`` of a step, and words for people.
        word: the title in a word.
        moves: it moves pixels and shapes.
        roles: of the layers it changes.
        p: how often it happens when a step says nothing.
        parameters: in the order of the form.
    """

    name: str
    title: str
    word: str
    description: str
    moves: bool
    roles: tuple[Role, ...]
    p: float
    parameters: tuple[Parameter, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def _parameter(name: str, field: FieldInfo) -> Parameter:
    words = (name, field.title or name, field.description or "")
    if field.annotation is bool:
        return Parameter(*words, "flag", bool(field.default))
    if field.annotation is not float:
        return Parameter(*words, "choice", str(field.default), choices=get_args(field.annotation))
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    low = next(float(str(part.ge)) for part in field.metadata if isinstance(part, Ge))
    high = next(float(str(part.le)) for part in field.metadata if isinstance(part, Le))
    step, unit = float(str(extra["step"])), str(extra["unit"])
    return Parameter(*words, "number", float(field.default), low, high, step, unit)


def _op(step: type[StepBase]) -> Op:
    fields = step.model_fields
    own = [name for name in fields if name not in ("op", "p", "on")]
    return Op(
        name=str(fields["op"].default),
        title=step.title,
        word=step.word,
        description=step.about,
        moves=step.moves,
        roles=tuple(role for role in ROLES if role in step.roles),
        p=float(fields["p"].default),
        parameters=tuple(_parameter(name, fields[name]) for name in own),
    )


OPS: dict[str, Op] = {op.name: op for op in map(_op, STEPS)}
"""every operation by name, in the order a form offers them"""

GROUPS: dict[str, frozenset[Role]] = {
    "photographs": frozenset({"colour", "albedo"}),
    "lights": frozenset({"light"}),
    "relief": PHOTOMETRIC,
}
"""what layer_dropout leaves out together"""

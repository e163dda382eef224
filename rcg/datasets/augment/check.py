"""Whether labels can follow a recipe: a point that changes sides needs a name on the other side."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rcg.datasets.augment.names import Relation, class_relation, point_relation
from rcg.datasets.augment.ops import Affine, Crop, FlipHorizontal, FlipVertical, QuarterTurn, Step
from rcg.datasets.augment.recipe import Recipe
from rcg.datasets.schema import LabelSchema
from rcg.errors import InputError

_WORDS: dict[Relation, frozenset[str]] = {
    "mirror": frozenset({"left", "right"}),
    "flip": frozenset({"top", "bottom", "upper", "lower", "up", "down", "above", "below"}),
}
_WORDS["turn"] = _WORDS["mirror"] | _WORDS["flip"]
_MOVE: dict[Relation, str] = {
    "mirror": "left and right are exchanged",
    "flip": "top and bottom are exchanged",
    "turn": "the card is turned by a quarter",
}
MOST_ROTATION_DEG = 45.0
"""turned further, what was at the top is at a side"""


@dataclass(frozen=True)
class Problem:
    """Why a step cannot be used.

    Attributes:
        step: its index in the recipe; op: its operation.
        reason: a sentence.
        hint: the way out.
    """

    step: int
    op: str
    reason: str
    hint: str


def problems(recipe: Recipe, schema: LabelSchema) -> list[Problem]:
    """Return what the label schema cannot follow; nothing when the recipe can be used."""
    found = []
    for index, step in enumerate(recipe.steps):
        if step.on and step.p > 0 and (problem := _problem(step, schema)) is not None:
            found.append(Problem(index, step.op, *problem))
    return found


def check(recipe: Recipe, schema: LabelSchema) -> None:
    """Refuse a recipe that the labels cannot follow.

    Raises:
        InputError: with the reason of each step, and in ``data["problems"]`` the steps.
    """
    found = problems(recipe, schema)
    if found:
        raise InputError(
            " ".join(f"Step {item.step + 1} ({item.op}): {item.reason}" for item in found),
            " ".join(dict.fromkeys(item.hint for item in found)),
            problems=[vars(item) for item in found],
        )


def _problem(step: Step, schema: LabelSchema) -> tuple[str, str] | None:
    if isinstance(step, FlipHorizontal):
        return _unnamed(schema, "mirror")
    if isinstance(step, FlipVertical):
        return _unnamed(schema, "flip")
    if isinstance(step, QuarterTurn):
        return _unturned(step, schema)
    if isinstance(step, Affine) and step.rotate > MOST_ROTATION_DEG and _sided(schema):
        return (
            f"rotated by up to {step.rotate:g}°, {_sided(schema)!r} may come to lie on another side.",
            f"Rotate by {MOST_ROTATION_DEG:g}° at most, and add quarter turns.",
        )
    if isinstance(step, Crop) and schema.task == "points" and step.keep != "all":
        return (
            f"it keeps {'one thing' if step.keep == 'one' else 'nothing'}, and every point must stay inside.",
            "Choose to keep all.",
        )
    return None


def _unturned(step: QuarterTurn, schema: LabelSchema) -> tuple[str, str] | None:
    turned = any(table for _, _, table in _tables(schema, "turn"))
    if step.turns == "half" and not turned:
        return _unnamed(schema, "mirror") or _unnamed(schema, "flip")
    return _unnamed(schema, "turn") or _contradiction(schema)


def _tables(schema: LabelSchema, relation: Relation) -> list[tuple[str, tuple[str, ...], dict[str, str]]]:
    return [
        ("class", schema.class_names, class_relation(schema, relation)),
        ("point", schema.point_names, point_relation(schema, relation)),
    ]


def _sided(schema: LabelSchema) -> str | None:
    """Return a name that depends on how the card lies, or None."""
    for relation in ("mirror", "flip", "turn"):
        for _, _, table in _tables(schema, relation):
            moving = [old for old, new in table.items() if old != new]
            if moving:
                return moving[0]
    names = [*schema.class_names, *schema.point_names]
    return next((name for name in names if _speaks_of(name, "turn")), None)


def _speaks_of(name: str, relation: Relation) -> bool:
    return bool(_WORDS[relation] & set(re.split(r"[_\W]+", name.lower())))


def _unnamed(schema: LabelSchema, relation: Relation) -> tuple[str, str] | None:
    """Say which name has no counterpart, or whose counterpart leads nowhere."""
    for what, names, table in _tables(schema, relation):
        hint = f"Give it a {relation} name in the label schema, or leave the step out."
        lost = next((old for old, new in table.items() if new not in names), None)
        if lost is not None:
            return f"the {what} {lost!r} becomes {table[lost]!r}, and there is no such {what}.", hint
        after = [table.get(name, name) for name in names]
        if len(set(after)) != len(names):
            twice = next(name for name in after if after.count(name) > 1)
            return f"after it two kinds of {what} would be called {twice!r}.", hint
        if relation != "turn" and any(table.get(new, new) != old for old, new in table.items()):
            old = next(old for old, new in table.items() if table.get(new, new) != old)
            return f"done twice, the {what} {old!r} would not have its name again.", hint
        mute = next((name for name in names if name not in table and _speaks_of(name, relation)), None)
        if mute is not None:
            return f"nothing says what the {what} {mute!r} is called after {_MOVE[relation]}.", hint
        if relation == "turn" and not table and (moving := _moving(schema, what)):
            return f"nothing says what the {what} {moving!r} is called after {_MOVE[relation]}.", hint
    return None


def _moving(schema: LabelSchema, what: str) -> str | None:
    """Return a name that flips change, so that turns must change it, too."""
    for relation in ("mirror", "flip"):
        for kind, _, table in _tables(schema, relation):
            moved = next((old for old, new in table.items() if old != new), None)
            if kind == what and moved is not None:
                return moved
    return None


def _contradiction(schema: LabelSchema) -> tuple[str, str] | None:
    """Two quarter turns are both flips: names that say otherwise would depend on the way they were
    reached.
    """
    tables = [_tables(schema, relation) for relation in ("mirror", "flip", "turn")]
    for (what, names, mirror), (_, _, flip), (_, _, turn) in zip(*tables, strict=True):
        if not (mirror and flip and turn):
            continue
        for name in names:
            half = turn.get(turn.get(name, name), turn.get(name, name))
            both = flip.get(mirror.get(name, name), mirror.get(name, name))
            if half != both:
                return (
                    f"two turns make the {what} {name!r} {half!r}, both flips make it {both!r}.",
                    "Correct the mirror, flip and turn names in the label schema.",
                )
    return None

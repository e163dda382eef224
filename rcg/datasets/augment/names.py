"""What things are called after the card is flipped or turned: classes, points, the corners of a quad."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rcg.datasets.augment.motion import Motion
from rcg.datasets.schema import LabelSchema

Relation = Literal["mirror", "flip", "turn"]
_MIRRORED_CORNERS = (1, 0, 3, 2)
_TURNED_CORNERS = (1, 2, 3, 0)


def class_relation(schema: LabelSchema, relation: Relation) -> dict[str, str]:
    """Return new names of classes by old ones; those not in it keep theirs."""
    table: dict[str, str] = getattr(schema, relation)
    return dict(table)


def point_relation(schema: LabelSchema, relation: Relation) -> dict[str, str]:
    """Return new names of points by old ones; those not in it keep theirs."""
    named = ((point.name, getattr(point, relation)) for point in schema.points)
    return {old: new for old, new in named if new is not None}


@dataclass(frozen=True)
class Renames:
    """New names after a motion, by old ones."""

    classes: dict[str, str]
    points: dict[str, str]


def renames(schema: LabelSchema, motion: Motion) -> Renames | None:
    """Return the new names, or None where everything keeps its own."""
    if not motion.turns and not motion.mirrored:
        return None
    return _cached(schema.model_dump_json(), motion.turns, motion.mirrored)


@lru_cache(maxsize=64)
def _cached(schema: str, turns: int, mirrored: bool) -> Renames:
    parsed = LabelSchema.model_validate_json(schema)
    relations: tuple[Relation, ...] = ("mirror", "flip", "turn")
    return Renames(
        _composed([class_relation(parsed, relation) for relation in relations], turns, mirrored),
        _composed([point_relation(parsed, relation) for relation in relations], turns, mirrored),
    )


def _composed(relations: list[dict[str, str]], turns: int, mirrored: bool) -> dict[str, str]:
    """Compose mirror, flip and turn; where a schema names flips but no turns, half a turn is both flips."""
    mirror, flip, turn = relations
    if turns == 2 and mirrored and flip:
        return dict(flip)
    steps = [mirror, flip] if turns == 2 and not turn else [mirror] * mirrored + [turn] * turns
    out = {}
    for name in {*mirror, *flip, *turn}:
        new = name
        for table in steps:
            new = table.get(new, new)
        out[name] = new
    return out


def corner_order(motion: Motion) -> tuple[int, int, int, int]:
    """Return which old corner each new corner (top left, top right, bottom right, bottom left) is."""
    order = (0, 1, 2, 3)
    for step in [_MIRRORED_CORNERS] * motion.mirrored + [_TURNED_CORNERS] * motion.turns:
        order = (order[step[0]], order[step[1]], order[step[2]], order[step[3]])
    return order

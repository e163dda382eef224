"""Whether annotations fit a dataset's label schema and an item's grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rcg.datasets import rle
from rcg.datasets.schema import Annotation, Attribute, LabelSchema, Mask, Points
from rcg.errors import InputError

if TYPE_CHECKING:
    from rcg.store.dataset_models import DatasetItem

Value = str | float | bool | None
_TYPES: dict[str, tuple[type, ...]] = {
    "choice": (str,),
    "text": (str,),
    "number": (int, float),
    "flag": (bool,),
}


def refuse_misfits(
    shapes: Sequence[Annotation],
    former: Mapping[str, Annotation],
    schema: LabelSchema,
    item: DatasetItem,
) -> None:
    """Raise InputError when an annotation has a class, attribute or point that its dataset does not know.

    Args:
        shapes: as they are to be.
        former: as they were, by id: attributes that came with an import and are unknown here may stay.
        schema: the dataset's.
        item: whose grid they lie on. Coordinates outside it are kept: the health check shows them.
    """
    attributes = {one.name: one for one in schema.attributes}
    for shape in shapes:
        if shape.label not in schema.class_names:
            raise InputError(
                f"The dataset has no class {shape.label!r}.", f"It has: {', '.join(schema.class_names)}."
            )
        before = former[shape.id].attributes if shape.id in former else {}
        for name, value in shape.attributes.items():
            if name in before and before[name] == value:
                continue
            _check_value(name, value, attributes)
        if isinstance(shape.shape, Points):
            _check_points(shape.shape, schema)
        elif isinstance(shape.shape, Mask):
            _check_mask(shape.shape, item)


def _check_value(name: str, value: Value, known: Mapping[str, Attribute]) -> None:
    if name not in known:
        have = ", ".join(known) or "none"
        raise InputError(f"The dataset has no attribute {name!r}.", f"It has: {have}.")
    attribute = known[name]
    if value is None:
        return
    fits = isinstance(value, _TYPES[attribute.type]) and isinstance(value, bool) == (attribute.type == "flag")
    if not fits:
        raise InputError(
            f"{name} is {value!r}; it takes a {attribute.type}.", "null says that it is unknown."
        )
    if attribute.type == "choice" and value not in attribute.choices:
        raise InputError(f"{name} is {value!r}.", f"It takes one of: {', '.join(attribute.choices)}.")


def _check_points(shape: Points, schema: LabelSchema) -> None:
    names = [point.name for point in shape.points]
    strange = next((name for name in names if name not in schema.point_names), None)
    if strange is not None:
        have = ", ".join(schema.point_names) or "none: it is not about points"
        raise InputError(f"The dataset has no point {strange!r}.", f"It has: {have}.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"The point {twice!r} is there twice.", "Give each point once.")


def _check_mask(mask: Mask, item: DatasetItem) -> None:
    if mask.size != (item.height_px, item.width_px):
        raise InputError(
            f"The mask is of {mask.size[1]} x {mask.size[0]} px, {item.name} of "
            f"{item.width_px} x {item.height_px}.",
            "Give it the size of the item.",
        )
    rle.lengths(mask)

"""Joining the labels that an import found to those that a dataset has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rcg.store.dataset_models import Dataset


def merge_schema(dataset: Dataset, found: dict[str, Any]) -> list[str]:
    """Add classes, points and attributes that a dataset does not have yet; return the new classes' names.

    What it has stays as it is: it may have been changed since the import began.
    """
    schema = dict(dataset.label_schema)
    new: list[str] = []
    for part in ("classes", "points", "attributes"):
        own = list(schema.get(part, []))
        names = {one["name"] for one in own}
        added = [one for one in found.get(part, []) if one["name"] not in names]
        schema[part] = own + added
        if part == "classes":
            new = [one["name"] for one in added]
    if not schema.get("skeleton"):
        schema["skeleton"] = found.get("skeleton", [])
    dataset.label_schema = schema
    return new

"""What changed between two versions, item by item, without loading either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rcg.datasets.manifest import ItemRecord, Manifest
from rcg.datasets.schema import LabelSchema

LISTED = 200
"""ids that are listed of each kind of change; all are counted"""


@dataclass
class Change:
    """One kind of change: how many items, and the first of them."""

    count: int = 0
    items: list[dict[str, str]] = field(default_factory=list)

    def add(self, item: ItemRecord, said: str = "") -> None:
        """Count an item; ``said`` is what changed of it."""
        self.count += 1
        if len(self.items) < LISTED:
            self.items.append({"id": item.id, "name": item.name} | ({"what": said} if said else {}))


@dataclass
class Difference:
    """The difference of two versions, from the older to the newer.

    Attributes:
        added, removed: items.
        relabelled: items whose annotations differ; how many were added, removed and changed.
        moved: items in another part of the split.
        refilled: items whose layers or other facts differ.
        annotations: added, removed, changed, over all items.
        classes: annotations of each class, the newer less the older, those that differ.
        schema: what is new, gone or different in the label schema, in words.
    """

    added: Change = field(default_factory=Change)
    removed: Change = field(default_factory=Change)
    relabelled: Change = field(default_factory=Change)
    moved: Change = field(default_factory=Change)
    refilled: Change = field(default_factory=Change)
    annotations: dict[str, int] = field(default_factory=lambda: {"added": 0, "removed": 0, "changed": 0})
    classes: dict[str, int] = field(default_factory=dict)
    schema: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether both say the same."""
        changes = (self.added, self.removed, self.relabelled, self.moved, self.refilled)
        return not any(change.count for change in changes) and not self.schema

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        named = ("added", "removed", "relabelled", "moved", "refilled")
        changes = {
            name: {"count": getattr(self, name).count, "items": getattr(self, name).items} for name in named
        }
        return {
            **changes, "annotations": self.annotations, "classes": self.classes, "schema": self.schema,
            "equal": self.equal,
        }  # fmt: skip


def difference(older: Manifest, newer: Manifest) -> Difference:
    """Compare two manifests. Both are sorted by id, so memory is one item of each."""
    found = Difference(schema=schema_changes(older.header.label_schema, newer.header.label_schema))
    classes: Counter[str] = Counter()
    for before, after in _pairs(iter(older), iter(newer)):
        if before is not None:
            classes.subtract(one.label for one in before.annotations)
        if after is not None:
            classes.update(one.label for one in after.annotations)
        if before is None:
            assert after is not None
            found.added.add(after)
            found.annotations["added"] += len(after.annotations)
        elif after is None:
            found.removed.add(before)
            found.annotations["removed"] += len(before.annotations)
        elif before != after:
            _compare(before, after, found)
    found.classes = {name: count for name, count in sorted(classes.items()) if count}
    return found


def _pairs(
    older: Iterator[ItemRecord], newer: Iterator[ItemRecord]
) -> Iterator[tuple[ItemRecord | None, ItemRecord | None]]:
    before, after = next(older, None), next(newer, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.id < after.id):
            yield before, None
            before = next(older, None)
        elif before is None or after.id < before.id:
            yield None, after
            after = next(newer, None)
        else:
            yield before, after
            before, after = next(older, None), next(newer, None)


def _compare(before: ItemRecord, after: ItemRecord, found: Difference) -> None:
    old = {one.id: one for one in before.annotations}
    new = {one.id: one for one in after.annotations}
    added, removed = len(new.keys() - old.keys()), len(old.keys() - new.keys())
    changed = sum(old[key] != new[key] for key in old.keys() & new.keys())
    if added or removed or changed:
        counts = {"added": added, "removed": removed, "changed": changed}
        for name, count in counts.items():
            found.annotations[name] += count
        found.relabelled.add(after, ", ".join(f"{count} {name}" for name, count in counts.items() if count))
    if before.split != after.split:
        found.moved.add(after, f"{before.split} to {after.split}")
    facts = [
        name
        for name in type(before).model_fields
        if name not in ("annotations", "split") and getattr(before, name) != getattr(after, name)
    ]
    if facts:
        found.refilled.add(after, ", ".join(facts))


def schema_changes(older: LabelSchema, newer: LabelSchema) -> list[str]:
    """Say in words what differs between two label schemas."""
    said = [] if older.task == newer.task else [f"task: {older.task} to {newer.task}"]
    for what, before, after in (
        ("class", older.classes, newer.classes),
        ("point", older.points, newer.points),
        ("attribute", older.attributes, newer.attributes),
    ):
        old, new = {one.name: one for one in before}, {one.name: one for one in after}
        said += [f"{what} {name} is new" for name in new if name not in old]
        said += [f"{what} {name} is gone" for name in old if name not in new]
        said += [f"{what} {name} changed" for name in new if name in old and old[name] != new[name]]
        if list(old) != list(new) and set(old) == set(new):
            said.append(
                f"the order of the {what}es changed" if what == "class" else f"the {what}s' order changed"
            )
    return said

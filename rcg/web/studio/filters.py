"""The filters of a dataset's items as chips with counts; each is a link, to be kept and shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from rcg.api.dataset_schemas import DatasetDetail
from rcg.web.formatting import sentence

KEYS = ("label_state", "state", "flagged", "split", "class", "problem", "q")
"""what of the address narrows the items"""


@dataclass(frozen=True)
class Chip:
    """One filter. ``key`` and ``value`` as in the address; ``count`` None: counted by the page's script."""

    key: str
    value: str
    word: str
    count: int | None
    href: str
    on: bool
    colour: int | None = None


def chosen(query: Mapping[str, str]) -> dict[str, str]:
    """The filters that an address names."""
    return {key: query[key] for key in KEYS if query.get(key)}


def chips(
    dataset: DatasetDetail, at: Mapping[str, str], *, by_class: Mapping[str, int], flagged: int
) -> dict[str, list[Chip]]:
    """The chips in groups; those that would find nothing are left out, unless they are on."""

    def chip(key: str, value: str, word: str, count: int | None, colour: int | None = None) -> Chip:
        on = at.get(key) == value
        kept = {name: held for name, held in at.items() if name != key} | ({} if on else {key: value})
        href = f"/studio/datasets/{dataset.id}" + (f"?{urlencode(kept)}" if kept else "")
        return Chip(key, value, word, count, href, on, colour)

    labels = [
        chip("label_state", "unlabelled", "Unlabelled", dataset.label_states["unlabelled"]),
        chip("label_state", "predicted", "Pre-labelled", dataset.label_states["predicted"]),
        chip("label_state", "labelled", "Labelled", dataset.label_states["labelled"]),
    ]
    states = [
        chip("state", "pending", "Being read", dataset.states["pending"]),
        chip("state", "broken", "Cannot be read", dataset.states["broken"]),
        chip("flagged", "true", "With a note", flagged),
    ]
    splits = [
        chip("split", "train", "Train", None),
        chip("split", "val", "Validation", None),
        chip("split", "test", "Test", None),
    ]
    classes = [
        chip("class", one.name, one.title or sentence(one.name), by_class.get(one.name, 0), one.colour)
        for one in dataset.label_schema.classes
    ]
    shown = {"Labels": labels, "State": states, "Class": classes}
    found = {group: [one for one in each if one.count or one.on] for group, each in shown.items()}
    found["Split"] = splits if dataset.labelled or "split" in at else []
    return {group: each for group, each in found.items() if each}

"""The path of a dataset: fill, annotate, version, train; what each step stands at, and what it offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

State = Literal["done", "now", "later"]


@dataclass(frozen=True)
class Figures:
    """What a dataset stands at.

    Attributes:
        pending: items whose files have not been looked at yet.
        broken: items whose files cannot be read.
        predicted: items that wait for a person's look at a model's proposals.
        version: the newest version's number.
        version_id: its id.
        beyond: how many items were labelled or added since that version, None when it has not been counted.
        relabelled: whether annotations were added or taken away since that version.
        next_item: the item to annotate next: the first without labels, else the first.
    """

    items: int
    labelled: int
    annotations: int
    pending: int = 0
    broken: int = 0
    predicted: int = 0
    versions: int = 0
    version: int | None = None
    beyond: int | None = None
    relabelled: bool = False
    next_item: str | None = None


@dataclass(frozen=True)
class Step:
    """One step. ``href`` leads on; ``do`` names what a button of the page does instead.

    ``why_not`` says what is missing when the step cannot be taken yet.
    """

    key: str
    word: str
    figure: str
    note: str
    state: State
    icon: str
    action: str
    href: str = ""
    do: str = ""
    share: float | None = None
    primary: bool = False
    why_not: str = ""


def steps(dataset_id: str, at: Figures) -> list[Step]:
    """The four steps in order; exactly one of them is the page's primary action."""
    now = "fill" if not at.items else "annotate" if not at.labelled else "train"
    return [
        _fill(at, primary=now == "fill"),
        _annotate(dataset_id, at, primary=now == "annotate"),
        _version(at),
        _train(dataset_id, at, primary=now == "train"),
    ]


def train_address(dataset_id: str, version: int | None, architecture: str = "") -> str:
    """Where the training page opens with this dataset chosen."""
    query: dict[str, str | int] = {"dataset": dataset_id}
    if version is not None:
        query["version"] = version
    if architecture:
        query["arch"] = architecture
    return f"/train/new?{urlencode(query)}"


def counted(number: int, word: str) -> str:
    """``1 item``, ``3 items``, ``12 000 items``."""
    return f"{number:,}".replace(",", "\u202f") + f" {word}{'' if number == 1 else 's'}"


def _fill(at: Figures, *, primary: bool) -> Step:
    notes = []
    if at.pending:
        notes.append(f"{at.pending} being read")
    if at.broken:
        notes.append(f"{at.broken} cannot be read")
    return Step(
        key="fill",
        word="Fill",
        figure=counted(at.items, "item"),
        note=", ".join(notes) or ("" if at.items else "images, archives, captures, cards"),
        state="done" if at.items else "now",
        icon="plus",
        action="Add items",
        do="add",
        primary=primary,
    )


def _annotate(dataset_id: str, at: Figures, *, primary: bool) -> Step:
    left = at.items - at.labelled
    note = counted(at.annotations, "annotation") if at.annotations else ""
    if at.predicted:
        note = f"{at.predicted} pre-labelled, to be looked at"
    return Step(
        key="annotate",
        word="Annotate",
        figure=f"{at.labelled} of {at.items} labelled" if at.items else "nothing to label yet",
        note=note,
        state="later" if not at.items else "done" if not left else "now",
        icon="pen-tool",
        action="Look through" if at.items and not left else "Annotate",
        href=f"/annotate/{dataset_id}/{at.next_item}" if at.next_item else "",
        share=at.labelled / at.items if at.items else None,
        primary=primary,
        why_not="" if at.next_item else "Add items first.",
    )


def _version(at: Figures) -> Step:
    if at.version is None:
        note = "Train makes the first by itself"
    elif at.beyond:
        note = f"{counted(at.beyond, 'item')} more since"
    elif at.relabelled:
        note = "annotations changed since"
    else:
        note = ""
    return Step(
        key="version",
        word="Version",
        figure="none yet" if at.version is None else f"v{at.version}",
        note=note,
        state="later"
        if not at.labelled
        else "done"
        if at.version is not None and not at.beyond and not at.relabelled
        else "now",
        icon="package",
        action="Make a version",
        do="version",
        why_not="" if at.labelled else "Label at least one item first." if at.items else "Add items first.",
    )


def _train(dataset_id: str, at: Figures, *, primary: bool) -> Step:
    ready = at.labelled > 0
    figure = (
        "nothing labelled yet"
        if not ready
        else "v1 will be made"
        if at.version is None
        else f"with v{at.version}"
    )
    return Step(
        key="train",
        word="Train",
        figure=figure,
        note="",
        state="now" if ready else "later",
        icon="play",
        action="Train",
        href=train_address(dataset_id, at.version),
        primary=primary,
        why_not="" if ready else "Label at least one item first.",
    )

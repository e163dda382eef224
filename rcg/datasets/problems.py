"""What can be wrong with a dataset: each problem with a title, a way out, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

Severity = Literal["error", "warning", "info"]
"""error: keeps it from being trained on, or makes the figures lie. info: worth knowing."""
LISTED = 200

KNOWN: Final[dict[str, tuple[Severity, str, str]]] = {
    "empty": ("error", "There are no items", "Fill it: images, captures, an archive or rendered cards."),
    "nothing_labelled": (
        "error", "No item is labelled", "Label some in the annotator, or import labels.",
    ),
    "no_annotations": (
        "error", "No labelled item has a single annotation",
        "Draw what is to be found; items without anything teach only what is not there.",
    ),
    "unlabelled": (
        "info", "Items not labelled yet: versions leave them out",
        "Label them, or let a model begin.",
    ),
    "predictions": ("info", "Predictions that wait for a person", "Accept or correct them in the annotator."),
    "missing_layers": (
        "error", "Items without a layer that the kind needs",
        "Fill it from captures or rendered cards: photographs have no relief.",
    ),
    "uneven_layers": (
        "warning", "Items that lack layers which others have",
        "Training leaves such layers out, or fills them with nothing; split photographs and captures.",
    ),
    "unknown_class": (
        "error", "Annotations of a class that the schema lacks",
        "Add the class, or relabel them.",
    ),
    "other_task": (
        "error", "Shapes that the dataset's task has no use for",
        "Points belong to points kinds, outlines and boxes to the others: draw them anew.",
    ),
    "outside": ("warning", "Shapes outside their image", "Delete or move them."),
    "beyond": (
        "info", "Shapes that reach beyond their image",
        "Training clips them; trim them if it is a slip.",
    ),
    "degenerate": ("warning", "Shapes without area", "Delete them or draw them again."),
    "crossing": ("warning", "Outlines that cross themselves", "Pull the crossed corners apart."),
    "broken_mask": (
        "error", "Masks that do not fit their image", "Import or draw them again: they are of another size.",
    ),
    "tiny": ("warning", "Shapes of less than 4 px²", "Networks will not see them; delete slips of the hand."),
    "huge": ("warning", "Flaws that cover nearly the whole image", "Check them: few flaws do."),
    "repeated": ("warning", "The same shape twice in one item", "Delete one of the two."),
    "several": ("warning", "More than one object in items of a points task", "Keep one: the card."),
    "missing_points": (
        "warning", "Objects that lack points",
        "Set every point; say of hidden ones that they are.",
    ),
    "strange_points": ("error", "Points that the schema lacks", "Delete them, or add them to the schema."),
    "attribute": ("info", "Attributes with values that the schema lacks", "Choose one of its values."),
    "small": ("warning", "Images under 224 px on their short side", "Photograph closer, or take them out."),
    "no_lights": ("warning", "Light layers whose direction is not known", "Fill them from captures again."),
    "same_picture": (
        "warning", "Pictures that are in it more than once, as different cards",
        "Keep one of each: copies make a class look surer than it is.",
    ),
    "leak": (
        "error", "Pictures of one card, or one picture, in several parts of the split",
        "Make the version again: figures are too good when training saw the held-out cards.",
    ),
    "nothing_held_out": ("warning", "Nothing is held out", "Give val a share, and have at least two cards."),
    "unused_class": ("info", "Classes without an annotation", "Label some, or remove the class."),
    "rare_class": (
        "warning", "Classes with fewer than 10 annotations",
        "Label more of them; they will hardly be learnt.",
    ),
    "uneven_classes": (
        "info", "One class has over 20 times the annotations of another",
        "Label more of the rare one; look at each class's own figures, not at the mean alone.",
    ),
}  # fmt: skip


@dataclass
class Problem:
    """Something to know or to mend.

    Attributes:
        code: stable.
        severity, title, hint: for people.
        count: how often.
        item_ids: the first items that have it, at most 200, each once.
        detail: which classes, layers, ...
    """

    code: str
    severity: Severity
    title: str
    hint: str
    count: int = 0
    item_ids: list[str] = field(default_factory=list)
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "code": self.code, "severity": self.severity, "title": self.title, "count": self.count,
            "item_ids": self.item_ids, "hint": self.hint, "detail": self.detail,
        }  # fmt: skip


class Problems:
    """Gathers problems while items pass by."""

    def __init__(self) -> None:
        self._found: dict[str, Problem] = {}

    def add(self, code: str, item_id: str = "", *, count: int = 1, detail: str = "") -> None:
        """Count a problem, of an item or of the whole."""
        if code not in self._found:
            severity, title, hint = KNOWN[code]
            self._found[code] = Problem(code, severity, title, hint)
        problem = self._found[code]
        problem.count += count
        problem.detail = problem.detail or detail
        ids = problem.item_ids
        if item_id and len(ids) < LISTED and (not ids or ids[-1] != item_id):
            ids.append(item_id)

    def sorted(self) -> list[Problem]:
        """Return them, the worst first."""
        rank = {"error": 0, "warning": 1, "info": 2}
        return sorted(self._found.values(), key=lambda problem: (rank[problem.severity], -problem.count))

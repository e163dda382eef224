"""The names of metrics, what they mean, and which way is better. No torch here."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

from rcg.datasets.schema import Task
from rcg.errors import InputError


@dataclass(frozen=True)
class Metric:
    """One metric of the held-out part.

    Attributes:
        unit: empty for a share of 1.
        higher: whether more is better.
    """

    name: str
    title: str
    description: str
    task: Task
    unit: str = ""
    higher: bool = True

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than another; anything is better than None."""
        return than is None or (value > than if self.higher else value < than)

    def reached(self, value: float, target: float) -> bool:
        """Whether a value is at least as good as a target."""
        return value >= target if self.higher else value <= target


METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(
            "mask_ap50", "Mask AP50", "COCO average precision of outlines that overlap by half.", "instance"
        ),
        Metric(
            "mask_ap",
            "Mask AP",
            "COCO average precision of outlines, mean over overlaps .50 to .95.",
            "instance",
        ),
        Metric("box_ap50", "Box AP50", "The same as Mask AP50, of boxes.", "instance"),
        Metric("box_ap", "Box AP", "The same as Mask AP, of boxes.", "instance"),
        Metric(
            "recall_1fa",
            "Recall at one false alarm",
            "Share of the objects found (overlap by half) at the threshold with one false alarm per item.",
            "instance",
        ),
        Metric(
            "pck",
            "Points within tolerance",
            "Share of points within 1 % of the item's longer side.",
            "points",
        ),
        Metric("pck_01mm", "Points within 0.1 mm", "Share of points within 0.1 mm; needs a scale.", "points"),
        Metric(
            "error_px", "Point error", "Mean distance in pixels of the training size.", "points", "px", False
        ),
        Metric("error_mm", "Point error in mm", "Mean distance; needs a scale.", "points", "mm", False),
    )
}


def metric(name: str, task: Task | None = None) -> Metric:
    """Return the metric of that name.

    Raises InputError when there is none, or it is none of that task.
    """
    known = [one.name for one in METRICS.values() if task in {None, one.task}]
    if name in known:
        return METRICS[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    if name in METRICS:
        raise InputError(f"The metric {name!r} is none of a {task} task.", hint)
    raise InputError(f"There is no metric {name[:80]!r}.", hint)

"""What relief is worth: the same training with and without it, on held-out cards that neither has seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rcg.api import training_schemas as schemas
from rcg.api.services.training import history
from rcg.errors import NotFoundError
from rcg.jobs import twin
from rcg.jobs.train import runs_folder
from rcg.store.repositories import runs

if TYPE_CHECKING:
    from rcg.container import Container
    from rcg.store.training_models import Run

    Shapes = Sequence[dict[str, Any]]
    Rectangle = tuple[float, float, float, float]

SURE = 0.5
"""score from which a prediction counts as said"""
_OVERLAP = 0.5


def compare(container: Container, run_id: str) -> schemas.ComparisonOut:
    """Lay a run and its twin beside each other.

    Raises NotFoundError when the run has no twin; while the twin trains, its side is empty.
    """
    with container.db.read() as session:
        run = runs.get(session, run_id)
        original = twin.original_of(session, run) or run
        plain = twin.twin_of(session, original)
    if plain is None and not twin.wants_twin(original):
        raise NotFoundError(
            f"{run.name} has no twin without relief.",
            "Only a first model gets one; else launch a second run with other layers and compare the two.",
        )
    mine = _seen(container, original)
    other = _seen(container, plain) if plain else {}
    items = [_item(original.id, row, other[item]["predicted"]) for item, row in mine.items() if item in other]
    items.sort(key=lambda item: (-_gain(item), item.name))
    return schemas.ComparisonOut(
        metric=original.metric or "",
        with_relief=_run(container, original),
        without_relief=_run(container, plain) if plain else None,
        items=items,
        message=_message(original, plain, items),
    )


def _seen(container: Container, run: Run) -> dict[str, dict[str, Any]]:
    return history.samples(runs_folder(container.settings.data_dir, run.id), run.best_step)


def _run(container: Container, run: Run) -> schemas.ComparedRun:
    chosen: dict[str, Any] = {}
    for row in history.of_kind(runs_folder(container.settings.data_dir, run.id), "eval"):
        if not chosen or row["step"] == run.best_step:
            chosen = row
    return schemas.ComparedRun.model_validate(
        {
            "id": run.id,
            "name": run.name,
            "state": run.state,
            "step": chosen.get("step"),
            "channels": run.spec["channels"],
            "metrics": chosen.get("metrics", {}),
            "per_class": chosen.get("per_class", {}),
        }
    )


def _item(run_id: str, row: dict[str, Any], without: Shapes) -> schemas.ComparedItem:
    return schemas.ComparedItem(
        item=row["item"],
        name=row["name"],
        width=row["width"],
        height=row["height"],
        url=f"/api/training/{run_id}/samples/{row['step']}/{row['file']}",
        truth=row["truth"],
        with_relief=row["predicted"],
        without_relief=list(without),
    )


def _gain(item: schemas.ComparedItem) -> int:
    """Return how many true things relief finds that colour does not, less the other way round."""
    return sum(_found(true, item.with_relief) - _found(true, item.without_relief) for true in item.truth)


def _found(true: dict[str, Any], predicted: Iterable[dict[str, Any]]) -> bool:
    """Whether a prediction of the same class overlaps a true thing's box by half."""
    return any(
        (one.get("score") or 0.0) >= SURE
        and one["label"] == true["label"]
        and _overlap(_rectangle(one["shape"]), _rectangle(true["shape"])) >= _OVERLAP
        for one in predicted
    )


def _rectangle(shape: dict[str, Any]) -> Rectangle:
    if shape["type"] == "box":
        return shape["x"], shape["y"], shape["x"] + shape["width"], shape["y"] + shape["height"]
    if shape["type"] == "polygon":
        points = [xy for part in shape["parts"] for xy in part["outer"]]
    elif shape["type"] == "quad":
        points = shape["corners"]
    else:
        points = [(one["x"], one["y"]) for one in shape.get("points", [])]
    if not points:
        return 0.0, 0.0, 0.0, 0.0
    xs, ys = [xy[0] for xy in points], [xy[1] for xy in points]
    return min(xs), min(ys), max(xs), max(ys)


def _overlap(a: Rectangle, b: Rectangle) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _message(run: Run, plain: Run | None, items: Sequence[schemas.ComparedItem]) -> str:
    if plain is None:
        return f"The same training without relief begins when {run.name} is done."
    if not items:
        return f"{plain.name} is {plain.state}; it has said nothing of a held-out card yet."
    gained = sum(_gain(item) for item in items)
    cards = f"{len(items)} held-out cards"
    if gained <= 0:
        return f"On {cards} relief finds nothing that colour alone does not."
    return f"On {cards} relief finds {gained} flaws that colour alone does not."

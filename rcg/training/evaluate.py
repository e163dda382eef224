"""How good a network is on held-out items: COCO's precision by faster-coco-eval, points by distance.

Masks are compared at the training size. The interval is a bootstrap over items: it says how far the figure
would move with other items of the same kind, and with few items it is wide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import torch
from torch import nn

from rcg.datasets.sample import Sample
from rcg.training.data import TrainingData
from rcg.training.devices import Place
from rcg.training.evaluation import Evaluation, Output
from rcg.training.mask_figures import MaskFigures
from rcg.training.point_figures import PointFigures

_MASK: Final = 0.5


def outputs_of(
    model: nn.Module, data: TrainingData, indices: Iterable[int], place: Place
) -> dict[int, Output]:
    """Return what the network says of held-out items: boxes, labels, scores, masks (bool); or xy, score."""
    return {index: said for index, _, said in _said(model, data, indices, place, lambda _done: None)}


def _said(
    model: nn.Module, data: TrainingData, indices: Iterable[int], place: Place, each: Callable[[int], None]
) -> Iterator[tuple[int, Sample, Output]]:
    """Yield items with what the network says of them, one in memory at a time."""
    was_training = model.training
    model.eval()
    try:
        for done, index in enumerate(indices):
            each(done)
            sample = data.val[index]
            with torch.no_grad(), place.autocast():
                said = model([data.image(sample).to(place.device)])[0]
            entry = {key: value.detach().float().cpu().numpy() for key, value in said.items()}
            if "masks" in entry:
                entry["masks"] = entry["masks"][:, 0] > _MASK
            yield index, sample, entry
    finally:
        model.train(was_training)


def evaluate(
    model: nn.Module,
    data: TrainingData,
    indices: Sequence[int],
    place: Place,
    each: Callable[[int], None] = lambda _done: None,
    *,
    keep: Collection[int] = (),
) -> Evaluation:
    """Evaluate on the held-out items of those indices; of masks only run lengths stay in memory.

    Args:
        model, data, place: of the run.
        indices: which items.
        each: told before each item how many are done; may raise to cancel.
        keep: items whose outputs are returned.
    """
    points = data.schema.task == "points"
    gathered = PointFigures(data.schema.point_names) if points else MaskFigures(data.schema.class_names)
    outputs: dict[int, Output] = {}
    for index, sample, said in _said(model, data, indices, place, each):
        gathered.add(index, said, data.target(sample), sample.px_per_mm)
        if index in keep:
            outputs[index] = said
    found = gathered.figures(data.spec.input_size)
    return replace(found, outputs=outputs)

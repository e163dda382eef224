"""How good a network is on held-out items: COCO's precision by faster-coco-eval, points by distance.

Masks are compared at the training size. The interval is a bootstrap over items: it says how far the figure
would move with other items of the same kind, and with few items it is wide.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from rcg.training.data import TrainingData
from rcg.training.devices import Place
from rcg.training.matching import ItemMatches, average_precision, match, recall_at
from rcg.training.tensors import Target

RESAMPLES: Final = 200
_MASK: Final = 0.5
_LOW, _HIGH = 2.5, 97.5


@dataclass(frozen=True)
class Evaluation:
    """Figures of one evaluation.

    Attributes:
        metrics: by name, see :mod:`rcg.training.metrics`; a metric that cannot be computed is left out.
        per_class: class (or point) -> metric -> value.
        interval: metric -> 95 % interval.
        outputs: per item what the network said, for samples.
    """

    metrics: dict[str, float]
    per_class: dict[str, dict[str, float]]
    interval: dict[str, tuple[float, float]]
    outputs: dict[int, dict[str, npt.NDArray[Any]]] = field(default_factory=dict)


@torch.no_grad()
def outputs_of(
    model: nn.Module,
    data: TrainingData,
    indices: Sequence[int],
    place: Place,
    check: Callable[[], None] = lambda: None,
) -> dict[int, dict[str, npt.NDArray[Any]]]:
    """Return what the network says of held-out items: boxes, labels, scores, masks (bool); or xy, score."""
    was_training = model.training
    model.eval()
    found: dict[int, dict[str, npt.NDArray[Any]]] = {}
    for index in indices:
        check()
        with place.autocast():
            said = model([data.image(data.val[index]).to(place.device)])[0]
        entry = {key: value.detach().float().cpu().numpy() for key, value in said.items()}
        if "masks" in entry:
            entry["masks"] = entry["masks"][:, 0] > _MASK
        found[index] = entry
    model.train(was_training)
    return found


def evaluate(
    model: nn.Module,
    data: TrainingData,
    indices: Sequence[int],
    place: Place,
    check: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Evaluate on the held-out items of those indices. ``check`` may raise to cancel."""
    outputs = outputs_of(model, data, indices, place, check)
    targets = {index: data.target(data.val[index]) for index in indices}
    if data.schema.task == "points":
        scale = {index: data.val[index].px_per_mm for index in indices}
        return of_points(data.schema.point_names, outputs, targets, scale, data.spec.input_size)
    return of_masks(data.schema.class_names, outputs, targets)


def of_masks(
    names: Sequence[str], outputs: dict[int, dict[str, npt.NDArray[Any]]], targets: dict[int, Target]
) -> Evaluation:
    """Return average precision, overall and per class, of masks and boxes; recall at one false alarm."""
    if not any(len(target["labels"]) for target in targets.values()):
        return Evaluation({}, {}, {}, outputs)
    mask_ap, mask_ap50, per_class = coco_precision(names, outputs, targets, "segm")
    box_ap, box_ap50, _ = coco_precision(names, outputs, targets, "bbox")
    matches = [match(outputs[index], targets[index]) for index in outputs]
    metrics = {
        "mask_ap50": mask_ap50,
        "mask_ap": mask_ap,
        "box_ap50": box_ap50,
        "box_ap": box_ap,
        "recall_1fa": recall_at(matches, 1.0),
    }
    interval = bootstrap(matches, lambda chosen: mean_ap50(chosen, len(names)))
    return Evaluation(metrics, per_class, {"mask_ap50": interval} if interval else {}, outputs)


def mean_ap50(matches: Sequence[ItemMatches], classes: int) -> float:
    """Return AP50 of masks, the mean over the classes that are there; NaN when none is."""
    per_class = [average_precision(matches, label) for label in range(1, classes + 1)]
    known = [value for value in per_class if value is not None]
    return float(np.mean(known)) if known else float("nan")


def bootstrap(
    matches: Sequence[ItemMatches], figure: Callable[[Sequence[ItemMatches]], float]
) -> tuple[float, float] | None:
    """Return the 95 % interval of a figure over items drawn with replacement; None with fewer than four."""
    if len(matches) < 4:
        return None
    rng = np.random.default_rng(0)
    drawn = [
        figure([matches[i] for i in rng.integers(0, len(matches), len(matches))]) for _ in range(RESAMPLES)
    ]
    known = np.array([value for value in drawn if np.isfinite(value)])
    if not len(known):
        return None
    low, high = np.percentile(known, [_LOW, _HIGH])
    return float(low), float(high)


def coco_precision(
    names: Sequence[str],
    outputs: dict[int, dict[str, npt.NDArray[Any]]],
    targets: dict[int, Target],
    kind: str,
) -> tuple[float, float, dict[str, dict[str, float]]]:
    """Return AP, AP50 and per class both, by COCO's rules. Classes without a held-out object are left out.

    Args:
        names: of the classes; labels count from 1.
        outputs: per item boxes, labels, scores, masks.
        targets: per item boxes, labels, masks.
        kind: ``segm`` or ``bbox``.
    """
    from faster_coco_eval import COCO, COCOeval_faster  # noqa: PLC0415 - half a second that others need not wait

    truth, found = coco_data(names, outputs, targets)
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(truth)
        dt = gt.loadRes(found) if found else COCO({**truth, "annotations": []})
        judge = COCOeval_faster(gt, dt, kind, print_function=lambda *_: None)
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"]  # overlaps, recalls, classes, areas, most detections
    per_class: dict[str, dict[str, float]] = {}
    for place, label in enumerate(judge.params.catIds):
        every, half = precision[:, :, place, 0, -1], precision[0, :, place, 0, -1]
        if (every > -1).any():
            prefix = "mask" if kind == "segm" else "box"
            per_class[names[label - 1]] = {
                f"{prefix}_ap50": float(half[half > -1].mean()),
                f"{prefix}_ap": float(every[every > -1].mean()),
            }
    all_of, half_of = precision[:, :, :, 0, -1], precision[0, :, :, 0, -1]
    return _mean(all_of), _mean(half_of), per_class


def coco_data(
    names: Sequence[str], outputs: dict[int, dict[str, npt.NDArray[Any]]], targets: dict[int, Target]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return truth and detections in COCO's form, masks as run lengths."""
    annotations: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    for index, target in targets.items():
        masks = target["masks"].numpy()
        images.append({"id": index + 1, "height": int(masks.shape[1]), "width": int(masks.shape[2])})
        for mask, label in zip(masks, target["labels"].tolist(), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index + 1,
                    "category_id": label,
                    "iscrowd": 0,
                    "area": float(mask.sum()),
                    "bbox": _xywh(mask),
                    "segmentation": _run_lengths(mask),
                }
            )
        said = outputs[index]
        for place, score in enumerate(said["scores"]):
            box = said["boxes"][place]
            found.append(
                {
                    "image_id": index + 1,
                    "category_id": int(said["labels"][place]),
                    "score": float(score),
                    "bbox": [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])],
                    "segmentation": _run_lengths(said["masks"][place]),
                }
            )
    categories = [{"id": place, "name": name} for place, name in enumerate(names, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories, "info": {}}, found


def of_points(
    names: Sequence[str],
    outputs: dict[int, dict[str, npt.NDArray[Any]]],
    targets: dict[int, Target],
    scale: dict[int, float | None],
    canvas: tuple[int, int],
) -> Evaluation:
    """Return the mean error in px and mm, and shares within tolerances, overall and per point."""
    errors, millimetres = (
        np.full((len(outputs), len(names)), np.nan),
        np.full((len(outputs), len(names)), np.nan),
    )
    for row, (index, said) in enumerate(outputs.items()):
        wanted, known = targets[index]["xy"].numpy(), targets[index]["known"].numpy() > 0
        distance = np.linalg.norm(said["xy"] - wanted, axis=1)
        errors[row, known] = distance[known]
        if (px := scale[index]) is not None:
            millimetres[row, known] = distance[known] / px
    if not np.isfinite(errors).any():
        return Evaluation({}, {}, {}, outputs)
    near = 0.01 * max(canvas)
    metrics = {"error_px": float(np.nanmean(errors)), "pck": _share(errors, near)}
    if np.isfinite(millimetres).any():
        metrics |= {"error_mm": float(np.nanmean(millimetres)), "pck_01mm": _share(millimetres, 0.1)}
    per_point = {
        name: {"error_px": float(np.nanmean(errors[:, place])), "pck": _share(errors[:, place], near)}
        for place, name in enumerate(names)
        if np.isfinite(errors[:, place]).any()
    }
    rng = np.random.default_rng(0)
    drawn = [
        errors[rng.integers(0, len(errors), len(errors))] for _ in range(RESAMPLES if len(errors) >= 4 else 0)
    ]
    interval = {}
    if drawn:
        low, high = np.percentile([_share(rows, near) for rows in drawn], [_LOW, _HIGH])
        interval["pck"] = (float(low), float(high))
        low, high = np.percentile([np.nanmean(rows) for rows in drawn], [_LOW, _HIGH])
        interval["error_px"] = (float(low), float(high))
    return Evaluation(metrics, per_point, interval, outputs)


def _share(errors: npt.NDArray[np.float64], within: float) -> float:
    known = errors[np.isfinite(errors)]
    return float((known <= within).mean()) if len(known) else 0.0


def _mean(precision: npt.NDArray[np.float64]) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0


def _run_lengths(mask: npt.NDArray[Any]) -> dict[str, Any]:
    from pycocotools import mask as coder  # noqa: PLC0415

    said: dict[str, Any] = coder.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in said["size"]], "counts": said["counts"].decode()}


def _xywh(mask: npt.NDArray[Any]) -> list[float]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return [
        float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1),
    ]  # fmt: skip

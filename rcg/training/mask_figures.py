"""How good outlines are: COCO's precision by faster-coco-eval, and an interval by drawing items again."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rcg.training.evaluation import INTERVAL, RESAMPLES, Evaluation, Output
from rcg.training.matching import ItemMatches, average_precision, match, recall_at
from rcg.training.tensors import Target


class MaskFigures:
    """Truth and detections in COCO's form, and which is which, item by item."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._found: list[dict[str, Any]] = []
        self._matches: list[ItemMatches] = []

    def add(self, index: int, said: Output, target: Target, px_per_mm: float | None = None) -> None:  # noqa: ARG002
        """Take an item in."""
        masks = target["masks"].numpy()
        self._images.append({"id": index + 1, "height": int(masks.shape[1]), "width": int(masks.shape[2])})
        for mask, label in zip(masks, target["labels"].tolist(), strict=True):
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": index + 1,
                    "category_id": label,
                    "iscrowd": 0,
                    "area": float(mask.sum()),
                    "bbox": _xywh(mask),
                    "segmentation": _run_lengths(mask),
                }
            )
        for place, score in enumerate(said["scores"]):
            box = said["boxes"][place]
            self._found.append(
                {
                    "image_id": index + 1,
                    "category_id": int(said["labels"][place]),
                    "score": float(score),
                    "bbox": [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])],
                    "segmentation": _run_lengths(said["masks"][place]),
                }
            )
        self._matches.append(match(said, target))

    def coco(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return truth and detections."""
        categories = [{"id": place, "name": name} for place, name in enumerate(self._names, start=1)]
        truth = {
            "images": self._images, "annotations": self._annotations, "categories": categories, "info": {},
        }  # fmt: skip
        return truth, self._found

    def precision(self, kind: str) -> tuple[float, float, dict[str, dict[str, float]]]:
        """See :func:`coco_precision`."""
        from faster_coco_eval import COCO, COCOeval_faster  # noqa: PLC0415 - half a second others need not wait

        truth, found = self.coco()
        with contextlib.redirect_stdout(io.StringIO()):
            gt = COCO(truth)
            # It writes into what it is given, which the other kind needs as it was.
            dt = gt.loadRes([dict(one) for one in found]) if found else COCO({**truth, "annotations": []})
            judge = COCOeval_faster(gt, dt, kind, print_function=lambda *_: None)
            judge.evaluate()
            judge.accumulate()
        precision = judge.eval["precision"]  # overlaps, recalls, classes, areas, most detections
        per_class: dict[str, dict[str, float]] = {}
        for place, label in enumerate(judge.params.catIds):
            every, half = precision[:, :, place, 0, -1], precision[0, :, place, 0, -1]
            if (every > -1).any():
                prefix = "mask" if kind == "segm" else "box"
                per_class[self._names[label - 1]] = {
                    f"{prefix}_ap50": float(half[half > -1].mean()),
                    f"{prefix}_ap": float(every[every > -1].mean()),
                }
        all_of, half_of = precision[:, :, :, 0, -1], precision[0, :, :, 0, -1]
        return _mean(all_of), _mean(half_of), per_class

    def figures(self, _canvas: tuple[int, int] = (0, 0)) -> Evaluation:
        """Return average precision, overall and per class, of masks and boxes; recall at one false alarm."""
        if not self._annotations:
            return Evaluation({}, {}, {})
        mask_ap, mask_ap50, per_class = self.precision("segm")
        box_ap, box_ap50, _ = self.precision("bbox")
        metrics = {
            "mask_ap50": mask_ap50,
            "mask_ap": mask_ap,
            "box_ap50": box_ap50,
            "box_ap": box_ap,
            "recall_1fa": recall_at(self._matches, 1.0),
        }
        interval = bootstrap(self._matches, lambda chosen: mean_ap50(chosen, len(self._names)))
        return Evaluation(metrics, per_class, {"mask_ap50": interval} if interval else {})


def of_masks(names: Sequence[str], outputs: dict[int, Output], targets: dict[int, Target]) -> Evaluation:
    """Return the figures of outputs with masks against their targets."""
    return replace(_masks(names, outputs, targets).figures(), outputs=outputs)


def _masks(names: Sequence[str], outputs: dict[int, Output], targets: dict[int, Target]) -> MaskFigures:
    gathered = MaskFigures(names)
    for index, target in targets.items():
        gathered.add(index, outputs[index], target)
    return gathered


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
    low, high = np.percentile(known, INTERVAL)
    return float(low), float(high)


def coco_precision(
    names: Sequence[str], outputs: dict[int, Output], targets: dict[int, Target], kind: str
) -> tuple[float, float, dict[str, dict[str, float]]]:
    """Return AP, AP50 and per class both, by COCO's rules. Classes without a held-out object are left out.

    Args:
        names: of the classes; labels count from 1.
        outputs: per item boxes, labels, scores, masks.
        targets: per item boxes, labels, masks.
        kind: ``segm`` or ``bbox``.
    """
    return _masks(names, outputs, targets).precision(kind)


def coco_data(
    names: Sequence[str], outputs: dict[int, Output], targets: dict[int, Target]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return truth and detections in COCO's form, masks as run lengths."""
    return _masks(names, outputs, targets).coco()


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

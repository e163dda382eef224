import contextlib
import io

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from rcg.training.mask_figures import bootstrap, coco_data, coco_precision, of_masks
from rcg.training.matching import average_precision, match, overlaps, recall_at
from rcg.training.point_figures import of_points

NAMES = ("dent", "scratch", "stain")
SIZE = 48


def drawn(seed, images=14):
    """Objects and detections of which some are right, some off, some of another class, some made up."""
    rng = np.random.default_rng(seed)
    outputs, targets = {}, {}
    for index in range(images):
        boxes, labels, masks = [], [], []
        found = {"boxes": [], "labels": [], "scores": [], "masks": []}
        for _ in range(rng.integers(0, 5)):
            x, y, w, h = *rng.integers(0, SIZE - 16, 2), *rng.integers(6, 16, 2)
            label = int(rng.integers(1, 4))
            boxes.append([x, y, x + w, y + h])
            labels.append(label)
            masks.append(square(x, y, w, h))
            for _ in range(rng.integers(0, 3)):
                shift = rng.integers(-3, 4, 2) * (rng.random() < 0.6)
                said = label if rng.random() < 0.8 else int(rng.integers(1, 4))
                add(found, x + shift[0], y + shift[1], w, h, said, rng)
        for _ in range(rng.integers(0, 2)):
            add(found, *rng.integers(0, SIZE - 8, 2), 6, 6, int(rng.integers(1, 4)), rng)
        targets[index] = {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor(labels, dtype=torch.int64),
            "masks": torch.tensor(np.array(masks).reshape(-1, SIZE, SIZE), dtype=torch.uint8),
        }
        outputs[index] = {
            "boxes": np.array(found["boxes"], np.float32).reshape(-1, 4),
            "labels": np.array(found["labels"], np.int64),
            "scores": np.array(found["scores"], np.float32),
            "masks": np.array(found["masks"], bool).reshape(-1, SIZE, SIZE),
        }
    return outputs, targets


def square(x, y, w, h):
    mask = np.zeros((SIZE, SIZE), bool)
    mask[max(y, 0) : y + h, max(x, 0) : x + w] = True
    return mask


def add(found, x, y, w, h, label, rng):
    mask = square(x, y, w, h)
    if not mask.any():
        return
    found["boxes"].append([max(x, 0), max(y, 0), x + w, y + h])
    found["labels"].append(label)
    found["scores"].append(float(rng.random()))
    found["masks"].append(mask)


def reference(outputs, targets, kind):
    """The same by pycocotools."""
    truth, found = coco_data(NAMES, outputs, targets)
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = truth
        gt.createIndex()
        judge = COCOeval(gt, gt.loadRes(found), kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = judge.eval["precision"]
    per_class = {}
    for place, name in enumerate(NAMES):
        half = precision[0, :, place, 0, -1]
        if (half > -1).any():
            per_class[name] = half.mean()
    return judge.stats[0], judge.stats[1], per_class


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_figures_equal_those_of_pycocotools_to_five_digits(seed, kind):
    outputs, targets = drawn(seed)
    ap, ap50, per_class = coco_precision(NAMES, outputs, targets, kind)
    wanted_ap, wanted_ap50, wanted_classes = reference(outputs, targets, kind)
    assert ap == pytest.approx(wanted_ap, abs=5e-6)
    assert ap50 == pytest.approx(wanted_ap50, abs=5e-6)
    prefix = "mask" if kind == "segm" else "box"
    assert {name: figures[f"{prefix}_ap50"] for name, figures in per_class.items()} == pytest.approx(
        wanted_classes, abs=5e-6
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_matching_that_is_resampled_gives_the_same_precision(seed):
    outputs, targets = drawn(seed)
    matches = [match(outputs[index], targets[index]) for index in outputs]
    _, _, per_class = reference(outputs, targets, "segm")
    for place, name in enumerate(NAMES, start=1):
        if name in per_class:
            assert average_precision(matches, place) == pytest.approx(per_class[name], abs=5e-6)


def test_perfect_and_blind_networks():
    _, targets = drawn(1)
    perfect = {
        index: {
            "boxes": target["boxes"].numpy(), "labels": target["labels"].numpy(),
            "scores": np.full(len(target["labels"]), 0.9, np.float32), "masks": target["masks"].numpy() > 0,
        }
        for index, target in targets.items()
    }  # fmt: skip
    blind = {index: {key: value[:0] for key, value in said.items()} for index, said in perfect.items()}
    best, worst = of_masks(NAMES, perfect, targets), of_masks(NAMES, blind, targets)
    assert best.metrics == pytest.approx(dict.fromkeys(best.metrics, 1.0))
    assert worst.metrics == dict.fromkeys(best.metrics, 0.0)
    assert best.interval["mask_ap50"] == (1.0, 1.0)


def test_classes_that_no_held_out_item_has_are_left_out():
    outputs, targets = drawn(2)
    for target in targets.values():
        keep = target["labels"] != 2
        for key in target:
            target[key] = target[key][keep]
    found = of_masks(NAMES, outputs, targets)
    assert set(found.per_class) == {"dent", "stain"}


def test_without_any_object_nothing_is_said():
    outputs, targets = drawn(2)
    empty = {index: {key: value[:0] for key, value in target.items()} for index, target in targets.items()}
    assert of_masks(NAMES, outputs, empty).metrics == {}


def test_recall_at_one_false_alarm_per_item_by_hand():
    outputs = {0: said((0, 0, 0.9), (20, 20, 0.8), (40, 0, 0.7), (0, 20, 0.6))}
    targets = {0: truth((0, 0), (0, 20))}
    matches = [match(outputs[0], targets[0])]
    assert matches[0].hit.tolist() == [True, False, False, True]
    assert recall_at(matches, 0) == 0.5
    assert recall_at(matches, 1) == 0.5
    assert recall_at(matches, 2) == 1.0


def test_an_object_is_found_once():
    matches = match(said((0, 0, 0.9), (1, 0, 0.8)), truth((0, 0)))
    assert matches.hit.tolist() == [True, False]


def said(*found):
    return {
        "boxes": np.array([[x, y, x + 8, y + 8] for x, y, _ in found], np.float32),
        "labels": np.ones(len(found), np.int64),
        "scores": np.array([score for *_, score in found], np.float32),
        "masks": np.array([square(x, y, 8, 8) for x, y, _ in found]),
    }


def truth(*places):
    masks = np.array([square(x, y, 8, 8) for x, y in places])
    return {
        "boxes": torch.tensor([[x, y, x + 8, y + 8] for x, y in places], dtype=torch.float32),
        "labels": torch.ones(len(places), dtype=torch.int64),
        "masks": torch.from_numpy(masks.astype(np.uint8)),
    }


def test_overlaps_by_hand():
    a, b = square(0, 0, 8, 8), square(4, 0, 8, 8)
    assert overlaps(a.reshape(1, -1), b.reshape(1, -1))[0, 0] == pytest.approx(1 / 3)


def test_the_interval_holds_the_figure_and_narrows_with_more_items():
    outputs, targets = drawn(3, images=60)
    matches = [match(outputs[index], targets[index]) for index in outputs]

    def figure(chosen):
        return recall_at(chosen, 1.0)

    low, high = bootstrap(matches, figure)
    few_low, few_high = bootstrap(matches[:12], figure)
    assert low < figure(matches) < high
    assert high - low < few_high - few_low
    assert bootstrap(matches[:3], figure) is None


def test_point_errors_by_hand():
    outputs = {
        0: {"xy": np.array([[10.0, 10.0], [20.0, 24.0]]), "score": np.ones(2)},
        1: {"xy": np.array([[13.0, 14.0], [0.0, 0.0]]), "score": np.ones(2)},
    }
    targets = {
        0: {"xy": torch.tensor([[10.0, 10.0], [20.0, 20.0]]), "known": torch.tensor([1.0, 1.0])},
        1: {"xy": torch.tensor([[10.0, 10.0], [9.0, 9.0]]), "known": torch.tensor([1.0, 0.0])},
    }
    found = of_points(("a", "b"), outputs, targets, {0: 10.0, 1: None}, (100, 450))
    assert found.metrics["error_px"] == pytest.approx((0 + 4 + 5) / 3)
    assert found.metrics["pck"] == pytest.approx(2 / 3)
    assert found.metrics["error_mm"] == pytest.approx((0 + 0.4) / 2)
    assert found.metrics["pck_01mm"] == pytest.approx(1 / 2)
    assert found.per_class["a"]["error_px"] == pytest.approx(2.5)
    assert found.per_class["b"] == {"error_px": pytest.approx(4.0), "pck": 1.0}

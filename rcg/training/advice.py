"""What to know before a run is launched: what cannot work, and what will not work well. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rcg.datasets.schema import Kind
from rcg.errors import InputError
from rcg.training.architectures import has_relief
from rcg.training.spec import RunSpec
from rcg.training.summary import Summary

SMALL_PX: Final = 224
_FEW_CARDS: Final = 10
_FEW_HELD_OUT: Final = 20
_COVERED: Final = 0.85
_TINY_OBJECT_PX: Final = 6.0


@dataclass(frozen=True)
class Advice:
    """A warning: what is so, what to do, and the option it is about (empty: the dataset)."""

    code: str
    text: str
    action: str
    field: str = ""


def refuse(s: Summary, kind: Kind) -> None:
    """Raise InputError when nothing can be trained on this version."""
    name = f"{s.dataset} version {s.number}"
    if not s.total:
        raise InputError(
            f"{name} is empty: there is nothing to train on.",
            "Fill the dataset with captures, images or rendered cards, then make a version.",
        )
    if not s.items.get("train"):
        raise InputError(
            f"None of the {s.total} items of {name} is in the training part.",
            "Make a version whose split gives items to train.",
        )
    if not s.labelled:
        raise InputError(
            f"None of the {s.items['train']} training items of {name} has an annotation.",
            "Annotate some items, or accept predictions, then make a new version.",
        )
    missing = [layer for layer in kind.required_layers if layer not in s.layers]
    if missing:
        raise InputError(
            f"No item of {name} has the layer {missing[0]!r}, which {kind.title} needs.",
            "Fill it from captures or rendered cards, or make a dataset of a kind without relief.",
        )


def check_channels(channels: Sequence[str], s: Summary, *, relief: bool) -> None:
    """Raise InputError when layers were chosen that no item has, or relief is needed and none was chosen."""
    if not channels:
        raise InputError("No layer is chosen.", f"Choose from {', '.join(s.layers)}.", field="channels")
    absent = [name for name in channels if name not in s.layers]
    if absent:
        raise InputError(
            f"No item has the layer {absent[0]!r}.", f"Choose from {', '.join(s.layers)}.", field="channels"
        )
    if len(set(channels)) < len(channels):
        raise InputError("A layer is chosen twice.", "Name each once.", field="channels")
    if relief and not has_relief(channels):
        there = [name for name in s.layers if has_relief([name])]
        raise InputError(
            f"Photometric fusion needs relief, and the layers are {', '.join(channels)}.",
            f"Add {' or '.join(there[:3])}, or take mask_rcnn_primary.",
            field="channels",
        )


def warnings(s: Summary, kind: Kind, spec: RunSpec, coverage: float | None) -> list[Advice]:
    """Return what to know of a plan, the weightiest first."""
    return [*_of_split(s, spec), *_of_labels(s), *_of_layers(s, kind, spec), *_of_sizes(s, spec, coverage)]


def _of_split(s: Summary, spec: RunSpec) -> list[Advice]:
    found: list[Advice] = []
    held_out = s.items.get("val", 0)
    if not held_out:
        found.append(
            Advice(
                "no_held_out",
                "No item is held out: nothing can be said of how good the model is, and no target or "
                "patience can end the run.",
                "Make a version whose split holds some cards out.",
            )
        )
    elif held_out < _FEW_HELD_OUT:
        found.append(
            Advice(
                "few_held_out",
                f"Only {held_out} item{' is' if held_out == 1 else 's are'} held out: figures will move "
                "by much with chance, see their interval.",
                "Annotate more cards, or hold more out.",
            )
        )
    target = spec.stop.target
    if target is not None and held_out and target.value >= 0.95 and held_out < 60:
        found.append(
            Advice(
                "target_unproven",
                f"With {held_out} held-out items a {target.metric} of {target.value:g} is within chance of "
                f"much less: no miss in {held_out} proves at most {1 - 3 / held_out:.2f}.",
                "Hold more cards out before you rely on it.",
                "stop.target",
            )
        )
    if s.cards.get("train", 0) < _FEW_CARDS:
        found.append(
            Advice(
                "few_cards",
                f"There are {s.cards.get('train', 0)} cards to learn from; the model will know these rather "
                "than cards.",
                "Add more cards; rendered ones count for a start.",
            )
        )
    return found


def _of_labels(s: Summary) -> list[Advice]:
    found: list[Advice] = []
    taught = {name: counts for name, counts in s.classes.items() if counts.get("train")}
    absent = [name for name in s.classes if name not in taught]
    if s.label_schema.task == "instance" and len(s.classes) > 1 and len(taught) == 1:
        found.append(
            Advice(
                "one_class",
                f"Only {s.label_schema.titled(list(taught))} is annotated; the other {len(absent)} classes "
                "cannot be learnt.",
                "Annotate the others, or take them out of the label schema.",
            )
        )
    elif absent and s.label_schema.task == "instance":
        found.append(
            Advice(
                "classes_without_examples",
                f"Nothing to train on is annotated as {s.label_schema.titled(absent[:5])}: the model will "
                "never say so.",
                "Annotate some, or leave it at that.",
            )
        )
    unseen = [name for name, counts in taught.items() if s.items.get("val") and not counts.get("val")]
    if unseen and s.label_schema.task == "instance":
        found.append(
            Advice(
                "classes_not_held_out",
                f"No held-out item has {s.label_schema.titled(unseen[:5])}: nothing will be said of how well "
                "that is found.",
                "Annotate more items, or choose another seed for the split.",
            )
        )
    lost = [name for name in s.label_schema.point_names if not s.points.get(name)]
    if s.label_schema.task == "points" and lost:
        found.append(
            Advice(
                "points_without_examples",
                f"No training item has the point {s.label_schema.titled(lost[:5])}.",
                "Set it on some items.",
            )
        )
    unlabelled = s.items.get("train", 0) - s.labelled
    if unlabelled:
        found.append(
            Advice(
                "empty_items",
                f"{unlabelled} training items have no annotation; they teach that there is nothing to find.",
                "Leave them in if that is true of them.",
            )
        )
    if s.pending:
        found.append(
            Advice(
                "pending_predictions",
                f"{s.pending} predictions were not accepted; they are not trained on.",
                "Accept or correct them in the annotator, then make a new version.",
            )
        )
    return found


def _of_layers(s: Summary, kind: Kind, spec: RunSpec) -> list[Advice]:
    found: list[Advice] = []
    some = [f"{name} ({s.total - s.layers[name]})" for name in spec.channels if s.layers[name] < s.total]
    if some:
        found.append(
            Advice(
                "layers_missing",
                f"Some of the {s.total} items lack {', '.join(some)}; the network is given nothing in their "
                "place.",
                "Fill those items from captures, or leave the layer out.",
                "channels",
            )
        )
    if has_relief(kind.channels) and not has_relief(spec.channels):
        found.append(
            Advice(
                "no_relief",
                "The network is given no relief: what only shows in relief, as dents do, will not be found.",
                "Fill the dataset from captures or rendered cards, or choose the layers normal and "
                "curvature.",
                "channels",
            )
        )
    return found


def _of_sizes(s: Summary, spec: RunSpec, coverage: float | None) -> list[Advice]:
    found: list[Advice] = []
    if s.smallest < SMALL_PX:
        found.append(
            Advice(
                "small_images",
                f"The smallest item has a side of {s.smallest} px, under {SMALL_PX}: small flaws are lost in "
                "it.",
                "Photograph those cards larger.",
            )
        )
    scale = min(spec.input_size[0] / max(s.width, 1), spec.input_size[1] / max(s.height, 1))
    if s.boxes:
        sides = sorted((w * s.width * h * s.height) ** 0.5 * scale for _, w, h in s.boxes)
        tenth = sides[len(sides) // 10]
        if tenth < _TINY_OBJECT_PX:
            found.append(
                Advice(
                    "tiny_objects",
                    f"One annotation in ten is under {tenth:.1f} px across at the training size: such are "
                    "hardly found.",
                    "Choose a larger training size.",
                    "input_size",
                )
            )
    if coverage is not None and coverage < _COVERED:
        found.append(
            Advice(
                "anchors",
                f"Only {coverage:.0%} of the boxes meet an anchor by half.",
                "Add ratios or change the sizes.",
                "model.anchor_sizes",
            )
        )
    return found

"""The options of a plan as a form shows them: titles, groups, types, limits. Values come as JSON or text."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from rcg.errors import InputError

FieldType = Literal[
    "integer", "number", "flag", "choice", "text", "numbers", "size", "layers", "recipe", "target", "weights"
]
NOTHING: Final = frozenset({"", "none", "null", "off"})
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
_TARGET = re.compile(r"\s*([a-z0-9_]+)\s*(?:>=|<=|[:=])\s*([-+.\deE]+)\s*")


@dataclass(frozen=True)
class Info:
    """One option.

    Attributes:
        type: how it is shown and read.
        minimum, maximum, unit: of numbers.
        nullable: whether it may be left out.
    """

    title: str
    group: str
    type: FieldType
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    nullable: bool = False


_DATA, _LENGTH, _NETWORK, _LEARNING, _STOP, _MACHINE = (
    "Data", "Length", "Network", "Learning", "When to stop", "Machine",
)  # fmt: skip

FIELDS: Final[dict[str, Info]] = {
    "channels": Info("Layers", _DATA, "layers"),
    "input_size": Info("Training size", _DATA, "size", 64, 4096, "px"),
    "recipe": Info("Augmentation", _DATA, "recipe", nullable=True),
    "modality_dropout": Info("Leave relief out", _DATA, "number", 0, 0.9),
    "steps": Info("Steps", _LENGTH, "integer", 1, 10_000_000),
    "batch_size": Info("Items per step", _LENGTH, "integer", 1, 1024),
    "eval_every": Info("Evaluate every", _LENGTH, "integer", 1, 10_000_000, "steps"),
    "eval_share": Info("Time for evaluation at most", _LENGTH, "number", 0.001, 1),
    "eval_items": Info("Held-out items per evaluation", _LENGTH, "integer", 1, nullable=True),
    "checkpoint_every": Info("Checkpoint every", _LENGTH, "integer", 1, 10_000_000, "steps"),
    "model.backbone": Info("Backbone", _NETWORK, "choice"),
    "model.fusion": Info("Joining relief and colour", _NETWORK, "choice"),
    "model.norm": Info("Norm", _NETWORK, "choice"),
    "model.fpn_channels": Info("Pyramid width", _NETWORK, "integer", 16, 512),
    "model.head_width": Info("Box head width", _NETWORK, "integer", 32, 2048),
    "model.mask_channels": Info("Mask head width", _NETWORK, "integer", 16, 512),
    "model.mask_layers": Info("Mask head layers", _NETWORK, "integer", 1, 8),
    "model.mask_resolution": Info("Mask resolution", _NETWORK, "choice", unit="cells"),
    "model.anchor_sizes": Info("Anchor sizes", _NETWORK, "numbers", unit="px"),
    "model.anchor_scales": Info("Anchor scales", _NETWORK, "numbers"),
    "model.anchor_ratios": Info("Anchor ratios", _NETWORK, "numbers"),
    "model.proposals": Info("Proposals", _NETWORK, "numbers"),
    "model.rpn_samples": Info("Anchors sampled per item", _NETWORK, "integer", 8, 1024),
    "model.box_samples": Info("Boxes sampled per item", _NETWORK, "integer", 8, 1024),
    "model.detections": Info("Objects per item at most", _NETWORK, "integer", 1, 1000),
    "model.score_threshold": Info("Least score", _NETWORK, "number", 0, 1),
    "model.width": Info("Width", _NETWORK, "integer", 16, 512),
    "model.stride": Info("Heat-map stride", _NETWORK, "choice", unit="px"),
    "model.sigma": Info("Heat-map spread", _NETWORK, "number", 0.1, 8, "cells"),
    "model.spread_weight": Info("Weight of the spread", _NETWORK, "number", 0, 10),
    "weights": Info("Weights to begin with", _NETWORK, "weights", nullable=True),
    "optimiser.name": Info("Optimiser", _LEARNING, "choice"),
    "optimiser.lr": Info("Learning rate", _LEARNING, "number", 1e-9, 10),
    "optimiser.weight_decay": Info("Weight decay", _LEARNING, "number", 0, 1),
    "optimiser.momentum": Info("Momentum (SGD)", _LEARNING, "number", 0, 0.999),
    "optimiser.clip": Info("Gradient norm at most", _LEARNING, "number", 0),
    "schedule.warmup": Info("Warm-up", _LEARNING, "integer", 0, 1_000_000, "steps"),
    "schedule.hold": Info("Full rate until", _LEARNING, "number", 0, 1),
    "schedule.final": Info("Rate at the end", _LEARNING, "number", 0, 1),
    "stop.target": Info("Target", _STOP, "target", nullable=True),
    "stop.patience": Info("Patience", _STOP, "integer", 1, None, "evaluations", True),
    "stop.max_seconds": Info("Time at most", _STOP, "number", 1, None, "s", True),
    "stop.max_epochs": Info("Epochs at most", _STOP, "number", 0.01, nullable=True),
    "metric": Info("Deciding metric", _STOP, "choice"),
    "device": Info("Device", _MACHINE, "choice"),
    "precision": Info("Precision", _MACHINE, "choice"),
    "threads": Info("Threads", _MACHINE, "integer", 1, 256, nullable=True),
    "seed": Info("Seed", _MACHINE, "integer", 0, 2**31 - 1),
    "shuffle_labels": Info("Shuffle labels (a control that must fail)", _MACHINE, "flag"),
}


def unknown(key: str) -> InputError:
    """Return the error for an option that does not exist."""
    near = difflib.get_close_matches(key, FIELDS, n=3, cutoff=0.5)
    # Someone who writes "lr" means the one option that ends so.
    near = [name for name in FIELDS if name.rpartition(".")[2] == key] or near
    return InputError(
        f"There is no training option {key[:80]!r}.",
        f"Did you mean {' or '.join(near)}?" if near else "The plan shows every option: rcg train --plan.",
        field=key,
    )


def coerce(key: str, value: Any) -> Any:
    """Return a value as the option's type.

    Text is read as a person writes it: ``--set input_size=160x224``, ``--set stop.target=mask_ap50>=0.9``.

    Raises:
        InputError: it cannot be read; ``data`` names the field.
    """
    info = FIELDS[key]
    if isinstance(value, str) and info.nullable and value.strip().lower() in NOTHING:
        return None
    if value is None:
        if info.nullable:
            return None
        raise _wrong(key, value, "it needs a value")
    try:
        return _read(info, value)
    except (ValueError, TypeError, OverflowError) as error:
        raise _wrong(key, value, str(error)) from error


def _read(info: Info, value: Any) -> Any:
    if info.type in {"integer", "number"}:
        return _number(info, value)
    if info.type in {"numbers", "size"}:
        parts = re.split(r"[\s,;x×]+", value.strip(" []()")) if isinstance(value, str) else list(value)
        numbers = [float(part) for part in parts if part != ""]
        return tuple(int(number) if number.is_integer() else number for number in numbers)
    if info.type in _READERS:
        return _READERS[info.type](value)
    text = value.strip() if isinstance(value, str) else value
    return int(text) if isinstance(text, str) and text.isdecimal() else text


def _layers(value: Any) -> tuple[str, ...]:
    parts = re.split(r"[\s,;+]+", value.strip(" []()")) if isinstance(value, str) else list(value)
    return tuple(str(part) for part in parts if part)


def _recipe(value: Any) -> dict[str, Any]:
    value = json.loads(value) if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        raise TypeError("a recipe is an object with steps")
    return dict(value)


def _weights(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {"sha256": str(value)}


def _number(info: Info, value: Any) -> float | int:
    if isinstance(value, bool):
        raise TypeError("it must be a number")
    number = float(value)
    if number != number or (info.minimum is not None and number < info.minimum):  # noqa: PLR0124  NaN
        raise ValueError(f"it must be at least {info.minimum:g}")
    if info.maximum is not None and number > info.maximum:
        raise ValueError(f"it must be at most {info.maximum:g}")
    if info.type == "number":
        return number
    if not number.is_integer():
        raise ValueError("it must be a whole number")
    return int(number)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError("it must be yes or no")


def _target(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"metric": str(value["metric"]), "value": float(value["value"])}
    if isinstance(value, str) and (match := _TARGET.fullmatch(value)):
        return {"metric": match[1], "value": float(match[2])}
    raise ValueError("a target is a metric and a value, as in mask_ap50>=0.9")


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "flag": _flag, "layers": _layers, "target": _target, "recipe": _recipe, "weights": _weights,
}  # fmt: skip


def _wrong(key: str, value: Any, why: str) -> InputError:
    info = FIELDS[key]
    return InputError(
        f"{info.title} ({key}) cannot be {str(value)[:80]!r}: {why}.", "Change that option.", field=key
    )

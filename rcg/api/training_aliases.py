"""Other names by which scripts call the options of a training, said in the plan's own words.

Nothing is guessed: a name that is not listed is an error that names the near ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from rcg.errors import InputError
from rcg.training.architectures import ARCHITECTURES
from rcg.training.fields import FIELDS

OWN: Final = frozenset({
    "dataset", "version", "architecture", "preset", "set", "name", "launch_token", "epochs", "kind",
    "initialization_id",
})  # fmt: skip
_ALIASES: Final[dict[str, str]] = {
    "dataset_id": "dataset", "dataset_name": "dataset",
    "dataset_version": "version", "version_id": "version",
    "arch": "architecture", "model_architecture": "architecture", "trainer": "architecture",
    "run_name": "name", "training_name": "name", "model_name": "name",
    "num_epochs": "epochs", "max_epochs": "epochs", "total_epochs": "epochs",
    "training_preset": "preset", "session_id": "initialization_id", "job_id": "initialization_id",
}  # fmt: skip
_OPTIONS: Final[dict[str, str]] = {
    "learning_rate": "optimiser.lr", "lr": "optimiser.lr",
    "weight_decay": "optimiser.weight_decay", "momentum": "optimiser.momentum",
    "optimizer": "optimiser.name", "optimiser": "optimiser.name", "gradient_clip": "optimiser.clip",
    "warmup_steps": "schedule.warmup", "backbone": "model.backbone", "pretrained_weights": "weights",
    "patience": "stop.patience", "early_stopping_patience": "stop.patience",
    "max_seconds": "stop.max_seconds", "time_limit_seconds": "stop.max_seconds",
    "max_steps": "steps", "iterations": "steps", "random_seed": "seed", "image_size": "input_size",
    "img_size": "input_size", "validation_interval": "eval_every", "checkpoint_interval": "checkpoint_every",
    "augmentation": "recipe", "layers": "channels",
}  # fmt: skip
_TARGETS: Final = ("target_accuracy", "accuracy_target", "target_metric_value")
_NESTED: Final = ("config", "hyperparameters", "training_config", "parameters", "options")


def translate(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body in the names of :class:`rcg.api.training_schemas.StartIn`.

    Raises InputError for a name that is unknown, or a thing that is said twice.
    """
    found: dict[str, Any] = {}
    given = body.get("set")
    options: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    for key, value in _flat(body):
        if key == "set":
            if not isinstance(value, Mapping):
                found["set"] = value  # the schema says what is wrong with it
        elif key == "model_type":
            _put(found, "architecture" if value in ARCHITECTURES else "kind", value, key)
        elif key in _TARGETS:
            _put(options, "stop.target.value", _share(value), key)
        elif key in OWN or key in _ALIASES:
            _put(found, _ALIASES.get(key, key), value, key)
        elif key in FIELDS or key in _OPTIONS:
            name = _OPTIONS.get(key, key)
            _put(options, name, _size(value) if name == "input_size" else value, key)
        else:
            raise _unknown(key)
    return found | ({"set": options} if options or "set" not in found else {})


def _flat(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in body.items():
        if key in _NESTED and isinstance(value, Mapping):
            pairs += _flat(value)
        elif value is not None:
            pairs.append((str(key), value))
    return pairs


def _put(into: dict[str, Any], name: str, value: Any, said: str) -> None:
    if name in into and into[name] != value:
        raise InputError(
            f"{said} says {str(value)[:40]!r}, and {name} was given as {str(into[name])[:40]!r}.",
            "Leave one of them out.",
            fields=[{"field": said, "problem": f"contradicts {name}", "value": value}],
        )
    into[name] = value


def _share(value: Any) -> Any:
    """A target of 95 is one of 95 %."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:
        return value / 100
    return value


def _size(value: Any) -> Any:
    """A size of one number is a square."""
    return [value, value] if isinstance(value, int) and not isinstance(value, bool) else value


def _unknown(key: str) -> InputError:
    known = sorted({*OWN, *_ALIASES, *_OPTIONS, *_TARGETS, *FIELDS, "model_type"})
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.6)
    return InputError(
        f"There is no training option {key[:80]!r}.",
        f"Did you mean {' or '.join(near)}?" if near else "POST /api/training/plan lists every option.",
        fields=[{"field": key[:80], "problem": "is unknown"}],
    )

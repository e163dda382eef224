"""Augmentation that obeys physics: a recipe as data, one matrix and one resampling for all that moves.

``apply`` makes of a sample what one draw of a recipe makes of it: pixels, normals, lights, shapes and names
stay a measurement that could have been. ``docs/augmentation.md`` states the laws.

What touches pixels is imported when it is asked for: the web process checks recipes and draws nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.datasets.augment.check import Problem, check, problems
from rcg.datasets.augment.defaults import defaults, layers_needed
from rcg.datasets.augment.motion import Motion
from rcg.datasets.augment.ops import OPS, Op, Parameter, Step
from rcg.datasets.augment.recipe import Recipe, parse

if TYPE_CHECKING:
    from rcg.datasets.augment.perform import Noted, apply, apply_noted, moved

__all__ = [
    "OPS", "Motion", "Noted", "Op", "Parameter", "Problem", "Recipe", "Step", "apply", "apply_noted", "check",
    "defaults", "layers_needed", "moved", "parse", "problems",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in ("Noted", "apply", "apply_noted", "moved"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rcg.datasets.augment import perform  # noqa: PLC0415

    return getattr(perform, name)

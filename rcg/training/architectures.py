"""What can be trained: the registry of architectures, and which of them fits a dataset and why not.

No torch here: pages and routers read it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from rcg.datasets.layers import PHOTOMETRIC, role_of
from rcg.datasets.schema import Kind, LabelSchema, Task
from rcg.errors import InputError

Backbone = Literal["tiny", "mobilenet_v3", "resnet18", "resnet34", "resnet50", "resnet50_v2"]
Norm = Literal["group", "batch", "frozen"]
Fusion = Literal["early", "gated"]

BACKBONES: Final[dict[Backbone, str]] = {
    "tiny": "Tiny, 1.6 M weights: learns in minutes on a processor",
    "mobilenet_v3": "MobileNet v3 with a feature pyramid",
    "resnet18": "ResNet-18 with a feature pyramid",
    "resnet34": "ResNet-34 with a feature pyramid",
    "resnet50": "ResNet-50 with a feature pyramid",
    "resnet50_v2": "ResNet-50 with a feature pyramid, second version: heavier heads",
}


@dataclass(frozen=True)
class Architecture:
    """One way to learn.

    Attributes:
        name: the identifier that users and scripts write.
        tasks: of the label schemas that it can learn.
        needs_relief: False, or True when it makes no sense without photometric layers.
        backbones: to choose from, the lightest first.
        fusions: ways to join relief and colour; one: there is no choice.
        options: ``mask`` or ``points``: the type of the spec's ``model``.
    """

    name: str
    title: str
    description: str
    tasks: tuple[Task, ...]
    needs_relief: bool
    backbones: tuple[Backbone, ...]
    fusions: tuple[Fusion, ...]
    options: Literal["mask", "points"]


ARCHITECTURES: Final[dict[str, Architecture]] = {
    one.name: one
    for one in (
        Architecture(
            "mask_rcnn_primary",
            "Mask R-CNN",
            "Finds every object with its outline. Takes any layers as channels; trains from nothing or from "
            "weights.",
            ("instance",),
            False,
            tuple(BACKBONES),
            ("early",),
            "mask",
        ),
        Architecture(
            "photometric_fusion",
            "Photometric fusion",
            "Mask R-CNN that sees colour and relief: stacked, or with a stem for each and attention that "
            "weighs them. Train both and compare.",
            ("instance",),
            True,
            ("tiny", "mobilenet_v3", "resnet18", "resnet34", "resnet50"),
            ("early", "gated"),
            "mask",
        ),
        Architecture(
            "precision_measurement_network",
            "Precision points",
            "Finds named points to a fraction of a pixel: a heat-map for each, read by its centre of mass.",
            ("points",),
            False,
            ("tiny", "resnet18", "resnet34", "resnet50"),
            ("early",),
            "points",
        ),
    )
}


def architecture(name: str) -> Architecture:
    """Return the architecture of that name. Raises InputError naming those there are."""
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    near = difflib.get_close_matches(name, ARCHITECTURES, n=1)
    raise InputError(
        f"This RCG cannot train an architecture {name[:80]!r}.",
        f"Did you mean {near[0]}?" if near else f"It has {', '.join(ARCHITECTURES)}.",
        architectures=sorted(ARCHITECTURES),
    )


def has_relief(layers: Iterable[str]) -> bool:
    """Whether any of the layers is one that a single photograph does not have."""
    return any(role_of(layer) in PHOTOMETRIC for layer in layers)


def compatible(
    kind: Kind, schema: LabelSchema | None = None, layers: Iterable[str] | None = None
) -> list[tuple[Architecture, bool, str]]:
    """Return every architecture with whether it fits, and the reason in a sentence.

    The first that fits is the one to propose: the kind's own order goes first.

    Args:
        kind: of the dataset.
        schema: the dataset's own label schema, where it differs from the kind's.
        layers: that the dataset's items have; None: unknown, nothing is refused for them.
    """
    schema = schema or kind.label_schema
    layers = None if layers is None else tuple(layers)
    order = {name: index for index, name in enumerate(kind.architectures)}
    judged = [(one, *_fits(one, schema, layers)) for one in ARCHITECTURES.values()]
    return sorted(judged, key=lambda row: (not row[1], order.get(row[0].name, len(order))))


def _fits(one: Architecture, schema: LabelSchema, layers: tuple[str, ...] | None) -> tuple[bool, str]:
    if schema.task not in one.tasks:
        learns = "outlines of objects" if "instance" in one.tasks else "named points"
        has = "named points" if schema.task == "points" else "objects with outlines"
        return False, f"It learns {learns}; this dataset has {has}."
    if one.needs_relief and layers is not None and not has_relief(layers):
        return False, (
            "It needs relief, and no item has a normal, curvature or height layer. Fill the dataset from "
            "captures or rendered cards, or take Mask R-CNN."
        )
    return True, one.description

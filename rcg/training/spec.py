"""The spec of a run: everything that decides what a training computes. It never changes; its hash names it.

No torch here: pages and routers read specs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, model_validator

from rcg.datasets.schema import Strict
from rcg.errors import InputError
from rcg.training.architectures import Backbone, Fusion, Norm

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Preset = Literal["quick", "balanced", "best"]
PRESETS: tuple[Preset, ...] = ("quick", "balanced", "best")
LEVELS = 5
"""levels of the feature pyramid: strides 4, 8, 16, 32, 64"""


class DatasetRef(Strict):
    """The dataset version that is trained on."""

    name: str
    kind: str
    version: Annotated[int, Field(ge=0)]
    manifest_sha256: Sha256


class WeightsRef(Strict):
    """A file of weights to begin with: the blob's hash and the name it came with."""

    sha256: Sha256
    name: str = ""


@dataclass(frozen=True)
class KnownWeights:
    """What is known of weights to begin with before anybody loads them.

    Attributes:
        backbone: of whose network they are; None: unknown.
        norm: that they were trained with; None: unknown.
    """

    name: str
    backbone: Backbone | None = None
    norm: Norm | None = None


class MaskOptions(Strict):
    """A network that finds objects with masks.

    Attributes:
        norm: ``group`` learns from nothing; ``batch`` and ``frozen`` fit weights that were trained with them.
        fusion: how relief joins colour: ``early`` stacks all channels, ``gated`` gives each its own stem and
            lets attention weigh them per level.
        anchor_sizes: px at the training size, one for each of the five levels.
        anchor_scales: each level has its size times each of these.
        anchor_ratios: height over width.
        mask_resolution: side of an object's mask in cells.
        proposals: kept before and after suppression, training then use.
    """

    type: Literal["mask"] = "mask"
    backbone: Backbone = "tiny"
    norm: Norm = "group"
    fusion: Fusion = "early"
    fpn_channels: Annotated[int, Field(ge=16, le=512, multiple_of=4)] = 64
    head_width: Annotated[int, Field(ge=32, le=2048, multiple_of=4)] = 256
    mask_channels: Annotated[int, Field(ge=16, le=512, multiple_of=4)] = 64
    mask_layers: Annotated[int, Field(ge=1, le=8)] = 2
    mask_resolution: Literal[28, 56] = 28
    anchor_sizes: tuple[Positive, Positive, Positive, Positive, Positive] = (8.0, 16.0, 28.0, 48.0, 112.0)
    anchor_scales: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=4)] = (1.0,)
    anchor_ratios: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=9)] = (
        0.33, 0.6, 1.0, 1.7, 3.0,
    )  # fmt: skip
    proposals: tuple[Count, Count, Count, Count] = (400, 128, 200, 64)
    rpn_samples: Annotated[int, Field(ge=8, le=1024)] = 64
    box_samples: Annotated[int, Field(ge=8, le=1024)] = 64
    detections: Annotated[int, Field(ge=1, le=1000)] = 30
    score_threshold: Share = 0.05


class PointOptions(Strict):
    """A network that finds named points by the centre of mass of a heat-map each (DSNT).

    Attributes:
        stride: px at the training size per cell of a heat-map.
        sigma: of the Gaussian that a heat-map is drawn towards, cells.
        spread_weight: how much that counts beside the distance.
    """

    type: Literal["points"] = "points"
    backbone: Backbone = "tiny"
    norm: Norm = "group"
    width: Annotated[int, Field(ge=16, le=512, multiple_of=4)] = 64
    stride: Literal[2, 4] = 4
    sigma: Annotated[float, Field(gt=0, le=8)] = 1.0
    spread_weight: Annotated[float, Field(ge=0, le=10)] = 1.0


ModelOptions = Annotated[MaskOptions | PointOptions, Field(discriminator="type")]


class Optimiser(Strict):
    """How weights move."""

    name: Literal["adamw", "sgd"] = "adamw"
    lr: Positive = 2e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.02
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    clip: Annotated[float, Field(ge=0)] = Field(5.0, description="of the gradient's norm; 0: none")


class Schedule(Strict):
    """Learning rate over the run: a linear rise, a level part, half a cosine to ``final``.

    Attributes:
        warmup: steps of the rise.
        hold: share of the run that ends the level part.
        final: of the full rate, at the end.
    """

    warmup: Annotated[int, Field(ge=0)] = 30
    hold: Share = 0.6
    final: Share = 0.01


class Target(Strict):
    """A metric of the held-out part by name (see rcg.training.metrics) and the value that is enough."""

    metric: str
    value: Annotated[float, Field(allow_inf_nan=False)]


class Stop(Strict):
    """What ends a run before its steps do; None: nothing of the sort.

    Attributes:
        patience: evaluations in a row without a better one.
        max_seconds: of training, over all attempts.
        max_epochs: passes over the training items.
    """

    target: Target | None = None
    patience: Count | None = None
    max_seconds: Positive | None = None
    max_epochs: Positive | None = None


class RunSpec(Strict):
    """What a run computes.

    Attributes:
        channels: layers that the network is given, in order.
        steps: updates of the weights; an extension raises them later, as an event.
        input_size: width and height that items are fitted into, px, multiples of 32.
        recipe: augmentation (rcg.datasets.augment), or None.
        eval_every, checkpoint_every: steps.
        eval_share: an evaluation waits while evaluations took more than this share of the time.
        eval_items: how many held-out items at most, chosen by the seed; the last evaluation takes all.
        precision: ``auto`` is bf16 where CUDA has it, else fp32.
        threads: compute threads; None: what the worker gives.
        modality_dropout: chance that an item is shown without its relief, so that the model works without.
        shuffle_labels: a control that must fail: every item gets another one's annotations.
        metric: decides which checkpoint is best.
    """

    format: Literal[1] = 1
    dataset: DatasetRef
    architecture: str
    preset: Preset = "quick"
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    model: ModelOptions
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 4
    steps: Count
    input_size: tuple[int, int]
    recipe: dict[str, Any] | None = None
    eval_every: Count
    eval_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    eval_items: Count | None = None
    checkpoint_every: Count
    stop: Stop = Stop()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Device = "auto"
    precision: Precision = "auto"
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    weights: WeightsRef | None = None
    modality_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shuffle_labels: bool = False
    metric: str

    @model_validator(mode="after")
    def _size_fits_the_network(self) -> RunSpec:
        if any(side < 64 or side > 4096 or side % 32 for side in self.input_size):
            raise ValueError(
                f"input_size: {self.input_size[0]} x {self.input_size[1]} px; each side must be a multiple "
                "of 32 from 64 to 4096"
            )
        return self

    def sha256(self) -> str:
        """Return the spec's hash: equal specs, equal hashes."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def read_spec(data: Any) -> RunSpec:
    """Return the spec that JSON data says. Raises InputError naming the field that is wrong."""
    try:
        return RunSpec.model_validate(data)
    except ValidationError as error:
        raise InputError(*say(error)) from error


def say(error: ValidationError) -> tuple[str, str]:
    """Return what pydantic found as a sentence and a way out."""
    first = error.errors()[0]
    # The name of a union's branch ("mask", "points") is no part of the option's name.
    where = ".".join(str(part) for part in first["loc"] if part not in {"mask", "points"})
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"There is no training option {where!r}.", "Look at the options of the plan: rcg train --plan."
    value = first.get("input")
    shown = f" (it is {value!r:.80})" if where and not isinstance(value, dict) else ""
    return f"{where + ': ' if where else ''}{what}{shown}.", "Change that option."

"""All that is needed to build a trained model again, beside its weights. No torch here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError

from rcg.datasets.schema import LabelSchema, Strict
from rcg.errors import InputError
from rcg.training.spec import DatasetRef, ModelOptions

WEIGHTS = "weights.safetensors"
CONFIG = "model.json"


class Channel(Strict):
    """One input channel: its name (``normal.x``), and what is subtracted and divided by.

    Colours count 0..1 before that.
    """

    name: str
    mean: float
    std: float


class Lineage(Strict):
    """Where a model comes from."""

    dataset: DatasetRef
    spec_sha256: str
    step: int
    seed: int
    device: str = ""
    rcg: str = ""
    torch: str = ""
    weights: str = Field("", description="name of the weights it began with; empty: none")


class ModelConfig(Strict):
    """A model's ``model.json``.

    Attributes:
        layers: that it is given, in order; ``channels`` are theirs.
        input_size: width and height that a sample is fitted into, px.
        px_per_mm: of the training items at ``input_size``, their median; None: unknown.
        item_px_per_mm: of the training items as they are stored, their median; captures are brought to it.
        metrics: of the held-out part at ``lineage.step``; ``per_class`` likewise, ``interval`` 95 %.
    """

    rcg: Literal["model"] = "model"
    format: Literal[1] = 1
    name: str = ""
    architecture: str
    kind: str
    label_schema: LabelSchema
    layers: tuple[str, ...]
    channels: tuple[Channel, ...]
    input_size: tuple[int, int]
    px_per_mm: float | None = None
    item_px_per_mm: float | None = None
    model: ModelOptions
    parameters: int
    metric: str
    metrics: dict[str, float] = Field(default_factory=dict)
    per_class: dict[str, dict[str, float]] = Field(default_factory=dict)
    interval: dict[str, tuple[float, float]] = Field(default_factory=dict)
    lineage: Lineage

    @property
    def task(self) -> str:
        """``instance`` or ``points``."""
        return self.label_schema.task


def read_config(data: Any) -> ModelConfig:
    """Return the configuration that JSON data says. Raises InputError."""
    try:
        return ModelConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"This is no model of RCG: {where}: {first['msg']}.", "Choose a folder that a training wrote."
        ) from error

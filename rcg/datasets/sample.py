"""An item in memory: its layers as arrays, its annotations, its lights. What augmentation moves and
training eats."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from rcg.datasets.layers import Role
from rcg.datasets.schema import Annotation

Array = npt.NDArray[np.uint8] | npt.NDArray[np.float16] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class LayerArray:
    """One layer.

    Attributes:
        role: the law it obeys.
        array: (H, W, 3) uint8 sRGB for colour, albedo and light; (H, W, 3) float for normal (x right, y
        up, z to the
            camera); (H, W) float for height (µm), curvature (1/mm), specular and confidence; (H, W) uint8
            for mask.
    """

    role: Role
    array: Array


@dataclass(frozen=True)
class Sample:
    """One item.

    Attributes:
        layers: by name, in order, all (H, W).
        annotations: in pixels of the layers.
        lights: light name -> (3,) unit vector from the card to the light (x right, y up, z to the camera).
        px_per_mm: scale, None when unknown.
        key: the item's id.
    """

    layers: dict[str, LayerArray]
    annotations: tuple[Annotation, ...] = ()
    lights: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    px_per_mm: float | None = None
    key: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = next(iter(self.layers.values())).array.shape[:2]
        return width, height

    def with_layers(self, layers: dict[str, LayerArray]) -> Sample:
        """A copy with other layers."""
        return replace(self, layers=layers)

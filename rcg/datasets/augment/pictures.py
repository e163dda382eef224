"""Layers of a sample as pictures that show what a recipe does: relief at full contrast, alike before and
after.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rcg.datasets.encode import picture, webp
from rcg.datasets.sample import LayerArray, Sample
from rcg.photometric.pictures import centred_grey, encode_normal

_MOST = 99.7
"""percentile of a measurement's size that is shown at full scale"""
_STEEP = 1.0
"""slope that the steepest normals are shown with"""
_EXAGGERATED_MOST = 30.0

Floats = npt.NDArray[np.float32]


class Pictures:
    """Pictures of a sample and of what becomes of it.

    Args:
        original: its relief sets the scale of all pictures, so that before and after can be compared.

    Attributes:
        scales: what a layer's picture means, in words, by layer; photographs need none.
    """

    def __init__(self, original: Sample) -> None:
        self._scale: dict[str, float] = {}
        self.scales: dict[str, str] = {}
        for name, layer in original.layers.items():
            if layer.role == "normal":
                most = _percentile(np.hypot(layer.array[..., 0], layer.array[..., 1]))
                factor = min(max(_STEEP / max(most, 1e-6), 1.0), _EXAGGERATED_MOST)
                self._scale[name], self.scales[name] = factor, f"slopes × {factor:.0f}"
            elif layer.role in ("height", "curvature"):
                unit = "µm" if layer.role == "height" else "1/mm"
                most = max(_percentile(np.abs(layer.array)), 1e-3)
                self._scale[name], self.scales[name] = (
                    most,
                    f"black −{most:.2g} {unit}, white {most:.2g} {unit}",
                )

    def webp(self, name: str, sample: Sample) -> bytes:
        """Return a layer of the sample as WebP."""
        layer = sample.layers[name]
        if name not in self._scale:
            return picture(layer).data
        return webp(self.array(name, layer)).data

    def array(self, name: str, layer: LayerArray) -> npt.NDArray[np.uint8]:
        """Return relief as (H, W, 3) normal-map colours or (H, W) grey about 128."""
        values = np.asarray(layer.array, np.float32)
        if layer.role != "normal":
            return centred_grey(values, self._scale[name])
        steep = values * np.array([self._scale[name], self._scale[name], 1], np.float32)
        return encode_normal(steep / np.linalg.norm(steep, axis=2, keepdims=True))


def _percentile(values: npt.NDArray[np.floating]) -> float:
    return float(np.percentile(np.asarray(values[::2, ::2], np.float32), _MOST))

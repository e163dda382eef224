"""Layers of a sample as pictures for people, on one scale before and after."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from rcg.datasets import rle
from rcg.datasets.augment.ops import PHOTOGRAPHS
from rcg.datasets.raster import polygons_of
from rcg.datasets.sample import LayerArray, Sample
from rcg.datasets.schema import Annotation, Mask
from rcg.photometric.pictures import centred_grey, encode_normal

_QUALITY = 85
_EFFORT = 1
_SPREAD = 99.0
"""percentile of a measurement's size that is shown at full scale"""

Grey = npt.NDArray[np.uint8]


class Pictures:
    """Pictures of a sample and of what becomes of it.

    Args:
        original: its measurements set the scale of all pictures, so that before and after can be compared.
    """

    def __init__(self, original: Sample) -> None:
        self._most = {
            name: max(float(np.percentile(np.abs(layer.array.astype(np.float32)), _SPREAD)), 1e-6)
            for name, layer in original.layers.items()
            if layer.role in ("height", "curvature", "specular")
        }

    def webp(self, name: str, sample: Sample) -> bytes:
        """Return a layer of the sample as WebP: photographs as they are, measurements as colours or grey."""
        out = io.BytesIO()
        image = Image.fromarray(self.array(name, sample.layers[name]))
        image.save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
        return out.getvalue()

    def array(self, name: str, layer: LayerArray) -> Grey:
        """Return (H, W, 3) or (H, W) sRGB: normals as normal-map colours, height and curvature about grey."""
        values = layer.array
        if layer.role in PHOTOGRAPHS:
            eight = values if values.dtype == np.uint8 else np.clip(values, 0, 1) * 255
            return np.asarray(eight, np.uint8)
        usable = np.asarray(values, np.float32)
        if layer.role == "normal":
            return encode_normal(usable)
        if layer.role in ("height", "curvature"):
            return centred_grey(usable, self._most[name])
        scale = self._most[name] if layer.role == "specular" else max(1.0, float(usable.max(initial=0)))
        return np.asarray(np.clip(usable / scale, 0, 1) * 255, np.uint8)

    def outlined(self, sample: Sample) -> list[Annotation]:
        """Return the annotations with masks as polygons, which a page can draw."""
        return [shown for item in sample.annotations if (shown := _outlined(item)) is not None]


def _outlined(item: Annotation) -> Annotation | None:
    if not isinstance(item.shape, Mask):
        return item
    polygon = polygons_of(rle.decode(item.shape), tolerance=0.5)
    return item.model_copy(update={"shape": polygon}) if polygon is not None else None

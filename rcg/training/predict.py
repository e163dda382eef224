"""A trained model at work: a sample in, annotations in the sample's own pixels out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from rcg.datasets.pixels import polygons_of, resized_layer
from rcg.datasets.sample import Sample
from rcg.datasets.schema import Annotation, KeyPoint, LabelSchema, Part, Points, Polygon
from rcg.errors import InputError
from rcg.training import devices, weights
from rcg.training.model_config import CONFIG, WEIGHTS, ModelConfig, read_config
from rcg.training.models import build
from rcg.training.spec import Device
from rcg.training.tensors import fit, image_of, relief_channels

MASK: Final = 0.5
_FINER: Final = 4
"""a mask is resampled so much finer before its outline is followed, which then lies between its pixels"""
_TOLERANCE_PX: Final = 0.3
_LEAST_POINT_SCORE: Final = 0.05


class Predictor:
    """A network with what it needs to look at samples.

    Args:
        model: the network, with weights.
        config: of the model.
        device: where it computes.
    """

    def __init__(self, model: nn.Module, config: ModelConfig, device: torch.device) -> None:
        self.config = config
        self._model = model.to(device).eval()
        self._device = device

    @torch.no_grad()
    def predict(self, sample: Sample) -> list[Annotation]:
        """Return what the model sees, the surest first, in the sample's pixels.

        Layers that the sample lacks are zero for the network, as modality dropout taught it.
        """
        config = self.config
        place = fit(sample.size, config.input_size)
        fitted = resize(sample, (place.width, place.height))
        image = image_of(fitted, config.layers, config.channels, config.input_size)
        said = self._model([image.to(self._device)])[0]
        output = {key: value.detach().float().cpu().numpy() for key, value in said.items()}
        if "masks" in output:
            output["masks"] = output["masks"][:, 0]
        return annotations_of(
            output,
            config.label_schema,
            (1 / place.scale_x, 1 / place.scale_y),
            limit=sample.size,
            model=config.name or None,
        )


def load(config: ModelConfig | Path, weights_path: Path | None = None, device: Device = "auto") -> Predictor:
    """Load a model.

    Args:
        config: of the model; or the folder that a training wrote, with both files.
        weights_path: the safetensors file; not with a folder.
        device: where to compute.

    Raises:
        InputError: the files are missing or do not belong together.
    """
    if isinstance(config, Path):
        folder = config
        try:
            config = read_config(json.loads((folder / CONFIG).read_text("utf-8")))
        except (FileNotFoundError, ValueError) as error:
            raise InputError(
                f"{folder} holds no model: {CONFIG} is missing or damaged.",
                "Choose the folder of a finished run.",
            ) from error
        weights_path = folder / WEIGHTS
    assert weights_path is not None
    model = build(
        config.model,
        relief=relief_channels(config.layers),
        classes=len(config.label_schema.classes),
        points=len(config.label_schema.points),
        input_size=config.input_size,
    )
    weights.load(model, weights_path)
    return Predictor(model, config, devices.choose(device, "fp32").device)


def resize(sample: Sample, size: tuple[int, int]) -> Sample:
    """Return a sample's layers averaged over area to a size; annotations are left out."""
    if sample.size == size:
        return sample
    return Sample({name: resized_layer(layer, size) for name, layer in sample.layers.items()}, key=sample.key)


def annotations_of(
    output: dict[str, npt.NDArray[Any]],
    schema: LabelSchema,
    scale: tuple[float, float],
    *,
    limit: tuple[int, int],
    model: str | None = None,
) -> list[Annotation]:
    """Return a network's output as predictions.

    Args:
        output: boxes, labels, scores and masks (soft, or bool); or xy and score.
        schema: of the labels.
        scale: from the network's pixels to the sample's, x and y.
        limit: width and height of the sample; nothing reaches beyond.
        model: its name.
    """
    if "xy" in output:
        return _points(output, schema, scale, model)
    found = []
    for place in np.argsort(-output["scores"], kind="stable"):
        shape = outline(output["masks"][place], scale, limit)
        if shape is not None:
            found.append(
                Annotation(
                    label=schema.class_names[int(output["labels"][place]) - 1],
                    shape=shape,
                    source="model",
                    state="predicted",
                    score=float(np.clip(output["scores"][place], 0, 1)),
                    model=model,
                )
            )
    return found


def outline(mask: npt.NDArray[Any], scale: tuple[float, float], limit: tuple[int, int]) -> Polygon | None:
    """Return the outline of a mask, soft or bool, in the sample's pixels; None when it is empty."""
    soft = mask.astype(np.float32)
    rows, columns = np.flatnonzero((soft > MASK).any(1)), np.flatnonzero((soft > MASK).any(0))
    if not len(rows):
        return None
    top, left = max(int(rows[0]) - 1, 0), max(int(columns[0]) - 1, 0)
    part = soft[top : int(rows[-1]) + 2, left : int(columns[-1]) + 2]
    fine = cv2.resize(part, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR) > MASK
    traced = polygons_of(fine, tolerance=_TOLERANCE_PX * _FINER)
    if traced is None:
        return None

    def placed(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [
            (
                float(np.clip((x / _FINER + left) * scale[0], 0, limit[0])),
                float(np.clip((y / _FINER + top) * scale[1], 0, limit[1])),
            )
            for x, y in ring
        ]

    return Polygon(
        parts=[Part(outer=placed(p.outer), holes=[placed(hole) for hole in p.holes]) for p in traced.parts]
    )


def _points(
    output: dict[str, npt.NDArray[Any]], schema: LabelSchema, scale: tuple[float, float], model: str | None
) -> list[Annotation]:
    points = [
        KeyPoint(name=name, x=float(xy[0] * scale[0]), y=float(xy[1] * scale[1]))
        for name, xy, score in zip(schema.point_names, output["xy"], output["score"], strict=True)
        if score >= _LEAST_POINT_SCORE
    ]
    if not points:
        return []
    return [
        Annotation(
            label=schema.class_names[0],
            shape=Points(points=points),
            source="model",
            state="predicted",
            score=float(np.clip(output["score"].mean(), 0, 1)),
            model=model,
        )
    ]

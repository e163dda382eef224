"""A trained model at work on a side: maps in, findings in card millimetres out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from rcg.datasets.from_maps import sample_of_maps
from rcg.datasets.pixels import bounds, polygons_of, rasterise
from rcg.datasets.sample import Sample
from rcg.datasets.schema import Annotation, LabelClass, LabelSchema, Polygon
from rcg.grading.inspect import Detector
from rcg.grading.schema import Finding, ModelUsed, Point
from rcg.photometric.types import Maps

LEAST_SCORE: Final = 0.3
"""a prediction below this is not shown as a finding; it would cost less than a third of its price anyhow"""
_OFF_CARD_MM: Final = 0.5


class Predictor(Protocol):
    """What is used of :class:`rcg.training.predict.Predictor`."""

    def predict(self, sample: Sample) -> list[Annotation]:
        """Return what the model sees, in the sample's pixels."""


def load_detector(config: dict[str, Any], weights: Path, *, name: str) -> tuple[ModelUsed, Detector]:
    """Load a model for grading.

    Args:
        config: its ``model.json``.
        weights: its safetensors file; named by its hash where it is a blob.
        name: for the report.

    Raises:
        InputError: the files are no model of RCG, or need a layer that no capture has.
    """
    from rcg.training.model_config import read_config  # noqa: PLC0415 - grading without models needs none of it
    from rcg.training.predict import load  # noqa: PLC0415

    known = read_config(config)
    predictor = load(known, weights)
    used = ModelUsed(name=name, architecture=known.architecture, weights=_hash_of(weights))
    scale = known.item_px_per_mm or known.px_per_mm
    return used, detector(predictor, known.label_schema, known.layers, name=name, px_per_mm=scale)


def detector(
    predictor: Predictor,
    schema: LabelSchema,
    layers: Sequence[str],
    *,
    name: str,
    px_per_mm: float | None,
) -> Detector:
    """Return a function that lets a predictor look at a side.

    A side without a layer that the model needs (a single photograph has no relief) is not looked at.

    Args:
        predictor: the model.
        schema: its classes; those that are no flaw make no finding.
        layers: that it is given.
        name: of the model, for the findings.
        px_per_mm: scale of the items that it was trained on; None: that of the maps.
    """
    classes = {item.name: item for item in schema.classes if item.flaw}

    def detect(maps: Maps) -> list[Finding]:
        if not classes or (not maps.relief and set(layers) - {"colour"}):
            return []
        sample, _ = sample_of_maps(maps, px_per_mm=px_per_mm)
        found = (
            finding_of(annotation, classes[annotation.label], sample, maps, name)
            for annotation in predictor.predict(sample)
            if annotation.label in classes and (annotation.score or 0.0) >= LEAST_SCORE
        )
        return [finding for finding in found if finding is not None]

    return detect


def finding_of(
    annotation: Annotation, label: LabelClass, sample: Sample, maps: Maps, model: str
) -> Finding | None:
    """Return a prediction as a finding, or None when it has no outline or does not lie on the card."""
    shape = annotation.shape
    width, height = sample.size
    if shape.type != "polygon":
        traced = polygons_of(rasterise(annotation, width, height))
        if traced is None:
            return None
        shape = traced
    scale = sample.px_per_mm or maps.px_per_mm
    ring = _largest(shape)
    xy = (ring - np.array([width / 2, height / 2])) * np.array([1, -1]) / scale
    limit = np.array([maps.size.width_mm, maps.size.height_mm]) / 2 + _OFF_CARD_MM
    if (np.abs(xy.mean(0)) > limit).any():
        return None
    area = float(rasterise(annotation, width, height).sum()) / scale**2
    box = bounds(shape)
    return Finding(
        id=1,
        kind=annotation.label,
        polygon_mm=[_point(point) for point in np.clip(xy, -limit, limit)],
        size_mm=float(_longest(xy)),
        size_se_mm=1.0 / scale,
        area_mm2=area,
        area_se_mm2=(box.width + box.height) / scale**2,
        confidence=float(annotation.score if annotation.score is not None else 0.5),
        aspect=label.aspect,
        model=model,
    )


def _largest(shape: Polygon) -> npt.NDArray[np.float64]:
    rings = [np.asarray(part.outer, np.float64) for part in shape.parts]
    return max(rings, key=lambda ring: float(np.prod(np.ptp(ring, 0))))


def _longest(xy: npt.NDArray[np.float64]) -> float:
    """Longest extent over directions one degree apart."""
    angle = np.radians(np.arange(180))
    along = xy @ np.stack([np.cos(angle), np.sin(angle)])
    return float(np.ptp(along, 0).max())


def _point(xy: npt.NDArray[np.float64]) -> Point:
    return float(xy[0]), float(xy[1])


def _hash_of(weights: Path) -> str:
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

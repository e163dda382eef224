"""Findings of trained models beside those that RCG measures: one flaw costs once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading.schema import Finding, Point

_PX_PER_MM: Final = 10.0
_SAME: Final = 0.3
"""share of the smaller of two outlines that must lie in the other for them to be the same flaw"""
_NEAR_MM: Final = 0.3
"""outlines of models are a pixel of their network wide of the mark, so one may just miss a thin scratch"""


def merge(measured: Sequence[Finding], predicted: Sequence[Finding]) -> list[Finding]:
    """Return all findings, each flaw once.

    What was measured stays, because its size and depth are measurements; a model that sees it too is named in
    ``seen_by``. What only a model sees is a finding of its own. Of several models' findings of one flaw the
    surest stays.

    Args:
        measured: of RCG's own measurement.
        predicted: of models, each with ``model``.
    """
    found = list(measured)
    for finding in sorted(predicted, key=lambda f: (-f.confidence, f.kind, f.polygon_mm)):
        same = next((i for i, other in enumerate(found) if _same_flaw(other, finding)), None)
        if same is None:
            found.append(finding)
        elif finding.model is not None and finding.model not in (found[same].model, *found[same].seen_by):
            found[same] = found[same].model_copy(update={"seen_by": [*found[same].seen_by, finding.model]})
    return found


def _same_flaw(a: Finding, b: Finding) -> bool:
    return a.aspect == b.aspect and overlap(a.polygon_mm, b.polygon_mm) >= _SAME


def overlap(a: Sequence[Point], b: Sequence[Point]) -> float:
    """Return the area that two outlines (mm) share, relative to the smaller one; 0 when they are apart."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    low = np.minimum(first.min(0), second.min(0)) - 2 * _NEAR_MM
    if (np.maximum(first.min(0), second.min(0)) - np.minimum(first.max(0), second.max(0))).max() > _NEAR_MM:
        return 0.0
    size = np.ceil((np.maximum(first.max(0), second.max(0)) + 2 * _NEAR_MM - low) * _PX_PER_MM).astype(int)
    masks = [_filled(ring, low, size) for ring in (first, second)]
    shared = float((masks[0] & masks[1]).sum())
    return shared / max(float(min(mask.sum() for mask in masks)), 1.0)


def _filled(
    ring: npt.NDArray[np.float64], low: npt.NDArray[np.float64], size: npt.NDArray[np.int_]
) -> npt.NDArray[np.bool_]:
    canvas = np.zeros((int(size[1]) + 1, int(size[0]) + 1), np.uint8)
    points = np.round((ring - low) * _PX_PER_MM).astype(np.int32)
    cv2.fillPoly(canvas, [points], 1)
    near = round(_NEAR_MM * _PX_PER_MM / 2)
    return cv2.dilate(canvas, np.ones((2 * near + 1, 2 * near + 1), np.uint8)) > 0

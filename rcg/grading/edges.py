"""Edges: how rough the cut is, and where stock shows along it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from scipy.ndimage import median_filter

from rcg.grading.centering import Borders
from rcg.grading.cut import CutEdge
from rcg.grading.schema import EdgeMeasure, Finding
from rcg.grading.strips import EDGES, F32, F64, native_px_per_mm, sample_strip, to_lab
from rcg.grading.whitening import whitened
from rcg.photometric.types import Maps

_STEP_S: Final = 0.1
_STEP_T: Final = 0.05
_SKIP_MM: Final = 0.2
"""the cut edge itself shows a pale rim on perfect cards"""
_DEPTH_MM: Final = 1.0
_MIN_PATCH_MM2: Final = 0.04


def _roughness_um(cut: CutEdge) -> float | None:
    """Return the RMS departure from the fitted curve over the straight span, micrometres."""
    straight = np.abs(cut.s) < cut.frame.half_span_mm
    departure = (cut.points - cut.curve(cut.s))[straight]
    departure = departure[np.isfinite(departure)]
    return float(1000 * np.sqrt(np.mean(departure**2))) if len(departure) > 20 else None


def _patches(cut: CutEdge, white: np.ndarray, s: F64, t: F64) -> tuple[float, list[Finding]]:
    """Turn a mask of bare stock (n, m) into findings; return their total area too."""
    joined = cv2.morphologyEx(white.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 3), np.uint8))
    count, labels = cv2.connectedComponents(joined)
    total, findings = 0.0, []
    for label in range(1, count):
        rows, columns = np.nonzero((labels == label) & white)
        area = len(rows) * _STEP_S * _STEP_T
        if area < _MIN_PATCH_MM2:
            continue
        total += area
        s0, s1, t1 = float(s[rows.min()]), float(s[rows.max()]), float(t[columns.max()])
        outline = [cut.point(s0), cut.point(s1), cut.point(s1, t1), cut.point(s0, t1)]
        findings.append(
            Finding(
                id=1,
                kind="edge_wear",
                polygon_mm=[(float(p[0]), float(p[1])) for p in outline],
                size_mm=max(s1 - s0, t1) + _STEP_S,
                size_se_mm=2 * _STEP_S,
                area_mm2=area,
                area_se_mm2=0.02 + 0.2 * area,
                confidence=0.85,
                aspect="edges",
            )
        )
    return total, findings


def _rough(cut: CutEdge, roughness_um: float, native: float) -> Finding | None:
    """Return a finding when the edge is rougher than the camera's own error explains (a third of its pixel,
    40 um)."""
    floor = max(40.0, 350.0 / native)
    if roughness_um <= floor:
        return None
    a, b = -cut.frame.half_span_mm, cut.frame.half_span_mm
    length = b - a
    area = 1e-3 * float(np.sqrt(roughness_um**2 - floor**2)) * length
    outline = [cut.point(a), cut.point(b), cut.point(b, 0.3), cut.point(a, 0.3)]
    return Finding(
        id=1,
        kind="rough_edge",
        polygon_mm=[(float(p[0]), float(p[1])) for p in outline],
        size_mm=length,
        area_mm2=area,
        area_se_mm2=0.1 * area + 0.05 * length / native,
        confidence=0.7,
        aspect="edges",
    )


def measure_edges(maps: Maps, linear: F32, borders: Borders) -> tuple[list[EdgeMeasure], list[Finding]]:
    """Measure the four edges; return them with findings for whitened stretches and rough cuts."""
    native = native_px_per_mm(maps)
    measures, findings = [], []
    for edge in EDGES:
        cut = borders.cuts[edge]
        if not cut.measured:
            measures.append(
                EdgeMeasure(
                    edge=edge,
                    roughness_um=None,
                    whitening_mm2=None,
                    status="not_measurable",
                    reason="background and card cannot be told apart",
                )
            )
            continue
        s = np.arange(-cut.frame.half_span_mm, cut.frame.half_span_mm, _STEP_S)
        t = np.arange(_SKIP_MM, 1.8, _STEP_T)
        lab = to_lab(
            sample_strip(maps, linear, cut.frame, s, t, offset=cut.curve(s), slope=cut.curve.slope(s))
        )
        reference = median_filter(
            np.median(lab[:, (t > 0.9) & (t < 1.4)], axis=1), size=(101, 1), mode="nearest"
        )
        white = whitened(lab, reference[:, None])
        area: float | None = None
        if white is not None:
            area, patches = _patches(cut, white & (t < _DEPTH_MM)[None], s, t)
            findings += patches
        roughness = _roughness_um(cut)
        rough = _rough(cut, roughness, native) if roughness is not None else None
        findings += [rough] if rough else []
        measures.append(
            EdgeMeasure(
                edge=edge,
                roughness_um=roughness,
                whitening_mm2=area,
                status="measured",
                reason=None
                if area is not None
                else "whitening cannot be seen: the border is as pale as bare stock",
            )
        )
    return measures, findings

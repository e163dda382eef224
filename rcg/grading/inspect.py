"""Inspection of one side: maps in, measurements in millimetres out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rcg.grading.centering import find_borders, measure_centering
from rcg.grading.corners import measure_corners
from rcg.grading.edges import measure_edges
from rcg.grading.model_findings import merge
from rcg.grading.schema import (
    CardGeometry,
    CornerMeasure,
    EdgeMeasure,
    Finding,
    FrameUsed,
    LightsUsed,
    Side,
)
from rcg.grading.strips import linear_colour
from rcg.grading.surface import measure_surface
from rcg.photometric.types import Maps

Detector = Callable[[Maps], list[Finding]]
"""a trained model at work: a side's maps in, findings with ``model`` set out"""


def _geometry(maps: Maps) -> CardGeometry:
    corners = [(float(x), float(y)) for x, y in maps.outline.corners_px]
    return CardGeometry(
        width_mm=maps.size.width_mm,
        height_mm=maps.size.height_mm,
        size_source=maps.size.source,
        corners_px=corners,
        corner_sd_px=float(maps.outline.corner_sd_px),
    )


def _lights(maps: Maps) -> LightsUsed | None:
    if maps.lights is None:
        return None
    measured, flat = maps.lights.measured, maps.lights.flat_field
    return LightsUsed(
        count=len(maps.lights),
        source=maps.lights.source,
        calibrated=maps.lights.calibrated,
        near=maps.lights.positions_mm is not None,
        assumed_elevation_deg=maps.lights.assumed_elevation_deg,
        rig=measured.rig if measured else None,
        measured_by=measured.by if measured else None,
        measured_on=measured.at if measured else None,
        flat_field="card" if flat is None else "measured",
        flat_field_on=None if flat is None else flat.at,
    )


def _missing(
    side_edges: Sequence[EdgeMeasure], corners: Sequence[CornerMeasure], relief: bool, axes: dict[str, bool]
) -> list[str]:
    missing = [f"centering {axis}" for axis, measured in axes.items() if not measured]
    missing += [f"{c.corner.replace('_', ' ')} corner" for c in corners if c.status != "measured"]
    missing += [f"{e.edge} edge" for e in side_edges if e.status != "measured"]
    return missing if relief else [*missing, "surface", "relief"]


def inspect_side(
    maps: Maps, frames: Sequence[FrameUsed], detectors: Sequence[Detector] = (), *, threads: int = 1
) -> Side:
    """Measure everything that RCG measures on one side, and ask the models that are in use.

    Args:
        maps: the engine's maps, in the card's coordinates.
        frames: what each frame was, for the report; copied through.
        detectors: models; what they find joins what was measured, each flaw once.
        threads: to compute with; the result does not depend on it.

    Returns:
        The side without sub-scores: those depend on which side it is and are made by ``grade_card``.
    """
    linear = linear_colour(maps)
    borders = find_borders(maps, linear, threads=threads)
    centering = measure_centering(borders)
    corners, corner_findings = measure_corners(maps, linear, borders)
    edges, edge_findings = measure_edges(maps, linear, borders)
    surface, surface_findings = measure_surface(maps, borders, threads=threads)
    measured = [*corner_findings, *edge_findings, *surface_findings]
    predicted = [finding for detect in detectors for finding in detect(maps)]
    findings = [f.model_copy(update={"id": n}) for n, f in enumerate(merge(measured, predicted), start=1)]
    axes = {"left/right": centering.left_right is not None, "top/bottom": centering.top_bottom is not None}
    return Side(
        card=_geometry(maps),
        frames=list(frames),
        lights=_lights(maps),
        relief_measured=maps.relief,
        centering=centering,
        corners=corners,
        edges=edges,
        surface=surface,
        findings=findings,
        warnings=list(dict.fromkeys(maps.warnings)),
        notes=list(maps.notes),
        not_measured=_missing(edges, corners, maps.relief, axes),
    )

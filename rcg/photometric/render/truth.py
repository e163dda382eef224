"""What is true of a rendered side, computed from its geometry and never from its pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rcg.grading import schema
from rcg.photometric.render.camera import card_to_reference, project
from rcg.photometric.render.folds import chip_polygon, line_polygon
from rcg.photometric.render.relief_field import ReliefField, stain_patch
from rcg.photometric.render.scene import Cut, Dent, Print, Scene, Scratch, Stain, Whitening
from rcg.photometric.types import FloatArray

LONG_POSITIONS = (-90.0, -60.0, -30.0, 0.0, 30.0, 60.0, 90.0)
SHORT_POSITIONS = (-90.0, -45.0, 0.0, 45.0, 90.0)
CORNERS: tuple[schema.Corner, ...] = ("top_left", "top_right", "bottom_right", "bottom_left")
EDGES: tuple[schema.Edge, ...] = ("left", "right", "top", "bottom")
# outward direction of each edge
OUTWARD: dict[schema.Edge, tuple[float, float]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "top": (0, 1),
    "bottom": (0, -1),
}


def side_truth(scene: Scene, relief: ReliefField) -> schema.Side:
    """The side as a perfect inspection would report it. Grades and costs are left to the grader."""
    cut = scene.cut
    corners = np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * [cut.width_mm / 2, cut.height_mm / 2]
    return schema.Side(
        card=schema.CardGeometry(
            width_mm=cut.width_mm,
            height_mm=cut.height_mm,
            size_source="scale",
            corners_px=[_point(c) for c in project(card_to_reference(scene), corners)],
            corner_sd_px=0.0,
        ),
        lights=schema.LightsUsed(count=scene.n_lights, source="rig", calibrated=True, near=True),
        relief_measured=True,
        centering=centering_truth(cut, scene.print),
        corners=[_corner(scene, relief, index) for index in range(4)],
        edges=[
            schema.EdgeMeasure(
                edge=edge,
                roughness_um=0.0,
                whitening_mm2=_whitening_mm2(scene, relief, edge),
                status="measured",
            )
            for edge in EDGES
        ],
        surface=schema.SurfaceMeasure(relief_measured=True, coverage=1.0),
        findings=findings_truth(scene, relief),
    )


def centering_truth(cut: Cut, printed: Print) -> schema.Centering:
    """24 stations by intersecting each edge's inward normal with the straight edge of the print opposite to
    it.
    """
    stations = [
        station_truth(cut, printed, edge, position)
        for edge in EDGES
        for position in (LONG_POSITIONS if edge in {"left", "right"} else SHORT_POSITIONS)
    ]
    width = {(s.edge, s.position): s.width_mm for s in stations}
    return schema.Centering(
        stations=stations,
        left_right=_ratio([(width["left", p], width["right", p]) for p in LONG_POSITIONS]),
        top_bottom=_ratio([(width["top", p], width["bottom", p]) for p in SHORT_POSITIONS]),
        tilt_deg=printed.tilt_deg,
        diamond_deg=0.0,
    )


def station_truth(cut: Cut, printed: Print, edge: schema.Edge, position: float) -> schema.Station:
    """Border width at one station, exactly."""
    half = np.array([cut.width_mm, cut.height_mm]) / 2
    outward = np.array(OUTWARD[edge])
    across = np.array([abs(outward[1]), abs(outward[0])])
    outer = outward * half + across * (half - cut.radius_mm) * position / 100
    turn = np.radians(printed.tilt_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    print_half = np.array(printed.half_size_mm(cut))
    normal = rotation @ outward
    reach = float(np.abs(outward) @ print_half)
    # outer - t * outward lies on the line normal . (p - offset) = reach
    t = (normal @ (outer - printed.offset_mm) - reach) / (normal @ outward)
    inner = outer - t * outward
    along = float((rotation @ across) @ (inner - printed.offset_mm))
    if abs(along) > float(across @ print_half) - printed.radius_mm:
        return schema.Station(
            edge=edge,
            position=position,
            width_mm=None,
            se_mm=None,
            status="not_measurable",
            reason="the print's corner is rounded here",
        )
    return schema.Station(
        edge=edge,
        position=position,
        width_mm=float(t),
        se_mm=0.0,
        status="measured",
        outer_mm=_point(outer),
        inner_mm=_point(inner),
    )


def _ratio(pairs: list[tuple[float | None, float | None]]) -> schema.Ratio | None:
    shares = np.array([100 * a / (a + b) for a, b in pairs if a is not None and b is not None])
    if not len(shares):
        return None
    worst = float(shares[np.argmax(np.abs(shares - 50))])
    mean = float(shares.mean())
    return schema.Ratio(mean=(mean, 100 - mean), worst=(worst, 100 - worst), mean_se=0.0)


def _corner(scene: Scene, relief: ReliefField, index: int) -> schema.CornerMeasure:
    cut = scene.cut
    radius = cut.corner_radius_mm[index]
    missing = (1 - np.pi / 4) * (radius**2 - cut.radius_mm**2)
    return schema.CornerMeasure(
        corner=CORNERS[index],
        radius_mm=radius,
        missing_area_mm2=float(missing),
        whitening_mm2=_whitening_mm2(scene, relief, CORNERS[index]),
        status="measured",
    )


def _whitened(
    scene: Scene, relief: ReliefField, spot: Whitening
) -> tuple[slice, slice, npt.NDArray[np.float32]]:
    """Rows and columns about a spot, and the share of bare stock there, 0 off the card."""
    reach = 2 * max(spot.along_mm, spot.inward_mm)
    h, w = relief.whitening.shape
    first_col = max(0, int((spot.x_mm - reach + relief.extent_mm[0]) * relief.px_per_mm))
    first_row = max(0, int((relief.extent_mm[1] - spot.y_mm - reach) * relief.px_per_mm))
    size = int(np.ceil(2 * reach * relief.px_per_mm)) + 1
    rows, cols = slice(first_row, min(first_row + size, h)), slice(first_col, min(first_col + size, w))
    x = (np.arange(w)[cols] + 0.5) / relief.px_per_mm - relief.extent_mm[0]
    y = relief.extent_mm[1] - (np.arange(h)[rows] + 0.5) / relief.px_per_mm
    on_card = inside_card(scene.cut, x[None, :], y[:, None])
    return rows, cols, np.where(on_card, relief.whitening[rows, cols], np.float32(0))


def inside_card(cut: Cut, x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """True for points (broadcast x, y in mm) on the card as cut and worn."""
    px, py = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    top_left, top_right, bottom_right, bottom_left = cut.corner_radius_mm
    r = np.where(py >= 0, np.where(px < 0, top_left, top_right), np.where(px < 0, bottom_left, bottom_right))
    qx, qy = np.abs(px) - cut.width_mm / 2 + r, np.abs(py) - cut.height_mm / 2 + r
    return np.asarray(np.minimum(np.maximum(qx, qy), 0) + np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) <= r)


def _whitening_mm2(scene: Scene, relief: ReliefField, place: str) -> float:
    area = 0.0
    for spot in scene.surface.whitening:
        if spot.place == place:
            area += float(_whitened(scene, relief, spot)[2].sum(dtype=np.float64)) / relief.px_per_mm**2
    return area


def findings_truth(scene: Scene, relief: ReliefField) -> list[schema.Finding]:
    """Every dent, scratch, stain, worn place, crease, print line and chip; the deepest and largest of a kind
    first.
    """
    findings: list[schema.Finding] = []
    for dent in sorted(scene.surface.dents, key=lambda d: -d.depth_um):
        findings.append(
            _finding(
                findings,
                "dent",
                _dent_polygon(dent),
                dent.width_mm * dent.elongation,
                dent.depth_um,
                "surface",
            )
        )
    for scratch in sorted(scene.surface.scratches, key=lambda s: -s.depth_um * s.length_mm):
        findings.append(
            _finding(
                findings, "scratch", _scratch_polygon(scratch), scratch.length_mm, scratch.depth_um, "surface"
            )
        )
    rng = scene.generator(13)
    for stain in scene.surface.stains:
        polygon = _stain_polygon(relief, stain, rng)
        size = stain.width_mm * stain.elongation
        findings.append(_finding(findings, "stain", polygon, size, None, "surface"))
    for spot in scene.surface.whitening:
        polygon = _spot_polygon(scene, relief, spot)
        if len(polygon) >= 3:
            corner = spot.place in CORNERS
            size = float(np.hypot(*np.ptp(polygon, 0)))
            findings.append(
                _finding(
                    findings,
                    "corner_wear" if corner else "edge_wear",
                    polygon,
                    size,
                    None,
                    "corners" if corner else "edges",
                )
            )
    return _with_lines_and_chips(scene, findings)


def _with_lines_and_chips(scene: Scene, findings: list[schema.Finding]) -> list[schema.Finding]:
    """Add what scenes have only when asked for."""
    for crease in sorted(scene.surface.creases, key=lambda c: -abs(c.height_um)):
        polygon = line_polygon(crease.x_mm, crease.y_mm, crease.angle_deg, crease.length_mm, crease.width_mm)
        depth = abs(crease.height_um)
        findings.append(_finding(findings, "crease", polygon, crease.length_mm, depth, "surface"))
    for line in sorted(scene.surface.print_lines, key=lambda p: -p.length_mm):
        polygon = line_polygon(line.x_mm, line.y_mm, line.angle_deg, line.length_mm, line.width_mm)
        findings.append(_finding(findings, "print_line", polygon, line.length_mm, None, "surface"))
    half_w, half_h = scene.cut.width_mm / 2, scene.cut.height_mm / 2
    for chip in scene.effects.chips if scene.effects else ():
        polygon = chip_polygon(chip, half_w, half_h)
        corner = abs(chip.x_mm) > half_w - 3 and abs(chip.y_mm) > half_h - 3
        size = float(np.hypot(*np.ptp(polygon, 0)))
        kind = "corner_damage" if corner else "edge_damage"
        aspect: schema.Aspect = "corners" if corner else "edges"
        findings.append(_finding(findings, kind, polygon, size, None, aspect))
    return findings


def _finding(
    before: list[schema.Finding],
    kind: str,
    polygon: npt.NDArray[np.float64],
    size: float,
    relief_um: float | None,
    aspect: schema.Aspect,
) -> schema.Finding:
    x, y = polygon.T
    area = 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
    return schema.Finding(
        id=len(before) + 1,
        kind=kind,
        polygon_mm=[_point(p) for p in polygon],
        size_mm=size,
        area_mm2=area,
        relief_um=relief_um,
        confidence=1.0,
        aspect=aspect,
    )


def _dent_polygon(dent: Dent) -> npt.NDArray[np.float64]:
    t = np.radians(np.arange(0, 360, 15))
    a = np.radians(dent.angle_deg)
    u, v = dent.width_mm / 2 * dent.elongation * np.cos(t), dent.width_mm / 2 * np.sin(t)
    return np.stack([dent.x_mm + u * np.cos(a) - v * np.sin(a), dent.y_mm + u * np.sin(a) + v * np.cos(a)], 1)


def _scratch_polygon(scratch: Scratch) -> npt.NDArray[np.float64]:
    along = np.linspace(-0.5, 0.5, 17) * scratch.length_mm
    bend = scratch.bend_per_mm if abs(scratch.bend_per_mm) > 1e-9 else 1e-9
    centre = np.stack([np.sin(along * bend) / bend, (1 - np.cos(along * bend)) / bend], 1)
    normal = np.stack([-np.sin(along * bend), np.cos(along * bend)], 1) * scratch.width_mm / 2
    ring = np.concatenate([centre + normal, (centre - normal)[::-1]])
    a = np.radians(scratch.angle_deg)
    turned = ring @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return np.asarray(turned + np.array([scratch.x_mm, scratch.y_mm]))


def _stain_polygon(relief: ReliefField, stain: Stain, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Outline of what the stain more than half covers; drawn from the same stream as the relief's."""
    h, w = relief.grain.shape
    x = (np.arange(w, dtype=np.float64) + 0.5) / relief.px_per_mm - relief.extent_mm[0]
    y = relief.extent_mm[1] - (np.arange(h, dtype=np.float64) + 0.5) / relief.px_per_mm
    rows, cols, cover, _ = stain_patch(stain, x, y, relief.px_per_mm, rng)
    return _ring(relief, rows, cols, cover)


def _spot_polygon(scene: Scene, relief: ReliefField, spot: Whitening) -> npt.NDArray[np.float64]:
    """Outline of what is more than half white and on the card."""
    rows, cols, white = _whitened(scene, relief, spot)
    return _ring(relief, rows, cols, white)


def _ring(relief: ReliefField, rows: slice, cols: slice, alpha: FloatArray) -> npt.NDArray[np.float64]:
    """Outline (n, 2) mm of the largest piece above one half; empty when there is none."""
    contours, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.zeros((0, 2))
    ring = max(contours, key=cv2.contourArea)[:, 0] + np.array([cols.start, rows.start], np.float64)
    return np.stack(
        [
            (ring[:, 0] + 0.5) / relief.px_per_mm - relief.extent_mm[0],
            relief.extent_mm[1] - (ring[:, 1] + 0.5) / relief.px_per_mm,
        ],
        1,
    )


def _point(xy: npt.ArrayLike) -> schema.Point:
    x, y = np.asarray(xy, float).tolist()
    return x, y

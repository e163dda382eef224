"""A report's geometry as the page draws it: SVG in millimetres, y down, origin at the card's centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rcg.grading.schema import Edge, Finding, Point, Side, Station

_OUTWARD: dict[Edge, Point] = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}
_ANCHOR: dict[Edge, str] = {"left": "end", "right": "start", "top": "middle", "bottom": "middle"}
CROP_MIN_MM = 6.0


@dataclass(frozen=True)
class Box:
    """A rectangle in page millimetres (y down)."""

    x: float
    y: float
    width: float
    height: float

    @property
    def view(self) -> str:
        """As an SVG viewBox."""
        return f"{self.x:.3f} {self.y:.3f} {self.width:.3f} {self.height:.3f}"


@dataclass(frozen=True)
class Tick:
    """A station as drawn: from the card's edge to the print's edge, with its label outside the card."""

    edge: Edge
    outer: Point
    inner: Point
    label: Point
    anchor: str
    text: str
    title: str


def flip(point: Point) -> Point:
    """Card coordinates (y up) to page coordinates (y down)."""
    return (round(point[0], 3), round(-point[1], 3))


def path(points: Sequence[Point], *, close: bool = False) -> str:
    """An SVG path through points given in card coordinates."""
    if not points:
        return ""
    body = "L".join(f"{x:g} {y:g}" for x, y in map(flip, points))
    return f"M{body}{'Z' if close else ''}"


def image_box(width_px: int, height_px: int, px_per_mm: float) -> Box:
    """Where a layer lies: its pixels' outer edges, centred on the card."""
    width, height = width_px / px_per_mm, height_px / px_per_mm
    return Box(-width / 2, -height / 2, width, height)


def ticks(side: Side) -> list[Tick]:
    """The stations that were measured, ready to draw."""
    drawn = []
    for station in side.centering.stations:
        if station.outer_mm is None or station.inner_mm is None or station.width_mm is None:
            continue
        outer, inner = flip(station.outer_mm), flip(station.inner_mm)
        dx, dy = _OUTWARD[station.edge]
        error = f" \u00b1 {station.se_mm:.3f}" if station.se_mm is not None else ""
        drawn.append(
            Tick(
                edge=station.edge,
                outer=outer,
                inner=inner,
                label=(outer[0] + 0.6 * dx, outer[1] + 0.6 * dy),
                anchor=_ANCHOR[station.edge],
                text=f"{station.width_mm:.2f}",
                title=f"{station.edge} border at {station.position:+.0f} %: {station.width_mm:.3f}{error} mm",
            )
        )
    return drawn


def print_edges(stations: Sequence[Station]) -> list[str]:
    """The print's edge along each border, as SVG paths through the measured points."""
    paths = []
    for edge in ("left", "right", "top", "bottom"):
        along = sorted(
            (s for s in stations if s.edge == edge and s.inner_mm is not None), key=lambda s: s.position
        )
        points = [s.inner_mm for s in along if s.inner_mm is not None]
        if len(points) > 1:
            paths.append(path(points))
    return paths


def bounds(polygon: Sequence[Point]) -> Box:
    """The box round a polygon given in card coordinates."""
    xs, ys = [p[0] for p in polygon], [-p[1] for p in polygon]
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def crop(finding: Finding, within: Box) -> Box:
    """A square close-up of a finding with room around it, kept inside the picture."""
    if not finding.polygon_mm:
        return within
    box = bounds(finding.polygon_mm)
    side = min(max(CROP_MIN_MM, 1.7 * max(box.width, box.height)), within.width, within.height)
    x = min(max(box.x + box.width / 2 - side / 2, within.x), within.x + within.width - side)
    y = min(max(box.y + box.height / 2 - side / 2, within.y), within.y + within.height - side)
    return Box(x, y, side, side)

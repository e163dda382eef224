"""24 border stations and what follows from them: ratios, tilt, diamond cut.

Seven stations on the left and right at -90..90 % and five on the top and bottom at -90..90 % of half the
straight span. A width is the distance along the inward normal of the physical edge.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rcg.grading.borders import PrintEdge, find_print
from rcg.grading.cut import CutEdge, find_cut
from rcg.grading.lines import inflation, robust_sd
from rcg.grading.schema import Centering, Edge, Ratio, Station
from rcg.grading.schema import PrintEdge as PrintEdgeMeasure
from rcg.grading.strips import EDGES, F32, F64
from rcg.photometric.types import Maps

POSITIONS: Final[dict[Edge, tuple[float, ...]]] = {
    "left": (-90, -60, -30, 0, 30, 60, 90),
    "right": (-90, -60, -30, 0, 30, 60, 90),
    "top": (-90, -45, 0, 45, 90),
    "bottom": (-90, -45, 0, 45, 90),
}
WINDOW_MM: Final = 2.5
"""half the length of border that one station rests on"""
MIN_PAIRS: Final = 3
_SIGNIFICANT_SE: Final = 2.0
"""a pair counts as the worst only when its share is known better than this, percent points"""
_OPPOSITE: Final[dict[Edge, Edge]] = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
_NEIGHBOURS: Final[dict[Edge, tuple[Edge, Edge]]] = {
    "left": ("bottom", "top"),
    "right": ("bottom", "top"),
    "top": ("left", "right"),
    "bottom": ("left", "right"),
}


@dataclass(frozen=True)
class Borders:
    """Everything found along the four sides."""

    cuts: dict[Edge, CutEdge]
    prints: dict[Edge, PrintEdge]


def find_borders(maps: Maps, linear: F32, *, threads: int = 1) -> Borders:
    """Locate the four cut edges and the four print edges; the result does not depend on ``threads``."""

    def one(edge: Edge) -> tuple[CutEdge, PrintEdge]:
        cut = find_cut(maps, linear, edge)
        return cut, find_print(maps, linear, cut)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = dict(zip(EDGES, pool.map(one, EDGES), strict=True))
    cuts = {edge: cut for edge, (cut, _) in found.items()}
    prints = {edge: edge_of_print for edge, (_, edge_of_print) in found.items()}
    return Borders(cuts, {edge: _unless_band(edge, prints) for edge in EDGES})


def _unless_band(edge: Edge, prints: dict[Edge, PrintEdge]) -> PrintEdge:
    """Refuse a line that is not the side of a frame: a coloured band of the design, or unlike its opposite.

    A border goes round the card. A line without a border at either neighbouring side, or one that runs out
    to the cut where a neighbour has no border, is part of the picture.
    """
    own, opposite = prints[edge], prints[_OPPOSITE[edge]]
    if own.curve is None:
        return own
    borderless = [prints[n].curve is None for n in _NEIGHBOURS[edge]]
    if all(borderless) or (any(borderless) and own.runs_out > 0):
        return replace(
            own,
            curve=None,
            feature="none",
            reason=(
                f"the {edge} colour band is not part of a frame round the card: it may belong to the picture"
            ),
        )
    wide = [c for n in _NEIGHBOURS[edge] if (c := prints[n].curve) and float(c(0.0)) > own.end_mm + 0.4]
    if own.runs_out == 1 and len(wide) == 2:
        return replace(
            own,
            curve=None,
            feature="none",
            reason=(
                f"the line along the {edge} runs through both neighbouring borders: "
                "it is the cut or the picture"
            ),
        )
    if opposite.curve is not None and own.support < opposite.support and _unlike(own.colour, opposite.colour):
        return replace(
            own,
            curve=None,
            feature="none",
            reason=(
                f"the colour along the {edge} edge differs from the border opposite: "
                "the cut or the border is in doubt"
            ),
        )
    return own


def _unlike(one: F64, other: F64) -> bool:
    """Tell whether two border colours (Lab) are too different for one frame; lightness counts half, for
    uneven light."""
    return float(np.linalg.norm((one - other) * np.array([0.5, 1.0, 1.0]))) > 30


def _describe(borders: Borders, edge: Edge) -> PrintEdgeMeasure:
    """Say what an edge's stations were measured to."""
    own, cut = borders.prints[edge], borders.cuts[edge]
    measured = own.curve is not None
    return PrintEdgeMeasure(
        edge=edge,
        status="measured" if measured else "not_measurable",
        reason=own.reason,
        feature="none" if not measured else "line" if own.feature == "line" else "art",
        cut="measured" if cut.measured else "outline",
        contrast=own.contrast if measured else None,
        support=own.support,
        wander=own.wander if np.isfinite(own.wander) else None,
    )


def _local(edge: PrintEdge, at: float) -> tuple[float, float] | None:
    """Return the mean departure from the line near ``at`` and its standard error, or None with too few
    points."""
    assert edge.curve is not None
    window = np.abs(edge.s - at) <= WINDOW_MM
    residual = edge.points[window] - edge.curve(edge.s[window])
    good = np.isfinite(residual)
    if good.mean() < 0.4:
        return None
    centre = float(np.median(residual[good]))
    spread = max(robust_sd(residual[good]), 0.3 * edge.curve.scatter, 1e-4)
    whole = edge.points - edge.curve(edge.s)
    grow = inflation(np.where(np.isfinite(whole), whole, 0.0), np.isfinite(whole))
    close = good & (np.abs(residual - centre) < 3 * spread)
    return float(residual[close].mean()), float(spread * np.sqrt(grow / close.sum()))


def _stations(cut: CutEdge, printed: PrintEdge) -> list[Station]:
    """Evaluate one side's stations; local departures are shrunk to the line by their significance
    (empirical Bayes)."""
    places = [p / 100 * cut.frame.half_span_mm for p in POSITIONS[cut.edge]]
    if printed.curve is None:
        return [
            Station(
                edge=cut.edge,
                position=p,
                width_mm=None,
                se_mm=None,
                status="not_measurable",
                reason=printed.reason,
            )
            for p in POSITIONS[cut.edge]
        ]
    local = [_local(printed, at) for at in places]
    known = np.array([pair for pair in local if pair is not None])
    real = max(float(np.mean(known[:, 0] ** 2 - known[:, 1] ** 2)), 0.0) if len(known) else 0.0
    common = printed.systematic_mm
    stations = []
    for position, at, pair in zip(POSITIONS[cut.edge], places, local, strict=True):
        if pair is None:
            stations.append(
                Station(
                    edge=cut.edge,
                    position=position,
                    width_mm=None,
                    se_mm=None,
                    status="not_measurable",
                    reason="the print edge is covered or curved here",
                )
            )
            continue
        trust = real / (real + pair[1] ** 2)
        width = float(printed.curve(at)) + trust * pair[0]
        shared = float(np.sqrt(float(printed.curve.se(at)) ** 2 + float(cut.se(at)) ** 2 + common**2))
        se = float(np.sqrt(trust * pair[1] ** 2 + shared**2))
        outer, inner = cut.point(at), cut.point(at, width)
        stations.append(
            Station(
                edge=cut.edge,
                position=position,
                width_mm=width,
                se_mm=se,
                shared_se_mm=shared,
                status="measured",
                outer_mm=(float(outer[0]), float(outer[1])),
                inner_mm=(float(inner[0]), float(inner[1])),
            )
        )
    return stations


def pair_share(first: float, second: float) -> float:
    """Return the first border's share of both, percent."""
    return 100 * first / (first + second)


def share_se(first: float, second: float, se_first: float, se_second: float) -> float:
    """Return the standard error of :func:`pair_share`, percent points (first-order propagation)."""
    total = (first + second) ** 2
    return 100 * float(np.hypot(second * se_first, first * se_second)) / total


def ratio(stations: list[Station], one: Edge, other: Edge) -> Ratio | None:
    """Return the border shares of one axis, or None with fewer than three measured pairs.

    ``mean`` is the mean of the pairs' shares; ``worst`` the pair furthest from 50/50 among those known to 2
    points.
    """
    second = {s.position: s for s in stations if s.edge == other and s.width_mm is not None}
    shares: list[tuple[float, float]] = []
    for station in stations:
        if station.edge != one or station.width_mm is None or station.position not in second:
            continue
        twin = second[station.position]
        assert twin.width_mm is not None
        shares.append(
            (
                pair_share(station.width_mm, twin.width_mm),
                share_se(station.width_mm, twin.width_mm, station.se_mm or 0.0, twin.se_mm or 0.0),
            )
        )
    if len(shares) < MIN_PAIRS:
        return None
    values, errors = np.array(shares).T
    mean = float(values.mean())
    significant = errors <= _SIGNIFICANT_SE
    candidates = values[significant] if significant.any() else np.array([mean])
    worst = float(candidates[int(np.argmax(np.abs(candidates - 50)))])
    se = float(np.sqrt(np.mean(errors**2)))
    return Ratio(mean=(mean, 100 - mean), worst=(worst, 100 - worst), mean_se=se)


def _angles(borders: Borders) -> dict[Edge, tuple[float, float]]:
    """Return, per measured side, the print's rotation against the cut (counter-clockwise, degrees) and its
    error."""
    angles: dict[Edge, tuple[float, float]] = {}
    for edge, printed in borders.prints.items():
        if printed.curve is None:
            continue
        frame = borders.cuts[edge].frame
        turn = float(frame.along[0] * frame.inward[1] - frame.along[1] * frame.inward[0])
        slope = float(printed.curve.slope(0.0))
        angles[edge] = (
            float(np.degrees(np.arctan(slope * turn))),
            float(np.degrees(np.hypot(printed.curve.slope_se(), borders.cuts[edge].curve.slope_se()))),
        )
    return angles


def measure_centering(borders: Borders) -> Centering:
    """Evaluate stations, ratios, tilt and diamond cut from located borders.

    The diamond cut takes the print as rectangular: the rectification makes the cut a rectangle whatever its
    angles were, so a departure shows as print edges that turn against the cut by different amounts at one
    corner.
    """
    stations = [station for edge in EDGES for station in _stations(borders.cuts[edge], borders.prints[edge])]
    angles = _angles(borders)
    tilt = diamond = None
    if angles:
        weights = np.array([1 / max(a[1], 1e-3) ** 2 for a in angles.values()])
        tilt = float(np.average([a[0] for a in angles.values()], weights=weights))
    corners = [(a, b) for a in ("left", "right") for b in ("top", "bottom") if a in angles and b in angles]
    if corners:
        diamond = max(abs(angles[a][0] - angles[b][0]) for a, b in corners)
    return Centering(
        stations=stations,
        print_edges=[_describe(borders, edge) for edge in EDGES],
        left_right=ratio(stations, "left", "right"),
        top_bottom=ratio(stations, "top", "bottom"),
        tilt_deg=tilt,
        diamond_deg=diamond,
    )

"""What the whole chain finds of defects whose truth is known.

Cards of :mod:`rcg.bench.defect_set` go through finding, registration, solving, relief and the surface step
of grading, as a user's photographs do. Cards with defects and 28 % foil give recall and false alarms, clean
cards without foil the false alarms of print alone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from rcg.bench.defect_set import CARD_MM, PX_PER_MM, Defect, DefectCard, defect_card, outline_points
from rcg.bench.table import Table
from rcg.grading.centering import find_borders
from rcg.grading.schema import Finding
from rcg.grading.strips import linear_colour
from rcg.grading.surface import measure_surface, usable
from rcg.photometric import chain, relief
from rcg.photometric.rectify import map_to_reference
from rcg.photometric.render.camera import frame_to_card
from rcg.photometric.render.scene import Dent
from rcg.photometric.types import BoolArray, CardSize, FloatArray, Maps

FIRST_DEFECT_SEED, FIRST_CLEAN_SEED = 1100, 1200
LEVEL_MM = 1.0
_REACH_MM = 0.15
"""a finding within this of a defect has found it"""
_OWN_SHARE = 0.2
"""of a finding that must lie within 0.4 mm of a defect, or it is a false alarm that happens to touch one"""
_OWN_MM = 0.4
Say = Callable[[str], None]


@dataclass
class Tally:
    """Sums over cards."""

    found: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    named: list[bool] = field(default_factory=list)
    false: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    area_cm2: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    angles: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    misaligned_px: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def measured(card: DefectCard, threads: int) -> Maps:
    """Take the card's photographs through the chain."""
    size = CardSize(*CARD_MM, "chosen")
    return chain.measure(card.frames, card.side.lights, size, px_per_mm=PX_PER_MM, threads=threads)


def truth_on_maps(card: DefectCard, maps: Maps) -> tuple[FloatArray, BoolArray]:
    """The true normals (H, W, 3) and where there is foil, on the maps' grid, whatever the finder's error."""
    h, w = maps.albedo.shape[:2]
    to_card = frame_to_card(card.side.scene, maps.registration.reference) @ map_to_reference(
        maps.outline, maps.size, maps.px_per_mm, maps.margin_mm
    )
    truth = card.side.maps
    th, tw = truth.foil.shape
    k = truth.px_per_mm
    to_truth = np.array([[k, 0, (tw - 1) / 2], [0, -k, (th - 1) / 2], [0, 0, 1.0]]) @ to_card
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    normal = cv2.warpPerspective(truth.normal, to_truth, (w, h), flags=flags)
    foil = cv2.warpPerspective(truth.foil.astype(np.float32), to_truth, (w, h), flags=flags)
    return np.asarray(normal, np.float32), np.asarray(foil) > 0.5


def card_of_defect_px(maps: Maps, defect: Defect, reach_mm: float) -> BoolArray:
    """(H, W) the pixels of a defect and what is within ``reach_mm`` of it."""
    mask = np.zeros(maps.albedo.shape[:2], np.uint8)
    line = np.round(maps.mm_to_px(outline_points(defect.what))).astype(np.int32).reshape(-1, 1, 2)
    if isinstance(defect.what, Dent):
        cv2.fillPoly(mask, [line], 1)
    else:
        cv2.polylines(mask, [line], isClosed=False, color=1, thickness=1)
    reach = 2 * max(1, round(reach_mm * maps.px_per_mm)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(mask, kernel)) > 0


def finding_px(maps: Maps, finding: Finding) -> BoolArray:
    """(H, W) the pixels of a finding's polygon, its outline included."""
    mask = np.zeros(maps.albedo.shape[:2], np.uint8)
    ring = np.round(maps.mm_to_px(finding.polygon_mm)).astype(np.int32)
    cv2.fillPoly(mask, [ring], 1)
    cv2.polylines(mask, [ring.reshape(-1, 1, 2)], isClosed=True, color=1, thickness=1)
    return mask > 0


def judge(
    maps: Maps, findings: list[Finding], defects: tuple[Defect, ...], foil: BoolArray, tally: Tally
) -> None:
    """Compare the findings of one card with its truth."""
    near = np.zeros(foil.shape, bool)
    for defect in defects:
        near |= card_of_defect_px(maps, defect, _OWN_MM)
    shapes = [finding_px(maps, f) for f in findings]
    own = [bool((shape & near).sum() >= _OWN_SHARE * shape.sum()) for shape in shapes]
    for defect in defects:
        there = card_of_defect_px(maps, defect, _REACH_MM)
        hits = [
            f for f, shape, mine in zip(findings, shapes, own, strict=True) if mine and (shape & there).any()
        ]
        tally.found[f"{defect.kind}, {'foil' if defect.on_foil else 'matte'}"].append(bool(hits))
        if hits:
            tally.named.append(any(f.kind == defect.kind.removeprefix("thin ") for f in hits))
    for shape, mine in zip(shapes, own, strict=True):
        if not mine:
            tally.false[_place(defects, on_foil=bool((shape & foil).sum() > 0.5 * shape.sum()))] += 1


def _place(defects: tuple[Defect, ...], *, on_foil: bool) -> str:
    return "foil" if on_foil else ("matte" if defects else "print")


def angles(card: DefectCard, maps: Maps, inside: BoolArray, tally: Tally) -> None:
    """Angles between the normals and the truth, both less their Gaussian mean, in degrees."""
    assert maps.normal is not None
    normal, foil = truth_on_maps(card, maps)
    on_defect = np.zeros(inside.shape, bool)
    for defect in card.defects:
        on_defect |= card_of_defect_px(maps, defect, 0.05)
    weight = inside.astype(np.float32)

    def level(values: FloatArray) -> FloatArray:
        p, q = (s - relief.masked_smooth(s, weight, LEVEL_MM * maps.px_per_mm) for s in relief.slopes(values))
        return relief.from_slopes(p, q)

    truth = level(normal)
    flat = np.zeros_like(truth)
    flat[..., 2] = 1
    quiet = relief.quieted(maps.normal, inside, maps.px_per_mm)
    for name, values in (("normals", level(maps.normal)), ("quieted", level(quiet)), ("plane", flat)):
        angle = np.degrees(np.arccos(np.clip((values * truth).sum(axis=-1), -1, 1)))
        for place, where in (
            ("matte", inside & ~foil),
            ("foil", inside & foil),
            ("defects on matte", inside & on_defect & ~foil),
        ):
            if where.any():
                tally.angles[f"{name}, {place}"].append(float(angle[where].mean()))


def registration_error(card: DefectCard, maps: Maps) -> float:
    """The largest displacement in pixels that registration left over the card, from the truth."""
    registration = maps.registration
    names = {f.name: k for k, f in enumerate(card.frames)}
    true = card.side.to_reference
    reference = names[maps.frame_names[registration.reference]]
    corners = maps.outline.corners_px
    points = corners.mean(axis=0) + 0.9 * (corners - corners.mean(axis=0))
    worst = 0.0
    for homography, name in zip(registration.homographies, maps.frame_names, strict=True):
        here = np.linalg.inv(np.linalg.inv(true[reference]) @ true[names[name]])
        moved = _apply(homography @ here, points) - points
        worst = max(worst, float(np.linalg.norm(moved, axis=1).max()))
    return worst


def _apply(homography: npt.NDArray[np.float64], points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lifted = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:])


def run_card(seed: int, *, clean: bool, foil: bool, threads: int, tally: Tally) -> None:
    """Render one card, measure it, and add what came of it to the tally."""
    card = defect_card(seed, clean=clean, foil=foil, threads=threads)
    maps = measured(card, threads)
    borders = find_borders(maps, linear_colour(maps))
    inside, _ = usable(maps, borders)
    began = time.perf_counter()
    _, findings = measure_surface(maps, borders, threads=threads)
    tally.seconds.append(time.perf_counter() - began)
    _, on_foil = truth_on_maps(card, maps)
    judge(maps, findings, card.defects, on_foil, tally)
    area = 1 / (100 * maps.px_per_mm**2)
    tally.area_cm2["foil"] += float((inside & on_foil).sum()) * area
    tally.area_cm2["print" if clean else "matte"] += float((inside & ~on_foil).sum()) * area
    tally.misaligned_px.append(registration_error(card, maps))
    if not clean:
        angles(card, maps, inside, tally)


def bench_defects(
    table: Table, cards: int = 8, clean: int = 8, threads: int = 2, say: Say = lambda _: None
) -> None:
    """Run the set and add its figures to a table.

    Args:
        table: gets the rows.
        cards: with defects and foil, seeds from 1100.
        clean: of print alone, seeds from 1200.
        threads: compute threads.
        say: told what is going on.
    """
    tally = Tally()
    for k in range(cards):
        say(f"Card {k + 1} of {cards} with defects ...")
        run_card(FIRST_DEFECT_SEED + k, clean=False, foil=True, threads=threads, tally=tally)
    for k in range(clean):
        say(f"Card {k + 1} of {clean} of print alone ...")
        run_card(FIRST_CLEAN_SEED + k, clean=True, foil=False, threads=threads, tally=tally)
    _rows(table, tally)


def _rows(table: Table, tally: Tally) -> None:
    target = {
        "normals, matte": "<= 0.5", "normals, foil": "<= 1.0",
        "quieted, matte": "below the plane's", "quieted, foil": "below the plane's",
    }  # fmt: skip
    for place in ("matte", "foil", "defects on matte"):
        for name in ("normals", "quieted", "plane"):
            values = tally.angles.get(f"{name}, {place}", [])
            if values:
                wanted = target.get(f"{name}, {place}", "")
                table.add(f"{name} less their mean, {place}", float(np.mean(values)), "deg", wanted)
    wanted_recall = {
        "scratch, matte": ">= 95 %",
        "scratch, foil": ">= 85 %",
        "dent, matte": ">= 90 %",
        "dent, foil": ">= 90 %",
    }
    for name in sorted(tally.found):
        hits = tally.found[name]
        table.add(
            f"recall, {name}",
            100 * float(np.mean(hits)),
            "%",
            wanted_recall.get(name, ""),
            f"{sum(hits)} of {len(hits)}",
        )
    for place, wanted in (("matte", "<= 0.1"), ("foil", "<= 0.1"), ("print", "<= 0.02")):
        area = tally.area_cm2[place]
        if area > 0:
            note = f"{tally.false[place]} on {area:.0f} cm2"
            table.add(f"false alarms, {place}", tally.false[place] / area, "/cm2", wanted, note)
    if tally.named:
        table.add("found and given its name", 100 * float(np.mean(tally.named)), "%")
    table.add("registration, largest displacement left", max(tally.misaligned_px), "px", "<= 0.1", "raw 0.5")
    table.add(
        "surface step, median of a card", float(np.median(tally.seconds)), "s", "", "1260 x 1760 of card"
    )

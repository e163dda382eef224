"""A card with one more defect must never get a higher grade: pairs of rendered cards, whole chain.

Both cards of a pair have the same print, relief, flaws, lights and noise; the second has one defect more.
What is compared is what a user reads: each aspect's score, and the card's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from rcg.bench.table import Table
from rcg.errors import RcgError
from rcg.grading.grade import grade_card
from rcg.grading.inspect import inspect_side
from rcg.grading.schema import CardHeader
from rcg.photometric import chain
from rcg.photometric.render import draw_scene, render_scene
from rcg.photometric.render.scene import (
    Crease,
    Cut,
    Dent,
    Place,
    PrintLine,
    Scene,
    Scratch,
    Stain,
    Surface,
    Whitening,
)
from rcg.photometric.types import CardSize

FIRST_SEED = 2000
FRAME_PX = (1125, 1500)
KINDS = ("dent", "scratch", "crease", "stain", "print line", "worn corner", "worn edge")
TOLERANCE = 0.05
"""points of 1000: the report rounds to 0.1"""
HEADER = CardHeader(name="pair", width_mm=63, height_mm=88, size_source="chosen")
Say = Callable[[str], None]
Scores = dict[str, float]


@dataclass
class Tally:
    """Of the pairs: where a score or the grade rose, by how much at most, and how many were not compared."""

    pairs: int = 0
    cheaper: int = 0
    largest_rise: float = 0.0
    rises: list[str] = field(default_factory=list)
    grades: list[str] = field(default_factory=list)
    refused: int = 0


def one_more(surface: Surface, cut: Cut, kind: str, rng: np.random.Generator) -> Surface:
    """Return the surface with one more defect of a kind, anywhere on the card."""
    x, y = (float(v) for v in rng.uniform(-0.4, 0.4, 2) * (cut.width_mm, cut.height_mm))
    angle = float(rng.uniform(0, 180))
    if kind == "dent":
        dent = Dent(
            x, y, float(rng.uniform(0.5, 2.5)), float(rng.uniform(5, 40)), float(rng.uniform(1, 2)), angle
        )
        return replace(surface, dents=(*surface.dents, dent))
    if kind == "scratch":
        length, width = float(rng.uniform(3, 25)), float(rng.uniform(0.08, 0.2))
        scratch = Scratch(
            x, y, angle, length, 0.0, width, float(rng.uniform(2, 10)), float(rng.uniform(0, 0.6))
        )
        return replace(surface, scratches=(*surface.scratches, scratch))
    if kind == "crease":
        height = float(rng.uniform(15, 60))
        crease = Crease(x, y, angle, float(rng.uniform(6, 30)), float(rng.uniform(0.4, 1)), height, 0.3)
        return replace(surface, creases=(*surface.creases, crease))
    if kind == "stain":
        width = float(rng.uniform(1, 6))
        stain = Stain(x, y, width, float(rng.uniform(1, 2)), angle, float(rng.uniform(0.15, 0.5)))
        return replace(surface, stains=(*surface.stains, stain))
    if kind == "print line":
        line = PrintLine(x, y, 90.0 * float(rng.integers(2)), float(rng.uniform(8, 40)), 0.15, -0.3)
        return replace(surface, print_lines=(*surface.print_lines, line))
    return replace(surface, whitening=(*surface.whitening, _worn(cut, kind, rng)))


def _worn(cut: Cut, kind: str, rng: np.random.Generator) -> Whitening:
    sx, sy = (float(v) for v in rng.choice([-1.0, 1.0], 2))
    size = float(rng.uniform(0.4, 1.5))
    if kind == "worn corner":
        corners: dict[tuple[float, float], Place] = {
            (-1, 1): "top_left", (1, 1): "top_right", (1, -1): "bottom_right", (-1, -1): "bottom_left",
        }  # fmt: skip
        inset = cut.radius_mm * (1 - np.sqrt(0.5))
        x, y = sx * (cut.width_mm / 2 - inset), sy * (cut.height_mm / 2 - inset)
        return Whitening(corners[sx, sy], x, y, size, 0.7 * size, -45.0 * sx * sy)
    along = float(rng.uniform(-0.35, 0.35))
    if rng.random() < 0.5:
        return Whitening(
            "left" if sx < 0 else "right",
            sx * cut.width_mm / 2,
            along * cut.height_mm,
            2 * size,
            0.4 * size,
            90,
        )
    return Whitening(
        "top" if sy > 0 else "bottom", along * cut.width_mm, sy * cut.height_mm / 2, 2 * size, 0.4 * size, 0
    )


def scores_of(scene: Scene, threads: int) -> tuple[Scores, str]:
    """Return the scores of a rendered side, by aspect and as a whole, and the overall grade ("" when none).

    Raises:
        RcgError: the side is refused.
    """
    side = render_scene(scene, threads=threads)
    maps = chain.measure(side.frames, side.lights, CardSize(63, 88, "chosen"), threads=threads)
    report = grade_card(HEADER, inspect_side(maps, [], threads=threads), None)
    assert report.sides.front is not None
    scores: Scores = {}
    for sub in report.sides.front.sub_scores:
        if sub.score is not None:
            scores[sub.aspect] = sub.score
    overall = report.grades.overall
    if overall is None or overall.score is None or overall.grade is None:
        return scores, ""
    return scores | {"overall": overall.score}, overall.grade


def bench_pairs(table: Table, pairs: int, threads: int, say: Say = lambda _: None) -> None:
    """Grade pairs of cards, seeds from 2000, and add the rows.

    Args:
        table: gets the rows.
        pairs: how many; the kinds of defect take turns.
        threads: compute threads.
        say: told what is going on.
    """
    tally = Tally()
    for k in range(pairs):
        say(f"Pair {k + 1} of {pairs} ...")
        run_pair(FIRST_SEED + k, KINDS[k % len(KINDS)], threads, tally)
    note = "; ".join(tally.rises[:5])
    table.add(
        "one more defect: pairs of cards",
        tally.pairs,
        "",
        "",
        f"{tally.refused} refused or without an overall grade",
    )
    table.add("... whose grade rose", len(tally.grades), "", "0", "; ".join(tally.grades[:5]))
    table.add("... where any score rose", len(tally.rises), "", "0", note)
    table.add("... largest rise of a score", tally.largest_rise, "of 1000", "0")
    table.add("... whose overall score fell", 100 * tally.cheaper / max(tally.pairs, 1), "%")


def run_pair(seed: int, kind: str, threads: int, tally: Tally) -> None:
    """Grade a card without and with one more defect."""
    base = draw_scene(seed, frame_size=FRAME_PX)
    rng = np.random.default_rng([seed, 78])
    worse = replace(base, surface=one_more(base.surface, base.cut, kind, rng))
    try:
        (before, grade_before), (after, grade_after) = scores_of(base, threads), scores_of(worse, threads)
    except RcgError:
        tally.refused += 1
        return
    if "overall" not in before or "overall" not in after:
        tally.refused += 1
        return
    tally.pairs += 1
    tally.cheaper += after["overall"] < before["overall"]
    up = {
        name: after[name] - score
        for name, score in before.items()
        if name in after and after[name] > score + TOLERANCE
    }
    if up:
        name = max(up, key=lambda one: up[one])
        tally.rises.append(f"{seed}: {kind}, {name} +{up[name]:.1f}")
        tally.largest_rise = max(tally.largest_rise, up[name])
    if float(grade_after) > float(grade_before):
        tally.grades.append(f"{seed}: {kind}, {grade_before} to {grade_after}")

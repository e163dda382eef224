"""From two inspected sides to a report: sub-scores, the overall grade of RCG's rubric, every company's
ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from rcg import __version__
from rcg.grading.ceilings import centering_ceiling
from rcg.grading.interval import Draws, five_to_ninety_five
from rcg.grading.rubric import Rubric, load_rubric
from rcg.grading.schema import (
    CardHeader,
    GradeReport,
    Grades,
    Limit,
    ModelUsed,
    Side,
    SideName,
    Sides,
    StandardGrade,
    SubScore,
    Versions,
)
from rcg.grading.scores import score_side
from rcg.grading.strips import F64
from rcg.grading.tables import STANDARD_IDS, load_standard, standards_hash

ALGORITHM: Final = "grading-1"
_SIDES: Final[tuple[SideName, ...]] = ("front", "back")


def side_score(side: Side, rubric: Rubric) -> float | None:
    """Return a side's score rolled up from its measured aspects, or None when there is none."""
    scores = [sub.score for sub in side.sub_scores if sub.score is not None]
    return rubric.combine(scores) if scores else None


def _card_score(scores: dict[SideName, float], rubric: Rubric) -> float:
    front = rubric.roll_up.front_weight
    weights = {"front": front, "back": 1 - front}
    return rubric.combine(list(scores.values()), [weights[name] for name in scores])


def _missing(sides: dict[SideName, Side]) -> list[str]:
    missing: list[str] = []
    for name in _SIDES:
        side = sides.get(name)
        if side is None:
            missing.append(name)
        else:
            missing += [f"{name} {sub.aspect}" for sub in side.sub_scores if sub.score is None]
    return missing


def why_no_overall(sides: dict[SideName, Side]) -> str | None:
    """Return why there can be no overall grade, or None when there can."""
    front = sides.get("front")
    if front is None:
        return "the front was not captured"
    if not front.relief_measured:
        return (
            "relief was not measured: a single photo cannot show the surface, "
            "so there is only a centering ceiling"
        )
    unscored = {sub.aspect: sub.reason for sub in front.sub_scores if sub.score is None}
    for aspect in ("surface", "corners", "edges"):
        if aspect in unscored:
            return f"the front's {aspect} could not be measured: {unscored[aspect]}"
    return None


def _limit(sides: dict[SideName, Side], grade: str) -> list[Limit]:
    """Name the worst sub-score of all, with its finding."""
    subs: list[tuple[float, SideName, SubScore]] = [
        (sub.score, name, sub)
        for name, side in sides.items()
        for sub in side.sub_scores
        if sub.score is not None
    ]
    score, name, sub = min(subs, key=lambda item: item[0])
    if score >= 1000:
        return []
    finding = next((f for f in sides[name].findings if f.id == sub.limiting_finding), None)
    if sub.aspect == "centering":
        what = f"{name} centering {sub.reason}"
    elif finding is not None:
        kind = finding.kind.replace("_", " ")
        what = f"{name} {sub.aspect}: {kind} of {finding.size_mm:.1f} mm costs {finding.cost:.0f} points"
    else:
        what = f"{name} {sub.aspect}"
    return [
        Limit(
            side=name,
            aspect=sub.aspect,
            text=f"{what}; {sub.aspect} {score:.0f} of 1000 holds the grade at {grade}",
        )
    ]


def _overall(sides: dict[SideName, Side], draws: dict[SideName, Draws], rubric: Rubric) -> StandardGrade:
    points = {name: score for name, side in sides.items() if (score := side_score(side, rubric)) is not None}
    score = _card_score(points, rubric)
    drawn: dict[SideName, F64] = {}
    for name in points:
        stack = np.stack(list(draws[name].scores.values()))
        drawn[name] = np.array([rubric.combine(list(column)) for column in stack.T])
    cards = np.array(
        [
            _card_score({name: float(drawn[name][k]) for name in points}, rubric)
            for k in range(len(drawn["front"]))
        ]
    )
    low, high = five_to_ninety_five(cards, score)
    grade = rubric.grade(score)
    without = {sub.aspect for side in sides.values() for sub in side.sub_scores if sub.score is None}
    title = ", ".join(
        [
            rubric.title,
            *(["front only"] if "back" not in points else []),
            *([f"without {' and '.join(sorted(without))}"] if without else []),
        ]
    )
    return StandardGrade(
        standard=rubric.id,
        title=title,
        kind="overall",
        grade=grade,
        value=float(grade),
        low=rubric.grade(low),
        high=rubric.grade(high),
        score=score,
        score_low=low,
        score_high=high,
        limits=_limit(sides, grade),
        not_measured=_missing(sides),
        provenance=rubric.provenance,
        checked=rubric.checked,
    )


def grade_card(
    header: CardHeader, front: Side | None, back: Side | None, models: Sequence[ModelUsed] = ()
) -> GradeReport:
    """Grade a card from its inspected sides.

    Args:
        header: what the user said of the card.
        front, back: sides from :func:`rcg.grading.inspect.inspect_side`; at least one.
        models: that looked at the sides, for the report.

    Raises:
        ValueError: neither side is given.
    """
    given: dict[SideName, Side] = {
        name: side for name, side in zip(_SIDES, (front, back), strict=True) if side is not None
    }
    if not given:
        raise ValueError("a grade needs at least one side")
    rubric = load_rubric()
    sides: dict[SideName, Side] = {}
    draws: dict[SideName, Draws] = {}
    for name, side in given.items():
        sides[name], draws[name] = score_side(side, name, rubric)
    reason = why_no_overall(sides)
    standards = [centering_ceiling(load_standard(name), sides, draws) for name in STANDARD_IDS]
    return GradeReport(
        card=header,
        sides=Sides(front=sides.get("front"), back=sides.get("back")),
        grades=Grades(
            overall=None if reason else _overall(sides, draws, rubric),
            overall_reason=reason,
            standards=standards,
        ),
        versions=Versions(
            rcg=__version__, algorithm=ALGORITHM, standards=standards_hash(), models=list(models)
        ),
    )

"""Sub-scores of one side by RCG's rubric, and what each finding costs."""

from __future__ import annotations

from rcg.grading.interval import Draws, five_to_ninety_five, resample
from rcg.grading.rubric import ASPECTS, Rubric, larger_share
from rcg.grading.schema import Aspect, Finding, Side, SideName, SubScore


def price_findings(findings: list[Finding], rubric: Rubric) -> list[Finding]:
    """Return the findings with rule and cost, dearest first, numbered from 1."""
    priced = [
        f.model_copy(update={"rule": rubric.rule(f.kind, f.aspect).id, "cost": rubric.cost(f)})
        for f in findings
    ]
    priced.sort(key=lambda f: (-(f.cost or 0.0), f.aspect, f.polygon_mm))
    return [f.model_copy(update={"id": n}) for n, f in enumerate(priced, start=1)]


def _why_not(side: Side, aspect: Aspect) -> str | None:
    """Return why an aspect has no score, or None when it was measured."""
    if aspect == "centering":
        if larger_share(side.centering, "worst") is not None:
            return None
        reasons = sorted({s.reason for s in side.centering.stations if s.reason})
        return "; ".join(reasons) or "no axis has three measured pairs of stations"
    if aspect == "surface":
        if side.surface is None or not side.surface.relief_measured:
            return (side.surface.reason if side.surface else None) or "relief was not measured"
        return None
    measures = side.corners if aspect == "corners" else side.edges
    if any(m.status == "measured" for m in measures):
        return None
    return next((m.reason for m in measures if m.reason), f"no {aspect} were measured")


def _sub_score(side: Side, name: SideName, aspect: Aspect, rubric: Rubric) -> SubScore:
    reason = _why_not(side, aspect)
    if reason is not None:
        return SubScore(aspect=aspect, score=None, reason=reason)
    if aspect == "centering":
        share = larger_share(side.centering, "worst")
        assert share is not None
        return SubScore(
            aspect=aspect,
            score=rubric.centering_score(name, share),
            reason=f"{share:.1f}/{100 - share:.1f} at the worst station",
        )
    findings = [f for f in side.findings if f.aspect == aspect]
    limiting = max(findings, key=lambda f: (f.cost or 0.0, -f.id), default=None)
    return SubScore(
        aspect=aspect,
        score=rubric.deduct([f.cost or 0.0 for f in findings]),
        limiting_finding=limiting.id if limiting and limiting.cost else None,
    )


def score_side(side: Side, name: SideName, rubric: Rubric) -> tuple[Side, Draws]:
    """Return the side with priced findings and sub-scores with intervals, and the draws they rest on."""
    priced = side.model_copy(update={"findings": price_findings(side.findings, rubric)})
    scored = priced.model_copy(
        update={"sub_scores": [_sub_score(priced, name, aspect, rubric) for aspect in ASPECTS]}
    )
    draws = resample(scored, name, rubric)
    subs = []
    for sub in scored.sub_scores:
        if sub.score is None or sub.aspect not in draws.scores:
            subs.append(sub)
            continue
        low, high = five_to_ninety_five(draws.scores[sub.aspect], sub.score)
        subs.append(sub.model_copy(update={"low": low, "high": high}))
    return scored.model_copy(update={"sub_scores": subs}), draws

"""A report as a few lines of text, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rcg.grading.schema import Finding, GradeReport, Pair, Ratio, Side, StandardGrade

_FINDINGS_SHOWN = 8
_LABEL = 15


def summary(report: GradeReport) -> str:
    """Return the report in lines of at most about 110 characters, without a newline at the end."""
    return "\n".join(_lines(report))


def _lines(report: GradeReport) -> Iterator[str]:
    card = report.card
    yield card.name or "Card"
    yield from _overall(report)
    for name, side in (("Front", report.sides.front), ("Back", report.sides.back)):
        if side is not None:
            yield ""
            yield from _side(name, side)
    yield ""
    ceilings = [grade for grade in report.grades.standards if grade.kind == "centering_ceiling"]
    if ceilings:
        yield _row("Ceilings", "highest grade that the centering allows")
        for ceiling in ceilings:
            yield _row("", _ceiling(ceiling))
    missing = dict.fromkeys(
        item
        for grade in (report.grades.overall, *report.grades.standards)
        if grade
        for item in grade.not_measured
    )
    if missing:
        yield _row("Not measured", ", ".join(missing))


def _row(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}}{text}"


def _overall(report: GradeReport) -> Iterator[str]:
    overall = report.grades.overall
    if overall is None or overall.grade is None:
        yield _row("Grade", f"none: {report.grades.overall_reason or 'too little was measured'}")
        return
    score = "" if overall.score is None else f", score {overall.score:.0f} of 1000"
    interval = f" ({overall.low} to {overall.high})" if overall.low and overall.high else ""
    yield _row("Grade", f"{overall.grade}{interval} by RCG's rubric{score}; {overall.validation}")
    for limit in overall.limits:
        yield _row("Limited by", limit.text)


def _ceiling(grade: StandardGrade) -> str:
    interval = (
        f" ({grade.low} to {grade.high})" if grade.low and grade.high and grade.low != grade.high else ""
    )
    return f"{grade.title:<24} {grade.grade or '-'}{interval}"


def _side(name: str, side: Side) -> Iterator[str]:
    card = side.card
    lights = side.lights
    lit = "one photograph, no relief"
    if lights is not None:
        known = {"lp": "light file", "rig": "rig", "azimuth": "lights by name"}[lights.source]
        assumed = lights.assumed_elevation_deg
        lit = f"{lights.count} lights, {known}" + (f", {assumed:g}° assumed" if assumed is not None else "")
    yield f"{name}: {card.width_mm:g} x {card.height_mm:g} mm ({card.size_source}), {lit}"
    centering = side.centering
    measured = [station for station in centering.stations if station.status == "measured"]
    yield _row("Left / right", _ratio(centering.left_right))
    yield _row("Top / bottom", _ratio(centering.top_bottom))
    tilt = "" if centering.tilt_deg is None else f", print tilted {centering.tilt_deg:+.2f}°"
    yield _row("Stations", f"{len(measured)} of {len(centering.stations)} measured{tilt}")
    reasons = dict.fromkeys(s.reason for s in centering.stations if s.status != "measured" and s.reason)
    for reason in reasons:
        yield _row("", reason)
    for sub in side.sub_scores:
        if sub.score is None:
            yield _row(sub.aspect.capitalize(), f"- ({sub.reason or 'not measured'})")
        else:
            interval = "" if sub.low is None or sub.high is None else f" ({sub.low:.0f} to {sub.high:.0f})"
            yield _row(sub.aspect.capitalize(), f"{sub.score:.0f}{interval}")
    yield from _findings(side.findings)
    for warning in side.warnings:
        yield _row("Limit", warning)
    for note in side.notes:
        yield _row("Note", note)


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "- (not measurable)"
    error = "" if ratio.mean_se is None else f" ± {ratio.mean_se:.2f}"
    return f"{_pair(ratio.mean)}{error}, worst {_pair(ratio.worst)}"


def _pair(pair: Pair) -> str:
    return f"{pair[0]:.1f} / {pair[1]:.1f}"


def _findings(findings: list[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield _row("Findings", f"{len(findings)}")
    for finding in findings[:_FINDINGS_SHOWN]:
        x = sum(point[0] for point in finding.polygon_mm) / max(len(finding.polygon_mm), 1)
        y = sum(point[1] for point in finding.polygon_mm) / max(len(finding.polygon_mm), 1)
        cost = "" if finding.cost is None else f", costs {finding.cost:.0f}"
        kind = finding.kind.replace("_", " ")
        by = f", found by {finding.model}" if finding.model else ""
        place = f"{finding.size_mm:.2f} mm at ({x:+.1f}, {y:+.1f}) mm"
        yield _row("", f"{finding.id:>3} {kind}, {place}{cost}{by}")
    if len(findings) > _FINDINGS_SHOWN:
        yield _row("", f"and {len(findings) - _FINDINGS_SHOWN} more")

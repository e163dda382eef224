"""Grades from sides put together by hand: what the words say, what may never rise, and the bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcg.grading.centering import POSITIONS, ratio
from rcg.grading.grade import grade_card
from rcg.grading.report import json_schema, to_json
from rcg.grading.rubric import load_rubric
from rcg.grading.schema import (
    CardGeometry,
    CardHeader,
    Centering,
    CornerMeasure,
    EdgeMeasure,
    Finding,
    GradeReport,
    Side,
    Station,
    SurfaceMeasure,
)

HEADER = CardHeader(name="A card", width_mm=63, height_mm=88, size_source="default")
KINDS = {rule.kind: rule.aspect for rule in load_rubric().rules}


def make_side(left=2.0, right=2.0, top=2.5, bottom=2.5, findings=(), relief=True, se=0.005):
    given_widths = {"left": left, "right": right, "top": top, "bottom": bottom}
    stations = [
        Station(
            edge=e,
            position=p,
            width_mm=w,
            se_mm=se if w else None,
            shared_se_mm=0.8 * se if w else None,
            status="measured" if w else "not_measurable",
            reason=None if w else "no border",
        )
        for e, w in given_widths.items()
        for p in POSITIONS[e]
    ]
    return Side(
        card=CardGeometry(width_mm=63, height_mm=88, size_source="default", corners_px=[(0, 0)] * 4),
        relief_measured=relief,
        centering=Centering(
            stations=stations,
            left_right=ratio(stations, "left", "right"),
            top_bottom=ratio(stations, "top", "bottom"),
            tilt_deg=0.0,
        ),
        corners=[
            CornerMeasure(corner=c, radius_mm=3, missing_area_mm2=0, whitening_mm2=0, status="measured")
            for c in ("top_left", "top_right", "bottom_right", "bottom_left")
        ],
        edges=[EdgeMeasure(edge=e, roughness_um=5, whitening_mm2=0, status="measured") for e in given_widths],
        surface=SurfaceMeasure(
            relief_measured=relief,
            coverage=1.0 if relief else None,
            reason=None if relief else "relief was not measured",
        ),
        findings=list(findings),
    )


def finding(kind="scratch", size=5.0, area=0.4, confidence=0.8):
    return Finding(
        id=1,
        kind=kind,
        polygon_mm=[(0, 0), (size, 0), (size, 0.1)],
        size_mm=size,
        size_se_mm=0.1,
        area_mm2=area,
        area_se_mm2=0.05,
        confidence=confidence,
        aspect=KINDS[kind],
    )


def test_a_perfect_card_is_a_ten_everywhere():
    report = grade_card(HEADER, make_side(), make_side())
    assert report.grades.overall.grade == "10"
    assert report.grades.overall.score == pytest.approx(1000)
    assert [g.grade for g in report.grades.standards][:2] == ["10", "10"]
    assert report.grades.overall.not_measured == []


def test_the_limit_says_side_axis_share_and_bound():
    report = grade_card(HEADER, make_side(left=2.288, right=1.712), None)
    psa = report.grades.standards[0]
    assert psa.grade == "9"
    assert (
        psa.limits[0].text == "front left/right 57.2/42.8 at its worst station keeps it from 10 (limit 55/45)"
    )
    assert psa.not_measured == ["back"]
    assert psa.checked == "2026-09-15"
    assert psa.validation == "not validated against graded cards"


def test_one_photo_gives_ceilings_and_no_overall():
    report = grade_card(HEADER, make_side(relief=False), None)
    assert report.grades.overall is None
    assert "relief" in report.grades.overall_reason
    assert report.grades.standards[0].grade == "10"
    surface = next(s for s in report.sides.front.sub_scores if s.aspect == "surface")
    assert surface.score is None
    assert surface.reason


def test_a_side_without_borders_has_no_ceiling_and_says_what_is_missing():
    side = make_side(left=None, right=None, top=None, bottom=None)
    psa = grade_card(HEADER, side, None).grades.standards[0]
    assert psa.grade is None
    assert psa.not_measured == ["front left/right", "front top/bottom", "back"]


def test_front_only_says_so():
    overall = grade_card(HEADER, make_side(), None).grades.overall
    assert "front only" in overall.title
    assert overall.not_measured == ["back"]


def test_without_a_front_there_is_no_overall():
    assert grade_card(HEADER, None, make_side()).grades.overall_reason == "the front was not captured"


@settings(max_examples=40, deadline=None)
@given(
    before=st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.floats(0.1, 80), st.floats(0.05, 1)), max_size=4
    ),
    more=st.tuples(st.sampled_from(sorted(KINDS)), st.floats(0.1, 80), st.floats(0.05, 1)),
)
def test_one_more_finding_never_raises_the_score(before, more):
    def score(items):
        side = make_side(left=2.2, findings=[finding(k, s, s, c) for k, s, c in items])
        return grade_card(HEADER, side, make_side()).grades.overall.score

    assert score([*before, more]) <= score(before) + 1e-9


def test_worse_centering_never_raises_the_score_or_any_ceiling():
    last = None
    for step in range(12):
        report = grade_card(HEADER, make_side(left=2.0 + 0.12 * step, right=2.0 - 0.12 * step), None)
        now = [report.grades.overall.score, *(g.value for g in report.grades.standards)]
        if last is not None:
            assert all(a <= b for a, b in zip(now, last, strict=True))
        last = now


@pytest.mark.parametrize("left", [2.0, 2.1, 2.21, 2.4, 2.9])
def test_every_interval_holds_its_point(left):
    side = make_side(left=left, se=0.03, findings=[finding(), finding("dent", 1.0, confidence=0.5)])
    report = grade_card(HEADER, side, make_side())
    overall = report.grades.overall
    assert overall.score_low <= overall.score <= overall.score_high
    assert overall.score_low < overall.score_high
    assert float(overall.low) <= overall.value <= float(overall.high)
    for sub in report.sides.front.sub_scores:
        assert sub.low <= sub.score <= sub.high


def test_a_share_near_a_limit_has_an_interval_on_both_sides():
    psa = grade_card(HEADER, make_side(left=2.2, right=1.8, se=0.05), None).grades.standards[0]
    assert (psa.low, psa.high) == ("9", "10")


def test_the_same_card_gives_the_same_bytes_and_they_read_back():
    one, two = (
        to_json(grade_card(HEADER, make_side(left=2.123456, findings=[finding()]), None)) for _ in range(2)
    )
    assert one == two
    assert one.endswith(b"\n")
    data = json.loads(one)
    assert sum(data["sides"]["front"]["centering"]["left_right"]["mean"]) == pytest.approx(100)
    assert data["sides"]["front"]["centering"]["stations"][0]["width_mm"] == 2.1235
    assert GradeReport.model_validate(data).versions.schema_ == "1"
    assert data["versions"]["schema"] == "1"


def test_the_published_schema_names_the_keys():
    schema = json_schema()
    assert set(schema["properties"]) == {"card", "sides", "grades", "versions"}
    assert {"edge", "position", "width_mm", "se_mm", "status"} <= set(
        schema["$defs"]["Station"]["properties"]
    )

"""Every published row at its limit and a tenth of a point beside it, and what must never happen."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from rcg.grading.tables import STANDARD_IDS, Standard, load_standard

# typed in from the research notes, not read from the data: larger side's limit on front and back
PUBLISHED = {
    "psa": "10 55 75, 9 60 90, 8 65 90, 7 70 90, 6 80 90, 5 85 90, 4 85 90, 3 90 90, 2 90 90, "
    "1.5 90 90, 1 - -",
    "bgs": "10 50 55, 9.5 55 60, 9 55 70, 8 60 80, 7 65 90, 6 70 95, 5 75 95, "
    "4 80 100, 3 85 100, 2 85 100, 1 100 100",
    "cgc": "10P 50 -, 10 55 75, 9 60 90, 8 65 -, 7.5 65 -, 7 70 -, 6 75 -, 4.5 85 -, 3.5 90 -",
    "sgc": "10P 50 -, 10 55 -, 9 60 -, 8.5 65 -, 8 65 -, 7.5 70 -, 7 70 -, "
    "6 75 -, 5 80 -, 4 85 -, 3 90 -, 2 90 -, 1.5 90 -",
    "tag_tcg": "10P 51 52, 10 55 65, 9 60 75, 8.5 62.5 85, 8 65 95, 7.5 67.5 -, 7 70 -, 6.5 72.5 -, "
    "6 75 -, 5.5 77.5 -, "
    "5 80 -, 4.5 82.5 -, 4 85 -, 3.5 87.5 -, 3 90 -, 2.5 92.5 -, 2 95 -, 1.5 98.33 -",
    "tag_sports": "10P 51 54.5, 10 55 70, 9 60 90, 8.5 62.5 95, 8 65 -, 7.5 67.5 -, 7 70 -, 6.5 72.5 -, "
    "6 75 -, 5.5 77.5 -, "
    "5 80 -, 4.5 82.5 -, 4 85 -, 3.5 87.5 -, 3 90 -, 2.5 92.5 -, 2 95 -, 1.5 98.33 -",
}


def published(name):
    rows = [entry.split() for entry in PUBLISHED[name].split(", ")]
    return [(g, None if f == "-" else float(f), None if b == "-" else float(b)) for g, f, b in rows]


@pytest.mark.parametrize("name", STANDARD_IDS)
def test_the_data_holds_exactly_the_published_rows(name):
    assert [(r.grade, r.front, r.back) for r in load_standard(name).rows] == published(name)
    assert load_standard(name).provenance
    assert load_standard(name).statistic == ("worst" if name == "psa" else "mean")


@pytest.mark.parametrize("name", STANDARD_IDS)
@pytest.mark.parametrize("side", ["front", "back"])
def test_each_row_holds_at_its_limit_and_not_a_tenth_beyond(name, side):
    column = 1 if side == "front" else 2
    rows = published(name)
    order = [g for g, _, _ in rows]
    for index, row in enumerate(rows):
        limit = row[column]
        if limit is None:
            continue
        best = next(i for i, other in enumerate(rows) if other[column] is not None and other[column] >= limit)
        for share in (limit, max(limit - 0.1, 50)):
            got = load_standard(name).ceiling({side: share})
            assert got is not None
            assert order.index(got.grade) <= index
        if all(r[column] is not None for r in rows[:best]):
            assert load_standard(name).ceiling({side: limit}).grade == order[best]
        if limit < 100:
            beyond = load_standard(name).ceiling({side: round(limit + 0.1, 2)})
            assert beyond is None or order.index(beyond.grade) > index or beyond.grade == "1"


@pytest.mark.parametrize("name", STANDARD_IDS)
def test_worse_centering_never_raises_a_ceiling(name):
    standard = load_standard(name)
    places = {row.grade: i for i, row in enumerate(standard.rows)}
    for fixed in (50.0, 57.0, 80.0):
        for side, other in (("front", "back"), ("back", "front")):
            got = [standard.ceiling({side: float(s), other: fixed}) for s in np.arange(50, 100.05, 0.1)]
            order = [places[g.grade] if g else len(places) for g in got]
            assert order == sorted(order)


def test_a_row_without_a_figure_takes_the_next_worse_rows():
    assert load_standard("cgc").ceiling({"front": 50.0, "back": 90.0}).label == "9"
    assert load_standard("sgc").ceiling({"front": 50.0, "back": 99.0}).label == "Pristine 10"


def test_a_table_that_tightens_towards_worse_grades_is_refused():
    data = load_standard("psa").model_dump()
    data["rows"][3]["front"] = 56.0
    with pytest.raises(ValidationError, match="tighten"):
        Standard.model_validate(data)

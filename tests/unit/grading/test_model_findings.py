"""Models' findings beside measured ones: one flaw costs once, and who saw it stands with it."""

import pytest

from rcg.grading.model_findings import merge, overlap
from rcg.grading.rubric import load_rubric
from rcg.grading.schema import Finding
from rcg.grading.scores import price_findings


def square(x, y, half=1.0, *, kind="dent", aspect="surface", model=None, confidence=0.8):
    ring = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    return Finding(id=1, kind=kind, polygon_mm=ring, size_mm=2.8 * half, area_mm2=4 * half**2,
                   confidence=confidence, aspect=aspect, model=model)  # fmt: skip


def test_outlines_share_what_they_share():
    # The outlines are widened by 0.15 mm for models' coarse pixels, so a half becomes a little more.
    assert overlap(square(0, 0).polygon_mm, square(1, 0).polygon_mm) == pytest.approx(0.57, abs=0.06)
    assert overlap(square(0, 0).polygon_mm, square(0.2, 0, 0.5).polygon_mm) == pytest.approx(1.0, abs=0.02)
    assert overlap(square(0, 0).polygon_mm, square(9, 0).polygon_mm) == 0


def test_a_flaw_that_both_see_stays_measured_and_names_the_model():
    found = merge([square(0, 0)], [square(0.3, 0.1, model="eye"), square(5, 5, model="eye")])
    assert [(f.model, f.seen_by) for f in found] == [(None, ["eye"]), ("eye", [])]


def test_two_models_that_see_one_flaw_cost_once():
    found = merge([], [square(0, 0, model="a", confidence=0.5), square(0.1, 0, model="b", confidence=0.9)])
    assert [(f.model, f.seen_by) for f in found] == [("b", ["a"])]


def test_another_aspect_is_another_flaw():
    assert len(merge([square(0, 0)], [square(0, 0, aspect="edges", kind="edge_wear", model="eye")])) == 2


def test_what_only_models_name_has_a_price_under_its_own_aspect():
    rubric = load_rubric()
    priced = price_findings(
        [square(0, 0, kind="stain"), square(3, 3, kind="corner_bend", aspect="corners"),
         square(-3, 3, kind="odd"), square(3, -3, kind="edge_nick", aspect="edges")], rubric)  # fmt: skip
    assert {f.kind: f.rule for f in priced} == {
        "stain": "RCG-S6", "corner_bend": "RCG-K2", "odd": "RCG-S5", "edge_nick": "RCG-E3",
    }  # fmt: skip
    assert all(f.cost and f.cost > 0 for f in priced)

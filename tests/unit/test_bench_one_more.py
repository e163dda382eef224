"""The sweep of cards with one defect more: what is added, and that a rise is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rcg.bench import one_more as sweep
from rcg.photometric.render import draw_scene


def defects(surface):
    return sum(
        len(getattr(surface, field.name))
        for field in dataclasses.fields(surface)
        if field.name in {"dents", "scratches", "creases", "stains", "print_lines", "whitening"}
    )


@pytest.mark.parametrize("kind", sweep.KINDS)
def test_one_defect_more_and_nothing_else(kind):
    scene = draw_scene(3)
    worse = sweep.one_more(scene.surface, scene.cut, kind, np.random.default_rng(1))
    assert defects(worse) == defects(scene.surface) + 1
    assert worse.curl_um == scene.surface.curl_um


def test_a_rise_is_told(monkeypatch):
    grades = iter(
        [({"surface": 700.0, "overall": 700.0}, "7"), ({"surface": 900.0, "overall": 880.0}, "8.5")]
    )
    monkeypatch.setattr(sweep, "scores_of", lambda *_: next(grades))
    tally = sweep.Tally()
    sweep.run_pair(2000, "dent", 1, tally)
    assert tally.pairs == 1
    assert tally.rises == ["2000: dent, surface +200.0"]
    assert tally.grades == ["2000: dent, 7 to 8.5"]
    assert tally.cheaper == 0


def test_a_side_that_cannot_be_graded_is_counted_apart(monkeypatch):
    monkeypatch.setattr(sweep, "scores_of", lambda *_: ({"corners": 700.0}, ""))
    tally = sweep.Tally()
    sweep.run_pair(2000, "stain", 1, tally)
    assert (tally.pairs, tally.refused) == (0, 1)

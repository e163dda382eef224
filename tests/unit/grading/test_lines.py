"""Robust curves and the search for the first line."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.grading.lines import first_line, fit_curve, inflation

S = np.arange(-40, 40.1, 0.25)
ALL = np.ones(len(S), bool)


def test_a_line_survives_a_third_of_wild_points():
    rng = np.random.default_rng(1)
    y = 2 + 0.01 * S + 0.01 * rng.standard_normal(len(S))
    y[rng.random(len(S)) < 0.33] += rng.uniform(0.3, 3)
    line = fit_curve(S, y)
    assert float(line(0.0)) == pytest.approx(2, abs=0.004)
    assert float(line.slope(0.0)) == pytest.approx(0.01, abs=2e-4)
    assert line.scatter == pytest.approx(0.01, rel=0.3)


def test_the_standard_error_covers_repeated_noise():
    rng = np.random.default_rng(2)
    lines = [fit_curve(S, 1 + 0.02 * rng.standard_normal(len(S))) for _ in range(60)]
    seen = np.std([float(line(0.0)) for line in lines])
    assert np.mean([float(line.se(0.0)) for line in lines]) == pytest.approx(seen, rel=0.4)


def test_correlated_points_count_for_fewer():
    rng = np.random.default_rng(3)
    white = rng.standard_normal(400)
    smooth = np.convolve(white, np.ones(6) / np.sqrt(6), mode="same")
    assert inflation(white, np.ones(400, bool)) < 1.8
    assert inflation(smooth, np.ones(400, bool)) > 3


@pytest.mark.parametrize("bounds", [(0.3, 5.0), (0.9, 1.1)])
def test_the_first_supported_line_wins_over_deeper_ones_and_text(bounds):
    rows = np.concatenate([np.arange(len(S)), np.arange(len(S)), np.arange(0, 90)])
    depth = np.concatenate([1.0 + 0.01 * S, np.full(len(S), 3.0), np.full(90, 0.5)])
    found = first_line(S, rows, depth, ALL, bounds=bounds, max_slope=0.04)
    assert found.good
    assert found.level == pytest.approx(1.0, abs=0.1)
    assert found.slope == pytest.approx(0.01, abs=0.003)


def test_scattered_places_are_no_line():
    rng = np.random.default_rng(4)
    rows = np.repeat(np.arange(len(S)), 2)
    found = first_line(S, rows, rng.uniform(0.4, 10, len(rows)), ALL, bounds=(0.3, 11), max_slope=0.04)
    assert not found.good


def test_too_few_points_are_an_error():
    with pytest.raises(ValueError, match="cannot carry"):
        fit_curve(S, np.where(np.arange(len(S)) < 2, 1.0, np.nan))

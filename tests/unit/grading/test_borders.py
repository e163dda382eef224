"""Border widths against drawn cards whose borders are known to the micrometre."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.grading.centering import find_borders, measure_centering
from rcg.grading.strips import EDGES, linear_colour

from .cards import Card, make_maps


def centering(card):
    maps = make_maps(card)
    return measure_centering(find_borders(maps, linear_colour(maps)))


def widths(found, edge):
    return [s.width_mm for s in found.stations if s.edge == edge and s.width_mm is not None]


@pytest.mark.parametrize(
    "card",
    [
        Card(),
        Card(misplaced_mm=(0.3, -0.2), turned_deg=0.2, seed=2),
        Card(border=(0.03, 0.03, 0.03), ground=(0.4, 0.3, 0.2), seed=3),
        Card(line_mm=0.3, light_slope=0.6, seed=6),
        Card(inner_radius=4.0, noise=0.02, seed=8),
    ],
    ids=["plain", "misplaced and turned", "black border", "thin frame, light from one side", "round, noisy"],
)
def test_each_border_is_within_15_micrometres_and_each_station_within_30(card):
    found = centering(card)
    assert len(found.stations) == 24
    for edge in EDGES:
        got = widths(found, edge)
        assert len(got) == (7 if edge in ("left", "right") else 5)
        assert np.mean(got) == pytest.approx(card.borders[edge], abs=0.015)
        assert np.allclose(got, card.borders[edge], atol=0.03), edge
    share = 100 * card.borders["left"] / (card.borders["left"] + card.borders["right"])
    assert found.left_right.mean[0] == pytest.approx(share, abs=0.15)
    assert sum(found.left_right.mean) == pytest.approx(100)


def test_a_turned_print_shows_as_tilt_and_as_a_worst_pair():
    found = centering(Card(tilt_deg=0.4, seed=2))
    assert found.tilt_deg == pytest.approx(0.4, abs=0.02)
    assert found.diamond_deg < 0.03
    assert abs(found.left_right.worst[0] - 50) > abs(found.left_right.mean[0] - 50) + 3


def test_the_border_is_measured_along_the_inward_normal_where_it_is():
    found = centering(Card(seed=4))
    station = next(s for s in found.stations if s.edge == "left" and s.position == 0)
    assert station.outer_mm == pytest.approx((-31.5, 0), abs=0.02)
    assert station.inner_mm == pytest.approx((-31.5 + 2.4, 0), abs=0.02)


def test_a_picture_that_runs_to_the_cut_has_no_border():
    found = centering(Card(art="full"))
    assert all(s.status == "not_measurable" and s.reason and s.width_mm is None for s in found.stations)
    assert found.left_right is None
    assert found.top_bottom is None


def test_a_black_card_on_black_uses_the_outline_and_says_so():
    found = centering(Card(border=(0.03, 0.03, 0.03), ground=(0.028, 0.028, 0.028), seed=3))
    assert {e.cut for e in found.print_edges} == {"outline"}
    assert all(s.se_mm is None or s.se_mm >= 0.04 for s in found.stations)


def test_standard_errors_grow_with_a_coarser_camera():
    fine, coarse = centering(Card(seed=5)), centering(Card(seed=5, native=7, blur_px=3))
    assert coarse.left_right.mean_se > fine.left_right.mean_se
    assert coarse.left_right.mean[0] == pytest.approx(fine.left_right.mean[0], abs=0.3)

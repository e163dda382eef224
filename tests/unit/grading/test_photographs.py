"""Real cards: one card's four frames agree, and a full-art card gets no invented border."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcg.grading.centering import find_borders, measure_centering
from rcg.grading.strips import linear_colour
from rcg.photometric import chain, images
from rcg.photometric.types import CardSize

CARDS = Path(__file__).parents[4] / "shared" / "data" / "cards" / "sports_4light"
pytestmark = [
    pytest.mark.photographs,
    pytest.mark.skipif(not CARDS.is_dir(), reason="the real photographs are not on this machine"),
]


def measured(name, light):
    frame = images.decode(CARDS / f"{name}_{light}.jpg", name=light, file_name=f"{light}.jpg")
    maps = chain.measure([frame], None, CardSize(63, 88, "default"))
    return measure_centering(find_borders(maps, linear_colour(maps)))


def test_four_frames_of_one_card_agree_within_a_point():
    found = [measured("AndySlyke_1", light) for light in ("up", "right", "down", "left")]
    for axis in ("left_right", "top_bottom"):
        shares = [r.mean[0] for f in found if (r := getattr(f, axis)) is not None]
        assert len(shares) >= 3
        assert max(shares) - min(shares) <= 1.0


def test_a_borderless_photograph_is_refused():
    found = measured("RogerCraig_1", "up")
    assert found.left_right is None
    assert found.top_bottom is None
    assert all(s.status == "not_measurable" for s in found.stations)

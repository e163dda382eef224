"""The whole way from rendered frames to centering, against the render's own truth."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.grading.inspect import inspect_side
from rcg.photometric import chain
from rcg.photometric.render import render_side
from rcg.photometric.types import CardSize


@pytest.fixture(scope="module", params=[8, 12])
def measured(request):
    """The truth of a rendered card and what was found; card 12 is dark, on a pale table, with shadows."""
    side = render_side(request.param, n_lights=4, frame_size=(1000, 1333))
    size = CardSize(side.truth.card.width_mm, side.truth.card.height_mm, "chosen")
    return side.truth, inspect_side(chain.measure(side.frames, side.lights, size), [])


def test_corners_of_a_rendered_card(measured):
    truth, found = measured
    for got, true in zip(found.corners, truth.corners, strict=True):
        assert got.status == "measured", (got.corner, got.reason)
        assert got.radius_mm == pytest.approx(true.radius_mm, abs=0.25), got.corner
        assert got.missing_area_mm2 == pytest.approx(true.missing_area_mm2, abs=0.5), got.corner


def test_centering_of_a_rendered_card(measured):
    truth, found = measured
    truth = truth.centering
    for axis in ("left_right", "top_bottom"):
        got, true = getattr(found.centering, axis), getattr(truth, axis)
        assert got.mean[0] == pytest.approx(true.mean[0], abs=0.3)
        assert got.worst[0] == pytest.approx(true.worst[0], abs=0.5)
    errors = [
        a.width_mm - b.width_mm
        for a, b in zip(found.centering.stations, truth.stations, strict=True)
        if a.width_mm is not None and b.width_mm is not None
    ]
    assert len(errors) >= 20
    assert np.mean(np.abs(errors)) < 0.02

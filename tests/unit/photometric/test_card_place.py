"""Where the card lies, and how large it and its maps are."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.errors import InputError
from rcg.photometric import card_place, lights
from rcg.photometric.lights import resolve
from rcg.photometric.types import CardOutline, CardSize

SIZE = CardSize(63.0, 88.0, "default")


def outline(angle_deg: float, scale: float = 10.0) -> CardOutline:
    """A card whose x axis is turned counter-clockwise in the picture."""
    angle = np.deg2rad(angle_deg)
    corners = np.array([(-31.5, 44.0), (31.5, 44.0), (31.5, -44.0), (-31.5, -44.0)]) * scale
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = corners @ turn.T
    return CardOutline(np.stack([500 + upright[:, 0], 700 - upright[:, 1]], axis=1), 0.1, 1.0)


@pytest.mark.parametrize("angle", [0, 12, -80, 90, 179])
def test_the_rotation_of_the_card(angle: float) -> None:
    assert card_place.card_rotation_deg(outline(angle)) == pytest.approx(angle, abs=1e-9)


def test_a_light_at_the_right_of_the_photo_is_at_the_bottom_of_a_card_turned_left() -> None:
    """The card's top points to the photograph's left, so its bottom looks to the right, at the light."""
    photo = resolve(None, ["up", "right", "down", "left"])
    card = lights.rotate(photo, -card_place.card_rotation_deg(outline(90)))
    np.testing.assert_allclose(card.directions[1, :2], (0, -np.sqrt(0.5)), atol=1e-12)


def test_the_size_by_scale() -> None:
    size = card_place.measured_size(outline(30, scale=20), 20)
    assert (size.width_mm, size.height_mm, size.source) == (63.0, 88.0, "scale")
    with pytest.raises(InputError, match="630"):
        card_place.measured_size(outline(0, scale=10), 1)


def test_maps_are_coarser_where_the_photo_is() -> None:
    assert card_place.map_scale(outline(0, scale=15), SIZE, 20) == (20, [])
    scale, said = card_place.map_scale(outline(0, scale=6), SIZE, 20)
    assert scale == 10
    assert "6.0 pixels per millimetre" in said[0]

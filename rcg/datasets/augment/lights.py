"""Lights after a motion: the card moves, the lamps stay where they are.

A card turned under the same lamps looks like a card lit from elsewhere. So the photograph that light 2 took
of a
mirrored card stands for the one that light 8 takes of the card as it lies now: photographs are exchanged by
the direction they were lit from, and their exact directions go with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rcg.datasets.augment.motion import Motion
from rcg.datasets.layers import LIGHT_PREFIX

Direction = npt.NDArray[np.float64]
_RING = 8
_ELEVATION_DEG = 45.0


def in_plane(motion: Motion, centre: tuple[float, float]) -> Direction:
    """Return the (2, 2) rotation or reflection of a motion at a point, x right and y up.

    Of a stretch or a shear it is the nearest one (polar decomposition): no lamp lights a stretched surface
    just so.
    """
    (a, b), (c, d) = motion.jacobian(centre).tolist()
    b, c = -b, -c  # y up
    mirrored = -1.0 if a * d < b * c else 1.0
    cos, sin = a + mirrored * d, c - mirrored * b
    length = math.hypot(cos, sin)
    return np.array([[cos, -mirrored * sin], [sin, mirrored * cos]]) / length


def exchange(
    names: list[str], directions: Mapping[str, Direction], turn: Direction
) -> tuple[dict[str, str], dict[str, Direction]]:
    """Return new names of light layers by old ones, and the directions by their new light names.

    Args:
        names: the item's light layers (``light:1``).
        directions: light name (``1``) -> (3,) unit vector; empty where they are not known, then a ring of
            eight is taken for the names and no directions come back.
        turn: (2, 2) as :func:`in_plane` gives it.

    Where the lamps, turned, are nearest to each other's places one to one, photographs are exchanged; else,
    and where the photograph for a place is not there, each keeps its name and only its direction turns.
    """
    if not (names or directions) or abs(turn - np.eye(2)).max() < 1e-12:
        return {}, dict(directions)
    known = {_bare(name): np.asarray(vector, np.float64) for name, vector in directions.items()}
    ring = known or _nominal([_bare(name) for name in names])
    turned = {name: np.array([*(turn @ vector[:2]), vector[2]]) for name, vector in ring.items()}
    places = _nearest(turned, ring)
    here = {_bare(name) for name in names}
    if {places.get(name, name) for name in here} != here:
        places = {name: name for name in ring}
    new = {name: LIGHT_PREFIX + places.get(_bare(name), _bare(name)) for name in names}
    spelled = {_bare(name): name for name in directions}
    return new, {spelled[places[name]]: turned[name] for name in known}


def _bare(name: str) -> str:
    return name.removeprefix(LIGHT_PREFIX)


def _nominal(names: list[str]) -> dict[str, Direction]:
    """Directions of numbered lights: 1 at the card's top, clockwise as the camera sees it."""
    if not names or not all(name.isdigit() and 1 <= int(name) <= _RING for name in names):
        return {}
    height = math.radians(_ELEVATION_DEG)
    out = {}
    for number in range(1, _RING + 1):
        around = math.radians(90 - (number - 1) * 360 / _RING)
        out[str(number)] = np.array(
            [math.cos(height) * math.cos(around), math.cos(height) * math.sin(around), math.sin(height)]
        )
    return out


def _nearest(turned: Mapping[str, Direction], ring: Mapping[str, Direction]) -> dict[str, str]:
    """Return the place each light is nearest to; each stays where that is not one to one."""
    names = list(ring)
    if not names:
        return {}
    near = np.array([turned[name] for name in names]) @ np.array([ring[name] for name in names]).T
    best = near.argmax(1)
    if len(set(best.tolist())) != len(names):
        return {name: name for name in names}
    return {name: names[place] for name, place in zip(names, best, strict=True)}

"""Find the one card in a picture, roughly (to about a pixel of an 800-pixel copy).

Every quad of straight edges that a card could make is scored on pixels. A card's own print makes quads
inside it, so the outermost well-supported one is taken, unless what lies between it and the next one shows
that it is a holder or a sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.find_cut import Cut, cut_card
from rcg.photometric.find_errors import CardCutOffError, NoCardError, SeveralCardsError
from rcg.photometric.find_grow import grown
from rcg.photometric.find_lines import Gray, Line, cues, find_lines
from rcg.photometric.find_quads import Quad, distinct, quads
from rcg.photometric.find_support import Cues, shifted, strips, support
from rcg.photometric.outline_geometry import plausibility

Array = npt.NDArray[np.float64]

WORKING_PX = 800
_CANDIDATES = 260
_KEPT = 80
_SEEDS = (5, 2)
_SEEDS_FROM = 20
_GOOD = 0.62
"""Score under which a quad is not taken for a card."""
_OUTER_SHARE = 0.75
"""Share of the best score that a quad must reach to be taken for the card."""
_SIZE_POWER = 0.35
_PRINT_FRAME_SHARE = 0.25
BORDER_SHARE = 0.0045
"""A side this near the picture's border, over its longer side, is the border itself."""
_HOLDER_ROOM = 0.065
"""Room on every side, over the card's width, that tells a rigid holder from a printed border: 4 mm."""
_HELD_SCORE = 0.88
_ALIKE_LAB = 60.0
"""Distance in 8-bit Lab (L over 0..255); a printed border differs from its ground by 60 to 180 unless both
are dark."""
_DARK_LAB = 60.0
"""Lightness (0..255) under which a card and its ground look alike without any holder."""
HOLDER = (
    "A holder (toploader, slab or sleeve) seems to be round the card: plastic shifts and hides edges, "
    "so photograph the card out of it."
)


@dataclass(frozen=True)
class FoundCard:
    """A card in the working picture: ``corners`` (4, 2) in order round it, score 0..1, warnings."""

    corners: Array
    score: float
    warnings: tuple[str, ...] = ()


def find_card(
    pictures: Sequence[npt.NDArray[np.uint8]],
    aspect: float,
    name: str,
    rims: Sequence[Gray] = (),
    *,
    threads: int = 1,
) -> FoundCard:
    """Return the single card in pictures (H, W, 3) sRGB of one scene, in register, about ``WORKING_PX`` long;
    the result does not depend on ``threads``.

    Raises:
        NoCardError: no quad is good enough.
        SeveralCardsError: two or more quads apart from each other are.
        CardCutOffError: the card leaves the picture.
    """
    grays = [*cues(pictures), *rims]
    lines = find_lines(grays, threads=threads)
    shape = (int(grays[0].shape[0]), int(grays[0].shape[1]))
    ranked = ranked_quads(grays, lines, aspect, threads=threads)
    card = outermost(ranked) if ranked and ranked[0].score >= _GOOD else None
    cut = cut_card(lines, shape, aspect)
    if cut is not None and (card is None or _part_of(card, cut)):
        raise CardCutOffError(name, cut.side)
    if card is None:
        raise NoCardError(name)
    beyond = leaves(card.corners, shape)
    if beyond is not None:
        raise CardCutOffError(name, beyond)
    count = 1 + len(others(card, ranked))
    if count > 1:
        raise SeveralCardsError(name, count)
    inner = in_holder(card, ranked) if transparent(card, pictures) else None
    if inner is not None:
        return FoundCard(inner.corners, inner.score, (HOLDER,))
    return FoundCard(card.corners, card.score)


def leaves(corners: Array, shape: tuple[int, int], border_share: float = BORDER_SHARE) -> str | None:
    """Return the side of the picture at which a card with ``corners`` (4, 2) leaves it, or None.

    A corner may lie a hundredth of the card's height outside: cards' corners are round, and none of the card
    is lost.
    """
    h, w = shape
    slack = 0.01 * float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).max())
    room = {
        "left": corners[:, 0],
        "right": w - 1 - corners[:, 0],
        "top": corners[:, 1],
        "bottom": h - 1 - corners[:, 1],
    }
    for side, depth in room.items():
        # A whole side along the border is the border itself.
        if depth.min() < -slack or np.sort(depth)[1] < border_share * max(shape):
            return side
    return None


def _part_of(card: Quad, cut: Cut) -> bool:
    """Tell whether what was found is the inside of a card that leaves the picture: within it, and about as
    wide."""
    whole = Quad(cut.corners, 0.0, np.zeros(4), 0.0, 0.0)
    across = float(np.linalg.norm(cut.corners[2] - cut.corners[3]))
    sides = np.linalg.norm(np.roll(card.corners, -1, axis=0) - card.corners, axis=1)
    alike = float(np.abs(sides / across - 1).min()) < _PRINT_FRAME_SHARE
    return card.area < 0.97 * whole.area and shared(card, whole) > 0.8 and alike


def ranked_quads(
    grays: Sequence[Gray], lines: Sequence[Line], aspect: float, *, threads: int = 1
) -> list[Quad]:
    """Return distinct quads scored on the pixels of all cues, best first; ``sides`` is their support
    there."""
    stack = np.stack(grays, axis=-1)
    candidates = quads(lines, (stack.shape[0], stack.shape[1]), aspect, keep=_CANDIDATES)
    if not candidates:
        return []

    def scored(found: Sequence[tuple[Array, float]]) -> list[Quad]:
        corners, overshoot = (np.array(values) for values in zip(*found, strict=True))
        return _scored(corners, overshoot, stack, aspect, threads)

    ranked = scored([(quad.corners, quad.overshoot) for quad in candidates])
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for seeds in _SEEDS:
            good = (q for q in ranked[:_SEEDS_FROM] if q.score > _GOOD)
            chosen = sorted(good, key=lambda q: -q.area)[:seeds]
            pushed = pool.map(lambda quad: grown(quad.corners, stack, aspect), chosen)
            more = [
                (corners, quad.overshoot)
                for quad, found in zip(chosen, pushed, strict=True)
                for corners in found
            ]
            if more:
                ranked += scored(more)
                corners, scores = np.array([q.corners for q in ranked]), np.array([q.score for q in ranked])
                ranked = [ranked[k] for k in distinct(corners, scores, _KEPT)]
    return ranked


def _scored(corners: Array, overshoot: Array, stack: Cues, aspect: float, threads: int) -> list[Quad]:
    seen = support(corners, stack, threads=threads)
    moved = shifted(corners, seen.shift)
    geometry = plausibility(moved, (stack.shape[0], stack.shape[1]), aspect)
    score = (0.5 * seen.sides.min(axis=1) + 0.5 * seen.sides.mean(axis=1)) * geometry * (1 - 0.6 * overshoot)
    return [
        Quad(moved[k], float(score[k]), seen.sides[k], float(geometry[k]), float(overshoot[k]))
        for k in distinct(moved, score, _KEPT)
    ]


def outermost(ranked: Sequence[Quad]) -> Quad:
    """Return the quad with the best of score and size, of those that no better quad straddles.

    A card's outline and the frames printed in it score nearly alike; a quad half again as large may score an
    eighth less.
    """
    merit = [quad.score * quad.area**_SIZE_POWER for quad in ranked]
    for k in np.argsort(-np.array(merit), kind="stable"):
        quad = ranked[int(k)]
        if quad.score >= _OUTER_SHARE * ranked[0].score and not any(
            other.score >= quad.score and straddles(other, quad) for other in ranked
        ):
            return quad
    return ranked[0]


def in_holder(outer: Quad, ranked: Sequence[Quad]) -> Quad | None:
    """Return the card inside ``outer`` when that is a toploader or slab, else None.

    A card's printed frame lies close to its edge on some side and is slimmer than the card. A card in a
    rigid holder has room on all four sides and the card's own proportions.
    """
    width = np.sqrt(outer.area / 1.4)
    inside = [
        quad
        for quad in ranked
        if quad.score > _HELD_SCORE
        and quad.geometry > _HELD_SCORE
        and insets(quad, outer).min() > _HOLDER_ROOM * width
    ]
    if not inside or max(q.area for q in inside) < 0.45 * outer.area:
        return None
    return max(inside, key=lambda quad: quad.score * quad.area**_SIZE_POWER)


def transparent(quad: Quad, pictures: Sequence[npt.NDArray[np.uint8]]) -> bool:
    """Tell whether the picture just inside each side of ``quad`` has about the colour just outside it."""
    lab = cv2.cvtColor(np.stack(pictures).max(axis=0), cv2.COLOR_RGB2LAB)
    width = np.sqrt(quad.area / 1.4)
    share = np.array([0.015, 0.025, 0.035, 0.045]) * width
    x, y = strips(quad.corners[None], np.concatenate([-share, share]), np.linspace(0.1, 0.9, 60))
    colours = cv2.remap(
        lab, x.reshape(240, 8).astype(np.float32), y.reshape(240, 8).astype(np.float32), cv2.INTER_LINEAR
    ).reshape(4, 60, 2, 4, 3)
    medians = np.median(colours, axis=(1, 3))
    if medians[..., 0].min() < _DARK_LAB:
        return False
    return bool(np.linalg.norm(medians[:, 0] - medians[:, 1], axis=1).max() < _ALIKE_LAB)


def insets(inner: Quad, outer: Quad) -> Array:
    """Return (4,) px by which ``inner`` lies inside each side of ``outer``; negative where it sticks out."""
    middle = outer.corners.mean(axis=0)
    depth = []
    for a, b in zip(outer.corners, np.roll(outer.corners, -1, axis=0), strict=True):
        normal = np.array([b[1] - a[1], a[0] - b[0]]) / np.linalg.norm(b - a)
        normal = normal if normal @ (middle - a) > 0 else -normal
        depth.append(float(((inner.corners - a) @ normal).min()))
    return np.array(depth)


def shared(inner: Quad, outer: Quad) -> float:
    """Return the share of ``inner`` that lies in ``outer`` (clipping: Sutherland and Hodgman, CACM 1974)."""
    polygon = list(inner.corners)
    middle = outer.corners.mean(axis=0)
    for a, b in zip(outer.corners, np.roll(outer.corners, -1, axis=0), strict=True):
        normal = np.array([b[1] - a[1], a[0] - b[0]])
        if normal @ (middle - a) < 0:
            normal = -normal
        clipped = []
        for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            depth_p, depth_q = float(normal @ (p - a)), float(normal @ (q - a))
            if depth_p >= 0:
                clipped.append(p)
            if (depth_p >= 0) != (depth_q >= 0):
                clipped.append(p + (q - p) * depth_p / (depth_p - depth_q))
        polygon = clipped
        if not polygon:
            return 0.0
    points = np.array(polygon)
    following = np.roll(points, -1, axis=0)
    area = 0.5 * abs(float((points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum()))
    return area / max(inner.area, 1e-9)


def straddles(one: Quad, other: Quad) -> bool:
    """Tell whether ``one`` lies partly in and partly out of ``other``."""
    return 0.15 < shared(one, other) < 0.85


def others(card: Quad, ranked: Sequence[Quad]) -> list[Quad]:
    """Return further cards: good quads of a like size that overlap neither the card nor each other."""
    found: list[Quad] = []
    for quad in ranked:
        alike = 0.4 < quad.area / card.area < 2.5 and quad.score > 0.85 * card.score
        if alike and all(shared(quad, c) < 0.1 and shared(c, quad) < 0.1 for c in (card, *found)):
            found.append(quad)
    return found

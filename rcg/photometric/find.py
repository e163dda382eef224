"""Find the one card in a picture, roughly (to about a pixel of an 800-pixel copy).

Every quad of straight edges that a card could make is scored on pixels. A card's own print makes quads inside it, so the
outermost well-supported one is taken, unless what lies between it and the next one shows that it is a holder or a sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.find_errors import NoCardError, SeveralCardsError
from rcg.photometric.find_lines import Gray, cues, find_lines
from rcg.photometric.find_quads import Quad, distinct, quads
from rcg.photometric.find_support import shifted, support
from rcg.photometric.outline_geometry import plausibility

Array = npt.NDArray[np.float64]

WORKING_PX = 800
_CANDIDATES = 260
_KEPT = 60
_GOOD = 0.62
"""Score under which a quad is not taken for a card."""
_OUTER_SHARE = 0.86
"""Share of the best score that a quad round it must reach to be taken instead."""


@dataclass(frozen=True)
class FoundCard:
    """A card in the working picture: ``corners`` (4, 2) in order round it, score 0..1, warnings."""

    corners: Array
    score: float
    warnings: tuple[str, ...] = ()


def find_card(pictures: Sequence[npt.NDArray[np.uint8]], aspect: float, name: str) -> FoundCard:
    """Return the single card in pictures (H, W, 3) sRGB of one scene, in register, about ``WORKING_PX`` long.

    Raises:
        NoCardError: no quad is good enough.
        SeveralCardsError: two or more quads apart from each other are.
        CardCutOffError: the card leaves the picture.
    """
    grays = cues(pictures)
    ranked = ranked_quads(grays, aspect)
    if not ranked or ranked[0].score < _GOOD:
        raise NoCardError(name)
    card = outermost(ranked)
    count = 1 + len(others(card, ranked))
    if count > 1:
        raise SeveralCardsError(name, count)
    return FoundCard(card.corners, card.score)


def ranked_quads(grays: Sequence[Gray], aspect: float) -> list[Quad]:
    """Return distinct quads scored on the pixels of all cues, best first; ``sides`` is their support there."""
    shape = (int(grays[0].shape[0]), int(grays[0].shape[1]))
    candidates = quads(find_lines(grays), shape, aspect, keep=_CANDIDATES)
    if not candidates:
        return []
    seen = support(np.array([quad.corners for quad in candidates]), grays)
    moved = np.array([shifted(q.corners, s) for q, s in zip(candidates, seen.shift, strict=True)])
    geometry = plausibility(moved, shape, aspect)
    overshoot = np.array([quad.overshoot for quad in candidates])
    score = (0.5 * seen.sides.min(axis=1) + 0.5 * seen.sides.mean(axis=1)) * geometry * (1 - 0.6 * overshoot)
    chosen = distinct(moved, score, _KEPT)
    return [
        replace(
            candidates[k],
            corners=moved[k],
            score=float(score[k]),
            sides=seen.sides[k],
            geometry=float(geometry[k]),
        )
        for k in chosen
    ]


def outermost(ranked: Sequence[Quad]) -> Quad:
    """Return the largest good quad that contains the best one and that no better quad straddles."""
    card = ranked[0]
    for quad in sorted(ranked, key=lambda q: -q.area):
        if quad.area <= card.area or quad.score < _OUTER_SHARE * ranked[0].score:
            continue
        if shared(ranked[0], quad) > 0.97 and not any(
            other.score >= quad.score and straddles(other, quad) for other in ranked
        ):
            return quad
    return card


def shared(inner: Quad, outer: Quad) -> float:
    """Return the share of ``inner`` that lies in ``outer``."""
    area, _ = cv2.intersectConvexConvex(inner.corners.astype(np.float32), outer.corners.astype(np.float32))
    return float(area) / max(inner.area, 1e-9)


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

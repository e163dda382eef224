"""From highlights on balls to lights: directions, and places where rays meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rcg.photometric.calibrate.ball_highlight import Highlight
from rcg.photometric.calibrate.ball_view import Ball
from rcg.photometric.calibrate.rays import meet

Array = npt.NDArray[np.float64]
Seen = Sequence[tuple[Ball, Sequence[Highlight]]]

WORST_RANGE = 0.15
"""a place whose distance is less sure than this share is not given; its direction is"""


@dataclass(frozen=True)
class BallLight:
    """What balls tell of one light.

    Attributes:
        name, file_name: its frame.
        direction: (3,) unit vector from the card to the light.
        se_deg: standard error of the direction.
        position_mm, position_se_mm: (3,) from the picture's middle on the card; None: not told.
    """

    name: str
    file_name: str
    direction: Array
    se_deg: float
    position_mm: Array | None = None
    position_se_mm: Array | None = None


def light_of(
    index: int,
    label: tuple[str, str],
    seen: Seen,
    ball_mm: float | None,
    centres_mm: Sequence[Array] | None,
    distance_mm: float | None,
) -> BallLight:
    """Return one light from its highlights on all balls.

    Args:
        index: of its frame.
        label: name and file name of the frame.
        seen: balls, each with the highlights of all frames.
        ball_mm: the balls' diameter.
        centres_mm: (3,) of each ball from the picture's middle on the card; None where no length is known.
        distance_mm: of the light from the card's centre, where it is known otherwise.
    """
    normals = np.array([found[index].normal for _, found in seen])
    toward = np.array(
        [ball.reflected(normal[None])[0] for (ball, _), normal in zip(seen, normals, strict=True)]
    )
    sd = np.array([_angle_sd(ball, found[index]) for ball, found in seen])
    mean = (toward / sd[:, None] ** 2).sum(0)
    se = float(np.rad2deg(1 / np.sqrt((1 / sd**2).sum())))
    light = BallLight(*label, mean / np.linalg.norm(mean), se)
    if centres_mm is None or ball_mm is None:
        return light
    origins = np.array(centres_mm) + ball_mm / 2 * normals
    if len(seen) > 1:
        met = meet(origins, toward, sd)
        if met is None or met.range_sd > WORST_RANGE or met.place[2] <= 0:
            return light
        return _placed(light, met.place, met.sd)
    return (
        light
        if distance_mm is None
        else _at_distance(light, origins[0], toward[0], float(sd[0]), distance_mm)
    )


def centres_mm(seen: Seen, ball_mm: float | None) -> list[Array] | None:
    """Return (3,) centre of each ball, mm from the picture's middle on the card; None without their size."""
    if ball_mm is None:
        return None
    half = ball_mm / 2
    centres = [ball.centre * half / ball.radius for ball, _ in seen]
    if seen[0][0].view.focal_px is None:
        return [np.array([c[0], c[1], half]) for c in centres]
    ground = float(np.mean([c[2] for c in centres])) - half
    return [c - np.array([0.0, 0.0, ground]) for c in centres]


def _angle_sd(ball: Ball, highlight: Highlight) -> float:
    """Standard error of the light's direction, radians: twice the normal's."""
    facing = float(highlight.normal @ ball.to_camera(highlight.normal[None])[0])
    return float(2 * np.hypot(ball.angle_sd / max(facing, 0.2), highlight.sd))


def _at_distance(light: BallLight, origin: Array, toward: Array, sd: float, distance: float) -> BallLight:
    """Place a light on its ray where it is as far from the card's centre as is known."""
    along = float(origin @ toward)
    left = along**2 - float(origin @ origin) + distance**2
    if left <= 0:
        return light
    reach = -along + float(np.sqrt(left))
    return _placed(light, origin + reach * toward, np.full(3, reach * sd))


def _placed(light: BallLight, place: Array, sd: Array) -> BallLight:
    return replace(light, position_mm=place, position_se_mm=sd, direction=place / np.linalg.norm(place))

"""Lights from a shiny ball: each light's mirror image tells where it shines from.

The light's direction is the reflection ``2 (n.v) n - v`` of the view v at the highlight's normal n. One ball
tells directions; several balls, or one that is moved between sets of frames, tell places in millimetres too,
where the rays meet. The camera is taken to look straight down on the card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from rcg.photometric.calibrate.ball_highlight import Highlight, find_highlights
from rcg.photometric.calibrate.ball_lights import BallLight, centres_mm, light_of
from rcg.photometric.calibrate.ball_profile import moved, outline_offset
from rcg.photometric.calibrate.ball_rim import (
    Rim,
    composites,
    find_rims,
    refine,
    rim_of_circle,
    rim_of_mask,
)
from rcg.photometric.calibrate.ball_view import Ball, View, ball_of_rim
from rcg.photometric.calibrate.errors import CalibrationError
from rcg.photometric.calibrate.pictures import grey_stack, lit_frames
from rcg.photometric.types import BoolArray, FloatArray, Frame

Progress = Callable[[float, str], None]
_FAR_OFF_MM = 15.0
_WHOLE, _UNSEEN_SD = 0.85, 0.06
"""an outline that is seen in a smaller share of the directions is wrong by more than its points show"""


@dataclass(frozen=True)
class BallOptions:
    """What is known beforehand.

    Attributes:
        balls: how many balls are in each picture.
        ball_mm: diameter; needed for places.
        fov_deg: field of view across the picture's longer side; None: the camera is far away.
        circle: (x, y, radius) in pixels of the ball, where it cannot be found by itself.
        mask: (H, W) pixels of the ball, likewise.
        distances_mm: (n,) distance of each light from the card's centre where it is known otherwise; one ball
            then tells places.
    """

    balls: int = 1
    ball_mm: float | None = None
    fov_deg: float | None = None
    circle: tuple[float, float, float] | None = None
    mask: BoolArray | None = None
    distances_mm: tuple[float, ...] | None = None


@dataclass(frozen=True)
class BallSeen:
    """One ball in one set of frames: its outline and the highlights, in pixels."""

    set_index: int
    centre_px: tuple[float, float]
    radius_px: float
    support: float
    highlights_px: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class BallResult:
    """Lights in the order of the frames, the balls they were read from, and what to know of them.

    Attributes:
        near: every light has a place; otherwise none has.
    """

    lights: tuple[BallLight, ...]
    balls: tuple[BallSeen, ...]
    near: bool
    remarks: tuple[str, ...] = field(default=())


def measure_ball(
    sets: Sequence[Sequence[Frame]], options: BallOptions | None = None, progress: Progress | None = None
) -> BallResult:
    """Measure where lights are by their mirror images on shiny balls.

    Args:
        sets: sets of frames, one frame per light and in one order; the ball lies at another place in each
            set. A frame named ambient is subtracted.
        options: what is known beforehand.
        progress: told (0..1, what is being done); may raise to cancel.

    Raises:
        CalibrationError: no ball, several highlights, one cut off at the rim, a ball that is clipped all
            over, sets that do not belong together.
    """
    options = options or BallOptions()
    if not sets or not sets[0]:
        raise CalibrationError("no_frames", "No photograph came.", "Give one per light.")
    seen: list[tuple[Ball, list[Highlight]]] = []
    balls: list[BallSeen] = []
    lit: list[Frame] = []
    for index, frames in enumerate(sets):
        if progress:
            progress(index / len(sets), "Finding the ball")
        mine, ambient = lit_frames(frames)
        lit = lit or mine
        _check_set(mine, lit, options)
        stack, clipped = grey_stack(mine, ambient)
        view = View(stack.shape[2], stack.shape[1], options.fov_deg)
        for rim in _rims(stack, options):
            ball = _ball(view, rim, options)
            found = find_highlights(stack, clipped, ball, tuple(frame.name for frame in mine))
            seen.append((ball, found))
            places = tuple(highlight.centre_px for highlight in found)
            balls.append(BallSeen(index, ball.centre_px, ball.radius_px, rim.support, places))
    at = centres_mm(seen, options.ball_mm)
    distances = options.distances_mm or (None,) * len(lit)
    lights = [
        light_of(k, (frame.name, frame.file_name), seen, options.ball_mm, at, distances[k])
        for k, frame in enumerate(lit)
    ]
    _check_above(lights)
    far = [light.name for light in lights if light.position_mm is None]
    if far:
        lights = [replace(light, position_mm=None, position_se_mm=None) for light in lights]
    if progress:
        progress(1.0, "Measured")
    remarks = _remarks(seen, options, far, at)
    worst = min(ball.support for ball in balls)
    if worst < _WHOLE:
        remarks.append(
            f"The ball's outline was seen in {worst:.0%} of the directions only. A ground of another "
            "brightness, or telling the circle, makes the lights surer."
        )
    return BallResult(tuple(lights), tuple(balls), not far, tuple(remarks))


def _check_set(mine: Sequence[Frame], first: Sequence[Frame], options: BallOptions) -> None:
    if [frame.name for frame in mine] != [frame.name for frame in first]:
        raise CalibrationError(
            "sets_differ",
            f"The first set has the lights {_names(first)}; another has {_names(mine)}.",
            "Give every set one frame per light, named alike.",
        )
    if options.distances_mm is not None and len(options.distances_mm) != len(mine):
        raise CalibrationError(
            "wrong_count",
            f"{len(mine)} frames under a light came; the rig has {len(options.distances_mm)} lights.",
            "Give one frame per light, in the rig's order.",
        )


def _rims(stack: FloatArray, options: BallOptions) -> list[Rim]:
    """Return the outline of each ball in a set, or say that there is none."""
    rims = _told(stack, options)
    if rims is None:
        flat = stack.mean(0)
        ranked = [(_lit_within(stack, rim), rim) for rim in find_rims(composites(stack))]
        found = [rim for share, rim in sorted(ranked, key=lambda each: -each[0]) if share >= 0.5]
        rims = [moved(rim, outline_offset(flat, rim)) for rim in found[: options.balls]]
    if len(rims) < options.balls:
        what = "No ball" if not rims else f"{len(rims)} of {options.balls} balls"
        raise CalibrationError(
            "no_ball",
            f"{what} could be found in the frames ({stack.shape[2]} x {stack.shape[1]} px).",
            "Lay a shiny ball on plain, matte ground of another brightness, large in the picture; or say "
            "where it is: --circle X,Y,RADIUS in pixels, or --mask FILE.",
        )
    return rims


def _told(stack: FloatArray, options: BallOptions) -> list[Rim] | None:
    """Return the outline that a mask or a circle tells; None where neither was given."""
    if options.mask is not None:
        if options.mask.shape != stack.shape[1:]:
            raise CalibrationError(
                "wrong_mask",
                f"The mask is {options.mask.shape[1]} x {options.mask.shape[0]} px, the frames are "
                f"{stack.shape[2]} x {stack.shape[1]}.",
                "Give a mask of the frames' size.",
            )
        rim = rim_of_mask(options.mask)
        return [rim] if rim else []
    if options.circle is None:
        return None
    told = rim_of_circle(*options.circle)
    smooth = cv2.GaussianBlur(composites(stack)[0], (0, 0), 1.0)
    better = refine(smooth, told.centre_px, told.radius_px, (0.04, 0.02))
    if better is None or better.support < 0.7 or abs(better.radius_px / told.radius_px - 1) > 0.05:
        return [told]
    return [moved(better, outline_offset(stack.mean(0), better))]


def _lit_within(stack: FloatArray, rim: Rim) -> float:
    """Share of the frames whose brightest place, of what frames do not share, lies well inside an outline."""
    (x, y), radius = rim.centre_px, rim.radius_px
    reach = int(radius) + 1
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    part = stack[:, top : int(y) + reach + 1, left : int(x) + reach + 1]
    if part.size == 0:
        return 0.0
    own = part - part.min(0) if len(part) >= 3 else part
    inside = 0
    for frame in own:
        at = np.argwhere(frame >= 0.9 * frame.max()).mean(0)
        inside += bool(np.hypot(at[1] + left - x, at[0] + top - y) < 0.8 * radius)
    return inside / len(own) * rim.support


def _ball(view: View, rim: Rim, options: BallOptions) -> Ball:
    try:
        unseen = _UNSEEN_SD * max(0.0, _WHOLE - rim.support) * rim.radius_px
        return ball_of_rim(view, rim.points_px, float(np.hypot(rim.sd_px, unseen)))
    except ValueError:
        raise CalibrationError(
            "wrong_fov",
            f"With a field of view of {options.fov_deg:g} degrees the outline is no ball's.",
            "Correct --fov, or leave it out.",
        ) from None


def _check_above(lights: Sequence[BallLight]) -> None:
    below = [light.name for light in lights if light.direction[2] <= 0.02]
    if below:
        raise CalibrationError(
            "below",
            f"By the ball, light {', '.join(below)} stands no higher than the card.",
            "Correct the circle (--circle) if another thing was taken for the ball; else lift the light.",
        )


def _remarks(
    seen: Sequence[tuple[Ball, list[Highlight]]],
    options: BallOptions,
    far: Sequence[str],
    at: Sequence[np.ndarray] | None,
) -> list[str]:
    said = []
    if far and at is not None and len(seen) > 1:
        said.append(
            f"The distance of light {', '.join(far)} cannot be told from these places, so only directions "
            "are given. Lay the ball further apart, or give the field of view."
        )
    if options.fov_deg is None:
        said.append(
            "The camera was taken to be far away. With its field of view given, directions seen by a phone "
            "a hand above the card are truer by up to a degree or two."
        )
    off = [float(np.hypot(*place[:2])) for place in at or ()]
    if len(seen) == 1 and off and off[0] > _FAR_OFF_MM:
        said.append(f"The ball lay {off[0]:.0f} mm off the picture's middle; directions hold for that place.")
    return said


def _names(frames: Sequence[Frame]) -> str:
    return ", ".join(frame.name for frame in frames)

"""Was each frame lit from where its light stands? The paper round the card is brighter on the lit side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric.mat.patches import PatchReading
from rcg.photometric.types import Lights

Array = npt.NDArray[np.float64]

_WEAK_PER_MM = 0.0003
"""3 % across the mat: less may be vignetting"""
_STEEP_Z = 0.985
"""a light within ten degrees of the vertical has no side"""
_WIDEST_DEG = 60.0
_TOGETHER = 0.94
"""length of the mean of the frames' turns as unit vectors, from which they count as one turn of all"""


class LightOrderError(InputError):
    """Frames were lit from other sides than their lights stand at."""

    code: ClassVar[str] = "light_order"


@dataclass(frozen=True)
class LitFrom:
    """One frame's light.

    Attributes:
        name: of the frame's light.
        expected_deg: the side it should shine from, counter-clockwise from the mat's right; None for a light
            overhead.
        seen_deg: the side that is lit; None where the paper is too even to tell.
        looks_like: the light that stands nearest to that side.
        wrong: whether it is another than its own.
    """

    name: str
    expected_deg: float | None
    seen_deg: float | None
    looks_like: str | None
    wrong: bool


@dataclass(frozen=True)
class LightOrder:
    """The lights of a capture.

    Attributes:
        frames: one per frame.
        turned_deg: by which all lights are turned against the mat, counter-clockwise; 0 when they are not.
    """

    frames: tuple[LitFrom, ...]
    turned_deg: float

    @property
    def told(self) -> int:
        """How many frames' sides could be told."""
        return sum(frame.seen_deg is not None for frame in self.frames)

    @property
    def wrong(self) -> tuple[LitFrom, ...]:
        """The frames that were lit from another side."""
        return tuple(frame for frame in self.frames if frame.wrong)

    @property
    def right(self) -> bool:
        """Whether every frame that could be told was lit from where its light stands."""
        return not self.wrong and self.turned_deg == 0

    def error(self) -> LightOrderError:
        """Say which frames were lit from where."""
        said = [
            f"frame {frame.name} was lit from where light {frame.looks_like} stands"
            if frame.looks_like not in (None, frame.name)
            else f"frame {frame.name} was lit from {_clock(frame.seen_deg)}"
            for frame in self.wrong
        ]
        return LightOrderError(
            f"By the mat's patches {'; '.join(said)}.",
            "Take these frames again with the light at their numbers, or give each frame the light it was "
            "taken under.",
            frames={frame.name: frame.looks_like for frame in self.wrong},
        )


def lit_side_deg(reading: PatchReading) -> float | None:
    """Return the side a single photograph was lit from, degrees counter-clockwise from the mat's right, or
    None."""
    gx, gy = reading.gradient
    if not np.hypot(gx, gy) >= _WEAK_PER_MM:
        return None
    return float(np.rad2deg(np.arctan2(gy, gx)))


def check_order(readings: Sequence[PatchReading | None], lights: Lights) -> LightOrder:
    """Compare the lit side of every frame with where its light stands.

    Args:
        readings: of each frame; None where the mat was not seen.
        lights: in the mat's axes, one per frame.
    """
    expected = _expected(lights)
    seen = [None if reading is None else lit_side_deg(reading) for reading in readings]
    told = [k for k in range(len(lights)) if seen[k] is not None and np.isfinite(expected[k])]
    off = np.array([_wrapped(float(seen[k] or 0.0) - expected[k]) for k in told])
    turned = _common_turn(off, _limit(expected))
    frames = []
    for k, name in enumerate(lights.names):
        side, own = seen[k], expected[k]
        if side is None or not np.isfinite(own):
            frames.append(LitFrom(name, float(own) if np.isfinite(own) else None, side, None, wrong=False))
            continue
        away = np.abs(_wrapped(side - turned - expected))
        nearest = lights.names[int(np.nanargmin(away))]
        frames.append(LitFrom(name, float(own), side, nearest, wrong=bool(away[k] > _limit(expected))))
    return LightOrder(tuple(frames), turned)


def _expected(lights: Lights) -> Array:
    """(n,) degrees; NaN for a light overhead."""
    x, y, z = lights.directions.T
    return np.where(z < _STEEP_Z, np.rad2deg(np.arctan2(y, x)), np.nan)


def _limit(expected: Array) -> float:
    """Half the usual gap between neighbours, at most 60 degrees."""
    around = np.sort(expected[np.isfinite(expected)] % 360)
    if len(around) < 2:
        return _WIDEST_DEG
    gaps = np.diff(np.append(around, around[0] + 360))
    return min(_WIDEST_DEG, float(np.median(gaps)) / 2)


def _common_turn(off: Array, limit: float) -> float:
    """Return the turn that all frames share, or 0 when there is none worth the name."""
    if len(off) < 3:
        return 0.0
    mean = np.exp(1j * np.deg2rad(off)).mean()
    turn = float(np.rad2deg(np.angle(mean)))
    spread = np.abs(_wrapped(off - turn)).max()
    return turn if abs(turn) > limit and abs(mean) > _TOGETHER and spread < limit else 0.0


def _wrapped(degrees: npt.ArrayLike) -> Array:
    return np.asarray((np.asarray(degrees, np.float64) + 180) % 360 - 180)


def _clock(side_deg: float | None) -> str:
    if side_deg is None:
        return "nowhere"
    names = ("right", "top right", "top", "top left", "left", "bottom left", "bottom", "bottom right")
    return f"the mat's {names[round(side_deg / 45) % 8]}"

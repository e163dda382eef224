"""How each frame of a capture was exposed, told from the grey patches, and whether one gain can mend it.

A frame's gain is what brings the paper round the card to the brightness that all frames share, once the
light's own fall-off is taken off. What one gain per channel cannot mend (a tone curve that changes from
frame to frame, patches at full scale) is left over as drift, and a frame with too much of it is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.mat import layout
from rcg.photometric.mat.patches import CENTRES, PatchReading, light_terms
from rcg.photometric.types import Lights

Array = npt.NDArray[np.float64]

MAX_DRIFT = 0.05
"""relative difference between what one step and another say of a frame's exposure"""
MAX_GAIN = 3.0
"""a frame this much darker or brighter than the rest has too little left in its shadows or lights"""
_TONES_JUDGED = 4
"""paper and the steps down to a fifth of it; darker ones are mostly noise and stray light"""


@dataclass(frozen=True)
class Linearity:
    """A tone curve fitted to the steps: ``true = v ** (exponent + bend * log v)``, v linear light over paper.

    Attributes:
        exponent: 1 when the photographs are as linear as their encoding says.
        bend: change of the exponent with brightness: a shoulder or a toe.
        rms: relative error left at the steps.

    A printer's greys are known to a tenth or so, so that the curve is a warning light, not a correction.
    """

    exponent: float
    bend: float
    rms: float


@dataclass(frozen=True)
class Exposure:
    """The exposures of a capture.

    Attributes:
        gains: (n, 3) factor for each frame's linear channels; 1 for a frame whose patches were not read.
        drift: (n,) relative disagreement of the steps that is left; NaN where not read.
        linearity: tone curve of all frames together, or None with too few steps.
        rejected: index of a frame and why it cannot be used.
    """

    gains: Array
    drift: Array
    linearity: Linearity | None
    rejected: dict[int, str]

    @property
    def spread(self) -> float:
        """Largest over smallest brightness before the gains, less one; 0 when nothing was read."""
        level = self.gains[np.isfinite(self.drift)].mean(axis=1)
        return float(level.max() / level.min() - 1) if len(level) else 0.0


def measure_exposure(readings: Sequence[PatchReading | None], lights: Lights | None = None) -> Exposure:
    """Compare the exposures of the frames of one capture.

    Args:
        readings: of each frame; None where the mat was not seen.
        lights: in the mat's axes, one per frame. Their positions and intensities tell how much light should
            fall on each patch; without positions the light is taken to be equal at the mat's middle.
    """
    n = len(readings)
    gains, drift = np.ones((n, 3)), np.full(n, np.nan)
    known = [k for k in range(n) if readings[k] is not None]
    if not known:
        return Exposure(gains, drift, None, {})
    read = [reading for reading in readings if reading is not None]
    level = np.array([_level(reading, lights, k) for k, reading in zip(known, read, strict=True)])
    common = float(np.median(level.mean(axis=1)))
    gains[known] = np.exp(common - level)
    steps = np.array([reading.steps for reading in read])
    usual = _nanmedian(steps)
    judged = (steps - usual)[:, 1:_TONES_JUDGED]
    drift[known] = np.nanmax(np.abs(np.nan_to_num(judged)), axis=1)
    rejected = {k: why for k in known if (why := _reason(gains[k], drift[k])) is not None}
    return Exposure(gains, drift, fit_linearity(usual), rejected)


def fit_linearity(steps: Array) -> Linearity | None:
    """Fit the tone curve to (s,) logarithms of the steps against paper as photographed."""
    true = np.log(np.array(layout.TONES))
    seen = np.isfinite(steps) & (np.arange(len(steps)) > 0)
    if seen.sum() < 3:
        return None
    t = steps[seen]
    design = np.stack([t, t * t], axis=1)
    weight = np.sqrt(np.array(layout.TONES)[seen])
    solution = np.linalg.lstsq(design * weight[:, None], true[seen] * weight, rcond=None)[0]
    left = (design @ solution - true[seen])[:_TONES_JUDGED]
    return Linearity(float(solution[0]), float(solution[1]), float(np.sqrt((left**2).mean())))


def _level(reading: PatchReading, lights: Lights | None, index: int) -> Array:
    """(3,) log brightness of paper per unit of light, over all patches' places."""
    ring = light_terms(CENTRES) @ reading.light
    if lights is not None:
        ring = ring - _predicted(lights, index)
    colour = np.log(reading.white) - reading.light[0]
    return np.asarray(float(ring.mean()) + colour)


def _predicted(lights: Lights, index: int) -> Array:
    """(m,) log irradiance at the patches, as the geometry tells it."""
    strength = np.log(max(float(lights.intensities[index]), 1e-9))
    if lights.positions_mm is None:
        return np.full(len(CENTRES), strength)
    x, y, z = lights.positions_mm[index]
    d2 = (x - CENTRES[:, 0]) ** 2 + (y - CENTRES[:, 1]) ** 2 + z * z
    here = x * x + y * y + z * z
    return np.asarray(strength + np.log(here) + np.log(z) - 1.5 * np.log(d2))


def _reason(gain: Array, drift: float) -> str | None:
    middle = float(np.exp(np.log(gain).mean()))
    if not 1 / MAX_GAIN <= middle <= MAX_GAIN:
        how = f"{middle:.1f} times as dark" if middle > 1 else f"{1 / middle:.1f} times as bright"
        return f"its paper is {how} as the other frames'"
    if drift > MAX_DRIFT:
        return f"its grey steps differ from the other frames' by {drift:.0%}, which no gain can mend"
    return None


def _nanmedian(steps: Array) -> Array:
    seen = np.isfinite(steps).any(axis=0)
    usual = np.full(steps.shape[1], np.nan)
    usual[seen] = np.nanmedian(steps[:, seen], axis=0)
    return usual

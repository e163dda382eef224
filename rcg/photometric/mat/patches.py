"""Read the grey patches of one photograph: how bright the paper is, how the light falls on it, the steps.

The light on a flat mat is smooth, and every tone stands on all sides of the card, so that one fit of few
terms tells the light from the tones:

    ``log v = c + gx x + gy y + (quadratic) + t(step)``

with v the linear light of a patch, c the paper's brightness at the mat's middle, (gx, gy) the side that the
light comes from, t the logarithm of a tone against paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.linearise import samples_to_linear
from rcg.photometric.mat import layout
from rcg.photometric.mat.find import MatPose
from rcg.photometric.types import FloatArray, Frame

Array = npt.NDArray[np.float64]

CENTRES = np.array([patch.centre for patch in layout.PATCHES], np.float64)
STEPS = np.array([patch.step for patch in layout.PATCHES], np.intp)

_INNER = 0.6
"""share of a patch's sides that is read: its rim is blurred into its neighbours"""
_SAMPLES = 12
_SATURATED = 0.97
"""linear share of full scale above which a patch tells nothing"""
_DARK = 0.004
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_UNIT_MM = 50.0
"""scale of x and y in the fit, so that its terms are of one size"""
_MIN_PATCHES = 16
_ROUNDS = 12


@dataclass(frozen=True)
class PatchReading:
    """What the patches of one photograph say.

    Attributes:
        values: (m, 3) linear light of each patch, 1 at full scale; NaN where it is saturated, too dark or out
            of the picture.
        white: (3,) linear light of bare paper at the mat's middle, by the fit.
        light: (6,) terms of log brightness in 1, u, v, uu, uv, vv with u, v = x, y / 50 mm.
        steps: (s,) logarithm of each tone against paper, as photographed; 0 for paper, NaN where not seen.
        scatter: robust relative scatter of the patches about the fit: dust, gloss, folds, noise.
    """

    values: Array
    white: Array
    light: Array
    steps: Array
    scatter: float

    @property
    def gradient(self) -> Array:
        """(2,) relative change of the light per mm at the mat's middle, towards x and y."""
        return np.asarray(self.light[1:3] / _UNIT_MM)


def read_patches(frame: Frame, pose: MatPose, ambient: PatchReading | None = None) -> PatchReading | None:
    """Read the patches of a photograph.

    Args:
        frame: the photograph.
        pose: the mat in it.
        ambient: the patches with every light off, to be subtracted.

    Returns:
        The reading, or None when fewer than 16 patches can be read.
    """
    values = _levels(frame, pose)
    if ambient is not None:
        values = values - np.nan_to_num(ambient.values)
    grey = values @ _LUMA
    usable = np.isfinite(grey) & (grey > _DARK)
    if usable.sum() < _MIN_PATCHES or not (usable & (STEPS == 0)).any():
        # In the dark nothing can be fitted, but what was seen is still there to be subtracted.
        return None
    values = np.where(usable[:, None], values, np.nan)
    light, steps, scatter = _fit(np.log(np.where(usable, grey, 1.0)), usable)
    good = usable & (STEPS < 4)
    colour = np.nanmedian(np.log(values[good]) - np.log(grey[good])[:, None], axis=0)
    return PatchReading(values, np.exp(light[0] + colour), light, steps, scatter)


def read_dark(frame: Frame, pose: MatPose) -> PatchReading:
    """Read the patches of a photograph with every light off: values alone."""
    nothing = np.full(len(layout.TONES), np.nan)
    return PatchReading(_levels(frame, pose), np.full(3, np.nan), np.full(6, np.nan), nothing, float("nan"))


def light_terms(xy_mm: Array) -> Array:
    """Return (k, 6) terms 1, u, v, uu, uv, vv of points on the mat."""
    u, v = (xy_mm / _UNIT_MM).T
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)


def _levels(frame: Frame, pose: MatPose) -> Array:
    """(m, 3) linear light of each patch; NaN where saturated or outside."""
    share = (np.arange(_SAMPLES) + 0.5) / _SAMPLES - 0.5
    grid_y, grid_x = np.meshgrid(share, share, indexing="ij")
    unit = _INNER * np.stack([grid_x.ravel(), grid_y.ravel()], axis=1)
    boxes = np.array([patch.box for patch in layout.PATCHES])
    size = boxes[:, 2:] - boxes[:, :2]
    points = CENTRES[:, None] + unit[None] * size[:, None]
    at = pose.to_px(points.reshape(-1, 2)).reshape(len(boxes), -1, 2)
    h, w = frame.pixels.shape[:2]
    inside = ((at > 0.5) & (at < np.array([w - 1.5, h - 1.5]))).all(axis=(1, 2))
    samples = cv2.remap(
        frame.pixels,
        at[..., 0].astype(np.float32),
        at[..., 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    linear = samples_to_linear(np.ascontiguousarray(samples), frame.encoding)
    full = (linear > _SATURATED).any(axis=-1).mean(axis=1) > 0.01
    values = _trimmed_mean(linear)
    values[full | ~inside] = np.nan
    return values


def _trimmed_mean(samples: FloatArray) -> Array:
    """(m, 3) mean of the middle half of (m, k, 3): a speck of dust or a glint does not count."""
    ordered = np.sort(samples, axis=1)
    k = ordered.shape[1]
    return np.asarray(ordered[:, k // 4 : k - k // 4].mean(axis=1), np.float64)


def _fit(log: Array, usable: npt.NDArray[np.bool_]) -> tuple[Array, Array, float]:
    """Return the light's six terms, the steps and the scatter, by Huber-weighted least squares."""
    tones = [step for step in range(1, len(layout.TONES)) if (usable & (step == STEPS)).any()]
    design = np.column_stack([light_terms(CENTRES), *(step == STEPS for step in tones)])[usable]
    target = log[usable]
    # Dark patches are noisier.
    trust = np.where(STEPS[usable] >= 4, 0.3, 1.0)
    weight = trust.copy()
    scatter = 0.0
    solution = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)[:, None]
        # Few patches leave the quadratic terms loose; this holds them near nought.
        bounds = np.diag([0, 0, 0, 1, 1, 1, *([0] * len(tones))]) * 0.02
        solution = np.linalg.solve(
            (design * root).T @ (design * root) + bounds + 1e-9 * np.eye(design.shape[1]),
            (design * root).T @ (target * root[:, 0]),
        )
        left = target - design @ solution
        scatter = 1.4826 * float(np.median(np.abs(left[trust == 1.0])))
        limit = 2.0 * max(scatter, 0.002)
        size = np.abs(left)
        weight = trust * np.where(size < limit, 1.0, limit / np.maximum(size, 1e-9)) * (size < 5 * limit)
    steps = np.full(len(layout.TONES), np.nan)
    steps[0] = 0.0
    steps[tones] = solution[6:]
    return np.asarray(solution[:6]), steps, scatter

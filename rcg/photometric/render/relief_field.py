"""The surface as a height field with analytic slopes: curl, grain, dents, scratches; and the bare stock at
worn places.

Heights are in micrometres, slopes are dz/dx and dz/dy without unit. The field is sampled on a grid whose
footprint is taken into account: a Gaussian furrow narrower than a sample is widened by the footprint and made
shallower in proportion, which is its exact convolution with a Gaussian footprint, so thin scratches neither
alias nor vanish.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.render.folds import crease_bared, crease_patch, print_line_change
from rcg.photometric.render.scene import Dent, Scene, Scratch, Stain, Whitening
from rcg.photometric.types import FloatArray

FOOTPRINT = 0.5
"""standard deviation of a grid sample's footprint, in samples"""

Grid = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReliefField:
    """A grid over the card and its margin; row 0 is at the top, samples at cell centres.

    Attributes:
        height_um: (H, W).
        slope_x, slope_y: (H, W) dz/dx, dz/dy, y up.
        whitening: (H, W) 0..1, share of bare stock.
        grain: (H, W) relative change of albedo.
        px_per_mm: samples per mm.
        extent_mm: half width and half height that the grid covers.
    """

    height_um: FloatArray
    slope_x: FloatArray
    slope_y: FloatArray
    whitening: FloatArray
    grain: FloatArray
    px_per_mm: float
    extent_mm: tuple[float, float]


def make_relief(scene: Scene, px_per_mm: float, margin_mm: float) -> ReliefField:
    """Sample the scene's relief at ``px_per_mm`` over the card and ``margin_mm`` round it."""
    extent = (scene.cut.width_mm / 2 + margin_mm, scene.cut.height_mm / 2 + margin_mm)
    w, h = (round(2 * e * px_per_mm) for e in extent)
    x: Grid = (np.arange(w, dtype=np.float64) + 0.5) / px_per_mm - extent[0]
    y: Grid = extent[1] - (np.arange(h, dtype=np.float64) + 0.5) / px_per_mm
    z, p, q = _grain_and_curl(scene, x, y, px_per_mm)
    for dent in scene.surface.dents:
        _add(z, p, q, _dent(dent, x, y, px_per_mm))
    for scratch in scene.surface.scratches:
        _add(z, p, q, _scratch(scratch, x, y, px_per_mm))
    footprint = FOOTPRINT / px_per_mm
    for crease in scene.surface.creases:
        _add(z, p, q, crease_patch(crease, x, y, footprint))
    white = np.zeros((h, w), np.float32)
    for crease in scene.surface.creases:
        bared = crease_bared(crease, x, y, footprint)
        if bared is not None:
            white[bared[0]] = np.maximum(white[bared[0]], bared[1])
    for scratch in scene.surface.scratches:
        _bare(white, scratch, x, y, px_per_mm)
    rng = scene.generator(12)
    for spot in scene.surface.whitening:
        rows, cols, alpha = _whitening(spot, x, y, px_per_mm, rng)
        white[rows, cols] = np.maximum(white[rows, cols], alpha)
    noise = scene.generator(11).standard_normal((h, w), np.float32)
    sigma = 0.05 * px_per_mm
    grain = cv2.GaussianBlur(noise, (0, 0), sigma) * np.float32(
        2 * np.sqrt(np.pi) * sigma * scene.surface.grain_albedo
    )
    rng = scene.generator(13)
    for stain in scene.surface.stains:
        rows, cols, _, strength = stain_patch(stain, x, y, px_per_mm, rng)
        grain[rows, cols] = (1 + grain[rows, cols]) * (1 - np.float32(stain.loss) * strength) - 1
    for line in scene.surface.print_lines:
        change = print_line_change(line, x, y, footprint)
        if change is not None:
            grain[change[0]] = (1 + grain[change[0]]) * (1 + change[1]) - 1
    return ReliefField(z, p, q, white, np.asarray(grain, np.float32), px_per_mm, extent)


Patch = tuple[slice, slice, Grid, Grid, Grid]


def _add(z: FloatArray, p: FloatArray, q: FloatArray, patch: Patch | None) -> None:
    if patch is None:
        return
    rows, cols, dz, dp, dq = patch
    z[rows, cols] += dz.astype(np.float32)
    p[rows, cols] += dp.astype(np.float32)
    q[rows, cols] += dq.astype(np.float32)


def _grain_and_curl(
    scene: Scene, x: Grid, y: Grid, px_per_mm: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Grain is white noise under a Gaussian; its slopes are that noise under the Gaussian's derivative."""
    sigma = scene.surface.grain_mm * px_per_mm
    radius = int(np.ceil(4 * sigma))
    t = np.arange(-radius, radius + 1)
    smooth = np.exp(-(t**2) / (2 * sigma**2))
    smooth /= smooth.sum()
    slope = t / sigma**2 * smooth
    noise = scene.generator(10).standard_normal((len(y), len(x)), np.float32)
    gain = (
        2 * np.sqrt(np.pi) * sigma * scene.surface.grain_um
    )  # unit variance after a Gaussian blur, then micrometres
    z = cv2.sepFilter2D(noise, cv2.CV_32F, smooth, smooth) * np.float32(gain)
    per_mm = np.float32(gain * px_per_mm * 1e-3)
    p = cv2.sepFilter2D(noise, cv2.CV_32F, slope, smooth) * per_mm
    q = cv2.sepFilter2D(noise, cv2.CV_32F, smooth, slope) * -per_mm
    a, b, c = scene.surface.curl_um
    w, h = scene.cut.width_mm / 2, scene.cut.height_mm / 2
    u, v = (x / w)[None, :], (y / h)[:, None]
    z += (a * u**2 + b * v**2 + c * u * v).astype(np.float32)
    p += ((2 * a * u + c * v) / w * 1e-3).astype(np.float32)
    q += ((2 * b * v + c * u) / h * 1e-3).astype(np.float32)
    return np.asarray(z), np.asarray(p), np.asarray(q)


def _window(x: Grid, y: Grid, x0: float, y0: float, reach: float) -> tuple[slice, slice] | None:
    cols = np.flatnonzero(np.abs(x - x0) <= reach)
    rows = np.flatnonzero(np.abs(y - y0) <= reach)
    if not len(cols) or not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _dent(dent: Dent, x: Grid, y: Grid, px_per_mm: float) -> Patch | None:
    narrow = dent.width_mm / 4
    blur = FOOTPRINT / px_per_mm
    s1, s2 = np.hypot(narrow * dent.elongation, blur), np.hypot(narrow, blur)
    depth = dent.depth_um * narrow**2 * dent.elongation / (s1 * s2)
    window = _window(x, y, dent.x_mm, dent.y_mm, 5 * s1)
    if window is None:
        return None
    c, s = np.cos(np.radians(dent.angle_deg)), np.sin(np.radians(dent.angle_deg))
    dx, dy = (x[window[1]] - dent.x_mm)[None, :], (y[window[0]] - dent.y_mm)[:, None]
    u, v = c * dx + s * dy, -s * dx + c * dy
    z = -depth * np.exp(-(u**2) / (2 * s1**2) - v**2 / (2 * s2**2))
    zu, zv = -z * u / s1**2 * 1e-3, -z * v / s2**2 * 1e-3
    return *window, z, c * zu - s * zv, s * zu + c * zv


def scratch_frame(scratch: Scratch, dx: Grid, dy: Grid) -> tuple[Grid, Grid, Grid, Grid]:
    """Coordinates along and across a scratch at points relative to its middle, and the unit vector across.

    Across is the signed distance to the arc (left of its direction positive), along the arc length from the
    middle.
    """
    c, s = np.cos(np.radians(scratch.angle_deg)), np.sin(np.radians(scratch.angle_deg))
    u, v = c * dx + s * dy, -s * dx + c * dy
    bend = scratch.bend_per_mm
    if abs(bend) < 1e-9:
        return u, v, np.full_like(u, -s), np.full_like(u, c)
    # Circle through the middle, centre at (0, 1/bend) in (u, v).
    to_u, to_v = bend * u, bend * v - 1.0
    radius = np.hypot(to_u, to_v)
    across = (1.0 - radius) / bend
    along = np.arctan2(to_u, -to_v) / bend
    nu, nv = -to_u / radius, -to_v / radius
    return along, across, c * nu - s * nv, s * nu + c * nv


def _scratch(scratch: Scratch, x: Grid, y: Grid, px_per_mm: float) -> Patch | None:
    sigma = scratch.width_mm / 4
    wide = float(np.hypot(sigma, FOOTPRINT / px_per_mm))
    depth = scratch.depth_um * sigma / wide
    window = _window(x, y, scratch.x_mm, scratch.y_mm, scratch.length_mm / 2 + 5 * wide)
    if window is None:
        return None
    dx, dy = np.meshgrid(x[window[1]] - scratch.x_mm, y[window[0]] - scratch.y_mm)
    along, across, nx, ny = scratch_frame(scratch, dx, dy)
    half, ramp = scratch.length_mm / 2, min(1.0, scratch.length_mm / 4)
    t = np.clip((half - np.abs(along)) / ramp, 0, 1)
    taper = t * t * (3 - 2 * t)
    profile = np.exp(-(across**2) / (2 * wide**2))
    z = -depth * taper * profile
    z_across = -z * across / wide**2 * 1e-3
    z_along = depth * profile * 6 * t * (1 - t) / ramp * np.sign(along) * 1e-3
    stretch = 1 - scratch.bend_per_mm * across  # the arc length of a parallel curve
    return *window, z, z_across * nx + z_along / stretch * ny, z_across * ny - z_along / stretch * nx


def _bare(white: FloatArray, scratch: Scratch, x: Grid, y: Grid, px_per_mm: float) -> None:
    """Let the stock show along a scratch that went through the print, as wide as its furrow."""
    if scratch.bared <= 0:
        return
    wide = float(np.hypot(scratch.width_mm / 4, FOOTPRINT / px_per_mm))
    window = _window(x, y, scratch.x_mm, scratch.y_mm, scratch.length_mm / 2 + 5 * wide)
    if window is None:
        return
    dx, dy = np.meshgrid(x[window[1]] - scratch.x_mm, y[window[0]] - scratch.y_mm)
    along, across, _, _ = scratch_frame(scratch, dx, dy)
    inside = np.clip((scratch.length_mm / 2 - np.abs(along)) * px_per_mm, 0, 1)
    share = scratch.bared * inside * np.exp(-(across**2) / (2 * wide**2)) * scratch.width_mm / 4 / wide
    white[window] = np.maximum(white[window], share.astype(np.float32))


def stain_patch(
    stain: Stain, x: Grid, y: Grid, px_per_mm: float, rng: np.random.Generator
) -> tuple[slice, slice, FloatArray, FloatArray]:
    """Rows and columns about a stain; what of each sample it covers, and its strength there, both 0..1.

    What dries leaves most at its rim (Deegan et al. 1997): the strength rises from a half to one there.
    """
    reach_mm = stain.width_mm / 2 * stain.elongation
    window = _window(x, y, stain.x_mm, stain.y_mm, 1.5 * reach_mm)
    if window is None:
        empty = np.zeros((0, 0), np.float32)
        return slice(0), slice(0), empty, empty
    c, s = np.cos(np.radians(stain.angle_deg)), np.sin(np.radians(stain.angle_deg))
    dx, dy = (x[window[1]] - stain.x_mm)[None, :], (y[window[0]] - stain.y_mm)[:, None]
    half = stain.width_mm / 2
    reach = np.hypot((c * dx + s * dy) / (half * stain.elongation), (-s * dx + c * dy) / half)
    rough = 0.15 * px_per_mm
    noise = cv2.GaussianBlur(rng.standard_normal(reach.shape, np.float32), (0, 0), rough) * np.float32(
        2 * np.sqrt(np.pi) * rough
    )
    reach = reach - 0.08 * noise
    cover = np.clip((1.0 - reach) * half * 4 + 0.5, 0, 1)
    strength = cover * (0.5 + 0.5 * np.exp(-(((reach - 0.85) / 0.12) ** 2)))
    return *window, cover.astype(np.float32), strength.astype(np.float32)


def _whitening(
    spot: Whitening, x: Grid, y: Grid, px_per_mm: float, rng: np.random.Generator
) -> tuple[slice, slice, FloatArray]:
    window = _window(x, y, spot.x_mm, spot.y_mm, 2 * max(spot.along_mm, spot.inward_mm))
    if window is None:
        return slice(0), slice(0), np.zeros((0, 0), np.float32)
    c, s = np.cos(np.radians(spot.angle_deg)), np.sin(np.radians(spot.angle_deg))
    dx, dy = (x[window[1]] - spot.x_mm)[None, :], (y[window[0]] - spot.y_mm)[:, None]
    reach = np.hypot((c * dx + s * dy) / spot.along_mm, (-s * dx + c * dy) / spot.inward_mm)
    rough = 0.06 * px_per_mm
    noise = cv2.GaussianBlur(rng.standard_normal(reach.shape, np.float32), (0, 0), rough) * np.float32(
        2 * np.sqrt(np.pi) * rough
    )
    alpha = np.clip((1.0 + 0.18 * noise - reach) * spot.inward_mm * px_per_mm * 0.5 + 0.5, 0, 1)
    return *window, alpha.astype(np.float32)

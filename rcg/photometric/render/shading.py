"""The light's way from the lamp over the card to a pixel, fused into one kernel.

Radiance of a point of the card under light i, with n the normal, l and v the unit vectors to light and
camera, h their bisector, d the distance to the light and d0 the light's distance from the card's centre:

    ``intensity_i (d0/d)^2 (n.l) [albedo + pi D(n.h) F0 / (4 (l.h)^2)] + ambient albedo``

D is the GGX distribution (Walter et al. 2007) and the denominator the visibility term of Kelemen and
Szirmay-Kalos (2001). The table has the same without gloss, and the card's own shadow on it.

**Edges are analytic.** The outline of the card and of the print are signed distance functions evaluated in
millimetres at the exact position of each pixel centre; coverage is ``clip(1/2 - distance x scale)`` of linear
light, which is the area of a half plane in the pixel when the edge runs along the pixel grid, and symmetric
about the edge at any other angle. So the 50 % point of a rendered edge lies on the true edge; nothing is
rounded to a texture's grid. The curl tilts normals but does not move points (its parallax is below 0.03 mm),
and there is no lens distortion.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from rcg.photometric.render.effects_light import Extra, chipped, light_on_card, under_film
from rcg.photometric.types import FloatArray


class CardShape(NamedTuple):
    """Half sizes, corner radii and print frame; the numbers of the two signed distances. Millimetres."""

    half_w: float
    half_h: float
    r_tl: float
    r_tr: float
    r_br: float
    r_bl: float
    thickness: float
    print_half_w: float
    print_half_h: float
    print_r: float
    print_x: float
    print_y: float
    print_cos: float
    print_sin: float
    border_r: float
    border_g: float
    border_b: float


class Grids(NamedTuple):
    """Sampling of the three textures: samples per mm and half extents in mm (the table's tile repeats)."""

    surface_px: float
    surface_w: float
    surface_h: float
    art_px: float
    art_w: float
    art_h: float
    tile_px: float
    tile_cos: float
    tile_sin: float
    table_r: float
    table_g: float
    table_b: float


class Mat(NamedTuple):
    """The printed mat: card to mat (the homography's rows), samples per mm, half size of picture, paper."""

    xx: float
    xy: float
    x0: float
    yx: float
    yy: float
    y0: float
    px: float
    half_w: float
    half_h: float
    paper_w: float
    paper_h: float


class Light(NamedTuple):
    """One frame's light, camera and gloss. Card axes, millimetres; ``power`` includes exposure and d0
    squared.
    """

    x: float
    y: float
    z: float
    power: float
    ambient: float
    eye_x: float
    eye_y: float
    eye_z: float
    f0: float
    alpha2: float


STOCK = 0.86
"""reflectance of bare card stock"""

_jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
_inlined = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True, inline="always")
"""as part of the loop that calls it, where it runs three times as fast"""


@_jit
def _card_distance(x: float, y: float, s: CardShape) -> float:
    top = s.r_tl if x < 0 else s.r_tr
    bottom = s.r_bl if x < 0 else s.r_br
    r = top if y >= 0 else bottom
    qx = abs(x) - s.half_w + r
    qy = abs(y) - s.half_h + r
    outside = math.sqrt(max(qx, 0.0) ** 2 + max(qy, 0.0) ** 2)
    return min(max(qx, qy), 0.0) + outside - r


@_jit
def _print_distance(u: float, v: float, s: CardShape) -> float:
    qx = abs(u) - s.print_half_w + s.print_r
    qy = abs(v) - s.print_half_h + s.print_r
    return min(max(qx, qy), 0.0) + math.sqrt(max(qx, 0.0) ** 2 + max(qy, 0.0) ** 2) - s.print_r


@_jit
def _sample(texture: FloatArray, col: float, row: float, out: FloatArray) -> None:
    """Bilinear sample of (H, W, C) at sample coordinates, clamped at the rim."""
    h, w, channels = texture.shape
    col = min(max(col, 0.0), w - 1.001)
    row = min(max(row, 0.0), h - 1.001)
    c, r = int(col), int(row)
    a, b = np.float32(col - c), np.float32(row - r)
    for k in range(channels):
        top = texture[r, c, k] + a * (texture[r, c + 1, k] - texture[r, c, k])
        bottom = texture[r + 1, c, k] + a * (texture[r + 1, c + 1, k] - texture[r + 1, c, k])
        out[k] = top + b * (bottom - top)


@_inlined
def _albedo(
    x: float,
    y: float,
    px_per_mm: float,
    shape: CardShape,
    grids: Grids,
    art: FloatArray,
    surface: FloatArray,
    ink: FloatArray,
    relief: FloatArray,
    out: FloatArray,
) -> None:
    """Reflectance of the card at a point; also leaves the relief sample (slopes, whitening, grain) in
    ``relief``.
    """
    dx, dy = x - shape.print_x, y - shape.print_y
    u = shape.print_cos * dx + shape.print_sin * dy
    v = -shape.print_sin * dx + shape.print_cos * dy
    inside = min(max(0.5 - _print_distance(u, v, shape) * px_per_mm, 0.0), 1.0)
    _sample(
        surface,
        (x + grids.surface_w) * grids.surface_px - 0.5,
        (grids.surface_h - y) * grids.surface_px - 0.5,
        relief,
    )
    if inside > 0.0:
        _sample(art, (u + grids.art_w) * grids.art_px - 0.5, (grids.art_h - v) * grids.art_px - 0.5, ink)
    for k in range(3):
        border = shape.border_r if k == 0 else (shape.border_g if k == 1 else shape.border_b)
        value = border + inside * (ink[k] - border)
        value += relief[2] * (STOCK - value)
        out[k] = value * (1.0 + relief[3])


@_jit
def _table_shadow(x: float, y: float, shape: CardShape, light: Light) -> float:
    """Light that reaches the table: the card's cast shadow, and its contact shadow all round."""
    distance = _card_distance(x, y, shape)
    if distance > 3.0:
        return 1.0
    reach = shape.thickness / light.z
    cast = _card_distance(x + (light.x - x) * reach, y + (light.y - y) * reach, shape)
    lit = min(max(cast / 0.16 + 0.5, 0.0), 1.0)
    return lit * (1.0 - 0.30 * math.exp(-max(distance, 0.0) / 0.5))


@_jit
def _reflect(
    x: float, y: float, lx: float, ly: float, lz: float, relief: FloatArray, light: Light
) -> tuple[float, float]:
    """Cosine to the light, and the gloss coat's reflection in the same unit (albedo 1 faces the light)."""
    nz = 1.0 / math.sqrt(1.0 + relief[0] ** 2 + relief[1] ** 2)
    nx, ny = -relief[0] * nz, -relief[1] * nz
    ndl = max(nx * lx + ny * ly + nz * lz, 0.0)
    ex, ey, ez = light.eye_x - x, light.eye_y - y, light.eye_z
    e = 1.0 / math.sqrt(ex * ex + ey * ey + ez * ez)
    hx, hy, hz = lx + ex * e, ly + ey * e, lz + ez * e
    unit = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz)
    ndh = max((nx * hx + ny * hy + nz * hz) * unit, 0.0)
    ldh = (lx * hx + ly * hy + lz * hz) * unit
    spread = ndh * ndh * (light.alpha2 - 1.0) + 1.0
    return ndl, ndl * light.alpha2 / (spread * spread) * light.f0 / (4.0 * ldh * ldh)


@_jit
def _to_eye(x: float, y: float, light: Light) -> tuple[float, float, float]:
    """Unit vector from a point of the card to the camera."""
    ex, ey, ez = light.eye_x - x, light.eye_y - y, light.eye_z
    e = 1.0 / math.sqrt(ex * ex + ey * ey + ez * ez)
    return ex * e, ey * e, ez * e


@_jit
def _lamp_share(
    x: float, y: float, grids: Grids, extra: Extra, visible: FloatArray, weave: FloatArray
) -> float:
    """Share of the lamp that is seen from a point of the card; 1 where shadows are off."""
    if extra.shadowed <= 0.0:
        return 1.0
    col, row = (x + grids.surface_w) * grids.surface_px - 0.5, (grids.surface_h - y) * grids.surface_px - 0.5
    _sample(visible, col, row, weave)
    return float(weave[0])


@_jit
def _ground(
    x: float, y: float, grids: Grids, tile: FloatArray, mat: Mat, sheet: FloatArray, weave: FloatArray
) -> tuple[float, bool]:
    """Relative brightness of what lies under the card, and whether that is the mat's paper."""
    mx = mat.xx * x + mat.xy * y + mat.x0
    my = mat.yx * x + mat.yy * y + mat.y0
    if abs(mx) < mat.paper_w and abs(my) < mat.paper_h:
        _sample(sheet, (mx + mat.half_w) * mat.px - 0.5, (mat.half_h - my) * mat.px - 0.5, weave)
        return float(weave[0]), True
    tu = (grids.tile_cos * x - grids.tile_sin * y) * grids.tile_px
    tv = (grids.tile_sin * x + grids.tile_cos * y) * grids.tile_px
    n = tile.shape[0] - 1
    _sample(tile, tu - math.floor(tu / n) * n, tv - math.floor(tv / n) * n, weave)
    return float(weave[0]), False


@_jit
def shade_rows(
    out: FloatArray,
    first_row: int,
    to_card: npt.NDArray[np.float64],
    px_per_mm: float,
    vignette: float,
    shape: CardShape,
    grids: Grids,
    light: Light,
    art: FloatArray,
    surface: FloatArray,
    tile: FloatArray,
    mat: Mat,
    sheet: FloatArray,
    extra: Extra,
    patches: FloatArray,
    facets: FloatArray,
    film: FloatArray,
    chips: FloatArray,
    visible: FloatArray,
) -> None:
    """Fill ``out`` (rows, W, 3) with linear radiance of one frame, from row ``first_row`` of the frame on.

    Args:
        out: float32, written.
        first_row: index of its first row in the frame.
        to_card: (3, 3) float64 homography from frame pixels to card millimetres.
        px_per_mm: scale at the card's centre, for coverage.
        vignette: share of light lost in the frame's corner; follows the square of the radius.
        shape, grids, light: geometry, sampling, the frame's light.
        art: (h, w, 3) print in its own axes.
        surface: (h, w, 4) slope x, slope y, whitening, grain.
        tile: (h, w, 1) relative brightness of the table, repeated.
        mat, sheet: the printed mat and its (h, w, 1) reflectance; a paper of half width 0 is no mat.
        extra, patches, facets, film, chips: see :class:`rcg.photometric.render.effects_light.EffectInputs`.
        visible: (h, w, 1) share of the lamp seen from the card, sampled like ``surface``.
    """
    rows, width = out.shape[0], out.shape[1]
    ink = np.zeros(3, np.float32)
    relief = np.zeros(4, np.float32)
    albedo = np.zeros(3, np.float32)
    weave = np.zeros(1, np.float32)
    glow = np.zeros(3, np.float32)
    mid_x = 0.5 * (width - 1)
    mid_y = mid_x * 4.0 / 3.0
    corner = 1.0 / (mid_x * mid_x + mid_y * mid_y)
    for j in range(rows):
        py = float(first_row + j)
        for i in range(width):
            px = float(i)
            w = to_card[2, 0] * px + to_card[2, 1] * py + to_card[2, 2]
            x = (to_card[0, 0] * px + to_card[0, 1] * py + to_card[0, 2]) / w
            y = (to_card[1, 0] * px + to_card[1, 1] * py + to_card[1, 2]) / w
            cover = min(max(0.5 - chipped(_card_distance(x, y, shape), x, y, chips) * px_per_mm, 0.0), 1.0)
            lx, ly, lz = light.x - x, light.y - y, light.z
            d2 = lx * lx + ly * ly + lz * lz
            d = math.sqrt(d2)
            lx, ly, lz = lx / d, ly / d, lz / d
            power = light.power / d2
            r2 = ((px - mid_x) ** 2 + (py - mid_y) ** 2) * corner
            dim = 1.0 - vignette * r2
            card_r, card_g, card_b = 0.0, 0.0, 0.0
            if cover > 0.0:
                _albedo(x, y, px_per_mm, shape, grids, art, surface, ink, relief, albedo)
                diffuse, shine = _reflect(x, y, lx, ly, lz, relief, light)
                seen = power
                if extra.on > 0.0:
                    eye = _to_eye(x, y, light)
                    light_on_card(
                        x, y, px_per_mm, relief, (lx, ly, lz), eye, extra, patches, facets, albedo, glow
                    )
                    seen = power * _lamp_share(x, y, grids, extra, visible, weave)
                diffuse, shine = seen * diffuse + light.ambient, seen * shine
                card_r = albedo[0] * diffuse + shine + seen * glow[0]
                card_g = albedo[1] * diffuse + shine + seen * glow[1]
                card_b = albedo[2] * diffuse + shine + seen * glow[2]
            rest, base = 1.0 - cover, 0.0
            table_r, table_g, table_b = grids.table_r, grids.table_g, grids.table_b
            if rest > 0.0:
                texture, on_paper = _ground(x, y, grids, tile, mat, sheet, weave)
                base = rest * texture * (power * lz * _table_shadow(x, y, shape, light) + light.ambient)
                if on_paper:
                    table_r, table_g, table_b = 1.0, 1.0, 1.0
            out[j, i, 0] = dim * (cover * card_r + base * table_r)
            out[j, i, 1] = dim * (cover * card_g + base * table_g)
            out[j, i, 2] = dim * (cover * card_b + base * table_b)
            if extra.film > 0.0:
                eye = _to_eye(x, y, light)
                under_film(x, y, px_per_mm, dim * power, (lx, ly, lz), eye, extra, film, out[j, i])


@_jit
def compose_albedo(
    out: FloatArray,
    cover: FloatArray,
    px_per_mm: float,
    shape: CardShape,
    grids: Grids,
    art: FloatArray,
    surface: FloatArray,
    chips: FloatArray,
) -> None:
    """Reflectance (H, W, 3) and card coverage (H, W) on a card grid of ``px_per_mm`` centred on the card."""
    h, w = cover.shape
    ink = np.zeros(3, np.float32)
    relief = np.zeros(4, np.float32)
    for j in range(h):
        y = (0.5 * (h - 1) - j) / px_per_mm
        for i in range(w):
            x = (i - 0.5 * (w - 1)) / px_per_mm
            distance = chipped(_card_distance(x, y, shape), x, y, chips)
            cover[j, i] = min(max(0.5 - distance * px_per_mm, 0.0), 1.0)
            _albedo(x, y, px_per_mm, shape, grids, art, surface, ink, relief, out[j, i])
            for k in range(3):
                out[j, i, k] *= cover[j, i]

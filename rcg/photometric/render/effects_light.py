"""What foil, coat and sleeve add to a point of the picture, and the shadows of relief: numba functions.

:func:`effect_inputs` packs a scene's effects into flat tuples and arrays for the kernel; the flags are 0 for
a card without any.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numba
import numpy as np
import numpy.typing as npt

from rcg.photometric.render.scene import Scene
from rcg.photometric.types import FloatArray

FACET_TILE = 256
"""facets along each side of the tile, which repeats"""
FILM_TILE_MM = 64.0
_FILM_SAMPLES = 128
_WAVELENGTHS_UM = (0.61, 0.54, 0.46)
_ORDER_WIDTH = 0.1
"""half width of an order, in orders: what a lamp's size and its spectrum leave"""
_ALONG_GROOVES = 0.1
_ORDERS = 3


class Extra(NamedTuple):
    """The effects' numbers; ``on``: whether any acts on the card, ``film``: whether a sleeve lies on it."""

    on: float
    facet_mm: float
    foil_f0: float
    foil_alpha2: float
    foil_diffuse: float
    rainbow: float
    pitch_um: float
    coat_f0: float
    coat_alpha2: float
    shadowed: float
    film: float
    film_w: float
    film_h: float
    film_pass: float
    film_f0: float
    film_alpha2: float
    film_haze: float


class EffectInputs(NamedTuple):
    """What the kernel needs of the effects, frame by frame the same but for the shadows.

    Attributes:
        extra: numbers.
        patches: (k, 5) foil: centre x, y, half width, half height, radius; mm.
        facets: (t, t, 3) tilt x, tilt y (slopes), angle of the grating (radians), a cell each.
        film: (s, s, 2) slopes of the sleeve, over :data:`FILM_TILE_MM`.
        chips: (k, 3) x, y, radius; mm.
    """

    extra: Extra
    patches: FloatArray
    facets: FloatArray
    film: FloatArray
    chips: FloatArray


def effect_inputs(scene: Scene) -> EffectInputs:
    """Pack a scene's effects; all flags are 0 where it has none."""
    effects = scene.effects
    foil = effects.foil if effects else None
    coat = effects.coat if effects else None
    sleeve = effects.sleeve if effects else None
    shadows = effects.shadows if effects else None
    reach = sleeve.reach_mm if sleeve else 0.0
    extra = Extra(
        on=float(foil is not None or coat is not None or shadows is not None),
        facet_mm=foil.facet_mm if foil else 1.0,
        foil_f0=foil.f0 if foil else 0.0,
        foil_alpha2=foil.roughness**4 if foil else 1.0,
        foil_diffuse=foil.diffuse if foil else 1.0,
        rainbow=foil.rainbow if foil else 0.0,
        pitch_um=foil.pitch_um if foil else 1.0,
        coat_f0=coat.f0 if coat else 0.0,
        coat_alpha2=coat.roughness**4 if coat else 1.0,
        shadowed=float(shadows is not None),
        film=float(sleeve is not None),
        film_w=scene.cut.width_mm / 2 + reach,
        film_h=scene.cut.height_mm / 2 + reach,
        film_pass=sleeve.transmission**2 if sleeve else 1.0,
        film_f0=sleeve.f0 if sleeve else 0.0,
        film_alpha2=sleeve.roughness**4 if sleeve else 1.0,
        film_haze=sleeve.haze if sleeve else 0.0,
    )
    patches = [
        (p.x_mm, p.y_mm, p.width_mm / 2, p.height_mm / 2, p.radius_mm) for p in (foil.patches if foil else ())
    ]
    chips = [(c.x_mm, c.y_mm, c.radius_mm) for c in (effects.chips if effects else ())]
    return EffectInputs(
        extra,
        np.array(patches, np.float32).reshape(-1, 5),
        _facets(scene),
        _film(scene),
        np.array(chips, np.float32).reshape(-1, 3),
    )


def _facets(scene: Scene) -> FloatArray:
    foil = scene.effects.foil if scene.effects else None
    if foil is None:
        return np.zeros((1, 1, 3), np.float32)
    rng = scene.generator(40)
    tilt = rng.normal(0, math.tan(math.radians(foil.tilt_deg)), (FACET_TILE, FACET_TILE, 2))
    angle = rng.uniform(0, math.pi, (FACET_TILE, FACET_TILE, 1))
    return np.concatenate([tilt, angle], -1).astype(np.float32)


def _film(scene: Scene) -> FloatArray:
    sleeve = scene.effects.sleeve if scene.effects else None
    if sleeve is None:
        return np.zeros((1, 1, 2), np.float32)
    rng = scene.generator(41)
    n = _FILM_SAMPLES
    sigma = 6.0 * n / FILM_TILE_MM
    noise = rng.standard_normal((n, n, 2)).astype(np.float32)
    wide = cv2.GaussianBlur(np.tile(noise, (3, 3, 1)), (0, 0), sigma)[n : 2 * n, n : 2 * n]
    return np.asarray(wide / wide.std() * math.tan(math.radians(sleeve.wave_deg)), np.float32)


jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)


@jit
def chipped(distance: float, x: float, y: float, chips: FloatArray) -> float:
    """Signed distance to the outline with the chips taken out."""
    for k in range(chips.shape[0]):
        dx, dy = x - chips[k, 0], y - chips[k, 1]
        distance = max(distance, chips[k, 2] - math.sqrt(dx * dx + dy * dy))
    return distance


@jit
def foil_cover(x: float, y: float, px_per_mm: float, patches: FloatArray) -> float:
    """Share of a pixel at a point that is foil."""
    cover = 0.0
    for k in range(patches.shape[0]):
        r = patches[k, 4]
        qx = abs(x - patches[k, 0]) - patches[k, 2] + r
        qy = abs(y - patches[k, 1]) - patches[k, 3] + r
        outside = math.sqrt(max(qx, 0.0) ** 2 + max(qy, 0.0) ** 2)
        distance = min(max(qx, qy), 0.0) + outside - r
        cover = max(cover, min(max(0.5 - distance * px_per_mm, 0.0), 1.0))
    return cover


@jit
def lobe(
    p: float,
    q: float,
    to_light: tuple[float, float, float],
    to_eye: tuple[float, float, float],
    f0: float,
    alpha2: float,
) -> float:
    """A GGX lobe about the normal of slopes p, q, times the cosine to the light; albedo 1 faces the light."""
    nz = 1.0 / math.sqrt(1.0 + p * p + q * q)
    nx, ny = -p * nz, -q * nz
    lx, ly, lz = to_light
    ndl = max(nx * lx + ny * ly + nz * lz, 0.0)
    hx, hy, hz = lx + to_eye[0], ly + to_eye[1], lz + to_eye[2]
    unit = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz)
    ndh = max((nx * hx + ny * hy + nz * hz) * unit, 0.0)
    ldh = (lx * hx + ly * hy + lz * hz) * unit
    spread = ndh * ndh * (alpha2 - 1.0) + 1.0
    return ndl * alpha2 / (spread * spread) * f0 / (4.0 * ldh * ldh)


@jit
def _order(path_um: float, wavelength_um: float) -> float:
    """How near a path difference is to an order of the grating, 0..1; order 0 is the mirror's, left out."""
    m = path_um / wavelength_um
    nearest = min(max(math.floor(m + 0.5), 1.0), float(_ORDERS))
    off = (m - nearest) / _ORDER_WIDTH
    return math.exp(-0.5 * off * off) / nearest


@jit
def foil_light(
    x: float,
    y: float,
    relief: FloatArray,
    to_light: tuple[float, float, float],
    to_eye: tuple[float, float, float],
    extra: Extra,
    facets: FloatArray,
    glow: FloatArray,
) -> None:
    """Fill ``glow`` (3) with what bare foil sends to the camera, in units of albedo 1 under this light."""
    n = facets.shape[0]
    col = math.floor(x / extra.facet_mm) % n
    row = math.floor(y / extra.facet_mm) % n
    metal = lobe(
        relief[0] + facets[row, col, 0],
        relief[1] + facets[row, col, 1],
        to_light,
        to_eye,
        extra.foil_f0,
        extra.foil_alpha2,
    )
    glow[0] = glow[1] = glow[2] = metal
    if extra.rainbow > 0.0:
        angle = facets[row, col, 2]
        c, s = math.cos(angle), math.sin(angle)
        # The facet tilts the grating: the reflected direction turns by twice its slope.
        ux = to_light[0] + to_eye[0] + 2.0 * (relief[0] + facets[row, col, 0])
        uy = to_light[1] + to_eye[1] + 2.0 * (relief[1] + facets[row, col, 1])
        along = (-s * ux + c * uy) / _ALONG_GROOVES
        strength = extra.rainbow * to_light[2] * math.exp(-0.5 * along * along)
        path = extra.pitch_um * abs(c * ux + s * uy)
        for k in range(3):
            glow[k] += strength * _order(path, _WAVELENGTHS_UM[k])


@jit
def light_on_card(
    x: float,
    y: float,
    px_per_mm: float,
    relief: FloatArray,
    to_light: tuple[float, float, float],
    to_eye: tuple[float, float, float],
    extra: Extra,
    patches: FloatArray,
    facets: FloatArray,
    albedo: FloatArray,
    glow: FloatArray,
) -> None:
    """Foil and coat at a point: ``albedo`` becomes what still scatters, ``glow`` (3) what shines besides."""
    glow[0] = glow[1] = glow[2] = 0.0
    foil = foil_cover(x, y, px_per_mm, patches)
    if foil > 0.0:
        foil_light(x, y, relief, to_light, to_eye, extra, facets, glow)
        for k in range(3):
            glow[k] *= foil * albedo[k]
            albedo[k] *= 1.0 - foil * (1.0 - extra.foil_diffuse)
    if extra.coat_f0 > 0.0:
        shine = lobe(relief[0], relief[1], to_light, to_eye, extra.coat_f0, extra.coat_alpha2)
        for k in range(3):
            glow[k] += shine
            albedo[k] *= (1.0 - extra.coat_f0) ** 2


@jit
def under_film(
    x: float,
    y: float,
    px_per_mm: float,
    power: float,
    to_light: tuple[float, float, float],
    to_eye: tuple[float, float, float],
    extra: Extra,
    film: FloatArray,
    out: FloatArray,
) -> None:
    """Put the sleeve over one pixel of radiance ``out`` (3)."""
    distance = max(abs(x) - extra.film_w, abs(y) - extra.film_h)
    cover = min(max(0.5 - distance * px_per_mm, 0.0), 1.0)
    if cover <= 0.0:
        return
    n = film.shape[0]
    u, v = x / FILM_TILE_MM * n, y / FILM_TILE_MM * n
    c, r = math.floor(u), math.floor(v)
    a, b = u - c, v - r
    c, r, c1, r1 = c % n, r % n, (c + 1) % n, (r + 1) % n
    p = (1 - b) * ((1 - a) * film[r, c, 0] + a * film[r, c1, 0]) + b * (
        (1 - a) * film[r1, c, 0] + a * film[r1, c1, 0]
    )
    q = (1 - b) * ((1 - a) * film[r, c, 1] + a * film[r, c1, 1]) + b * (
        (1 - a) * film[r1, c, 1] + a * film[r1, c1, 1]
    )
    shine = lobe(p, q, to_light, to_eye, extra.film_f0, extra.film_alpha2)
    own = power * (shine + extra.film_haze * to_light[2])
    for k in range(3):
        out[k] += cover * (out[k] * (extra.film_pass - 1.0) + own)


@jit
def cast_shadows(
    visible: FloatArray,
    rows: tuple[int, int],
    height_um: FloatArray,
    px_per_mm: float,
    extent: tuple[float, float],
    source: tuple[float, float, float],
    lamp_mm: float,
    reach_mm: float,
) -> None:
    """Fill rows ``rows[0]`` to ``rows[1]`` of ``visible`` (H, W): the share of the lamp that each point sees.

    From each point the height field is followed towards the light; the highest angle met is the horizon, and
    the lamp's disc is cut by it (linearly over the disc's angular height).
    """
    h, w = height_um.shape
    steps = int(reach_mm * px_per_mm)
    for i in range(rows[0], rows[1]):
        y = extent[1] - (i + 0.5) / px_per_mm
        for j in range(w):
            x = (j + 0.5) / px_per_mm - extent[0]
            dx, dy = source[0] - x, source[1] - y
            flat = math.sqrt(dx * dx + dy * dy)
            towards = source[2] / max(flat, 1e-6)
            ux, uy = dx / max(flat, 1e-6), -dy / max(flat, 1e-6)
            here = height_um[i, j]
            horizon = -1.0
            for k in range(1, steps):
                c, r = j + ux * k, i + uy * k
                if c < 0.0 or r < 0.0 or c > w - 1.001 or r > h - 1.001:
                    break
                ci, ri = int(c), int(r)
                a, b = c - ci, r - ri
                top = height_um[ri, ci] + a * (height_um[ri, ci + 1] - height_um[ri, ci])
                low = height_um[ri + 1, ci] + a * (height_um[ri + 1, ci + 1] - height_um[ri + 1, ci])
                rise = (top + b * (low - top) - here) * 1e-3 * px_per_mm / k
                horizon = max(horizon, rise)
            half = 0.5 * lamp_mm / math.sqrt(flat * flat + source[2] * source[2]) * (1 + towards * towards)
            visible[i, j] = min(max(0.5 + (towards - horizon) / (2.0 * half), 0.0), 1.0)


def shadow_map(
    height_um: FloatArray,
    px_per_mm: float,
    extent: tuple[float, float],
    source: npt.NDArray[np.float64],
    lamp_mm: float,
    reach_mm: float,
) -> FloatArray:
    """(H, W) share of the lamp at ``source`` (3, mm, card axes) that each sample of the height field sees."""
    visible = np.empty(height_um.shape, np.float32)
    x, y, z = source.tolist()
    cast_shadows(visible, (0, height_um.shape[0]), height_um, px_per_mm, extent, (x, y, z), lamp_mm, reach_mm)
    return visible

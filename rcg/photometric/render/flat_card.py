"""A plain card on a dark table under lamps with lenses, for the calibration by a white card and its proof.

Unlike the scenes of :mod:`rcg.photometric.render.scene`, every lamp here has a beam: its light falls off
about the axis from the lamp to where it is aimed, so that a point light is not the truth. The card is
Lambertian and may carry relief, so that what a flat field is worth can be measured against known normals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.linearise import srgb_encode
from rcg.photometric.types import Frame

Array = npt.NDArray[np.float64]
Field = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class FlatScene:
    """A card, lamps and a camera that looks straight down from far away.

    Attributes:
        positions_mm: (n, 3) lamps, from the card's centre.
        intensities: (n,) relative.
        aim_mm: (n, 2) where on the card's plane each lamp's axis points; None: at the centre.
        beam: exponent of the cosine about the axis; 0 is a point light.
        card_mm: width and height.
        px_per_mm: scale.
        margin_mm: table round the card.
        albedo: reflectance of the card at (x, y) in mm; None: 0.9.
        slopes: (dz/dx, dz/dy) at (x, y); None: flat.
        dust: specks on the card.
        vignette: share of light lost in the frame's corner.
        peak: linear brightness of a white card in the brightest place of the brightest frame.
        noise: standard deviation, of full scale.
        seed: of dust and noise.
    """

    positions_mm: Array
    intensities: Array
    aim_mm: Array | None = None
    beam: float = 0.0
    card_mm: tuple[float, float] = (63.0, 88.0)
    px_per_mm: float = 6.0
    margin_mm: float = 10.0
    albedo: Field | None = None
    slopes: Callable[[Array, Array], tuple[Array, Array]] | None = None
    dust: int = 0
    vignette: float = 0.12
    peak: float = 0.75
    noise: float = 0.002
    seed: int = 1


def irradiance(scene: FlatScene, index: int, x: Array, y: Array) -> tuple[Array, Array]:
    """Return the light's strength at places on the card's plane, and unit vectors (..., 3) to the lamp."""
    lamp = np.asarray(scene.positions_mm[index], np.float64)
    to_lamp = lamp - np.stack([x, y, np.zeros_like(x)], -1)
    distance = np.linalg.norm(to_lamp, axis=-1)
    unit = to_lamp / distance[..., None]
    strength = scene.intensities[index] * float(lamp @ lamp) / distance**2
    if scene.beam:
        aim = np.zeros(2) if scene.aim_mm is None else scene.aim_mm[index]
        axis = lamp - np.array([aim[0], aim[1], 0.0])
        strength = strength * np.clip(unit @ (axis / np.linalg.norm(axis)), 0, 1) ** scene.beam
    return np.asarray(strength), np.asarray(unit)


def render_flat(scene: FlatScene) -> list[Frame]:
    """Return one 16-bit sRGB frame per lamp, named 1, 2, ..."""
    rng = np.random.default_rng(scene.seed)
    width, height = (round((side + 2 * scene.margin_mm) * scene.px_per_mm) for side in scene.card_mm)
    x = np.broadcast_to((np.arange(width) - (width - 1) / 2) / scene.px_per_mm, (height, width))
    y = np.broadcast_to(((height - 1) / 2 - np.arange(height))[:, None] / scene.px_per_mm, (height, width))
    # Coverage by distance to the card's edge, in pixels: the true edge at half.
    inside = np.minimum(scene.card_mm[0] / 2 - np.abs(x), scene.card_mm[1] / 2 - np.abs(y))
    cover = np.clip(inside * scene.px_per_mm + 0.5, 0, 1)
    card = np.full(x.shape, 0.9) if scene.albedo is None else scene.albedo(x, y)
    for _ in range(scene.dust):
        at = rng.uniform(-0.5, 0.5, 2) * scene.card_mm
        card = np.where(np.hypot(x - at[0], y - at[1]) < rng.uniform(0.2, 0.8), 0.35, card)
    p, q = (np.zeros_like(x), np.zeros_like(x)) if scene.slopes is None else scene.slopes(x, y)
    normal = np.stack([-p, -q, np.ones_like(p)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    lens = 1 - scene.vignette * (x**2 + y**2) / (x**2 + y**2).max()
    values = []
    for index in range(len(scene.positions_mm)):
        strength, unit = irradiance(scene, index, x, y)
        lit = strength * np.clip((normal * unit).sum(-1), 0, None)
        values.append(lens * (cover * card * lit + (1 - cover) * 0.04 * strength * unit[..., 2]))
    gain = scene.peak / max(float((value[cover > 0.5] / 1.0).max()) for value in values)
    frames = []
    for index, value in enumerate(values):
        noisy = gain * value + scene.noise * np.sqrt(np.clip(gain * value, 0.01, 1)) * rng.standard_normal(
            x.shape
        )
        pixels = np.round(65535 * srgb_encode(noisy)).astype(np.uint16)
        name = str(index + 1)
        frames.append(Frame(name, f"{name}.png", np.repeat(pixels[..., None], 3, axis=2)))
    return frames

"""A shiny ball on a table under one light at a time, ray by ray: truth for the calibration by a ball.

A chrome ball mirrors the table and the lamp; a black one mirrors both weakly (Schlick's approximation of
Fresnel's law). The lamp is a small sphere with soft edges. Positions are millimetres from the picture's
middle on the table: x right, y up, z to the camera, which looks straight down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.linearise import srgb_encode
from rcg.photometric.types import Frame

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BallScene:
    """A ball, lights and a camera.

    Attributes:
        positions_mm: (n, 3) lights.
        finish: of the ball.
        ball_mm: its diameter.
        at_mm: (x, y) where it lies.
        frame_size: width, height in pixels.
        width_mm: of the table across the picture.
        distance_mm: of the camera from the table; None: far away.
        lamp_deg: angular radius of the lamp's mirror image.
        table: reflectance of the table.
        exposure: of the table under light from straight above at the first light's distance.
        noise: standard deviation at full scale, of full scale.
        seed: of the noise.
    """

    positions_mm: Array
    finish: Literal["chrome", "black"] = "chrome"
    ball_mm: float = 25.0
    at_mm: tuple[float, float] = (0.0, 0.0)
    frame_size: tuple[int, int] = (480, 640)
    width_mm: float = 60.0
    distance_mm: float | None = None
    lamp_deg: float = 2.0
    table: float = 0.3
    exposure: float = 0.5
    noise: float = 0.002
    seed: int = 1

    @property
    def fov_deg(self) -> float | None:
        """Field of view across the longer side; None for a camera that is far away."""
        if self.distance_mm is None:
            return None
        longer = self.width_mm * max(self.frame_size) / self.frame_size[0]
        return float(2 * np.rad2deg(np.arctan(longer / 2 / self.distance_mm)))

    def circle_px(self) -> tuple[float, float, float]:
        """Middle and radius of the ball's outline for a camera that is far away."""
        scale = self.frame_size[0] / self.width_mm
        middle = ((self.frame_size[0] - 1) / 2, (self.frame_size[1] - 1) / 2)
        return (
            middle[0] + scale * self.at_mm[0],
            middle[1] - scale * self.at_mm[1],
            scale * self.ball_mm / 2,
        )


def render_ball(scene: BallScene) -> list[Frame]:
    """Return one 8-bit sRGB frame per light, named 1, 2, ..."""
    rng = np.random.default_rng(scene.seed)
    origins, rays = _camera(scene)
    frames = []
    for index, light in enumerate(np.asarray(scene.positions_mm, np.float64)):
        value = _traced(scene, light, origins, rays)
        blurred = cv2.GaussianBlur(np.minimum(value, 40.0), (0, 0), 0.7)
        noisy = blurred + scene.noise * np.sqrt(np.clip(blurred, 0.01, 1)) * rng.standard_normal(
            blurred.shape
        )
        pixels = np.round(255 * srgb_encode(noisy)).astype(np.uint8)
        name = str(index + 1)
        frames.append(Frame(name, f"{name}.png", np.repeat(pixels[..., None], 3, axis=2)))
    return frames


def _camera(scene: BallScene) -> tuple[Array, Array]:
    """(H, W, 3) where each pixel's ray begins and its unit direction."""
    width, height = scene.frame_size
    step = scene.width_mm / width
    x = (np.arange(width) - (width - 1) / 2) * step
    y = -(np.arange(height) - (height - 1) / 2) * step
    ground = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 0.0), -1)
    if scene.distance_mm is None:
        return ground + np.array([0.0, 0.0, 1000.0]), np.broadcast_to([0.0, 0.0, -1.0], ground.shape)
    eye = np.array([0.0, 0.0, scene.distance_mm])
    rays = ground - eye
    return np.broadcast_to(eye, ground.shape), rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def _traced(scene: BallScene, light: Array, origins: Array, rays: Array) -> Array:
    radius = scene.ball_mm / 2
    centre = np.array([*scene.at_mm, radius])
    power = float((np.asarray(scene.positions_mm[0]) ** 2).sum()) * scene.exposure / scene.table
    table = _table(scene, origins - rays * (origins[..., 2:] / rays[..., 2:]), light, power)
    from_centre = origins - centre
    along = (rays * from_centre).sum(-1)
    left = along**2 - (from_centre**2).sum(-1) + radius**2
    hit = left > 0
    point = origins + rays * (-along - np.sqrt(np.maximum(left, 0)))[..., None]
    normal = (point - centre) / radius
    facing = np.clip(-(rays * normal).sum(-1), 0, 1)
    mirrored = rays + 2 * facing[..., None] * normal
    to_light = light - point
    to_light /= np.linalg.norm(to_light, axis=-1, keepdims=True)
    away = np.rad2deg(np.arccos(np.clip((mirrored * to_light).sum(-1), -1, 1)))
    lamp = 400.0 / (1 + np.exp(np.clip((away - scene.lamp_deg) / (0.12 * scene.lamp_deg), -60, 60)))
    lamp = lamp + 2.0 * np.exp(-0.5 * (away / (3 * scene.lamp_deg)) ** 2)
    down = mirrored[..., 2] < -1e-3
    reach = np.where(down, -point[..., 2] / np.where(down, mirrored[..., 2], -1.0), 0.0)
    seen = np.where(down, _table(scene, point + mirrored * reach[..., None], light, power), 0.002)
    mirror = 0.65 if scene.finish == "chrome" else 0.04 + 0.96 * (1 - facing) ** 5
    own = 0.0 if scene.finish == "chrome" else 0.01 * np.clip((normal * to_light).sum(-1), 0, 1)
    return np.asarray(np.where(hit, mirror * (seen + lamp) + own, table))


def _table(scene: BallScene, at: Array, light: Array, power: float) -> Array:
    """Radiance of the table at (H, W, 3) points, in the ball's shadow where it is."""
    to_light = light - at
    distance = np.linalg.norm(to_light, axis=-1)
    lit = scene.table * power * np.clip(to_light[..., 2], 0, None) / distance**3
    radius = scene.ball_mm / 2
    centre = np.array([*scene.at_mm, radius])
    toward = to_light / distance[..., None]
    offset = centre - at
    ahead = (offset * toward).sum(-1)
    apart = np.sqrt(np.maximum((offset**2).sum(-1) - ahead**2, 0))
    shade = np.where(ahead > 0, np.clip((apart - radius) / 1.0 + 0.5, 0, 1), 1.0)
    return np.asarray(lit * (0.03 + 0.97 * shade))

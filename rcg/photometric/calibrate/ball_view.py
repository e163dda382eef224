"""A sphere before a camera: what its outline tells of it, and which way light was reflected at a pixel.

Axes are the camera's: x right, y up, z from the scene to the camera. Without a field of view the camera is
far away (orthographic) and lengths are pixels; with one, lengths are the ball's radius.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_STILL_PX = 1e-6
"""a circle that a step of the fit moves by less is found"""


@dataclass(frozen=True)
class View:
    """A camera that looks along -z.

    Attributes:
        width, height: of its pictures, pixels.
        fov_deg: field of view across the longer side; None: far away.
    """

    width: int
    height: int
    fov_deg: float | None = None

    @property
    def focal_px(self) -> float | None:
        """Focal length in pixels; None for a camera that is far away."""
        if self.fov_deg is None:
            return None
        return float(max(self.width, self.height) / 2 / np.tan(np.deg2rad(self.fov_deg) / 2))

    def centred(self, xy_px: Array) -> Array:
        """(k, 2) pixels from the picture's centre, y up."""
        middle = np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        return np.asarray((xy_px - middle) * np.array([1.0, -1.0]))

    def rays(self, xy_px: Array) -> Array:
        """(k, 3) unit vectors from the camera through pixels (k, 2)."""
        flat = self.centred(xy_px)
        depth = np.full(len(flat), -(self.focal_px or 1.0))
        if self.focal_px is None:
            flat = np.zeros_like(flat)
        rays = np.column_stack([flat, depth])
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


@dataclass(frozen=True)
class Ball:
    """A sphere as a camera has it.

    Attributes:
        view: the camera.
        centre: (3,) of the sphere; z is 0 for a camera that is far away.
        radius: in the same unit.
        centre_px: (x, y) of the outline's middle, and
        radius_px: its radius, in pixels.
        angle_sd: standard error of a normal that the outline's own error causes, at the ball's middle,
        radians.
    """

    view: View
    centre: Array
    radius: float
    centre_px: tuple[float, float]
    radius_px: float
    angle_sd: float

    def normals(self, xy_px: Array) -> Array:
        """(k, 3) outward unit normals seen at pixels (k, 2); NaN beside the ball."""
        if self.view.focal_px is None:
            flat = (self.view.centred(xy_px) - self.centre[:2]) / self.radius
            with np.errstate(invalid="ignore"):
                return np.column_stack([flat, np.sqrt(1 - (flat**2).sum(1))])
        rays = self.view.rays(xy_px)
        along = rays @ self.centre
        with np.errstate(invalid="ignore"):
            far = along - np.sqrt(self.radius**2 - (self.centre @ self.centre) + along**2)
        return np.asarray((rays * far[:, None] - self.centre) / self.radius)

    def points(self, normals: Array) -> Array:
        """(k, 3) places on the sphere with the given normals."""
        return np.asarray(self.centre + self.radius * normals)

    def to_camera(self, normals: Array) -> Array:
        """(k, 3) unit vectors from those places to the camera."""
        if self.view.focal_px is None:
            return np.tile([0.0, 0.0, 1.0], (len(normals), 1))
        away = -self.points(normals)
        return np.asarray(away / np.linalg.norm(away, axis=1, keepdims=True))

    def reflected(self, normals: Array) -> Array:
        """(k, 3) directions to the light that is mirrored at the given normals: ``2 (n.v) n - v``."""
        eye = self.to_camera(normals)
        return np.asarray(2 * (normals * eye).sum(1, keepdims=True) * normals - eye)


def ball_of_rim(view: View, rim_px: Array, more_sd_px: float = 0.0) -> Ball:
    """Fit the sphere whose outline is (k, 2) pixels, known to ``more_sd_px`` beside the fit's own error.

    Far away the outline is a circle. Near by, the rays to the outline form a cone about the sphere's centre:
    ``u . w = 1`` for every unit ray u, with w along the axis and ``|w| = 1 / cos(half angle)``.

    Raises:
        ValueError: the field of view leaves no such cone.
    """
    around, _ = circle_of(rim_px)
    if view.focal_px is None:
        (x, y), radius = around
        misfit = np.hypot(rim_px[:, 0] - x, rim_px[:, 1] - y) - radius
        centre = np.append(view.centred(np.array([[x, y]]))[0], 0.0)
        size = radius
    else:
        rays = view.rays(rim_px)
        w = np.linalg.lstsq(rays, np.ones(len(rays)), rcond=None)[0]
        length = float(np.linalg.norm(w))
        if not np.isfinite(length) or length <= 1:
            raise ValueError("the rim is no cone")
        half = float(np.arccos(1 / length))
        size = 1.0
        centre = w / length / np.sin(half)
        angle = np.arccos(np.clip(rays @ (w / length), -1, 1)) - half
        (x, y), radius = around
        misfit = angle / half * radius
    rms = float(np.sqrt((misfit**2).mean()))
    # A rim point is off by rms; the middle of k of them by rms sqrt(2 / k); neighbours are not independent.
    independent = max(6.0, len(rim_px) / 4)
    sd = float(np.sqrt(rms**2 * 2 / independent + 0.05**2 + more_sd_px**2) / radius)
    return Ball(view, np.asarray(centre), float(size), (float(x), float(y)), float(radius), sd)


def circle_of(points: Array) -> tuple[tuple[tuple[float, float], float], float]:
    """Fit a circle to (k, 2) points: ((x, y), radius) and root mean square distance.

    Algebraic start (Kasa), then Gauss-Newton on the distances.
    """
    middle = points.mean(0)
    xy = points - middle
    design = np.column_stack([2 * xy, np.ones(len(xy))])
    a, b, c = np.linalg.lstsq(design, (xy**2).sum(1), rcond=None)[0]
    radius = float(np.sqrt(max(c + a * a + b * b, 1e-12)))
    for _ in range(5):
        delta = xy - np.array([a, b])
        distance = np.maximum(np.hypot(*delta.T), 1e-9)
        jacobian = np.column_stack([-delta / distance[:, None], -np.ones(len(xy))])
        step = np.linalg.lstsq(jacobian, -(distance - radius), rcond=None)[0]
        a, b, radius = a + step[0], b + step[1], radius + step[2]
        if np.abs(step).max() < _STILL_PX:
            break
    rms = float(np.sqrt(((np.hypot(*(xy - np.array([a, b])).T) - radius) ** 2).mean()))
    return ((float(a + middle[0]), float(b + middle[1])), float(radius)), rms

"""A drawn scene as a phone in the hand takes it: the card on the printed mat, every frame from a slightly
other place, exposed a little otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rcg.photometric.mat import layout
from rcg.photometric.outline_geometry import homography_of_points
from rcg.photometric.render.mat_sheet import MatSheet
from rcg.photometric.render.scene import Scene

_PART = 6
_FILL = 0.93


def on_mat(
    scene: Scene,
    *,
    sway: float = 0.01,
    exposure: float = 0.15,
    balance: float = 0.03,
    mat: MatSheet | None = None,
) -> Scene:
    """Return the scene on the mat, taken by hand.

    Args:
        scene: as drawn; its frame size stays, its scale becomes what the mat leaves.
        sway: standard deviation of each frame corner's shift, over the frame's width; 0: a stand.
        exposure: standard deviation of the logarithm of each frame's exposure.
        balance: the same of red and blue against green.
        mat: how it lies and was printed; by default the card lies on it as a person lays it.

    The first frame stays unmoved; its exposure drifts as the others' does.
    """
    rng = scene.generator(_PART)
    lies = MatSheet(
        offset_mm=(float(rng.uniform(-1.2, 1.2)), float(rng.uniform(-1.2, 1.2))),
        angle_deg=float(rng.uniform(-1.0, 1.0)),
    )
    mat = mat or lies
    w, h = scene.camera.frame_size
    scale = _FILL * min(w / (layout.ACTIVE_MM[0] * mat.scale), h / (layout.ACTIVE_MM[1] * mat.scale))
    camera = replace(
        scene.camera,
        px_per_mm=float(scale),
        sway=_swayed(rng, scene.n_lights, (w, h), sway),
    )
    logs = rng.normal(0, exposure, (scene.n_lights, 1)) + rng.normal(0, balance, (scene.n_lights, 3)) * [
        1,
        0,
        1,
    ]
    # Never brighter than the scene's own exposure, which leaves headroom for the card's white.
    gains = np.exp(logs - logs.max())
    return replace(scene, mat=mat, camera=camera, sensor=replace(scene.sensor, gains=gains))


def _swayed(rng: np.random.Generator, n: int, size: tuple[int, int], share: float) -> npt.NDArray[np.float64]:
    w, h = size
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float64)
    # Mostly a shift and a turn of the whole; the corners' own part is the change of tilt.
    moves = rng.normal(0, share * w, (n, 1, 2)) + rng.normal(0, 0.3 * share * w, (n, 4, 2))
    moves[0] = 0
    return np.stack([homography_of_points(corners, corners + move) for move in moves])

"""Where things stand: card millimetres to frame pixels, and the lights in the card's own axes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rcg.photometric.render.scene import Camera, Scene

Matrix = npt.NDArray[np.float64]


def _turn(angle_deg: float) -> Matrix:
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _view(camera: Camera) -> tuple[Matrix, npt.NDArray[np.float64]]:
    """Rotation (image axes to camera axes: x right, y up, z backwards) and the camera's centre in image axes,
    mm.
    """
    a, b = np.radians(camera.tilt_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rotation = about_x @ about_y
    return rotation, camera.distance_mm * rotation[2]


def card_to_reference(scene: Scene) -> Matrix:
    """(3, 3) homography from card millimetres (x right, y up) to pixels of frame 1 (x right, y down, centres
    at integers).

    A pinhole sees the plane z = 0: ``P = K [r1 r2 t]``. The principal point is placed so that the card's
    centre falls where ``shift_px`` says.
    """
    camera = scene.camera
    rotation, centre = _view(camera)
    turned = rotation @ _turn(camera.rotation_deg)
    moved = -rotation @ centre
    plane = np.column_stack([turned[:, 0], turned[:, 1], moved])
    plane[2] = -plane[2]
    focal = camera.px_per_mm * camera.distance_mm
    w, h = camera.frame_size
    intrinsic = np.array(
        [
            [focal, 0, (w - 1) / 2 + camera.shift_px[0]],
            [0, -focal, (h - 1) / 2 + camera.shift_px[1]],
            [0, 0, 1],
        ]
    )
    return np.asarray(intrinsic @ plane / (intrinsic @ plane)[2, 2])


def frame_to_reference(scene: Scene, index: int) -> Matrix:
    """(3, 3) homography from pixels of one frame to pixels of frame 1: the inverse of that frame's drift and
    sway."""
    camera = scene.camera
    w, h = camera.frame_size
    centre = np.array([[1, 0, (w - 1) / 2], [0, 1, (h - 1) / 2], [0, 0, 1]])
    drift = np.eye(3)
    drift[:2, 2] = camera.drift_px[index]
    # y runs down in pixels, so a counter-clockwise turn has the opposite sign there.
    there = drift @ centre @ _turn(-float(camera.drift_deg[index])) @ np.linalg.inv(centre)
    if camera.sway is not None:
        there = camera.sway[index] @ there
    return np.asarray(np.linalg.inv(there))


def frame_to_card(scene: Scene, index: int) -> Matrix:
    """(3, 3) homography from pixels of one frame to card millimetres."""
    return np.asarray(np.linalg.inv(card_to_reference(scene)) @ frame_to_reference(scene, index))


def camera_in_card(scene: Scene) -> npt.NDArray[np.float64]:
    """(3,) camera centre in card axes, mm."""
    return np.asarray(_turn(-scene.camera.rotation_deg) @ _view(scene.camera)[1])


def lights_in_card(scene: Scene) -> npt.NDArray[np.float64]:
    """(n, 3) light positions in card axes, mm."""
    return np.asarray(scene.rig.positions_mm @ _turn(-scene.camera.rotation_deg).T)


def project(homography: Matrix, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Apply a homography to (..., 2) points."""
    xy = np.asarray(points, np.float64)
    mapped = np.concatenate([xy, np.ones((*xy.shape[:-1], 1))], -1) @ homography.T
    return np.asarray(mapped[..., :2] / mapped[..., 2:])

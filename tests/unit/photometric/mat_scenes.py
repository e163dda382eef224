"""Rendered captures on the mat, small and quick, for the tests of the mat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rcg.photometric.render import RenderedSide, Scene, draw_scene, render_scene
from rcg.photometric.render.camera import frame_to_card, project
from rcg.photometric.render.handheld import on_mat
from rcg.photometric.render.mat_sheet import MatSheet

FRAME = (750, 1000)


def scene(seed: int = 3, *, n_lights: int = 8, mat: MatSheet | None = None, **how: float) -> Scene:
    """A card on the mat in the hand; 6.7 px/mm."""
    return on_mat(draw_scene(seed, n_lights=n_lights, frame_size=FRAME), mat=mat, **how)


def render(made: Scene) -> RenderedSide:
    return render_scene(made, relief_px_per_mm=8, maps_px_per_mm=5, threads=2)


def turned(made: Scene, degrees: float) -> Scene:
    """The same seen by a camera that is turned; a quarter turn also swaps the frame's sides."""
    camera = replace(made.camera, rotation_deg=made.camera.rotation_deg + degrees, sway=None)
    if degrees % 180:
        camera = replace(camera, frame_size=camera.frame_size[::-1])
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    # The lights stay where the card has them.
    rig = replace(made.rig, positions_mm=made.rig.positions_mm @ turn.T)
    return replace(made, camera=camera, rig=rig)


def card_to_frame(side: RenderedSide, frame: int, card_mm: np.ndarray) -> np.ndarray:
    """Where points of the card are in a frame."""
    return project(np.linalg.inv(frame_to_card(side.scene, frame)), card_mm)


def card_mm(side: RenderedSide) -> np.ndarray:
    """The card's corners in its own millimetres."""
    half = np.array([side.scene.cut.width_mm, side.scene.cut.height_mm]) / 2
    return half * np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)])


def corners_in(side: RenderedSide, frame: int) -> np.ndarray:
    """The card's true corners in a frame, from its top left clockwise."""
    return card_to_frame(side, frame, card_mm(side))

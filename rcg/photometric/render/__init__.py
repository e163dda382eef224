"""The engine's forward model: a physically plausible side of a card, photographed under n near lights, with
its truth.

    >>> from rcg.photometric.render import render_side
    >>> side = render_side(7)                      # 8 frames of 1500 x 2000
    >>> side.truth.centering.left_right.mean       # known, not measured

A :class:`Scene` (drawn from the seed) holds every number; :func:`render_scene` renders a scene of one's own
making.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rcg.grading.schema import SideName
from rcg.photometric.render.draw import draw_scene
from rcg.photometric.render.draw_effects import with_effects
from rcg.photometric.render.handheld import on_mat
from rcg.photometric.render.render import RenderedSide, TruthMaps, render_scene
from rcg.photometric.render.scene import FRAME_HEIGHT, FRAME_WIDTH, Scene
from rcg.photometric.render.write import ImageFormat, write_side

__all__ = [
    "RenderedSide",
    "Scene",
    "TruthMaps",
    "draw_scene",
    "on_mat",
    "render_card",
    "render_scene",
    "render_side",
    "with_effects",
    "write_side",
]


def render_side(
    seed: int,
    *,
    n_lights: int = 8,
    side: SideName = "front",
    px_per_mm: float | None = None,
    frame_size: tuple[int, int] = (FRAME_WIDTH, FRAME_HEIGHT),
    image_format: ImageFormat = "jpeg",
    mat: bool = False,
    effects: Collection[str] = (),
    out: Path | None = None,
    threads: int | None = None,
) -> RenderedSide:
    """Draw and render one side; write it to ``out`` when that is given.

    Args:
        seed: the same seed gives the same bytes on one computer and version.
        n_lights: three or more.
        side: ``"front"`` or ``"back"``; they differ in print, relief and pose.
        px_per_mm: scale at the card's centre; by default the card fills about 88 % of the frame.
        frame_size: width and height in pixels; 3024 x 4032 is a 12 megapixel phone.
        image_format: of the files written.
        mat: whether the card lies on the printed mat and the camera is held in the hand; the mat then
            decides the scale.
        effects: names of :data:`rcg.photometric.render.effects.EFFECTS` (foil, creases, a sleeve, ...); none
            by default.
        out: folder for the files listed in :mod:`rcg.photometric.render.write`.
        threads: threads to compute with; by default the computer's cores, at most 8.

    Raises:
        InputError: see :func:`rcg.photometric.render.draw.draw_scene`; or an effect of another name.
    """
    scene = draw_scene(seed, side=side, n_lights=n_lights, frame_size=frame_size, px_per_mm=px_per_mm)
    scene = with_effects(scene, effects)
    rendered = render_scene(on_mat(scene) if mat else scene, threads=threads)
    if out is not None:
        write_side(rendered, out, image_format=image_format)
    return rendered


def render_card(
    seed: int,
    out: Path,
    *,
    n_lights: int = 8,
    frame_size: tuple[int, int] = (FRAME_WIDTH, FRAME_HEIGHT),
    maps: bool = False,
    threads: int | None = None,
) -> dict[SideName, RenderedSide]:
    """Render both sides of a card into ``out/front`` and ``out/back``; the truth maps only when asked for."""
    sides: dict[SideName, RenderedSide] = {}
    names: tuple[SideName, SideName] = ("front", "back")
    for name in names:
        sides[name] = render_side(seed, n_lights=n_lights, side=name, frame_size=frame_size, threads=threads)
        write_side(sides[name], out / name, maps=maps)
    return sides

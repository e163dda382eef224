"""The fixed benchmark set of rendered defects: half-size cards at 40 px/mm, everything known, by seed.

A card of 31.5 x 44 mm (half the usual size each way, so that 40 px/mm need no more pixels than an ordinary
card at 20) lies under eight near lights and is photographed once per light. Stated conditions: lights 250 mm
away at 30 degrees, 12-bit noise, sRGB JPEG of quality 92, every frame 0.5 px off, foil over 28 % of the card.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from rcg.photometric import images
from rcg.photometric.render import RenderedSide, draw_scene, render_scene
from rcg.photometric.render.draw_effects import foil_patch
from rcg.photometric.render.effects import Effects, Foil, FoilPatch
from rcg.photometric.render.scene import Cut, Dent, Rig, Scene, Scratch
from rcg.photometric.render.write import encode_frame
from rcg.photometric.types import Frame

CARD_MM = (31.5, 44.0)
FRAME_PX = (1400, 1900)
PX_PER_MM = 40.0
LIGHT_MM = 250.0
ELEVATION_DEG = 30.0
MISALIGNED_PX = 0.5
FOIL_SHARE = 0.28
SCRATCH_UM = (50.0, 100.0)
THIN_UM = (25.0, 50.0)
SCRATCH_DEPTH_UM = (1.0, 4.0)
DENT_MM = (0.3, 1.2)
DENT_DEPTH_UM = (5.0, 25.0)
COUNTS = {"scratch": (5, 3), "thin scratch": (2, 1), "dent": (5, 3)}
"""on matte, on foil"""

DefectKind = Literal["scratch", "thin scratch", "dent"]


@dataclass(frozen=True)
class Defect:
    """One defect of a card: what it is, where, whether on foil, and the rendered thing itself."""

    kind: DefectKind
    on_foil: bool
    what: Scratch | Dent


@dataclass(frozen=True)
class DefectCard:
    """A card of the set.

    Attributes:
        seed: of the card.
        side: as rendered, with its truth maps at 40 px/mm.
        frames: what came out of the JPEG files.
        defects: what was put on it; nothing on a clean card.
    """

    seed: int
    side: RenderedSide
    frames: list[Frame]
    defects: tuple[Defect, ...]


def defect_scene(seed: int, *, clean: bool, foil: bool) -> tuple[Scene, tuple[Defect, ...]]:
    """Draw a card of the set.

    Args:
        seed: print, relief, rig and flaws follow from it.
        clean: without defects: print and grain alone.
        foil: with foil over 28 % of the card.
    """
    base = draw_scene(seed, frame_size=FRAME_PX, px_per_mm=None)
    cut = Cut(*CARD_MM, 1.5, (1.5,) * 4)
    rng = np.random.default_rng([seed, 77])
    patch = foil_patch(rng, cut, FOIL_SHARE) if foil else None
    defects = () if clean else _defects(rng, cut, patch)
    surface = replace(
        base.surface,
        dents=tuple(d.what for d in defects if isinstance(d.what, Dent)),
        scratches=tuple(d.what for d in defects if isinstance(d.what, Scratch)),
        whitening=(),
    )
    drift = rng.normal(size=(base.n_lights, 2))
    drift *= MISALIGNED_PX / np.linalg.norm(drift, axis=1, keepdims=True)
    drift[0] = 0
    scene = replace(
        base,
        cut=cut,
        print=replace(base.print, radius_mm=min(base.print.radius_mm, 0.5)),
        surface=surface,
        rig=_rig(rng, base.n_lights),
        camera=replace(base.camera, px_per_mm=PX_PER_MM, drift_px=drift, shift_px=(3.0, -2.0)),
        effects=Effects(foil=Foil((patch,))) if patch else None,
    )
    return scene, defects


def defect_card(seed: int, *, clean: bool, foil: bool, threads: int) -> DefectCard:
    """Render a card of the set, through JPEG files."""
    scene, defects = defect_scene(seed, clean=clean, foil=foil)
    side = render_scene(scene, maps_px_per_mm=PX_PER_MM, threads=threads)
    frames = [
        images.decode(encode_frame(f.pixels, "jpeg"), name=f.name, file_name=f.file_name) for f in side.frames
    ]
    return DefectCard(seed, replace(side, frames=[]), frames, defects)


def _rig(rng: np.random.Generator, n: int) -> Rig:
    azimuth, height = np.radians(90 - 360 * np.arange(n) / n), np.radians(ELEVATION_DEG)
    towards = np.stack(
        [np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.full(n, np.sin(height))], 1
    )
    return Rig(LIGHT_MM * towards, rng.uniform(0.93, 1.07, n), ambient=0.004)


def _defects(rng: np.random.Generator, cut: Cut, patch: FoilPatch | None) -> tuple[Defect, ...]:
    """Place the defects so that no two are nearer than 1 mm, each wholly on matte or wholly on foil."""
    taken: list[npt.NDArray[np.float64]] = []
    found: list[Defect] = []
    for kind, (matte, foil) in COUNTS.items():
        for k in range(matte + (foil if patch else 0)):
            placed = _placed(rng, kind, cut, patch, on_foil=k >= matte, taken=taken)
            if placed is not None:
                found.append(placed)
    return tuple(found)


def _placed(
    rng: np.random.Generator,
    kind: str,
    cut: Cut,
    patch: FoilPatch | None,
    *,
    on_foil: bool,
    taken: list[npt.NDArray[np.float64]],
) -> Defect | None:
    half = np.array([cut.width_mm, cut.height_mm]) / 2 - 1.8
    for _ in range(400):
        what = _drawn(rng, kind, half, patch if on_foil else None)
        points = outline_points(what)
        inside = bool((np.abs(points) <= half).all())
        if patch is not None:
            off = np.abs(points - [patch.x_mm, patch.y_mm]) - np.array([patch.width_mm, patch.height_mm]) / 2
            over = (off < 0).all(axis=1)
            deep = (off < -0.6).all(axis=1)
            inside &= bool(deep.all()) if on_foil else not bool(over.any())
        apart = all(np.linalg.norm(points[:, None] - t[None], axis=2).min() > 1.0 for t in taken)
        if inside and apart:
            taken.append(points)
            name: DefectKind = (
                "dent" if kind == "dent" else ("scratch" if kind == "scratch" else "thin scratch")
            )
            return Defect(name, on_foil, what)
    return None


def _drawn(
    rng: np.random.Generator, kind: str, half: npt.NDArray[np.float64], patch: FoilPatch | None
) -> Scratch | Dent:
    if patch is None:
        x, y = (rng.uniform(-1, 1, 2) * half).tolist()
    else:
        room = np.array([patch.width_mm, patch.height_mm]) / 2
        x, y = (rng.uniform(-1, 1, 2) * room + [patch.x_mm, patch.y_mm]).tolist()
    angle = float(rng.uniform(0, 180))
    if kind == "dent":
        return Dent(
            x,
            y,
            float(rng.uniform(*DENT_MM)),
            float(rng.uniform(*DENT_DEPTH_UM)),
            float(rng.uniform(1.0, 1.4)),
            angle,
        )
    wide = rng.uniform(*(SCRATCH_UM if kind == "scratch" else THIN_UM)) * 1e-3
    depth = float(np.exp(rng.uniform(*np.log(SCRATCH_DEPTH_UM))))
    length, bend = float(rng.uniform(3, 8)), float(rng.uniform(-0.02, 0.02))
    return Scratch(x, y, angle, length, bend, float(wide), depth)


def outline_points(what: Scratch | Dent) -> npt.NDArray[np.float64]:
    """Points (n, 2) mm along a scratch's middle or round a dent."""
    if isinstance(what, Dent):
        t = np.radians(np.arange(0, 360, 30))
        reach = what.width_mm / 2 * what.elongation
        return np.stack([what.x_mm + reach * np.cos(t), what.y_mm + reach * np.sin(t)], 1)
    along = np.linspace(-0.5, 0.5, 33) * what.length_mm
    bend = what.bend_per_mm if abs(what.bend_per_mm) > 1e-9 else 1e-9
    arc = np.stack([np.sin(along * bend) / bend, (1 - np.cos(along * bend)) / bend], 1)
    a = np.radians(what.angle_deg)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return np.asarray(arc @ turn + np.array([what.x_mm, what.y_mm]))

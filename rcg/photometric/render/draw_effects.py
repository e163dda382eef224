"""Draw the opt-in effects of a scene from its seed.

Each has a random stream of its own: asking for one leaves the others and the rest of the scene as they were.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from rcg.errors import InputError
from rcg.photometric.render.effects import (
    EFFECTS,
    Chip,
    Coat,
    Effects,
    Foil,
    FoilPatch,
    Shadows,
    Sleeve,
)
from rcg.photometric.render.scene import Crease, Cut, PrintLine, Scene, Stain

FOIL_SHARE = 0.28
"""of the card's area"""
_STREAM: dict[str, int] = {name: 50 + k for k, name in enumerate(EFFECTS)}


def with_effects(scene: Scene, names: Collection[str]) -> Scene:
    """Return the scene with the named effects, drawn from its seed.

    Args:
        scene: as drawn.
        names: of :data:`rcg.photometric.render.effects.EFFECTS`.

    Raises:
        InputError: a name that is none of these.
    """
    unknown = [name for name in names if name not in EFFECTS]
    if unknown:
        raise InputError(
            f"There is no effect called {unknown[0]!r}.", f"The effects are: {', '.join(EFFECTS)}."
        )
    if not names:
        return scene

    def stream(name: str) -> np.random.Generator:
        return scene.generator(_STREAM[name])

    cut, surface = scene.cut, scene.surface
    effects = scene.effects or Effects()
    if "foil" in names:
        effects = replace(effects, foil=Foil((foil_patch(stream("foil"), cut, FOIL_SHARE),)))
    if "coat" in names:
        effects = replace(effects, coat=Coat(roughness=float(stream("coat").uniform(0.1, 0.2))))
    if "chips" in names:
        effects = replace(effects, chips=_chips(stream("chips"), cut))
    if "sleeve" in names:
        rng = stream("sleeve")
        effects = replace(
            effects, sleeve=Sleeve(haze=float(rng.uniform(0.004, 0.02)), wave_deg=float(rng.uniform(0.8, 2)))
        )
    if "shadows" in names:
        effects = replace(effects, shadows=Shadows())
    if "creases" in names:
        surface = replace(surface, creases=_creases(stream("creases"), cut))
    if "print_lines" in names:
        surface = replace(surface, print_lines=_print_lines(stream("print_lines"), cut))
    if "stains" in names:
        surface = replace(surface, stains=_stains(stream("stains"), cut))
    return replace(scene, surface=surface, effects=effects if effects != Effects() else None)


def foil_patch(rng: np.random.Generator, cut: Cut, share: float) -> FoilPatch:
    """A patch of foil of a share of the card's area, somewhere inside its border."""
    inside_w, inside_h = cut.width_mm - 8, cut.height_mm - 8
    area = share * cut.width_mm * cut.height_mm
    width = min(inside_w, max(area / inside_h, float(rng.uniform(0.75, 1.0)) * inside_w))
    height = min(inside_h, area / width)
    room = np.array([inside_w - width, inside_h - height]) / 2
    x, y = (rng.uniform(-1, 1, 2) * room).tolist()
    return FoilPatch(x, y, width, height)


def _chips(rng: np.random.Generator, cut: Cut) -> tuple[Chip, ...]:
    """One at a corner and up to two at edges, from a grain of dust to a nibble."""
    w, h = cut.width_mm / 2, cut.height_mm / 2
    inset = cut.radius_mm * (1 - float(np.sqrt(0.5)))
    sx, sy = rng.choice([-1.0, 1.0], 2).tolist()
    chips = [Chip(sx * (w - inset), sy * (h - inset), float(rng.uniform(0.2, 0.6)))]
    for _ in range(int(rng.integers(0, 3))):
        along, out = float(rng.uniform(-0.7, 0.7)), float(rng.choice([-1.0, 1.0]))
        x, y = (out * w, along * h) if rng.random() < 0.5 else (along * w, out * h)
        chips.append(Chip(x, y, float(rng.uniform(0.15, 0.4))))
    return tuple(chips)


def _creases(rng: np.random.Generator, cut: Cut) -> tuple[Crease, ...]:
    """One fold across a corner, as when a card is bent there, and perhaps one across the middle."""
    w, h = cut.width_mm / 2, cut.height_mm / 2
    sx, sy = rng.choice([-1.0, 1.0], 2).tolist()
    off = float(rng.uniform(0.2, 0.4)) * min(w, h)
    folds = [
        Crease(
            x_mm=sx * (w - off),
            y_mm=sy * (h - off),
            angle_deg=float(-45.0 * sx * sy + rng.uniform(-12, 12)),
            length_mm=float(2.2 * off),
            width_mm=float(rng.uniform(0.4, 1.0)),
            height_um=float(rng.choice([-1, 1]) * rng.uniform(25, 70)),
            bared=float(rng.uniform(0.0, 0.8)),
        )
    ]
    if rng.random() < 0.3:
        folds.append(
            Crease(
                0.0,
                float(rng.uniform(-0.5, 0.5)) * h,
                float(rng.uniform(-10, 10)),
                1.6 * w,
                0.8,
                float(rng.choice([-1, 1]) * rng.uniform(20, 50)),
                float(rng.uniform(0, 0.4)),
            )
        )
    return tuple(folds)


def _print_lines(rng: np.random.Generator, cut: Cut) -> tuple[PrintLine, ...]:
    """One to three, all along the way the sheet went through the press."""
    angle = float(rng.choice([0.0, 90.0])) + float(rng.uniform(-0.5, 0.5))
    span = cut.width_mm if abs(angle) < 45 else cut.height_mm
    return tuple(
        PrintLine(
            x_mm=float(rng.uniform(-0.3, 0.3)) * cut.width_mm,
            y_mm=float(rng.uniform(-0.3, 0.3)) * cut.height_mm,
            angle_deg=angle,
            length_mm=float(rng.uniform(0.1, 0.4)) * span,
            width_mm=float(rng.uniform(0.08, 0.25)),
            change=float(rng.choice([-1, 1]) * rng.uniform(0.15, 0.4)),
        )
        for _ in range(int(rng.integers(1, 4)))
    )


def _stains(rng: np.random.Generator, cut: Cut) -> tuple[Stain, ...]:
    return tuple(
        Stain(
            x_mm=float(rng.uniform(-0.35, 0.35)) * cut.width_mm,
            y_mm=float(rng.uniform(-0.35, 0.35)) * cut.height_mm,
            width_mm=float(rng.uniform(2.0, 6.0)),
            elongation=float(rng.uniform(1.0, 1.4)),
            angle_deg=float(rng.uniform(0, 180)),
            loss=float(rng.uniform(0.2, 0.6)),
        )
        for _ in range(int(rng.integers(1, 3)))
    )

"""Effects are opt-in, by seed, and have a truth; an unknown one is refused by name."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rcg.errors import InputError
from rcg.photometric.render import draw_scene, render_scene, with_effects
from rcg.photometric.render.effects import EFFECTS, Effects, Foil, FoilPatch, Shadows
from rcg.photometric.render.effects_light import shadow_map
from rcg.photometric.render.folds import crease_patch
from rcg.photometric.render.scene import Crease, Sensor

SMALL = (300, 400)


def scene():
    base = draw_scene(4, n_lights=3, frame_size=SMALL)
    return dataclasses.replace(base, sensor=Sensor(noise=False, encoding="linear"))


def test_asking_for_nothing_changes_nothing():
    base = scene()
    assert with_effects(base, ()) is base
    assert base.effects is None


def test_an_unknown_effect_is_refused_by_name():
    with pytest.raises(InputError, match="'glitter'"):
        with_effects(scene(), ["glitter"])


def test_all_effects_render_and_have_their_truth():
    side = render_scene(with_effects(scene(), EFFECTS), threads=1)
    kinds = {f.kind for f in side.truth.findings}
    assert {"crease", "print_line", "stain"} <= kinds
    assert kinds & {"corner_damage", "edge_damage"}
    card = side.maps.coverage > 0.5
    assert side.maps.foil[card].mean() == pytest.approx(0.28, abs=0.03)
    assert all(np.isfinite(f.pixels).all() for f in side.frames)


def test_foil_shines_elsewhere_under_every_light_and_paper_does_not():
    base = scene()
    patch = FoilPatch(0.0, 0.0, 30.0, 30.0)
    plain = render_scene(base, threads=1)
    shiny = render_scene(dataclasses.replace(base, effects=Effects(foil=Foil((patch,)))), threads=1)
    ratio = [s.pixels / np.maximum(p.pixels, 1e-3) for s, p in zip(shiny.frames, plain.frames, strict=True)]
    middle = np.s_[170:230, 120:180]
    assert min(r[middle].std() for r in ratio) > 0.05
    first, second = (r[middle].mean(-1).ravel() for r in ratio[:2])
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.5
    corner = np.s_[40:60, 60:80]
    assert max(np.ptp(r[corner]) for r in ratio) < 1e-3 * max(r[corner].mean() for r in ratio) + 0.02


def test_slopes_of_a_crease_are_the_derivative_of_its_height():
    k = 40.0
    x = (np.arange(400) + 0.5) / k - 5
    y = 5 - (np.arange(400) + 0.5) / k
    rows, cols, z, p, q = crease_patch(Crease(0, 0, 35, 6, 0.8, 50.0), x, y, 0.01)
    gy, gx = np.gradient(z * 1e-3 * k)
    assert (rows, cols) != (slice(0, 0), slice(0, 0))
    assert np.abs(gx - p)[1:-1, 1:-1].max() < 0.06 * np.abs(p).max()
    assert np.abs(-gy - q)[1:-1, 1:-1].max() < 0.06 * np.abs(q).max()


def test_a_wall_casts_a_shadow_as_long_as_the_light_is_low():
    height = np.zeros((60, 200), np.float32)
    height[:, 100:104] = 200.0  # 0.2 mm
    k, shadows = 20.0, Shadows(lamp_mm=0.5, reach_mm=3.0)
    for elevation in (15, 30):
        source = 250 * np.array([np.cos(np.radians(elevation)), 0, np.sin(np.radians(elevation))])
        seen = shadow_map(height, k, (5.0, 1.5), source, shadows.lamp_mm, shadows.reach_mm)
        dark = (1 - seen[30, :100]).sum() / k
        assert dark == pytest.approx(0.2 / np.tan(np.radians(elevation)), rel=0.2)
        assert seen[30, 110:].min() == 1

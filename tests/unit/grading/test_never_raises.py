"""Adding a defect never raises a grade: over many random reports, and on a small rendered card."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rcg.grading.rubric import load_rubric
from rcg.grading.schema import Finding
from rcg.grading.scores import price_findings

KINDS = ("scratch", "dent", "bump", "crease", "stain", "print_line", "relief_anomaly")


def drawn(rng):
    x, y = rng.uniform(-25, 25, 2)
    size = float(rng.uniform(0.2, 30))
    return Finding(
        id=1,
        kind=str(rng.choice(KINDS)),
        polygon_mm=[(x, y), (x + size, y), (x, y + 0.1)],
        size_mm=size,
        area_mm2=float(rng.uniform(0.02, 20)),
        confidence=float(rng.uniform(0.05, 0.97)),
        aspect="surface",
    )


def surface_score(findings):
    rubric = load_rubric()
    return rubric.deduct([f.cost or 0.0 for f in price_findings(findings, rubric)])


@pytest.mark.parametrize("seed", range(40))
def test_one_more_or_one_larger_finding_never_raises_the_score(seed):
    rng = np.random.default_rng(seed)
    findings = [drawn(rng) for _ in range(int(rng.integers(0, 12)))]
    score = surface_score(findings)
    assert surface_score([*findings, drawn(rng)]) <= score
    if findings:
        larger = findings[0].model_copy(
            update={"size_mm": findings[0].size_mm * 1.5, "area_mm2": findings[0].area_mm2 * 1.5}
        )
        assert surface_score([larger, *findings[1:]]) <= score


def test_a_dent_more_on_a_rendered_card_is_found_and_costs():
    from rcg.grading.inspect import inspect_side
    from rcg.photometric import chain
    from rcg.photometric.render import draw_scene, render_scene
    from rcg.photometric.render.scene import Dent
    from rcg.photometric.types import CardSize

    base = draw_scene(8, n_lights=6, frame_size=(800, 1067))
    scores = []
    for dents in ((), (Dent(6.0, -14.0, 1.2, 25.0),)):
        surface = dataclasses.replace(base.surface, dents=dents, scratches=(), whitening=())
        side = render_scene(dataclasses.replace(base, surface=surface), threads=1)
        maps = chain.measure(side.frames, side.lights, CardSize(63, 88, "chosen"), px_per_mm=10)
        found = [f for f in inspect_side(maps, []).findings if f.aspect == "surface"]
        scores.append(surface_score(found))
    assert scores[1] < scores[0]

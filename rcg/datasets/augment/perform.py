"""A recipe, done to a sample."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rcg.datasets.augment import layers, lights, shapes, tone
from rcg.datasets.augment.draws import Scene, move
from rcg.datasets.augment.motion import Motion
from rcg.datasets.augment.recipe import Recipe
from rcg.datasets.layers import LIGHT_PREFIX
from rcg.datasets.sample import Sample
from rcg.datasets.schema import LabelSchema


class Noted(NamedTuple):
    """A sample after a recipe, and in words what was drawn."""

    sample: Sample
    notes: list[str]


def apply(recipe: Recipe, sample: Sample, rng: np.random.Generator, schema: LabelSchema) -> Sample:
    """Return a sample as one draw of the recipe makes it.

    Args:
        recipe: checked against the schema by :func:`rcg.datasets.augment.check`.
        sample: layers of one size; it is not changed, and shares with the result what no step touched.
        rng: the only source of chance. It gives every step a seed of its own, so that a step that is
            switched off or given other parameters leaves the draws of the others as they were.
        schema: says what classes and points are called after a flip or a turn.

    Returns:
        A sample of the same size. Layers that were resampled or made noisy are float32 where they were
        float16.
    """
    return apply_noted(recipe, sample, rng, schema).sample


def apply_noted(recipe: Recipe, sample: Sample, rng: np.random.Generator, schema: LabelSchema) -> Noted:
    """Return what :func:`apply` does, with a note of each step that happened."""
    seeds = rng.integers(0, 2**63, size=len(recipe.steps))
    drawn = []
    for step, seed in zip(recipe.steps, seeds.tolist(), strict=True):
        own = np.random.default_rng(seed)
        if step.on and own.random() < step.p:
            drawn.append((step, own))
    moves = [(step, own) for step, own in drawn if step.moves]
    notes: list[str] = []
    if moves:
        scene = Scene(sample.size, [shapes.outline(item.shape) for item in sample.annotations], notes=notes)
        for step, own in moves:
            move(step, scene, own)
        sample = moved(sample, scene.motion, schema, recipe.min_visible)
    changed = sample.layers
    for step, own in drawn:
        if not step.moves:
            changed = tone.change(step, changed, own, notes)
    return Noted(sample if changed is sample.layers else sample.with_layers(changed), notes)


def moved(sample: Sample, motion: Motion, schema: LabelSchema, min_visible: float = 0.25) -> Sample:
    """Return a sample under a given motion: layers, lights, annotations, scale."""
    size = sample.size
    exact = motion.exact(size)
    if exact and not (motion.turns or motion.mirrored):
        return sample
    warped = {name: layers.moved(layer, motion, size, exact=exact) for name, layer in sample.layers.items()}
    turn = lights.in_plane(motion, (size[0] / 2, size[1] / 2))
    photographs = [name for name in warped if name.startswith(LIGHT_PREFIX)]
    names, directions = lights.exchange(photographs, sample.lights, turn)
    back = {new: old for old, new in names.items()}
    return replace(
        sample,
        layers={name: warped[back.get(name, name)] for name in warped},
        annotations=shapes.moved(sample.annotations, motion, size, schema, min_visible),
        lights=directions,
        px_per_mm=None if sample.px_per_mm is None else sample.px_per_mm * motion.zoom,
    )

"""A mark on foil is judged by the samples that do not flash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rcg.grading.surface_foil import foil_light_t, foil_samples, foil_threads, weighted_t
from rcg.grading.surface_lights import light_t, relief_of_light
from rcg.photometric import relief

from .test_surface_print import furrow_and_edges

FURROW, STILL = 1, 2


def on_foil(seed=3):
    """The maps of :func:`furrow_and_edges` with facets of 8 px that flash under two of eight lights each."""
    maps, labels = furrow_and_edges()
    rng = np.random.default_rng(seed)
    h, w = labels.shape
    facets = rng.permuted(np.tile(np.arange(8), (h // 8 + 1, w // 8 + 1, 1)), axis=-1)
    strength = rng.uniform(0.1, 1.0, facets.shape) * (facets < 2)
    glow = 0.2 * np.kron(strength, np.ones((8, 8, 1)))[:h, :w].transpose(2, 0, 1)[..., None]
    rows = np.arange(h, dtype=np.float32)[:, None]
    up = np.broadcast_to(-0.05 * (rows - 300) / 3 * np.exp(0.5 - (rows - 300) ** 2 / 18), (h, w))
    flat = np.zeros((h, w), np.float32)
    normal = relief.from_slopes(flat, up.astype(np.float32))
    frames = (maps.frames + glow).astype(np.float32)
    return replace(maps, frames=frames, normal=normal, specular=glow.mean(axis=0)[..., 0]), labels


def test_a_furrow_on_foil_follows_the_lights_that_do_not_flash():
    maps, labels = on_foil()
    weight, everywhere = np.ones(labels.shape, np.float32), np.ones(labels.shape, bool)
    level = np.zeros(labels.shape, np.float32)
    samples = foil_samples(maps, everywhere, level, level)
    assert samples is not None
    assert samples.mask.mean() > 0.95
    assert 0.4 < samples.clear.mean() < 0.85
    plain = light_t(maps, labels, weight)
    judged = foil_light_t(maps, samples, labels, weight, ~everywhere, plain)
    assert judged[FURROW] > 5
    assert judged[FURROW] > 2 * plain[FURROW]
    assert judged[STILL] < 0.5 * judged[FURROW]


def test_paper_has_no_foil_and_few_lights_cannot_tell():
    maps, labels = on_foil()
    everywhere, level = np.ones(labels.shape, bool), np.zeros(labels.shape, np.float32)
    paper = replace(maps, specular=np.full(labels.shape, 0.001, np.float32))
    assert foil_samples(paper, everywhere, level, level) is None
    assert foil_samples(replace(maps, lights=None), everywhere, level, level) is None


def test_full_weights_give_the_plain_test():
    maps, _ = furrow_and_edges()
    assert maps.lights is not None
    rng = np.random.default_rng(2)
    gradients = rng.normal(size=(8, 3, 2))
    by_slope = relief_of_light(maps.lights)
    full = weighted_t(gradients, np.ones((8, 3)), by_slope)
    # a light without weight says nothing, whatever it holds
    cover = np.ones((8, 3))
    cover[5] = 0
    wild = gradients.copy()
    wild[5] = 1e3
    np.testing.assert_allclose(weighted_t(wild, cover, by_slope), weighted_t(gradients, cover, by_slope))
    assert not np.allclose(full, weighted_t(gradients, cover, by_slope))
    cover[:5] = 0
    assert (weighted_t(gradients, cover, by_slope) == 0).all()


def test_a_thread_on_foil_must_be_thin_long_off_print_and_sure():
    maps, labels = on_foil()
    everywhere, level = np.ones(labels.shape, bool), np.zeros(labels.shape, np.float32)
    samples = foil_samples(maps, everywhere, level, level)
    assert samples is not None
    good = {"size": 1.6, "width": 0.05, "share": 0.1, "t": 8.0}
    bad = [good | {"size": 0.8}, good | {"width": 0.09}, good | {"share": 0.7}]
    cases = [good, *bad]
    columns = [np.array([0.0, *(case[name] for case in cases)]) for name in ("size", "width", "share", "t")]
    four = np.zeros_like(labels)
    for label in range(1, 5):
        four[100 * label, 300:340] = label
    assert foil_threads(samples, four, *columns).tolist() == [False, True, False, False, False]

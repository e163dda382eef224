"""What is believed of a mark: how far it stands out, how much is print, how surely it follows the lights."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rcg.grading.surface import believed, print_share
from rcg.grading.surface_leak import without_print
from rcg.grading.surface_lights import light_t
from rcg.photometric.types import Lights

from .cards import Card, make_maps

PX_PER_MM = 20.0


def ring(n=8, elevation=30.0):
    around = np.radians(90 - 360 * np.arange(n) / n)
    up = np.radians(elevation)
    towards = np.stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.full(n, np.sin(up))], 1)
    names = tuple(str(i + 1) for i in range(n))
    return Lights(names, towards, None, np.ones(n), "rig", calibrated=True)


def furrow_and_edges(n=8):
    """Maps with a furrow at row 300, an edge of print in line at 500, one that wanders by frame at 700."""
    rng = np.random.default_rng(1)
    maps = make_maps(Card(seed=5))
    h, w = maps.albedo.shape[:2]
    rows = np.arange(h, dtype=np.float32)[:, None]

    def step(at):
        return 0.5 + 0.5 * np.tanh((rows - at) / 2)

    slope = np.broadcast_to(0.05 * (rows - 300) / 3 * np.exp(0.5 - (rows - 300) ** 2 / 18), (h, w))
    lights = ring(n)
    frames = []
    for _, y, z in lights.directions:
        moved = rng.normal(0, 0.3)
        albedo = 0.5 - 0.3 * step(500) + 0.15 * step(700 + moved)
        # rows run down: a height that rises with the row has dz/dy = -slope
        shade = z + slope * y
        noisy = albedo * shade * (1 + rng.normal(0, 0.004, (h, w)))
        frames.append(np.repeat(noisy[..., None], 3, 2).astype(np.float32))
    albedo = np.repeat(np.broadcast_to(0.5 - 0.3 * step(500), (h, w))[..., None], 3, 2)
    labels = np.zeros((h, w), np.int32)
    for label, row in ((1, 300), (2, 500), (3, 700)):
        labels[row - 1 : row + 2, 300:420] = label
    maps = replace(maps, frames=np.stack(frames), lights=lights, albedo=albedo.astype(np.float32))
    return maps, labels


def test_relief_follows_the_lights_and_print_does_not():
    maps, labels = furrow_and_edges()
    _, furrow, still, wandering = light_t(maps, labels, np.ones(labels.shape, np.float32))
    assert furrow > 20
    assert still < 8
    assert wandering < 8


def test_few_lights_leave_it_open():
    maps, labels = furrow_and_edges(4)
    assert np.isinf(light_t(maps, labels, np.ones(labels.shape, np.float32))).all()


def test_share_of_a_mark_that_lies_on_print():
    maps, labels = furrow_and_edges()
    share = print_share(labels, maps, np.ones(labels.shape, bool))
    assert share[1] == 0
    assert share[2] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("peak", "share", "t", "expected"),
    [
        (9, 0.0, 30, True),
        (7, 0.0, 30, False),
        (9, 0.0, 1.0, False),
        (9, 0.7, 3, False),
        (9, 0.7, 8, True),
        (11, 1.0, 30, False),
        (14, 1.0, 30, True),
        (14, 1.0, 10, False),
        (9, 0.0, np.inf, False),
        (11, 0.0, np.inf, True),
    ],
)
def test_the_more_print_the_more_is_asked(peak, share, t, expected):
    assert believed(np.array([peak]), np.array([share]), np.array([t]))[0] == expected


def test_what_gloss_feigns_on_dark_ink_is_taken_off_and_a_scratch_stays():
    rng = np.random.default_rng(0)
    h, w = 300, 240
    albedo = np.full((h, w), 0.6, np.float32)
    for _ in range(40):
        x, y = rng.integers(0, w - 20), rng.integers(0, h - 20)
        albedo[y : y + 15, x : x + 12] = rng.uniform(0.05, 0.8)
    trusted = np.ones((h, w), bool)
    share = 1 / albedo
    share = share - cv2.GaussianBlur(share, (0, 0), PX_PER_MM)
    u = np.linspace(-1, 1, w)[None, :]
    feigned = (0.004 * share * u).astype(np.float32)
    scratch = np.zeros((h, w), np.float32)
    scratch[150:152, 60:200], scratch[152:154, 60:200] = 0.05, -0.05
    noise = rng.normal(0, 0.003, (h, w)).astype(np.float32)
    p, q = without_print(
        feigned + noise, scratch + noise, np.repeat(albedo[..., None], 3, 2), trusted, PX_PER_MM, 1.0
    )
    inner = np.s_[40:-40, 40:-40]
    assert np.std((p - noise)[inner]) < 0.3 * np.std(feigned[inner])
    assert np.abs(q[150:152, 80:180]).mean() > 0.045

"""Rendered items: layers come from the engine, annotations from geometry; each is checked by the other."""

import numpy as np
import pytest

from rcg.datasets.from_maps import sample_of_maps
from rcg.datasets.kinds import shipped
from rcg.datasets.rendered import render_item
from rcg.datasets.rendered_scene import draw_item_scene, draw_photograph_scene
from rcg.datasets.rendered_truth import named_points, to_pixels
from rcg.photometric import chain
from rcg.photometric.lights import LightsSpec, resolve
from rcg.photometric.render.render import render_scene
from rcg.photometric.render.write import rig_toml
from rcg.photometric.types import CardSize

PX = 5.0


def inside(item, annotation, grow=1.0):
    import cv2

    w, h = item.sample.size
    mask = np.zeros((h, w), np.uint8)
    for part in annotation.shape.parts:
        ring = np.array(part.outer)
        ring = ring.mean(0) + grow * (ring - ring.mean(0))
        cv2.fillPoly(mask, [np.round(ring - 0.5).astype(np.int32)], 1)
    return mask > 0


@pytest.fixture(scope="module")
def items():
    return [render_item("photometric_fusion", 3, index, px_per_mm=PX) for index in range(6)]


def test_the_same_arguments_give_the_same_item(items):
    again = render_item("photometric_fusion", 3, 0, px_per_mm=PX)
    assert again.sample.annotations == items[0].sample.annotations
    for name, layer in again.sample.layers.items():
        np.testing.assert_array_equal(layer.array, items[0].sample.layers[name].array)
    other = render_item("photometric_fusion", 3, 1, px_per_mm=PX)
    assert other.card != items[0].card


def test_dents_are_hollows_that_the_colour_does_not_show(items):
    depths, colours = [], []
    for item in items:
        curvature = item.sample.layers["curvature"].array.astype(np.float32)
        grey = item.sample.layers["albedo"].array.astype(np.float32).mean(2)
        for annotation in item.sample.annotations:
            if annotation.label == "dent":
                core, ring = inside(item, annotation, 0.4), inside(item, annotation, 1.8)
                ring &= ~inside(item, annotation, 1.2)
                depths.append(curvature[core].mean() - curvature[ring].mean())
                colours.append(abs(np.median(grey[core]) - np.median(grey[ring])) / 255)
    assert len(depths) >= 6
    assert np.mean(np.array(depths) < -0.005) > 0.9  # curvature is positive on bumps
    assert np.median(colours) < 0.06


def test_stains_are_dark_and_flat(items):
    found = [
        (item, annotation)
        for item in items
        for annotation in item.sample.annotations
        if annotation.label == "stain"
    ]
    assert found
    for item, annotation in found:
        grey = item.sample.layers["albedo"].array.astype(np.float32).mean(2)
        around = inside(item, annotation, 1.6) & ~inside(item, annotation, 1.2)
        assert np.median(grey[inside(item, annotation, 0.6)]) < 0.85 * np.median(grey[around])


@pytest.mark.parametrize("kind", sorted(shipped()))
def test_every_kind_has_items_with_annotations_of_its_schema(kind):
    schema = shipped()[kind].label_schema
    annotations = [
        a for index in range(4) for a in render_item(kind, 5, index, px_per_mm=4).sample.annotations
    ]
    assert annotations
    assert {annotation.label for annotation in annotations} <= set(schema.class_names)
    if schema.task == "points":
        assert all({p.name for p in a.shape.points} == set(schema.point_names) for a in annotations)


def test_the_corner_points_lie_where_the_outlines_meet():
    item = render_item("corner_detection", 9, 2, px_per_mm=8)
    scene = draw_item_scene("corner_detection", 9, 2, px_per_mm=8)
    grey = item.sample.layers["colour"].array.astype(np.float32).mean(2)
    middle = to_pixels(scene, (named_points(scene)["top_left"] + named_points(scene)["top_right"])[None] / 2)[
        0
    ]
    column = grey[:, int(middle[0])]
    near = slice(int(middle[1]) - 8, int(middle[1]) + 8)
    step = np.abs(np.diff(column[near]))
    assert abs(near.start + int(step.argmax()) + 1 - middle[1]) <= 1.0


def test_a_photograph_of_the_card_gives_the_same_layers_by_the_whole_chain(items):
    scene = draw_photograph_scene(3, 0)
    side = render_scene(scene, maps_px_per_mm=PX, threads=2)
    lights = resolve(LightsSpec(kind="rig", text=rig_toml(side.lights)), list(side.lights.names))
    maps = chain.measure(side.frames, lights, CardSize(63.0, 88.0, "default"), threads=2)
    sample, margin = sample_of_maps(maps, px_per_mm=PX)
    direct = items[0].sample
    assert margin == items[0].margin_mm
    assert sample.size == direct.size
    assert set(sample.layers) == set(direct.layers)
    for annotation in direct.annotations:
        if annotation.label == "dent":
            core = inside(items[0], annotation, 0.5)
            a = sample.layers["curvature"].array[core].astype(np.float32).mean()
            b = direct.layers["curvature"].array[core].astype(np.float32).mean()
            assert a == pytest.approx(b, rel=0.35)

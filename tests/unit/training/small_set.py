"""A small drawn set: stains that colour shows, dents that only normals show, four named points."""

import hashlib

import numpy as np

from rcg.bench.rendered_set import Folder
from rcg.datasets.manifest import ItemRecord
from rcg.datasets.sample import LayerArray, Sample
from rcg.datasets.schema import (
    Annotation,
    KeyPoint,
    Kind,
    LabelClass,
    LabelSchema,
    Part,
    PointDef,
    Points,
    Polygon,
)
from rcg.training.plan import plan
from rcg.training.summary import summarise

WIDTH, HEIGHT = 64, 96
PX_PER_MM = 2.0
FLAWS = LabelSchema(task="instance", classes=[LabelClass(name="stain"), LabelClass(name="dent")])
CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
MIRROR = dict(zip(CORNERS, ("top_right", "top_left", "bottom_left", "bottom_right"), strict=True))
CARD = LabelSchema(
    task="points",
    classes=[LabelClass(name="card", flaw=False)],
    points=[PointDef(name=name, mirror=MIRROR[name]) for name in CORNERS],
)


def kind_of(schema):
    points = schema.task == "points"
    return Kind(
        name="small_points" if points else "small_flaws",
        title="Small",
        description="Drawn.",
        label_schema=schema,
        channels=["colour"] if points else ["colour", "normal"],
        architectures=["precision_measurement_network"]
        if points
        else ["mask_rcnn_primary", "photometric_fusion"],
        metric="pck" if points else "mask_ap50",
    )


def ring(x, y, w, h):
    return Polygon(parts=[Part(outer=[(x, y), (x + w, y), (x + w, y + h), (x, y + h)])])


def draw(index, schema=FLAWS, size=(WIDTH, HEIGHT)):
    """One item: the same index gives the same item."""
    rng = np.random.default_rng([7, index])
    width, height = size
    colour = np.full((height, width, 3), 150, np.uint8) + rng.integers(
        0, 12, (height, width, 3), dtype=np.uint8
    )
    normal = np.zeros((height, width, 3), np.float32)
    normal[..., 2] = 1
    annotations = []
    left, top = rng.integers(3, 9), rng.integers(3, 9)
    right, bottom = width - rng.integers(3, 9), height - rng.integers(3, 9)
    colour[top:bottom, left:right] -= 90
    if schema.task == "points":
        at = dict(zip(CORNERS, ((left, top), (right, top), (right, bottom), (left, bottom)), strict=True))
        points = [KeyPoint(name=name, x=float(x), y=float(y)) for name, (x, y) in at.items()]
        annotations.append(Annotation(id=identity(f"{index}p"), label="card", shape=Points(points=points)))
    else:
        half = height // 2
        for place, label in ((0, "stain"), (half, "dent")):
            w, h = (int(side) for side in rng.integers(12, 20, 2))
            x = int(rng.integers(left, right - w))
            y = int(rng.integers(place + 8, place + half - h - 8)) if half - h > 17 else place + 8
            if label == "stain":
                colour[y : y + h, x : x + w] = (20, 230, 40)
            else:
                normal[y : y + h, x : x + w // 2, 0] = 0.5
                normal[y : y + h, x + w // 2 : x + w, 0] = -0.5
            annotations.append(
                Annotation(id=identity(f"{index}{label}"), label=label, shape=ring(x, y, w, h))
            )
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    layers = {
        "colour": LayerArray("colour", colour),
        "normal": LayerArray("normal", normal.astype(np.float16)),
    }
    return Sample(layers, tuple(annotations), px_per_mm=PX_PER_MM, key=str(index))


def identity(text):
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def record(folder, index, split, sample, **values):
    width, height = sample.size
    return ItemRecord(
        id=identity(f"item{index}"), name=f"item {index}", width=width, height=height,
        px_per_mm=sample.px_per_mm, card=f"card{index}", split=split, layers=folder.store(sample),
        annotations=list(sample.annotations),
    ).model_copy(update=values)  # fmt: skip


def make(path, train=12, val=4, schema=FLAWS, change=lambda sample, index: sample):
    """A version in a folder; ``change`` may spoil items on their way in."""
    folder = Folder(path)
    records = []
    for index in range(train + val):
        sample = change(draw(index, schema), index)
        records.append(record(folder, index, "train" if index < train else "val", sample))
    folder.write(records, "small_flaws", schema)
    return folder


SMALL = {
    "steps": 8, "batch_size": 2, "input_size": [WIDTH, HEIGHT], "eval_every": 4, "checkpoint_every": 3,
    "eval_share": 1.0, "device": "cpu", "threads": 1,
}  # fmt: skip
LIGHT = {
    "model.fpn_channels": 16, "model.head_width": 32, "model.mask_channels": 16, "model.mask_layers": 1,
    "model.proposals": [60, 20, 40, 12], "model.rpn_samples": 32, "model.box_samples": 16,
    "model.detections": 6,
}  # fmt: skip


def spec_of(folder, architecture=None, **options):
    """A small spec; options with ``__`` for a dot."""
    summary = summarise(folder.manifest)
    points = summary.label_schema.task == "points"
    own = {key.replace("__", "."): value for key, value in options.items()}
    light = {"model.width": 16} if points else LIGHT
    return plan(summary, kind_of(summary.label_schema), architecture, "quick", SMALL | light | own).spec

"""Datasets with everything in them, for tests of formats."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from rcg.datasets import rle
from rcg.datasets.formats import RecordSource
from rcg.datasets.kinds import shipped
from rcg.datasets.manifest import Header, ItemRecord, LayerRef
from rcg.datasets.schema import Annotation, Box, KeyPoint, Mask, Part, Points, Polygon, Quad

WIDTH, HEIGHT = 64, 80
EVERYTHING = shipped()["multi_modal"]
POINTS = shipped()["corner_detection"]
NAMES = [
    "plain.png",
    "sub/folder/ünï cödé.png",
    "карта 1.png",
    "カード/表.png",
    "بطاقة.png",
    "no ending",
    "UPPER.PNG",
    "upper.png",
]

coordinates = st.floats(-20, 100, allow_nan=False, width=64)
positive = st.floats(1e-3, 90, allow_nan=False)
pairs = st.tuples(coordinates, coordinates)
rings = st.lists(pairs, min_size=3, max_size=8)
boxes = st.builds(Box, x=coordinates, y=coordinates, width=positive, height=positive)
polygons = st.builds(
    Polygon,
    parts=st.lists(st.builds(Part, outer=rings, holes=st.lists(rings, max_size=2)), min_size=1, max_size=3),
)
quads = st.builds(Quad, corners=st.tuples(pairs, pairs, pairs, pairs))


@st.composite
def masks(draw):
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    x, y = rng.integers(0, 40, 2)
    pixels[y : y + 20, x : x + 15] = True
    pixels[y + 5 : y + 9, x + 3 : x + 8] = False
    return rle.encode(pixels)


def point_sets(names):
    return st.lists(st.sampled_from(names), min_size=1, unique=True).flatmap(
        lambda chosen: st.builds(
            Points,
            points=st.tuples(
                *(
                    st.builds(
                        KeyPoint,
                        name=st.just(name),
                        x=coordinates,
                        y=coordinates,
                        visible=st.sampled_from([0, 1, 2]),
                    )
                    for name in chosen
                )
            ).map(list),
            box=st.none() | boxes,
        )
    )


texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
attributes = st.dictionaries(
    st.sampled_from(["severity", "depth_um", "shows_in", "noted by", "größe", 'a"b]}', "crowd"]),
    st.one_of(texts, numbers, st.booleans(), st.none()),
    max_size=3,
)
extras = st.dictionaries(
    st.sampled_from(["coco_id", "bbox", "track", "note", "area", "crowd"]),
    st.one_of(st.integers(-5, 5), texts, st.lists(st.integers(0, 9), max_size=3)),
    max_size=2,
)


def annotations(kind):
    shapes = (
        point_sets(kind.label_schema.point_names)
        if kind.label_schema.task == "points"
        else st.one_of(boxes, polygons, quads, masks())
    )
    return st.builds(
        Annotation,
        id=st.uuids(version=4).map(lambda one: one.hex),
        label=st.sampled_from(kind.label_schema.class_names),
        shape=shapes,
        attributes=attributes,
        crowd=st.booleans(),
        source=st.sampled_from(["person", "model", "import", "render"]),
        state=st.sampled_from(["accepted", "predicted"]),
        score=st.none() | st.floats(0, 1),
        model=st.none() | texts,
        extra=extras,
    )


class Blobs:
    """Files by hash in a folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def find(self, sha256):
        return self.folder / sha256

    def add(self, data, ending):
        sha256 = hashlib.sha256(data).hexdigest()
        self.find(sha256).write_bytes(data)
        return sha256

    def image(self, seed, size=(WIDTH, HEIGHT)):
        rng = np.random.default_rng(seed)
        path = self.folder / "image.png"
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), np.uint8)).save(path)
        return self.add(path.read_bytes(), ".png")

    def normals(self, seed):
        path = self.folder / "normals.npy"
        np.save(path, np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH, 3)).astype(np.float16))
        return self.add(path.read_bytes(), ".npy")


def record(blobs, at, name, found, *, relief=False, split="train", labelled=True):
    layers = [LayerRef(name="colour", role="colour", sha256=blobs.image(at), media_type="image/png")]
    if relief:
        layers.insert(
            0,
            LayerRef(name="normal", role="normal", sha256=blobs.normals(at), media_type="application/x-npy"),
        )
        layers.append(
            LayerRef(name="light:1", role="light", sha256=blobs.image(at + 1000), media_type="image/png")
        )
    return ItemRecord(
        id=f"{at + 1:032x}", name=name, width=WIDTH, height=HEIGHT, px_per_mm=12.5 if relief else None,
        margin_mm=1.25 if relief else 0, card=f"card {at // 2}", side="front" if relief else None,
        split=split, labelled=labelled, layers=layers, annotations=found,
        lights={"1": (0.1, 0.7, 0.7)} if relief else {},
    )  # fmt: skip


def source(blobs, kind, records, **facts):
    header = Header(
        dataset="Käfer", kind=kind.name, number=3, note="a note", label_schema=kind.label_schema,
        recipe={"name": "r", "steps": []}, split={"seed": 1}, items=len(records), **facts,
    )  # fmt: skip
    return RecordSource(header, records, blobs.find)


RING = [(10.125, 10.0), (50.0, 12.0), (45.0, 60.0), (12.0, 55.5)]
PATCH = [(2.0, 62.0), (14.0, 62.0), (14.0, 72.0), (2.0, 72.0)]
HOLE = [(20.0, 20.0), (30.0, 20.0), (30.0, 30.0), (20.0, 30.0)]


def plain_annotations():
    """One of each shape, with everything that an annotation can have."""
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[30:50, 20:40] = True
    square[35:40, 25:30] = False
    shapes = [
        Box(x=1.5, y=2.25, width=20, height=30.1),
        Polygon(parts=[Part(outer=RING)]),
        Polygon(parts=[Part(outer=RING, holes=[HOLE])]),
        Polygon(parts=[Part(outer=RING[:3]), Part(outer=PATCH)]),
        Quad(corners=tuple(RING)),
        rle.encode(square),
    ]
    return [
        Annotation(
            id=f"{at + 1:032x}", label=("dent", "scratch", "corner_wear")[at % 3], shape=shape,
            source="render" if at else "person",
            attributes={"severity": "minor", "depth_um": 12.5, "shows_in": None} if at % 2 else {},
        )
        for at, shape in enumerate(shapes)
    ]  # fmt: skip


__all__ = ["Mask"]

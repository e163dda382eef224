"""The quick way through COCO's text says what the careful way says; names of files are safe everywhere."""

import json

import pytest
from datasets_made import EVERYTHING, Blobs, rings, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from rcg.datasets.formats.coco_text import AnnotationWriter
from rcg.datasets.formats.outgoing import Outgoing, base_layer
from rcg.datasets.formats.parts import LossReport, RecordSource
from rcg.datasets.formats.ring_text import BETWEEN, measure
from rcg.datasets.formats.sink import FolderSink, safe_name
from rcg.datasets.geometry import area, extent
from rcg.datasets.manifest import Header, canonical
from rcg.datasets.schema import Annotation, Part, Polygon


@settings(max_examples=200)
@given(st.lists(rings, min_size=1, max_size=5))
def test_boxes_and_areas_from_text_are_those_of_the_shapes(some):
    text = BETWEEN.join(",".join(f"{x!r},{y!r}" for x, y in ring) for ring in some)
    boxes, areas = measure(text)
    for ring, box, size in zip(some, boxes, areas, strict=True):
        shape = Polygon(parts=[Part(outer=ring)])
        left, top, right, bottom = extent(shape)
        assert box == pytest.approx([left, top, right - left, bottom - top], abs=1e-6)
        assert size == pytest.approx(area(shape), abs=1e-6, rel=1e-9)


def test_nothing_measures_nothing():
    assert measure("") == ([], [])


plain = st.builds(
    Annotation,
    id=st.uuids().map(lambda one: one.hex),
    label=st.sampled_from(["dent", "stain"]),
    shape=st.builds(Polygon, parts=st.lists(st.builds(Part, outer=rings), min_size=1, max_size=1)),
    attributes=st.dictionaries(
        st.sampled_from(["severity", "crowd", "x]}"]),
        texts | st.booleans() | st.none() | st.floats(-9, 9),
        max_size=2,
    ),
    source=st.sampled_from(["person", "import"]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(plain, min_size=1, max_size=4))
def test_the_quick_way_writes_what_the_careful_way_writes(some):
    quick, careful = (
        AnnotationWriter({"dent": 1, "stain": 2}, ()),
        AnnotationWriter({"dent": 1, "stain": 2}, ()),
    )
    quick.add_item(",".join(canonical(one).decode() for one in some), 7, 10, 10)
    for one in some:
        careful._add(one, 7, 10, 10)
    found, expected = (json.loads(f"[{writer.take().decode()}]") for writer in (quick, careful))
    for a, b in zip(found, expected, strict=True):
        assert a.pop("bbox") == pytest.approx(b.pop("bbox"), abs=1e-6)
        assert a.pop("area") == pytest.approx(b.pop("area"), abs=1e-6, rel=1e-9)
        assert a == b


def test_annotations_keep_their_order_whichever_way_they_go():
    ring = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)]
    hole = [(1.0, 1.0), (2.0, 1.0), (2.0, 2.0)]

    def polygon(*holes):
        return Annotation(label="dent", shape=Polygon(parts=[Part(outer=ring, holes=list(holes))]))

    items = [[polygon()], [polygon(), polygon(hole)], [], [polygon(), polygon()]]
    writer = AnnotationWriter({"dent": 1}, ())
    for image_id, some in enumerate(items, start=1):
        writer.add_item(",".join(canonical(one).decode() for one in some), image_id, 10, 10)
    found = json.loads(f"[{writer.take().decode()}]")
    assert [(one["id"], one["image_id"]) for one in found] == [(1, 1), (2, 2), (3, 2), (4, 4), (5, 4)]
    assert [one["rcg"]["id"] for one in found] == [one.id for some in items for one in some]
    assert ["counts" in one["segmentation"] for one in found] == [False, False, True, False, False]
    assert writer.count == 5


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.png", "a.png"),
        ("sub/ünï.png", "sub/ünï.png"),
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/x.png", "abs/x.png"),
        ("C:\\pics\\x.png", "C_/pics/x.png"),
        ("a:b?*.png", "a_b__.png"),
        ("dots.../x. ", "dots/x"),
        ("...", "unnamed"),
        ("", "unnamed"),
        ("new\nline", "new_line"),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


@given(st.text(max_size=40))
def test_a_safe_name_stays_inside(name):
    parts = safe_name(name).split("/")
    assert all(part not in ("", ".", "..") and not part.startswith("/") for part in parts)
    assert safe_name(safe_name(name)) == safe_name(name)


def outgoing(tmp_path, blobs):
    header = Header(dataset="d", kind="multi_modal", number=1, label_schema=EVERYTHING.label_schema, items=0)
    return Outgoing(RecordSource(header, [], blobs.find), FolderSink(tmp_path / "out"), LossReport())


def test_files_get_the_ending_of_what_they_are_and_no_two_one_name(tmp_path):
    blobs = Blobs(tmp_path / "blobs")
    out = outgoing(tmp_path, blobs)

    def base(name, item_id, kind="image/png"):
        layer = {"name": "colour", "media_type": kind, "sha256": blobs.image(1)}
        return out.base({"id": item_id, "name": name, "layers": [layer]}, "images/")

    assert base("a", "1" * 32) == "images/a.png"
    assert base("a.png", "2" * 32) == "images/a~22222222.png"
    assert base("A.PNG", "3" * 32) == "images/A~33333333.PNG"
    assert base("b.jpeg", "4" * 32, "image/jpeg") == "images/b.jpeg"
    assert base("b.v2", "5" * 32, "image/webp") == "images/b.v2.webp"
    assert len(list((tmp_path / "out/images").iterdir())) == 5


def test_the_base_is_colour_else_the_first_image():
    def layer(name, kind="image/png"):
        return {"name": name, "media_type": kind}

    normal = layer("normal", "application/x-npy")
    assert base_layer([normal, layer("albedo"), layer("colour")])["name"] == "colour"
    assert base_layer([normal, layer("albedo")])["name"] == "albedo"
    assert base_layer([normal]) is None

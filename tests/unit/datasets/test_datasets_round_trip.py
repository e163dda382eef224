"""What RCG writes, RCG reads back whole: every format, shape and script; and other readers take it."""

import json
import sys
import zipfile
from hashlib import sha256

import pytest
from datasets_made import (
    EVERYTHING,
    HEIGHT,
    NAMES,
    POINTS,
    WIDTH,
    Blobs,
    annotations,
    plain_annotations,
    record,
    source,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as judge
from pycocotools.coco import COCO

from rcg.datasets import formats, rle
from rcg.datasets.raster import rasterise
from rcg.datasets.schema import Polygon

FORMATS = list(formats.FORMATS)
FILES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs")


FACTS = ("id", "name", "width", "height", "px_per_mm", "margin_mm", "card", "side", "split", "lights")


def taken_in(item):
    """What an imported item says, as a record would."""
    return {name: getattr(item, name) for name in FACTS} | {"annotations": item.annotations}


def expected(one):
    known = one.labelled or one.annotations
    return {name: getattr(one, name) for name in FACTS} | {"annotations": one.annotations if known else None}


def round_trip(name, made, out, blobs):
    written = formats.export(name, made, out)
    if out.suffix == ".zip":
        with zipfile.ZipFile(out) as archive:
            archive.extractall(out.with_suffix(""))
        out = out.with_suffix("")
    assert formats.detect(out) == name
    found = formats.read(out)
    items = sorted(found.items, key=lambda item: item.id or "")
    records = sorted(made.records, key=lambda one: one.id)
    assert [taken_in(item) for item in items] == [expected(one) for one in records]
    assert found.header == made.header
    assert found.label_schema == made.header.label_schema
    assert found.loss.rows == []
    for item, one in zip(items, records, strict=True):
        assert item.file.read_bytes() in [blobs.find(layer.sha256).read_bytes() for layer in one.layers]
        assert item.layers[0].file == item.file
        given = {(layer.name, layer.role, layer.media_type, layer.sha256) for layer in one.layers}
        assert {
            (x.name, x.role, x.media_type, sha256(x.file.read_bytes()).hexdigest()) for x in item.layers
        } == given
    return written, out


@pytest.mark.parametrize("ending", ["", ".zip"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_name_layer_and_split_comes_back(name, ending, tmp_path, blobs):
    records = [
        record(
            blobs,
            at,
            item,
            plain_annotations() if at % 3 == 0 else [],
            relief=at % 2 == 0,
            split=("train", "val", "test")[at % 3],
        )
        for at, item in enumerate(NAMES)
    ]
    records.append(record(blobs, 50, "unlabelled.png", [], labelled=False))
    round_trip(name, source(blobs, EVERYTHING, records), tmp_path / f"out{ending}", blobs)


@pytest.mark.parametrize("name", FORMATS)
@FILES
@given(data=st.data())
def test_every_annotation_comes_back(name, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trip")
    made_of = data.draw(st.sampled_from([EVERYTHING, POINTS]))
    blobs = Blobs(folder / "blobs")
    some = st.lists(annotations(made_of), max_size=4, unique_by=lambda one: one.id)
    records = [record(blobs, at, f"{at}.png", data.draw(some)) for at in range(2)]
    round_trip(name, source(blobs, made_of, records), folder / "out", blobs)


@pytest.mark.parametrize("value", [1e300, -sys.float_info.max, sys.float_info.min, -0.0])
@pytest.mark.parametrize("name", FORMATS)
def test_the_largest_and_smallest_numbers_come_back(name, value, tmp_path, blobs):
    one = plain_annotations()[0].model_copy(update={"attributes": {"severity": value}})
    round_trip(name, source(blobs, EVERYTHING, [record(blobs, 0, "a.png", [one])]), tmp_path / "out", blobs)


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_dataset_comes_back(name, tmp_path, blobs):
    made = source(blobs, EVERYTHING, [])
    formats.export(name, made, tmp_path / "out")
    found = formats.read(tmp_path / "out", name=name)
    assert list(found.items) == []
    assert found.header == made.header


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_dataset_gives_the_same_archive(name, tmp_path, blobs):
    made = source(blobs, EVERYTHING, [record(blobs, 0, "a.png", plain_annotations(), relief=True)])
    for out in ("a.zip", "b.zip"):
        formats.export(name, made, tmp_path / out)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_labels_come_without_images_where_the_dataset_has_them(name, tmp_path, blobs):
    made = source(blobs, EVERYTHING, [record(blobs, 0, "sub/a.png", plain_annotations(), relief=True)])
    formats.export(name, made, tmp_path / "out", images=False, layers=False)
    assert not list((tmp_path / "out").rglob("*.png"))
    (item,) = formats.read(tmp_path / "out").items
    assert item.file is None
    assert item.name == "sub/a.png"
    assert item.annotations == plain_annotations()


def test_pycocotools_reads_the_same_pixels(tmp_path, blobs):
    made = source(blobs, EVERYTHING, [record(blobs, 0, "a.png", plain_annotations())])
    loss = formats.export("coco_json", made, tmp_path / "out")
    coco = COCO(str(tmp_path / "out/annotations/instances_train.json"))
    assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == list(
        EVERYTHING.label_schema.class_names
    )
    assert coco.loadImgs(1)[0]["file_name"] == "a.png"
    for found, truth in zip(coco.loadAnns(coco.getAnnIds(imgIds=1)), plain_annotations(), strict=True):
        assert coco.loadCats(found["category_id"])[0]["name"] == truth.label
        theirs = coco.annToMask(found).astype(bool)
        ours = rasterise(truth, WIDTH, HEIGHT)
        holed = isinstance(truth.shape, Polygon) and any(part.holes for part in truth.shape.parts)
        if truth.shape.type == "mask" or holed:
            assert (theirs == ours).all()
        else:  # its rule for a ring's rim differs from "the centre decides"
            assert (theirs ^ ours).sum() <= 0.12 * ours.sum()
        x, y, width, height = found["bbox"]
        columns, rows = ours.any(0).nonzero()[0], ours.any(1).nonzero()[0]
        assert abs(x - columns[0]) <= 1
        assert abs(x + width - columns[-1] - 1) <= 1
        assert abs(y - rows[0]) <= 1
        assert abs(y + height - rows[-1] - 1) <= 1
        assert abs(found["area"] - ours.sum()) <= 0.05 * ours.sum()
    assert loss.count("polygons with holes") == 1


def test_pycocotools_reads_the_same_points(tmp_path, blobs):
    from rcg.datasets.schema import Annotation, KeyPoint, Points

    names = POINTS.label_schema.point_names
    points = Points(
        points=[KeyPoint(name=names[2], x=3.5, y=4, visible=1), KeyPoint(name=names[0], x=1, y=2)]
    )
    made = source(blobs, POINTS, [record(blobs, 0, "a.png", [Annotation(label="card", shape=points)])])
    formats.export("coco_json", made, tmp_path / "out")
    coco = COCO(str(tmp_path / "out/annotations/person_keypoints_train.json"))
    (found,) = coco.loadAnns(coco.getAnnIds())
    assert found["keypoints"] == [1, 2, 2, 0, 0, 0, 3.5, 4, 1, 0, 0, 0]
    assert found["num_keypoints"] == 2
    assert coco.loadCats(1)[0]["keypoints"] == list(names)
    assert coco.loadCats(1)[0]["skeleton"] == [[1, 2], [2, 3], [3, 4], [4, 1]]


def test_a_polygon_is_copied_digit_by_digit(tmp_path, blobs):
    from rcg.datasets.schema import Annotation, Part

    ring = [(0.1, 1e-7), (50.123456789012345, 2.5), (1e-300, 33.333333333333336), (7.0, 1e21)]
    found = [
        Annotation(label="dent", shape=Polygon(parts=[Part(outer=ring)]), attributes={"severity": "minor"})
    ]
    made = source(blobs, EVERYTHING, [record(blobs, 0, "a.png", found)])
    formats.export("coco_json", made, tmp_path / "out")
    body = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())["annotations"][0]
    assert body["segmentation"] == [[value for point in ring for value in point]]
    assert body["bbox"] == [0, 0, round(50.123456789012345, 6), 1e21]
    assert body["attributes"] == {"severity": "minor"}


def test_a_shape_that_another_program_moved_is_read_as_it_is_now(tmp_path, blobs):
    made = source(blobs, EVERYTHING, [record(blobs, 0, "a.png", plain_annotations(), relief=True)])
    formats.export("coco_json", made, tmp_path / "out")
    path = tmp_path / "out/annotations/instances_train.json"
    body = json.loads(path.read_text())
    body["annotations"][0]["segmentation"] = [[1, 2, 30, 2, 30, 40]]
    body["annotations"][2]["segmentation"] = [[5, 5, 30, 2, 30, 40]]
    path.write_text(json.dumps(body))
    found = formats.read(tmp_path / "out")
    (item,) = found.items
    assert item.annotations[0].shape.parts[0].outer[2] == (30, 40)
    assert item.annotations[2].shape.parts[0].holes == []
    assert [one.id for one in item.annotations] == [one.id for one in plain_annotations()]
    assert found.loss.count("shapes that were changed") == 2


@pytest.mark.parametrize(
    ("name", "labels"), [("yolo_txt", "labels/train/a.txt"), ("pascal_voc", "Annotations/a.xml")]
)
def test_labels_that_another_program_changed_win_over_the_sidecar(name, labels, tmp_path, blobs):
    made = source(blobs, EVERYTHING, [record(blobs, 0, "a.png", plain_annotations(), relief=True)])
    formats.export(name, made, tmp_path / "out")
    path = tmp_path / "out" / labels
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(
        "".join(lines[:1]) if name == "yolo_txt" else path.read_text().replace("<xmin>1.5", "<xmin>3")
    )
    found = formats.read(tmp_path / "out")
    (item,) = found.items
    assert found.loss.count("label files that were changed") == 1
    assert item.id == f"{1:032x}"
    assert len(item.layers) == 3
    box = item.annotations[0].shape
    if name == "yolo_txt":
        assert len(item.annotations) == 1
    else:
        assert (box.x, box.y) == (3, 2.25)
        assert len(item.annotations) == 6
        assert item.annotations[1].attributes == {"severity": "minor", "depth_um": 12.5, "shows_in": None}
    path.unlink()
    (item,) = formats.read(tmp_path / "out").items
    assert item.annotations is None


def test_yolo_keeps_the_pixels_of_holes_and_pieces(tmp_path, blobs):
    made = source(blobs, EVERYTHING, [record(blobs, 0, "a.png", plain_annotations())])
    loss = formats.export("yolo_txt", made, tmp_path / "out")
    (tmp_path / "out/rcg/dataset.jsonl").unlink()
    (item,) = formats.read(tmp_path / "out").items
    for found, truth in zip(item.annotations, plain_annotations(), strict=True):
        assert found.label == truth.label
        assert (rasterise(found, WIDTH, HEIGHT) ^ rasterise(truth, WIDTH, HEIGHT)).sum() <= 2
    assert loss.count("outlines of several rings") == 3
    assert loss.count("attributes") == 3
    rows = [line.split() for line in (tmp_path / "out/labels/train/a.txt").read_text().splitlines()]
    assert float(rows[1][1]) == pytest.approx(10.125 / WIDTH, rel=1e-9)


def test_plain_voc_reads_as_boxes_and_outlines(tmp_path, blobs):
    made = source(blobs, EVERYTHING, [record(blobs, 0, "sub/a.png", plain_annotations(), split="val")])
    loss = formats.export("pascal_voc", made, tmp_path / "out")
    (tmp_path / "out/rcg/dataset.jsonl").unlink()
    found = formats.read(tmp_path / "out", schema=EVERYTHING.label_schema)
    (item,) = found.items
    truth = plain_annotations()
    assert item.split == "val"
    assert item.name == "sub/a.png"
    assert [one.label for one in item.annotations] == [one.label for one in truth]
    assert item.annotations[0].shape == truth[0].shape
    assert item.annotations[1].shape == truth[1].shape
    assert item.annotations[1].attributes == truth[1].attributes
    x, y, width, height = judge.toBbox({"size": list(truth[5].shape.size), "counts": truth[5].shape.counts})
    box = item.annotations[5].shape
    assert (box.x, box.y, box.width, box.height) == (x, y, width, height)
    assert loss.count("outlines of several rings") == 3
    assert rle.decode(truth[5].shape).sum() < box.width * box.height


def test_a_file_that_is_gone_is_said(tmp_path, blobs):
    one = record(blobs, 0, "a.png", plain_annotations())
    blobs.find(one.layers[0].sha256).unlink()
    loss = formats.export("coco_json", source(blobs, EVERYTHING, [one]), tmp_path / "out")
    assert loss.count("files that are missing") == 1


@pytest.mark.parametrize("name", FORMATS)
def test_names_that_differ_by_their_ending_keep_their_own_labels(name, tmp_path, blobs):
    found = plain_annotations()
    first = record(blobs, 0, "same.png", found[:2])
    second = record(blobs, 1, "same.jpeg", found[2:])
    layer = second.layers[0].model_copy(update={"media_type": "image/jpeg"})
    second = second.model_copy(update={"layers": [layer]})
    round_trip(name, source(blobs, EVERYTHING, [first, second]), tmp_path / "out", blobs)

"""Files that RCG did not write: what they say is taken, what has no place or is wrong is listed."""

import json
import re
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rcg.datasets import formats
from rcg.datasets.formats import incoming as inc
from rcg.datasets.formats.classes import ClassBook, identifier
from rcg.datasets.formats.files import Names, normal, split_of
from rcg.datasets.formats.json_stream import Slices, values
from rcg.datasets.formats.tables import plain_yaml
from rcg.datasets.kinds import shipped
from rcg.datasets.manifest import canonical
from rcg.datasets.schema import Box, KeyPoint, Part, Points, Polygon, Quad
from rcg.errors import InputError

SURFACE = shipped()["surface_damage"].label_schema
CORNERS = shipped()["corner_detection"].label_schema
NAN, INF = float("nan"), float("inf")


def image(path, size=(100, 50)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (9, 99, 199)).save(path)
    return path


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")
    return path


def everything(folder, **options):
    found = formats.read(folder, **options)
    return {item.name: item for item in found.items}, found


def coco(*annotations, images=None, categories=None, **more):
    return {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 50}] if images is None else images,
        "categories": [{"id": 7, "name": "Dent"}] if categories is None else categories,
        "annotations": [
            {"id": at, "image_id": 1, "category_id": 7, **one} for at, one in enumerate(annotations, 1)
        ],
        **more,
    }


TRIANGLE = Polygon(parts=[Part(outer=[(1, 2), (3, 4), (5, 0)])])
BOX = {"bbox": [1, 2, 30, 20]}
RING = {"segmentation": [[1, 1, 20, 1, 20, 30.5]]}


def one_image(folder, *found, schema=SURFACE, **more):
    image(folder / "images/a.png")
    put(folder / "coco.json", coco(*found, **more))
    items, imported = everything(folder, schema=schema)
    return items["a.png"].annotations, imported


# --- COCO ---------------------------------------------------------------------------------------


def test_coco_boxes_outlines_masks_and_fields_are_taken(tmp_path):
    mask = {"segmentation": {"size": [50, 100], "counts": [100, 200, 4700]}, "iscrowd": 1}
    found, imported = one_image(
        tmp_path, BOX, {**RING, "attributes": {"severity": "minor", "deep": 3, "odd": [1]}}, mask,
        {**BOX, "score": 0.5, "mine": {"x": 1}},
        info={"year": 2020}, licenses=[{"id": 1}],
    )  # fmt: skip
    assert found[0].shape == Box(x=1, y=2, width=30, height=20)
    assert found[1].shape == Polygon(parts=[Part(outer=[(1, 1), (20, 1), (20, 30.5)])])
    assert found[1].attributes == {"severity": "minor", "deep": 3.0}
    assert found[1].extra == {"coco_id": 2, "attributes": {"odd": [1]}}
    assert found[2].shape.type == "mask"
    assert found[2].crowd
    assert found[3].score == 0.5
    assert found[3].extra == {"mine": {"x": 1}, "coco_id": 4}
    assert {one.label for one in found} == {"dent"}
    assert {one.source for one in found} == {"import"}
    said = [what for what, _, _ in imported.loss.rows]
    assert said == ["the file's info: not kept", "licences: not kept", "ids of classes: numbered anew"]
    assert [one.name for one in imported.label_schema.classes] == list(SURFACE.class_names)
    assert {one.name: one.type for one in imported.label_schema.attributes}["deep"] == "number"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"image_id": 99, **BOX}, inc.UNKNOWN_IMAGE),
        ({"image_id": None, **BOX}, inc.UNKNOWN_IMAGE),
        ({"category_id": 99, **BOX}, inc.UNKNOWN_CLASS),
        ({"bbox": [1, 2, -30, 20]}, inc.NO_SIZE),
        ({"bbox": [1, 2, 0, 20]}, inc.NO_SIZE),
        ({"bbox": [NAN, 2, 3, 20]}, inc.NOT_NUMBERS),
        ({"bbox": [1, 2, INF, 20]}, inc.NOT_NUMBERS),
        ({"bbox": [1, "two", 3, 20]}, inc.NOT_NUMBERS),
        ({"bbox": [1, None, 3, 20]}, inc.NOT_NUMBERS),
        ({"bbox": [10**400, 2, 3, 20]}, inc.NOT_NUMBERS),
        ({"bbox": [1, 2, 3]}, "annotations without a shape"),
        ({"segmentation": []}, "annotations without a shape"),
        ({"segmentation": [[1, 1, 2, 2]]}, inc.NO_OUTLINE),
        ({"segmentation": [[1, 1, 2, 2, 3]]}, inc.NOT_NUMBERS),
        ({"segmentation": [[1, 1, 2, 2, 3, NAN]]}, inc.NOT_NUMBERS),
        ({"segmentation": [[1, [2], 2, 2, 3, 3]]}, inc.NOT_NUMBERS),
        ({"segmentation": {"size": [50, 100], "counts": "hello"}}, inc.BAD_MASK),
        ({"segmentation": {"size": [50, 100], "counts": [1, 2, 3]}}, inc.BAD_MASK),
        ({"segmentation": {"size": [50, 100], "counts": [-5, 5005]}}, inc.BAD_MASK),
        ({"segmentation": {"size": [10**9, 10**9], "counts": [10**18]}}, inc.BAD_MASK),
        ({"segmentation": {"size": [5, 10], "counts": [20, 30]}}, inc.BAD_MASK),
        ({"segmentation": {"counts": [20, 30]}}, inc.BAD_MASK),
        ({"segmentation": "none"}, "annotations without a shape"),
    ],
)
def test_an_annotation_that_cannot_be_is_left_out_and_said(bad, said, tmp_path):
    found, imported = one_image(tmp_path, BOX, bad, RING)
    assert len(found) == 2
    assert imported.loss.count(said) == 1


def test_coordinates_outside_the_image_are_kept_as_they_came(tmp_path):
    found, _ = one_image(tmp_path, {"bbox": [-10.5, -3, 500, 20]})
    assert found[0].shape == Box(x=-10.5, y=-3, width=500, height=20)


def test_ids_that_are_there_twice(tmp_path):
    image(tmp_path / "a.png")
    image(tmp_path / "b.png", (100, 60))
    body = coco(BOX, RING, images=[{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}])
    body["annotations"][1]["id"] = 1
    body["categories"].append({"id": 7, "name": "Scratch"})
    put(tmp_path / "x.json", body)
    items, found = everything(tmp_path)
    assert len({one.id for one in items["a.png"].annotations}) == 2
    assert {one.label for one in items["a.png"].annotations} == {"dent"}
    assert items["b.png"].annotations is None
    assert found.loss.count("images whose id is there twice") == 1
    assert found.loss.count("classes whose id is there twice") == 1


def test_equal_annotations_get_ids_of_their_own_and_the_same_ones_again(tmp_path):
    first, _ = one_image(tmp_path, BOX, BOX, RING)
    again, _ = one_image(tmp_path, BOX, BOX, RING)
    assert len({one.id for one in first}) == 3
    assert [one.id for one in first] == [one.id for one in again]


def test_numbers_and_texts_are_the_same_id(tmp_path):
    image(tmp_path / "a.png")
    body = coco(BOX, images=[{"id": "1", "file_name": "a.png"}])
    body["annotations"][0]["category_id"] = "7"
    put(tmp_path / "x.json", body)
    items, _ = everything(tmp_path)
    assert len(items["a.png"].annotations) == 1


def test_annotations_may_come_before_images_and_out_of_order(tmp_path):
    for name in ("a.png", "b.png"):
        image(tmp_path / name)
    body = coco(images=[{"id": 5, "file_name": "a.png"}, {"id": 3, "file_name": "b.png"}])
    body["annotations"] = [
        {"id": at, "image_id": (5, 3)[at % 2], "category_id": 7, "bbox": [at + 1, 1, 5, 5]} for at in range(6)
    ]
    put(tmp_path / "x.json", {name: body[name] for name in ("annotations", "images", "categories")})
    items, _ = everything(tmp_path)
    assert [one.shape.x for one in items["a.png"].annotations] == [1, 3, 5]
    assert [one.shape.x for one in items["b.png"].annotations] == [2, 4, 6]


def test_labels_of_images_that_are_not_here_are_said(tmp_path):
    put(tmp_path / "x.json", coco(BOX))
    items, found = everything(tmp_path)
    assert items["a.png"].file is None
    assert len(items["a.png"].annotations) == 1
    assert found.loss.count(inc.ABSENT) == 1
    items, found = everything(tmp_path, known={"sub/a.png": (100, 50)})
    assert list(items) == ["sub/a.png"]
    assert not found.loss.count(inc.ABSENT)


def test_labels_follow_an_image_that_was_scaled(tmp_path):
    image(tmp_path / "a.png", (200, 100))
    put(tmp_path / "x.json", coco(BOX))
    items, found = everything(tmp_path)
    assert items["a.png"].annotations[0].shape == Box(x=2, y=4, width=60, height=40)
    assert (items["a.png"].width, items["a.png"].height) == (200, 100)
    assert found.loss.count(inc.OTHER_SIZE) == 1


def test_the_parts_of_a_split_come_from_the_files_names(tmp_path):
    for part in ("train2017", "val2017", "test"):
        image(tmp_path / f"{part}/{part}.png")
        put(
            tmp_path / f"annotations/instances_{part}.json",
            coco(BOX, images=[{"id": 1, "file_name": f"{part}.png"}]),
        )
    items, _ = everything(tmp_path)
    assert {name: item.split for name, item in items.items()} == {
        "train2017/train2017.png": "train", "val2017/val2017.png": "val", "test.png": "test",
    }  # fmt: skip


def test_keypoints_are_taken_by_name_or_by_order(tmp_path):
    image(tmp_path / "a.png")
    names = ["TopLeft", "Top Right", "bottom-right", "bottom_left"]
    category = {"id": 1, "name": "card", "keypoints": names, "skeleton": [[1, 2]]}
    flat = {"category_id": 1, "keypoints": [1, 2, 2, 9, 2, 1, 0, 0, 0, 3, 4, 0], "bbox": [1, 1, 9, 9]}
    put(tmp_path / "x.json", coco(flat, categories=[category]))
    for renamed in (names, ["p1", "p2", "p3", "p4"]):
        category["keypoints"] = renamed
        put(tmp_path / "x.json", coco(flat, categories=[category]))
        items, _ = everything(tmp_path, schema=CORNERS)
        shape = items["a.png"].annotations[0].shape
        assert shape.points == [
            KeyPoint(name="top_left", x=1, y=2), KeyPoint(name="top_right", x=9, y=2, visible=1),
            KeyPoint(name="bottom_left", x=3, y=4, visible=0),
        ]  # fmt: skip
        assert shape.box == Box(x=1, y=1, width=9, height=9)


def test_without_a_schema_one_is_made(tmp_path):
    image(tmp_path / "a.png")
    names = [
        {"id": 1, "name": "Ecke: weiß"},
        {"id": 2, "name": "傷"},
        {"id": 3, "name": "ecke weiss"},
        {"id": 4, "name": "2nd"},
    ]
    body = coco(images=[{"id": 1, "file_name": "a.png"}], categories=names)
    body["annotations"] = [{"id": at, "image_id": 1, "category_id": at, **BOX} for at in (1, 2, 3, 4)]
    put(tmp_path / "x.json", body)
    _, found = everything(tmp_path)
    classes = found.label_schema.classes
    assert [one.title for one in classes] == ["Ecke: weiß", "傷", "2nd"]
    assert [one.name for one in classes] == ["ecke_wei", "class_2", "x2nd"]
    assert found.loss.count("classes that differ by case") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"images": [{"id": 1, "file_name": "a.png"}', "cut short"),
        ('{"images": [{"id": 1, "file_na', "cut short|no JSON"),
        ('{"images": [}', "no JSON"),
        ("[" * 100_000, "too deep|no JSON|cut short"),
        ('{"images": ' + "[" * 100_000, "too deep|no JSON|cut short"),
        ('{"images": [], "annotations": []} trailing', "no JSON"),
        ("not json", "no JSON"),
        ("", "cut short"),
    ],
)
def test_a_file_that_is_no_whole_json_is_said(text, said, tmp_path):
    path = put(tmp_path / "x.json", text)
    with pytest.raises(InputError, match=said):
        list(formats.read(path, "coco_json").items)


def test_a_file_that_is_not_utf8_is_said(tmp_path):
    (tmp_path / "x.json").write_bytes('{"images": [{"id": 1, "file_name": "é"}]}'.encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        formats.read(tmp_path / "x.json", "coco_json")


def test_paths_that_climb_find_nothing_outside(tmp_path):
    image(tmp_path / "secret.png")
    inner = tmp_path / "in"
    put(inner / "x.json", coco(BOX, images=[{"id": 1, "file_name": "../secret.png"}]))
    items, found = everything(inner)
    assert items["secret.png"].file is None
    assert found.loss.count(inc.ABSENT) == 1


def test_links_are_not_followed(tmp_path):
    image(tmp_path / "secret.png")
    inner = tmp_path / "in"
    put(inner / "x.json", coco(BOX))
    (inner / "a.png").symlink_to(tmp_path / "secret.png")
    items, _ = everything(inner)
    assert items["a.png"].file is None


def test_own_header_from_a_newer_or_damaged_export_is_said(tmp_path):
    put(tmp_path / "x.json", coco(BOX, info={"rcg": {"header": {"kind": 3}}}))
    with pytest.raises(InputError, match="header cannot be read"):
        list(formats.read(tmp_path).items)


def test_two_of_one_name_are_not_mixed_up(tmp_path):
    image(tmp_path / "images/train/a.png")
    image(tmp_path / "images/val/a.png", (80, 80))
    images = [
        {"id": 1, "file_name": "train/a.png"},
        {"id": 2, "file_name": "val/a.png"},
        {"id": 3, "file_name": "a.png"},
    ]
    put(tmp_path / "x.json", coco(BOX, images=images))
    items, found = everything(tmp_path)
    assert items["images/train/a.png"].width == 100
    assert items["images/val/a.png"].width == 80
    assert found.loss.count(inc.ABSENT) == 1


def test_what_cannot_be_written_again_is_made_fit(tmp_path):
    """NaN in further fields, and halves of characters anywhere, must not stop whoever stores them."""
    image(tmp_path / "a.png")
    body = json.dumps(
        coco(
            {**BOX, "mine": {"x": [NAN, INF]}, "attributes": {"depth_um": NAN, "note": "HALF"}},
            categories=[{"id": 7, "name": "HALF dent"}],
        )
    )
    put(tmp_path / "x.json", body.replace("HALF", "\\ud800"))
    items, found = everything(tmp_path)
    (one,) = items["a.png"].annotations
    assert one.extra["mine"] == {"x": [None, None]}
    assert one.attributes["note"] == "?"
    assert canonical(one)
    assert found.label_schema.model_dump_json()
    put(
        tmp_path / "x.json",
        [{"file": "a.png", "objects": [{"label": "\udc00x", **BOX, "attributes": {"n": NAN}}]}],
    )
    items, found = everything(tmp_path)
    assert canonical(items["a.png"].annotations[0])
    assert found.label_schema.classes[0].title == "?x"


def test_a_text_for_each_object_is_no_class(tmp_path):
    image(tmp_path / "a.png")
    objects = [{"label": f"note number {at}", **BOX} for at in range(1100)]
    put(tmp_path / "x.json", [{"file": "a.png", "objects": objects}])
    with pytest.raises(InputError, match="more than 1000 classes"):
        everything(tmp_path)


# --- YOLO ---------------------------------------------------------------------------------------


def yolo(folder, lines, yaml="names: [dent, 'worn edge']", name="a"):
    image(folder / f"images/train/{name}.png")
    put(folder / f"labels/train/{name}.txt", lines)
    if yaml:
        put(folder / "data.yaml", yaml)
    return everything(folder)


def test_yolo_lines_are_told_by_their_numbers(tmp_path):
    box, ring = "0 0.5 0.5 0.2 0.4", "1 0.1 0.1 0.5 0.1 0.5 0.9"
    lines = f"{box}\n{ring}\n{box} 0.75\n{ring} 0.25\n"
    items, found = yolo(tmp_path, lines)
    item = items["a.png"]
    assert item.split == "train"
    box, ring, scored, scored_ring = item.annotations
    assert (box.shape.x, box.shape.y, box.shape.width) == pytest.approx((40, 15, 20))
    assert ring.shape.parts[0].outer[2] == pytest.approx((50, 45))
    assert (ring.label, found.label_schema.classes[1].title) == ("worn_edge", "worn edge")
    assert (box.score, scored.score, scored_ring.score) == (None, 0.75, 0.25)
    assert len(scored_ring.shape.parts[0].outer) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 nan 0.2 0.4", inc.NOT_NUMBERS),
        ("0 0.5 1e999 0.2 0.4", inc.NOT_NUMBERS),
        ("0 0.5 0.5 -0.2 0.4", inc.NO_SIZE),
        ("0 0.5 0.5 0 0.4", inc.NO_SIZE),
        ("0 0.5 0.5", "lines that are no object"),
        ("-1 0.5 0.5 0.1 0.1", "lines that are no object"),
        ("dent 0.5 0.5 0.1 0.1", "lines that are no object"),
        ("99999999999 0.5 0.5 0.1 0.1", "lines that are no object"),
        ("0 a b c d", inc.NOT_NUMBERS),
    ],
)
def test_a_yolo_line_that_cannot_be_is_left_out_and_said(line, said, tmp_path):
    items, found = yolo(tmp_path, f"0 0.5 0.5 0.2 0.4\n{line}\n")
    assert len(items["a.png"].annotations) == 1
    assert found.loss.count(said) == 1


def test_yolo_empty_missing_and_absent(tmp_path):
    image(tmp_path / "images/val/none.png")
    put(tmp_path / "labels/train/gone.txt", "0 0.5 0.5 0.2 0.4")
    items, found = yolo(tmp_path, "", name="empty")
    assert items["empty.png"].annotations == []
    assert items["none.png"].annotations is None
    assert items["none.png"].split == "val"
    assert found.loss.count(inc.ABSENT) == 1
    assert found.loss.count("labels of images whose size") == 1
    assert found.loss.count("images without a label file") == 1


def test_yolo_labels_alone_are_read_by_the_sizes_of_the_datasets_items(tmp_path):
    put(tmp_path / "card 1.txt", "3 0.5 0.5 0.2 0.4")
    items, found = everything(
        tmp_path / "card 1.txt", known={"x/card 1.jpg": (1000, 500)}, name="yolo_txt", schema=SURFACE
    )
    (one,) = items["x/card 1.jpg"].annotations
    assert (one.shape.x, one.shape.width) == pytest.approx((400, 200))
    assert one.label == "class_3"
    assert found.loss.count("numbers without a class name") == 1
    assert found.label_schema.classes[-1].name == "class_3"


def test_yolo_pose(tmp_path):
    yaml = "kpt_shape: [2, 3]\nnames:\n  0: card\n"
    items, found = yolo(tmp_path, "0 0.5 0.5 0.2 0.4 0.1 0.2 2 0 0 0\n", yaml)
    shape = items["a.png"].annotations[0].shape
    assert isinstance(shape, Points)
    assert (shape.points[0].x, shape.points[0].y) == pytest.approx((10, 10))
    assert len(shape.points) == 1
    assert found.label_schema.task == "points"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: ['a, b', \"c\\u00e9\", d]", ["a, b", "cé", "d"]),
        ("names:\n- a\n- 'b b'\n- c # no\n", ["a", "b b", "c"]),
        ('# hi\nnc: 2\nnames:\n    0: a\n    1: "b: c"\ntrain: x\n', {"0": "a", "1": "b: c"}),
        ("names: [a,\n  b,\n  c]\n", ["a", "b", "c"]),
        ("names: {0: a, 1: b}", {"0": "a", "1": "b"}),
    ],
)
def test_plain_yaml(text, names):
    assert plain_yaml(text)["names"] == names


# --- VOC ----------------------------------------------------------------------------------------


def voc(folder, objects, head="<filename>a.png</filename><size><width>100</width><height>50</height></size>"):
    image(folder / "JPEGImages/a.png")
    put(folder / "Annotations/a.xml", f"<annotation>{head}{objects}</annotation>")
    return everything(folder)


def voc_box(*corners, name="dent", more=""):
    tags = "".join(
        f"<{tag}>{value}</{tag}>"
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    return f"<object><name>{name}</name>{more}<bndbox>{tags}</bndbox></object>"


def test_voc_boxes_outlines_flags_and_parts(tmp_path):
    put(tmp_path / "ImageSets/Main/val.txt", "a\n")
    polygon = "<polygon><x1>1</x1><y1>2</y1><x2>9</x2><y2>2</y2><x3>9</x3><y3>9.5</y3></polygon>"
    points = "<polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>2</y></pt><pt><x>9</x><y>9</y></pt></polygon>"
    items, _ = voc(
        tmp_path,
        voc_box(1, 2, 31.5, 22, more="<difficult>1</difficult><pose>Left</pose>")
        + voc_box(0, 0, 9, 9, more=polygon)
        + voc_box(0, 0, 9, 9, more=points),
    )
    item = items["a.png"]
    assert item.split == "val"
    assert item.annotations[0].shape == Box(x=1, y=2, width=30.5, height=20)
    assert item.annotations[0].extra == {"difficult": True, "pose": "Left"}
    assert item.annotations[1].shape.parts[0].outer[2] == (9, 9.5)
    assert item.annotations[2].shape.parts[0].outer[2] == (9, 9)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (voc_box(9, 9, 1, 1), inc.NO_SIZE),
        (voc_box("nan", 9, 10, 11), inc.NOT_NUMBERS),
        (voc_box("", 9, 10, 11), inc.NOT_NUMBERS),
        (voc_box(1, 2, 3, 4, name=""), "objects without a name"),
        ("<object><name>dent</name></object>", "objects without a box"),
    ],
)
def test_a_voc_object_that_cannot_be_is_left_out_and_said(bad, said, tmp_path):
    items, found = voc(tmp_path, voc_box(1, 2, 3, 4) + bad)
    assert len(items["a.png"].annotations) == 1
    assert found.loss.count(said) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><annotation>&b;</annotation>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><annotation/>',
        "<annotation><object>",
        "<annotation>" + "<a>" * 100 + "</a>" * 100 + "</annotation>",
        "<other/>",
        "",
        "\x00\x01",
    ],
)
def test_xml_that_means_harm_or_is_none_is_said(text, tmp_path):
    image(tmp_path / "a.png")
    put(tmp_path / "good.xml", "<annotation><filename>a.png</filename></annotation>")
    put(tmp_path / "bad.xml", text)
    items, found = everything(tmp_path, name="pascal_voc")
    assert items["a.png"].annotations == []
    assert found.loss.count("label files that cannot be read") == 1


# --- other JSON ---------------------------------------------------------------------------------


def test_labelme_files(tmp_path):
    image(tmp_path / "a.png")
    shapes = [
        {
            "label": "Dent",
            "points": [[1, 1], [9, 1], [9, 9]],
            "shape_type": "polygon",
            "flags": {"old": True},
        },
        {"label": "stain", "points": [[9, 9], [1, 2]], "shape_type": "rectangle"},
        {"label": "stain", "points": [[20, 20], [25, 20]], "shape_type": "circle"},
        {"label": "scratch", "points": [[1, 1], [5, 5]], "shape_type": "line"},
    ]
    put(
        tmp_path / "a.json",
        {
            "version": "5",
            "shapes": shapes,
            "imagePath": "a.png",
            "imageWidth": 100,
            "imageHeight": 50,
            "imageData": None,
        },
    )
    assert formats.detect(tmp_path) == "custom_json"
    items, found = everything(tmp_path, schema=SURFACE)
    polygon, box, circle = items["a.png"].annotations
    assert (polygon.label, polygon.attributes) == ("dent", {"old": True})
    assert box.shape == Box(x=1, y=2, width=8, height=7)
    assert len(circle.shape.parts[0].outer) == 32
    assert found.loss.count("objects without a shape that RCG knows") == 1


def test_labelme_points_become_one_object(tmp_path):
    image(tmp_path / "a.png")
    names = [one.title for one in CORNERS.points]
    shapes = [{"label": name, "points": [[at, 2]], "shape_type": "point"} for at, name in enumerate(names)]
    put(tmp_path / "a.json", {"shapes": shapes, "imagePath": "a.png"})
    items, _ = everything(tmp_path, schema=CORNERS)
    (one,) = items["a.png"].annotations
    assert one.label == "card"
    assert [(point.name, point.x) for point in one.shape.points] == list(
        zip(CORNERS.point_names, range(4), strict=True)
    )


@pytest.mark.parametrize(
    ("found", "shape"),
    [
        ({"bbox": [1, 2, 3, 4]}, Box(x=1, y=2, width=3, height=4)),
        ({"box": {"xmin": 1, "ymin": 2, "xmax": 4, "ymax": 6}}, Box(x=1, y=2, width=3, height=4)),
        ({"bounding_box": {"x": 1, "y": 2, "w": 3, "h": 4}}, Box(x=1, y=2, width=3, height=4)),
        ({"polygon": [[1, 2], [3, 4], [5, 0]]}, TRIANGLE),
        ({"points": [{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 0}]}, TRIANGLE),
        ({"segmentation": [[1, 2, 3, 4, 5, 0]]}, TRIANGLE),
        ({"segmentation": [1, 2, 3, 4, 5, 0]}, TRIANGLE),
        (
            {"corners": dict(zip(CORNERS.point_names, ([1, 1], [9, 1], [9, 9], [1, 9]), strict=True))},
            Quad(corners=((1, 1), (9, 1), (9, 9), (1, 9))),
        ),
    ],
)  # fmt: skip
def test_lists_of_images_under_common_names(found, shape, tmp_path):
    image(tmp_path / "img/a.png")
    body = [{"filename": "a.png", "objects": [{"class": "dent", **found, "confidence": 0.5}], "split": "val"}]
    for text in (body, {"version": 1, "images": body}):
        put(tmp_path / "labels.json", text)
        items, _ = everything(tmp_path)
        (one,) = items["a.png"].annotations
        assert one.shape == shape
        assert one.score == 0.5
        assert items["a.png"].split == "val"


@pytest.mark.parametrize(
    "objects",
    [
        [{"label": "dent"}], [{"bbox": [1, 2, 3, 4]}], [{"label": "dent", "bbox": [1, NAN, 2, 3]}],
        [{"label": "x", "corners": [1]}], [{"label": "x", "polygon": [[1], [2], [3]]}], ["no"], {"dent": 5},
    ],
)  # fmt: skip
def test_objects_that_cannot_be_are_left_out(objects, tmp_path):
    image(tmp_path / "a.png")
    put(tmp_path / "labels.json", [{"file": "a.png", "objects": objects}])
    items, _ = everything(tmp_path)
    assert items["a.png"].annotations == []


def test_own_json_with_a_damaged_item_keeps_the_others(tmp_path):
    header = {
        "dataset": "d",
        "kind": "surface_damage",
        "number": 1,
        "label_schema": SURFACE.model_dump(mode="json"),
        "items": 2,
    }
    good = {
        "id": "0" * 32,
        "name": "a",
        "width": 9,
        "height": 9,
        "card": "c",
        "split": "train",
        "layers": [],
        "annotations": [{"label": "dent"}],
        "file": "images/a.png",
    }
    put(
        tmp_path / "dataset.json",
        {
            "rcg": "dataset",
            "format": 1,
            "header": header,
            "items": [{"id": 5}, good, 7, {**good, "name": "b", "file": "../../etc/passwd"}],
        },
    )
    items, found = everything(tmp_path)
    assert list(items) == ["a", "b"]
    assert items["b"].file is None
    assert found.loss.count("items that cannot be read") == 2
    assert found.loss.count(inc.UNREADABLE) == 2


# --- any ----------------------------------------------------------------------------------------


def test_images_alone(tmp_path):
    image(tmp_path / "set/train/a.png")
    image(tmp_path / "set/val/ünï.png")
    assert formats.detect(tmp_path) == "images"
    items, found = everything(tmp_path)
    assert {name: (item.width, item.annotations) for name, item in items.items()} == {
        "a.png": (100, None),
        "ünï.png": (100, None),
    }
    assert found.format == "images"


def test_nothing_is_said(tmp_path):
    put(tmp_path / "readme.md", "hello")
    with pytest.raises(InputError, match="nothing to import"):
        formats.detect(tmp_path)
    with pytest.raises(InputError, match="nothing at"):
        formats.detect(tmp_path / "missing")
    with pytest.raises(InputError, match="no format 'voc'"):
        formats.read(tmp_path, "voc")
    for name in formats.FORMATS:
        with pytest.raises(InputError):
            formats.read(tmp_path, name)


def test_a_picture_turned_by_exif_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50)).save(tmp_path / "a.jpg", exif=exif)
    items, _ = everything(tmp_path)
    assert (items["a.jpg"].width, items["a.jpg"].height) == (50, 100)


def test_a_file_that_only_calls_itself_an_image(tmp_path):
    put(tmp_path / "images/a.png", "hello")
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 10**9, 10**9, 8, 2, 0, 0, 0)
    (tmp_path / "images/b.png").write_bytes(header + struct.pack(">I", zlib.crc32(header[12:])))
    items, _ = everything(tmp_path)
    assert items["a.png"].width is None
    assert items["b.png"].width == 10**9  # the header says so; whoever decodes it refuses it


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("images/train/1.png", "train"), ("valid/1.png", "val"), ("instances_val2017.json", "val"),
        ("a/test/b.txt", "test"),
        ("trainings/1.png", None), ("my_test_card.png", None), ("images/1.png", None), ("train.txt", "train"),
    ],
)  # fmt: skip
def test_split_of(path, part):
    assert split_of(path) == part


def test_names_are_found_by_what_they_are_called():
    names = Names()
    for path in ("images/train/a.jpg", "images/val/a.jpg", "b.jpg", "b.png", "Cafe\u0301.png", "x.y.z.png"):
        names.add(path)
    assert names.find("train/a.png") == "images/train/a.jpg"
    assert names.find("a.jpg") is None
    assert names.find("b.png") == "b.png"
    assert names.find("C:\\pics\\Café.png") == "Cafe\u0301.png"
    assert names.find("x.y.z.txt") == "x.y.z.png"
    assert names.find("nothing") is None
    assert normal("/../a/./b") == "a/b"


@given(st.text(max_size=60))
def test_an_identifier_is_one_or_nothing(name):
    found = identifier(name)
    assert re.fullmatch(r"([a-z][a-z0-9_]*)?", found)
    book = ClassBook()
    label = book.label(name or "x")
    assert book.label(name or "x") == label
    assert book.schema().class_names == (label,)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(st.text(max_size=6), json_values, max_size=5),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_json_is_read_value_by_value_as_at_once(body, ascii_only, indent, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(body, ensure_ascii=ascii_only, indent=indent), "utf-8")
    again = {}
    with Slices(path) as slices:
        for found in values(path):
            assert slices.read(found.start, found.end - found.start) == found.value
            if found.index is None:
                again[found.key] = found.value
            else:
                assert len(again.setdefault(found.key, [])) == found.index
                again[found.key].append(found.value)
    assert again == {key: value for key, value in body.items() if value != []}


def test_json_larger_than_the_window(tmp_path, monkeypatch):
    monkeypatch.setattr("rcg.datasets.formats.json_stream._WINDOW", 7)
    body = {"numbers": list(range(300)), "text": "ä" * 200, "last": 12345678901234567890}
    path = put(tmp_path / "x.json", json.dumps(body, ensure_ascii=False))
    found = list(values(path))
    assert [one.value for one in found] == [*range(300), "ä" * 200, 12345678901234567890]
    with Slices(path) as slices:
        assert [slices.read(one.start, one.end - one.start) for one in found] == [one.value for one in found]

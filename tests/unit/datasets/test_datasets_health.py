"""Health, readiness, differences: each fault put in must come out; a sound dataset must come out clean."""

import io

import numpy as np
import pytest

from rcg.datasets import rle
from rcg.datasets.diff import difference
from rcg.datasets.health import check
from rcg.datasets.kinds import shipped
from rcg.datasets.manifest import Header, ItemRecord, LayerRef, Manifest, write
from rcg.datasets.readiness import assess
from rcg.datasets.schema import Annotation, Box, KeyPoint, Mask, Part, Points, Polygon

KIND = shipped()["photometric_fusion"]
PHOTO = shipped()["surface_damage"]
CORNERS = shipped()["corner_detection"]
SIZE = 300


def layer(at, name="colour"):
    return LayerRef(
        name=name,
        role=name.split(":")[0].replace("light", "light"),
        sha256=f"{hash((at, name)) % 2**60:015x}".ljust(64, "0"),
        media_type="image/png",
    )


def item(
    at,
    found=(),
    *,
    layers=("colour", "normal"),
    split="train",
    card=None,
    labelled=True,
    size=(SIZE, SIZE),
    picture=None,
    **facts,
):
    return ItemRecord(
        id=f"{at:032x}", name=f"{at}.png", width=size[0], height=size[1], card=card or f"card {at}",
        split=split, labelled=labelled, annotations=list(found), **facts,
        layers=[layer(at if picture is None else picture, name) for name in layers],
    )  # fmt: skip


def box(x=20.0, y=20.0, side=30.0, label="dent", **facts):
    return Annotation(label=label, shape=Box(x=x, y=y, width=side, height=side), **facts)


def drawn(*ring, label="dent"):
    return Annotation(label=label, shape=Polygon(parts=[Part(outer=list(ring))]))


def points(names=CORNERS.label_schema.point_names):
    return Annotation(label="card", shape=Points(points=[KeyPoint(name=name, x=9, y=9) for name in names]))


def sound():
    return [item(at, [box(x=20 + at)], split="val" if at % 5 == 0 else "train") for at in range(1, 31)]


def codes(items, kind=KIND, **options):
    return {problem.code for problem in check(items, kind.label_schema, kind, **options).problems}


NOTES = {"unused_class"}


def test_a_sound_dataset_has_no_problem():
    assert codes(sound()) == NOTES


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        ("unlabelled", item(99, labelled=False)),
        ("predictions", item(99, [box(), box(x=50, state="predicted", score=0.5)])),
        ("missing_layers", item(99, [box()], layers=("colour",))),
        ("uneven_layers", item(99, [box()], layers=("colour", "normal", "height"))),
        ("unknown_class", item(99, [box(label="moon")])),
        ("other_task", item(99, [Annotation(label="dent", shape=points().shape)])),
        ("outside", item(99, [box(x=500)])),
        ("beyond", item(99, [box(x=-5)])),
        ("degenerate", item(99, [drawn((1, 1), (5, 5), (9, 9))])),
        ("degenerate", item(99, [Annotation(label="dent", shape=rle.encode(np.zeros((SIZE, SIZE), bool)))])),
        ("crossing", item(99, [drawn((10, 10), (80, 90), (80, 10), (10, 80))])),
        ("broken_mask", item(99, [Annotation(label="dent", shape=rle.encode(np.ones((9, 9), bool)))])),
        ("broken_mask", item(99, [Annotation(label="dent", shape=Mask(size=(SIZE, SIZE), counts="ab"))])),
        ("tiny", item(99, [box(side=1.5)])),
        ("huge", item(99, [box(x=0, y=0, side=299.0)])),
        ("repeated", item(99, [box(), box()])),
        ("attribute", item(99, [box(attributes={"severity": "awful"})])),
        ("small", item(99, [box(side=9)], size=(100, 900))),
        ("no_lights", item(99, [box()], layers=("colour", "normal", "light:1"))),
        ("same_picture", item(99, [box()], picture=1, split="val")),
        ("leak", item(99, [box()], card="card 1", split="val")),
        ("leak", item(99, [box()], picture=2, split="val")),
    ],
)
def test_a_fault_is_found_and_names_its_item(code, bad):
    if code == "same_picture":
        bad = bad.model_copy(update={"split": "train", "layers": sound()[0].layers})
    report = check([*sound(), bad], KIND.label_schema, KIND)
    found = {problem.code: problem for problem in report.problems}
    assert code in found, set(found)
    if code != "uneven_layers":
        assert bad.id in found[code].item_ids
    assert found[code].hint
    assert set(found) <= NOTES | {code, "no_lights" if code == "uneven_layers" else code, "uneven_layers"}


@pytest.mark.parametrize(
    ("code", "items"),
    [
        ("empty", []),
        ("nothing_labelled", [item(1, labelled=False)]),
        ("no_annotations", [item(1), item(2)]),
        ("nothing_held_out", [item(1, [box()])]),
        ("rare_class", [item(1, [box()])]),
        (
            "uneven_classes",
            [item(at, [box(), box(x=60)]) for at in range(200)] + [item(900, [box(label="stain")] * 12)],
        ),
    ],
)
def test_the_whole_is_judged(code, items):
    assert code in codes(items)


def test_points_are_judged_by_their_names():
    names = CORNERS.label_schema.point_names
    good = [
        item(at, [points()], layers=("colour",), split="val" if at % 5 == 0 else "train")
        for at in range(1, 31)
    ]
    assert codes(good, CORNERS) == set()
    bad = [
        ("missing_points", [points(names[:3])]),
        ("strange_points", [points([*names, "middle"])]),
        ("several", [points(), points()]),
        ("other_task", [box(label="card")]),
    ]
    for code, found in bad:
        assert code in codes([*good, item(99, found, layers=("colour",))], CORNERS)


def test_parts_mean_nothing_before_there_is_a_version():
    items = [item(1, [box()], split="train"), item(2, [box()], card="card 1", split="val", picture=1)]
    assert "leak" in codes(items)
    assert "leak" not in codes(items, split=False)


def test_statistics_are_counted():
    items = [
        item(1, [box(side=10), box(x=70, side=20, label="stain")], split="val", card="a"),
        item(2, [], card="b"),
        item(3, [box(state="predicted", score=0.3)], labelled=False, card="b"),
    ]
    seen = check(items, KIND.label_schema, KIND).statistics
    assert (seen.items, seen.labelled, seen.cards, seen.annotations, seen.predictions, seen.without) == (
        3,
        2,
        2,
        2,
        1,
        1,
    )
    body = seen.as_json()
    assert body["classes"]["dent"] == {
        "annotations": 1,
        "items": 1,
        "splits": {"val": 1},
        "side_px": {"p25": 10, "p50": 10, "p75": 10},
    }
    assert body["classes"]["bump"]["annotations"] == 0
    assert body["sizes"] == [{"width": SIZE, "height": SIZE, "items": 3}]
    assert body["layers"] == {"colour": 3, "normal": 3}


def test_only_two_hundred_items_are_named_but_all_are_counted():
    report = check([item(at, [box(x=-9)]) for at in range(500)], KIND.label_schema, KIND)
    problem = next(one for one in report.problems if one.code == "beyond")
    assert problem.count == 500
    assert len(problem.item_ids) == 200


def readiness(items, kind=KIND):
    return assess(check(items, kind.label_schema, kind), kind)


@pytest.mark.parametrize(
    ("count", "tier"), [(1, "insufficient"), (10, "experimental"), (100, "development"), (600, "production")]
)
def test_the_tier_follows_from_what_could_be_known(count, tier):
    items = [item(at, [box()], split="val" if at % 5 == 0 else "train") for at in range(1, count + 1)]
    found = readiness(items)
    assert found.tier == tier
    if tier == "development":
        assert found.figures["held_out_of_rarest_class"] == 20
        assert found.figures["accuracy_known_to"] == pytest.approx(20**-0.5)
        assert any("± 22 points" in reason for reason in found.reasons)
        assert any("400 more dent" in said for said in found.recommendations)


def test_errors_and_missing_relief_are_said_by_architecture():
    flat = [
        item(at, [box()], layers=("colour",), split="val" if at % 5 == 0 else "train") for at in range(1, 101)
    ]
    found = readiness(flat)
    assert found.tier == "insufficient"
    by_name = {one.architecture: one for one in found.architectures}
    assert not by_name["photometric_fusion"].fits
    assert "relief" in by_name["photometric_fusion"].reason
    assert by_name["mask_rcnn_primary"].fits
    assert readiness(flat, PHOTO).tier == "development"
    assert readiness([], PHOTO).architectures[0].fits is False


def manifest(path, items, schema=PHOTO.label_schema):
    header = Header(dataset="d", kind="surface_damage", number=1, label_schema=schema, items=len(items))
    out = io.BytesIO()
    write(header, items, out)
    path.write_bytes(out.getvalue())
    return Manifest(path)


def test_a_version_differs_from_itself_in_nothing(tmp_path):
    one = manifest(tmp_path / "a", sound())
    assert difference(one, one).equal


def test_every_change_is_found(tmp_path):
    items = [item(at, [box(id=f"{at:032x}"), box(x=70, id=f"{at + 100:032x}")]) for at in range(1, 6)]
    after = list(items)
    after[1] = items[1].model_copy(
        update={"annotations": [box(x=1, id=f"{2:032x}"), box(label="stain", id=f"{900:032x}")]}
    )
    after[2] = items[2].model_copy(update={"split": "test"})
    after[3] = items[3].model_copy(update={"width": 301})
    del after[0]
    after.append(item(9, [box()]))
    schema = PHOTO.label_schema.model_copy(update={"classes": PHOTO.label_schema.classes[1:]})
    found = difference(manifest(tmp_path / "a", items), manifest(tmp_path / "b", after, schema)).as_json()
    assert [found[name]["count"] for name in ("added", "removed", "relabelled", "moved", "refilled")] == [
        1
    ] * 5
    assert found["added"]["items"] == [{"id": f"{9:032x}", "name": "9.png"}]
    assert found["relabelled"]["items"][0]["what"] == "1 added, 1 removed, 1 changed"
    assert found["moved"]["items"][0]["what"] == "train to test"
    assert found["refilled"]["items"][0]["what"] == "width"
    assert found["annotations"] == {"added": 2, "removed": 3, "changed": 1}
    assert found["classes"] == {"dent": -2, "stain": 1}
    assert found["schema"] == ["class dent is gone"]
    assert found["equal"] is False
